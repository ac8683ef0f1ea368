"""Entries and the lines in them: one encoding, the same bytes for the same messages, for good."""

import gzip
import io
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatledger.ledger.entries import MAX_PAYLOAD_BYTES, compress, pieces, quarter_hour
from chatledger.messages import (
    Message,
    decode_line,
    encode_line,
    identity,
    made_id,
    revision,
)
from tests.fakes.chats import NOON, message, noise

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MESSAGES = st.builds(
    Message,
    id=TEXT,
    conversation_id=TEXT,
    timestamp=st.datetimes(timezones=st.just(NOON.tzinfo)),
    role=st.sampled_from(["user", "assistant", "system", "tool"]),
    content=TEXT,
    user_id=st.none() | TEXT,
    ai_service=st.none() | TEXT,
    model=st.none() | TEXT | st.dictionaries(TEXT, VALUES, max_size=2),
    reply_to=st.none() | TEXT,
    message_tokens=st.none() | st.integers(0, 2**53),
    answer_tokens=st.none() | st.integers(0, 2**53),
    provider_response_latency=st.none() | st.integers(0, 9) | st.floats(0, 1e12),
    feedback=VALUES,
    contexts=st.none() | st.lists(VALUES, max_size=3),
    metadata=st.none() | st.dictionaries(TEXT, VALUES, max_size=3),
)


def test_a_line_is_written_so_for_good() -> None:
    """Digests of what is held are compared with digests of what comes: these bytes never change."""
    held = Message(
        id="m1",
        conversation_id="c1",
        timestamp=NOON + timedelta(microseconds=500),
        role="assistant",
        content='ünï "q" \u2028\n\x00\U0001f600',
        user_id="u1",
        model={"name": "x", "id": "y"},
        provider_response_latency=1.0,
        metadata={"b": [1, {"z": None, "a": True}], "a": 0.1},
    )
    line = (
        '{"id":"m1","conversation_id":"c1","timestamp":"2026-11-21T12:00:00.000500Z",'
        '"role":"assistant","content":"ünï \\"q\\" \u2028\\n\\u0000\U0001f600","user_id":"u1",'
        '"model":{"id":"y","name":"x"},"provider_response_latency":1.0,'
        '"metadata":{"a":0.1,"b":[1,{"a":true,"z":null}]}}\n'
    ).encode()
    assert encode_line(held) == line
    assert identity(held).hex() == "cece430020abbb400f1dc428bf2a4ba4"
    assert revision(line).hex() == "c3fdd303a16800d2e8717a7bcc0ede0f"
    assert made_id(NOON, "user", "ann", "hello", 1) == "msg_5f4015ea48e7e15e700b2da0159d0733"


@given(MESSAGES)
def test_a_message_comes_back_as_it_was(sent: Message) -> None:
    line = encode_line(sent)
    assert line.count(b"\n") == 1
    assert decode_line(line) == sent
    assert encode_line(decode_line(line)) == line


@given(MESSAGES)
def test_the_order_of_an_objects_keys_makes_no_revision(sent: Message) -> None:
    turned = msgspec.structs.replace(
        sent, metadata=sent.metadata and dict(reversed(sent.metadata.items()))
    )
    assert encode_line(turned) == encode_line(sent)


def test_what_was_not_given_is_not_written() -> None:
    keys = msgspec.json.decode(encode_line(message(0))).keys()
    assert list(keys) == ["id", "conversation_id", "timestamp", "role", "content"]


def test_a_made_id_tells_equals_apart_by_their_occurrence() -> None:
    first = made_id(NOON, "user", "ann", "ok", 1)
    assert first == made_id(NOON, "user", "ann", "ok", 1)
    others = [
        made_id(NOON, "user", "bob", "ok", 1),
        made_id(NOON, "user", None, "ok", 1),
        made_id(NOON, "user", "ann", "ok", 2),
        made_id(NOON, "tool", "ann", "ok", 1),
        made_id(NOON, "user", "ann", "ok1", 1),
        made_id(NOON + timedelta(microseconds=1), "user", "ann", "ok", 1),
    ]
    assert len({first, *others}) == 7


def test_an_identity_is_the_id_and_the_time_and_nothing_between() -> None:
    one = message(0, NOON, id="a\x00b")
    assert identity(one) != identity(message(0, NOON, id="a"))
    assert identity(one) == identity(message(0, NOON, id="a\x00b", content="other"))


def test_the_same_lines_compress_to_the_same_bytes() -> None:
    lines = b"".join(map(encode_line, map(message, range(20))))
    assert compress(lines) == compress(lines)
    assert compress(lines)[4:8] == b"\0\0\0\0"  # No time in it.
    assert gzip.decompress(compress(lines)) == lines


@given(st.lists(MESSAGES, min_size=1, max_size=5))
def test_payloads_one_after_the_other_are_one_file(sent: list[Message]) -> None:
    lines = [encode_line(each) for each in sent]
    with gzip.open(io.BytesIO(b"".join(map(compress, lines)))) as file:
        assert [decode_line(line) for line in file.read().splitlines(keepends=True)] == sent


@pytest.mark.parametrize("count", [1, 2, 3, 8, 40])
def test_pieces_fit_and_keep_the_order(count: int) -> None:
    sent = [message(number, NOON, content=noise(40_000, number)) for number in range(count)]
    found = pieces(quarter_hour(sent[0]), sent)
    assert [each for piece in found for each in piece.messages] == sent
    assert [piece.number for piece in found] == list(range(1, len(found) + 1))
    for piece in found:
        assert len(piece.payload) <= MAX_PAYLOAD_BYTES
        assert gzip.decompress(piece.payload) == piece.lines
        assert piece.lines == b"".join(map(encode_line, piece.messages))


def test_a_line_separator_in_a_text_is_no_end_of_a_line() -> None:
    odd = message(0, content="a\u2028b\u2029c\x85d\x0be\x1cf\rg")
    (piece,) = pieces(quarter_hour(odd), [odd, message(1)])
    assert len(piece.lines.splitlines()) == 2
