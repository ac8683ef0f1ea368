"""Free text, with a label in place of each thing that is personal by its shape.

A kind is only looked for where its sign is: most texts hold no ``@``, no long run of digits and no
beginning of a key, and are read by a few searches for single characters. What is looked for begins
with its rarest character, and no pattern takes more than a bounded number of steps from any one
place, so that a text is read in time that grows with its length alone.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chatledger.privacy.checks import card_spans, iban_length, is_ip_address, is_phone
from chatledger.privacy.named import may_name_a_secret, named_secrets

Hit = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Finder:
    """``find``: hits in order, none over another."""

    kind: str
    find: Callable[[str], Iterator[Hit]]

    def redact(self, text: str, counts: Counter[str]) -> str:
        pieces: list[str] = []
        end = 0
        for start, stop in self.find(text):
            pieces += (text[end:start], f"[{self.kind.upper()}]")
            counts[self.kind] += 1
            end = stop
        return "".join((*pieces, text[end:])) if pieces else text


def redact(text: str, counts: Counter[str]) -> str:
    """The text with labels such as [EMAIL]; adds how many of each kind to ``counts``."""
    for finder in likely(text):
        text = finder.redact(text, counts)
    return text


def likely(text: str) -> Iterator[Finder]:
    """Those of ``FINDERS`` that may find something, none that would left out.

    What others leave of the text has no new signs, for a label has none.
    """
    if _has_secret_sign(text):
        yield SECRET
    if may_name_a_secret(text):
        yield NAMED_SECRET
    if "@" in text:
        if "://" in text:
            yield CREDENTIALS
        yield EMAIL
    if not _has_digit(text):
        return
    has_number = (_ASCII_NUMBER if text.isascii() else _NUMBER).search(text)
    if has_number:
        yield IBAN
        yield CARD
        yield IPV4
    if ":" in text and _COLONS.search(text):
        yield IPV6
    if has_number:
        yield PHONE


# What each secret begins with, by a character that few texts hold.
_SECRET_SIGNS = (
    ("-", ("sk-", "glpat-", "xox", "-----BEGIN")),
    ("_", ("sk_", "rk_", "clk_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "hf_")),
    ("A", ("AKIA", "ASIA", "AIza")),
    ("J", ("eyJ",)),
)


def _has_secret_sign(text: str) -> bool:
    for character, signs in _SECRET_SIGNS:
        if character in text and any(map(text.__contains__, signs)):
            return True
    return False


def _has_digit(text: str) -> bool:
    """Ten searches for one character are far quicker than one for ten."""
    if any(map(text.__contains__, "0123456789")):
        return True
    return not text.isascii() and bool(_DIGIT.search(text))


# The check for what stands before comes after the first character, here and below: a pattern that
# begins with a set of characters is searched for several times as fast.
_SECRET = re.compile(
    r"-----BEGIN [A-Z ]{0,24}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]{0,8192}"
    r"(?:-----END [A-Z ]{0,36}-----)?"
    r"|(?<![\w-])(?:sk-[\w-]{20,256}|[sr]k_(?:live|test)_\w{16,256}|clk_[\w-]{20,256}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)|gh[pousr]_\w{36,256}|github_pat_\w{22,256}"
    r"|glpat-[\w-]{20,64}|xox[abeprs]-[\w-]{10,256}|AIza[\w-]{35}|hf_\w{30,64}"
    r"|eyJ[\w-]{8,4096}\.eyJ[\w-]{8,4096}\.[\w-]{8,4096})"
)
_CREDENTIALS = re.compile(r"://([^\s/@:]{0,128}:[^\s/@]{1,256})(?=@)")
# Letters may be written as a letter and a mark (NFD). What follows may be an underscore, with which
# Markdown stresses.
_DOMAIN = re.compile(r"@(?:[\w\u0300-\u036f\-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![^\W_])")
_LOCAL_PART = re.compile(r"[\w\u0300-\u036f.%+\-]{1,64}(?:['\u2019][\w\u0300-\u036f.%+\-]{1,64})?")
_MAX_LOCAL_PART = 2 * 64 + 1
_IBAN = re.compile(r"[A-Z](?<!\w.)[A-Z]\d{2}(?:[ \-\u00a0\u202f]?[A-Z0-9]){11,30}")
_IPV4 = re.compile(r"\d(?<![\w.].)\d{0,2}\.(?:\d{1,3}\.){2}\d{1,3}(?!\w|\.\d)")
_IPV6 = re.compile(
    r"[0-9A-Fa-f:](?<![\w:.].)[0-9A-Fa-f:]{2,38}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])"
)
_PHONE = re.compile(
    r"[+(\d](?<![\w.+/\-].)(?:(?<=\+)\(?\d|(?<=\()\d|(?<=\d))[\d ().\-/\u00a0\u202f]{5,22}\d(?!\w)"
)

_DIGIT = re.compile(r"\d")
# What is in a telephone number, an IPv4 address, a card or an IBAN, each as its pattern begins.
_NUMBERS = (
    r"\d(?:(?<![\w.].)(?:(?<![/\-].)(?:[ ().\-/\u00a0\u202f]{0,22}\d){6}"
    r"|\d{0,2}\.\d{1,3}\.\d{1,3}\.\d|(?:[ \-\u00a0\u202f]?\d){12})"
    r"|\d(?<=[A-Z]{2}..)[ \-\u00a0\u202f]?[A-Z0-9])"
)
_NUMBER, _ASCII_NUMBER = re.compile(_NUMBERS), re.compile(_NUMBERS, re.ASCII)
# An IPv6 address leaves groups out, or has eight, of which an IPv4 one may replace two.
_COLONS = re.compile(r":(?::|(?:[0-9A-Fa-f]{1,4}:){5})")


def _matching(
    pattern: re.Pattern[str], holds: Callable[[str], bool] = bool
) -> Callable[[str], Iterator[Hit]]:
    def find(text: str) -> Iterator[Hit]:
        return (each.span() for each in pattern.finditer(text) if holds(each[0]))

    return find


def _secrets(text: str) -> Iterator[Hit]:
    end = 0
    for place in sorted(_places(text)):
        if place >= end and (found := _SECRET.match(text, place)):
            yield found.span()
            end = found.end()


def _places(text: str) -> Iterator[int]:
    for _, signs in _SECRET_SIGNS:
        for sign in signs:
            place = text.find(sign)
            while place >= 0:
                yield place
                place = text.find(sign, place + 1)


def _credentials(text: str) -> Iterator[Hit]:
    return (each.span(1) for each in _CREDENTIALS.finditer(text))


def _emails(text: str) -> Iterator[Hit]:
    """From each ``@`` on, and back from it: what stands before it has no sign of its own."""
    end = 0
    for domain in _DOMAIN.finditer(text):
        at = domain.start()
        before = text[max(end, at - _MAX_LOCAL_PART) : at]
        if local := _LOCAL_PART.match(before[::-1]):
            yield at - local.end(), domain.end()
            end = domain.end()


def _ibans(text: str) -> Iterator[Hit]:
    for each in _IBAN.finditer(text):
        if length := iban_length(each[0]):
            yield each.start(), each.start() + length


def _phones(text: str) -> Iterator[Hit]:
    for each in _PHONE.finditer(text):
        if is_phone(each[0], text[max(0, each.start() - 32) : each.start()]):
            yield each.span()


SECRET = Finder("secret", _secrets)
NAMED_SECRET = Finder("secret", named_secrets)
CREDENTIALS = Finder("credentials", _credentials)
EMAIL = Finder("email", _emails)
IBAN = Finder("iban", _ibans)
CARD = Finder("card", card_spans)
IPV4 = Finder("ip", _matching(_IPV4, is_ip_address))
IPV6 = Finder("ip", _matching(_IPV6, is_ip_address))
PHONE = Finder("phone", _phones)
# In this order: what one has taken, a later one does not see.
FINDERS = (SECRET, NAMED_SECRET, CREDENTIALS, EMAIL, IBAN, CARD, IPV4, IPV6, PHONE)
