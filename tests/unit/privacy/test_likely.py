"""The quick way finds what the plain one does: every kind looked for in every text, with patterns
that check first what stands before."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatledger.privacy import redaction
from chatledger.privacy.checks import is_ip_address, is_phone
from chatledger.privacy.redaction import FINDERS, redact
from tests.privacy.labelled import negatives, positives

Spans = list[tuple[int, int]]

LOCAL = r"[\w\u0300-\u036f.%+\-]{1,64}"
PLAIN: dict[str, tuple[str, Callable[[re.Match[str]], object]]] = {
    "CREDENTIALS": (r"(?<=://)[^\s/@:]{0,128}:[^\s/@]{1,256}(?=@)", bool),
    "EMAIL": (
        rf"(?:{LOCAL}['\u2019])?{LOCAL}@(?:[\w\u0300-\u036f\-]{{1,63}}\.){{1,8}}"
        r"[^\W\d_]{2,24}(?!\w)",
        bool,
    ),
    "IPV4": (
        r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)",
        lambda found: is_ip_address(found[0]),
    ),
    "IPV6": (
        r"(?<![\w:.])[0-9A-Fa-f:]{3,39}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])",
        lambda found: is_ip_address(found[0]),
    ),
    "PHONE": (
        r"(?<![\w.+/\-])\+?\(?\d[\d ().\-/\u00a0]{5,22}\d(?!\w)",
        lambda found: is_phone(found[0], found.string[max(0, found.start() - 32) : found.start()]),
    ),
}
# Pieces of what is looked for, and of what stands around it; joined at random, they make both.
PIECES = (
    *("a@b.cd", "@", "://", "x:y@", "o'n", "jo\u0308", ".example", "a", "Z", "é", "ß", "王", "_"),
    *("sk-", "xoxb-", "ghp_", "AKIA", "eyJhbGciOiJ", ".eyJhbGciOiJ", ".abcdefghi", "abcdefghijklm"),
    *("ABCDEFGHIJKLMNOP", "-----BEGIN PRIVATE KEY-----", "[EMAIL]", "GB82WEST12345698765432"),
    *("DE89", "3704", "0044", "0532013000", "4111111111111111", "4111 1111 1111 1111", "340000"),
    *("1.2.3.4", "12:30:45", "::1", "fe80::", "2001:db8::1", ":ffff", "1:2:3:4:5:6:7:8", ":", "."),
    *("+49", "(0", "171)", "2345678", "tel ", "555-0143", "٠٥٠", "١٢٣٤٥٦٧", "00", "7", "0", "4"),  # noqa: RUF001
    *(
        "password",
        "Token",
        "api_key",
        "?sig",
        "Bearer ",
        "密码",
        "=",
        ": ",
        "hunter2",
        '"',
        "[SECRET]",
    ),
    *("-", "/", " ", "\n", "\u00a0", "(", ")", "'"),
)
often = settings(max_examples=300, deadline=None)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=10).map("".join)


def in_full(text: str) -> tuple[str, Counter[str]]:
    """Every finder asked, whatever the text's signs are."""
    counts = Counter[str]()
    for finder in FINDERS:
        text = finder.redact(text, counts)
    return text, counts


def likely_only(text: str) -> tuple[str, Counter[str]]:
    counts = Counter[str]()
    return redact(text, counts), counts


@often
@given(TEXTS)
def test_nothing_is_found_where_nobody_looks(text: str):
    assert likely_only(text) == in_full(text)


def test_nothing_of_any_two_pieces_is_found_where_nobody_looks():
    for text in map("".join, product(PIECES, PIECES)):
        assert likely_only(text) == in_full(text)


def test_nothing_of_the_labelled_set_is_found_where_nobody_looks():
    for text in [each for _, _, each in positives()] + negatives():
        assert likely_only(text) == in_full(text)


@pytest.mark.parametrize("name", PLAIN)
@often
@given(text=TEXTS)
def test_a_pattern_finds_what_its_plain_form_does(name: str, text: str):
    pattern, holds = PLAIN[name]
    plain = [found.span() for found in re.finditer(pattern, text) if holds(found)]
    assert list(getattr(redaction, name).find(text)) == plain


@often
@given(TEXTS)
def test_secrets_are_found_at_their_signs_only(text: str):
    pattern = redaction._SECRET  # pyright: ignore[reportPrivateUsage]
    assert list(redaction.SECRET.find(text)) == [each.span() for each in pattern.finditer(text)]


def test_a_text_of_one_piece_again_and_again_is_looked_at_in_full():
    for piece in (
        "1 ",
        "@",
        "a.",
        "a@",
        ":",
        "1:",
        "sk-",
        "4444 ",
        "(",
        "://a:",
        "+1",
        "AA11",
        "pwd:",
        "token=",
        "Bearer ",
    ):
        text = piece * 2_000
        assert likely_only(text) == in_full(text)
