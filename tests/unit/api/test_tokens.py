import string
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatledger.api import tokens
from chatledger.errors import InvalidCursor

PLACE = {"time": 1_790_000_000_000_000, "id": "a/b#😀"}


@pytest.fixture(autouse=True)
def _signing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "settings", lambda: type("S", (), {"signing_secret": "name"}))
    monkeypatch.setattr(tokens, "secret", lambda name: b"k" * 64)


def test_a_token_comes_back_as_it_was():
    token = tokens.seal("chats", "org", PLACE)
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")
    assert tokens.unseal("chats", "org", token) == PLACE


@pytest.mark.parametrize(("purpose", "organization"), [("users", "org"), ("chats", "other")])
def test_a_token_holds_for_one_purpose_in_one_organization(purpose: str, organization: str):
    token = tokens.seal("chats", "org", PLACE)
    with pytest.raises(InvalidCursor):
        tokens.unseal(purpose, organization, token)


def test_purpose_and_organization_cannot_run_into_each_other():
    token = tokens.seal('a","b', "c", PLACE)
    with pytest.raises(InvalidCursor):
        tokens.unseal("a", 'b","c', token)


def test_any_flipped_bit_is_seen():
    token = tokens.seal("chats", "org", PLACE)
    data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for place in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(InvalidCursor):
            tokens.unseal("chats", "org", urlsafe_b64encode(flipped).rstrip(b"=").decode())


def test_any_changed_character_is_seen():
    """Of the last one too, where base64 has bits to spare."""
    for payload in (PLACE, {"a": 1}, {"a": 12}, {"a": 123}):
        token = tokens.seal("chats", "org", payload)
        for place, character in enumerate(token):
            for other in "AZaz09-_":
                if other != character:
                    changed = token[:place] + other + token[place + 1 :]
                    with pytest.raises(InvalidCursor):
                        tokens.unseal("chats", "org", changed)


@given(st.text(max_size=200))
def test_no_text_is_a_token(text: str):
    with pytest.raises(InvalidCursor):
        tokens.unseal("chats", "org", text)


def test_spellings_of_a_token_are_refused():
    token = tokens.seal("chats", "org", PLACE)
    for spelling in (token + "=", token + "\n", " " + token, token + "A", token[:-1], token * 2):
        with pytest.raises(InvalidCursor):
            tokens.unseal("chats", "org", spelling)


def test_another_key_does_not_open_it(monkeypatch: pytest.MonkeyPatch):
    token = tokens.seal("chats", "org", PLACE)
    monkeypatch.setattr(tokens, "secret", lambda name: b"other")
    with pytest.raises(InvalidCursor):
        tokens.unseal("chats", "org", token)
