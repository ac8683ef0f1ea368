"""Free text, with a label in place of each thing that is personal by its shape.

A kind is only looked for where a cheap look says that it may be there (most texts hold no ``@``
and no long run of digits), which is more than ten times as fast as looking for all. No pattern can
take more than a bounded number of steps from any one place.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chatledger.privacy.checks import iban_length, is_card, is_ip_address, is_phone

Hit = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Finder:
    """``gate`` is quick and never wrong where it says no."""

    kind: str
    gate: Callable[[str], object]
    find: Callable[[str], Iterator[Hit]]


def redact(text: str, counts: Counter[str]) -> str:
    """The text with labels such as [EMAIL]; adds how many of each kind to ``counts``."""
    for finder in FINDERS:
        if finder.gate(text):
            text = _replaced(text, finder, counts)
    return text


def _replaced(text: str, finder: Finder, counts: Counter[str]) -> str:
    pieces: list[str] = []
    end = 0
    for start, stop in finder.find(text):
        pieces += (text[end:start], f"[{finder.kind.upper()}]")
        counts[finder.kind] += 1
        end = stop
    return "".join((*pieces, text[end:])) if pieces else text


def _matching(
    pattern: re.Pattern[str], holds: Callable[[str], bool] = bool
) -> Callable[[str], Iterator[Hit]]:
    def find(text: str) -> Iterator[Hit]:
        return (each.span() for each in pattern.finditer(text) if holds(each[0]))

    return find


def _ibans(text: str) -> Iterator[Hit]:
    for each in _IBAN.finditer(text):
        if length := iban_length(each[0]):
            yield each.start(), each.start() + length


def _phones(text: str) -> Iterator[Hit]:
    for each in _PHONE.finditer(text):
        if is_phone(each[0], text[max(0, each.start() - 32) : each.start()]):
            yield each.span()


_SECRET = re.compile(
    r"-----BEGIN [A-Z ]{0,24}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]{0,8192}"
    r"(?:-----END [A-Z ]{0,36}-----)?"
    r"|(?<![\w-])(?:sk-[\w-]{20,256}|[sr]k_(?:live|test)_\w{16,256}|clk_[\w-]{20,256}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)|gh[pousr]_\w{36,256}|github_pat_\w{22,256}"
    r"|glpat-[\w-]{20,64}|xox[abeprs]-[\w-]{10,256}|AIza[\w-]{35}|hf_\w{30,64}"
    r"|eyJ[\w-]{8,4096}\.eyJ[\w-]{8,4096}\.[\w-]{8,4096})"
)
_SECRET_SIGNS = (
    *("sk-", "sk_", "rk_", "clk_", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("github_pat_", "glpat-", "xox", "AIza", "hf_", "eyJ", "-----BEGIN"),
)
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@:]{0,128}:[^\s/@]{1,256}(?=@)")
_EMAIL = re.compile(r"[\w.%+\-]{1,64}@(?:[\w\-]{1,63}\.){1,8}[^\W\d_]{2,24}(?!\w)")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]){11,30}")
_CARD = re.compile(r"(?<![\w.])(?:\d[ \-]?){12,18}\d(?![\w])")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{3,39}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])")
_PHONE = re.compile(r"(?<![\w.+/\-])\+?\(?\d[\d ().\-/\u00a0]{5,22}\d(?!\w)")
_DIGITS = re.compile(r"\d(?:[ ().\-/\u00a0]{0,3}\d){6}")
_LONG_DIGITS = re.compile(r"\d(?:[ \-]?\d){12}")
_IBAN_START = re.compile(r"[A-Z]{2}\d{2}[ \-]?[A-Z0-9]")

# In this order: what one has taken, a later one does not see.
FINDERS = (
    Finder("secret", lambda text: any(each in text for each in _SECRET_SIGNS), _matching(_SECRET)),
    Finder("credentials", lambda text: "://" in text and "@" in text, _matching(_CREDENTIALS)),
    Finder("email", lambda text: "@" in text, _matching(_EMAIL)),
    Finder("iban", _IBAN_START.search, _ibans),
    Finder("card", _LONG_DIGITS.search, _matching(_CARD, is_card)),
    Finder("ip", lambda text: text.count(".") >= 3, _matching(_IPV4, is_ip_address)),
    Finder("ip", lambda text: text.count(":") >= 2, _matching(_IPV6, is_ip_address)),
    Finder("phone", _DIGITS.search, _phones),
)
