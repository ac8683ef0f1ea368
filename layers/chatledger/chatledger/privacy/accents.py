"""Names as people type them: without accents, where their letters have any.

Of Latin, Greek and Cyrillic letters alone: the marks of Indic, Arabic and Hebrew writing, and of
Japanese, make another word.
"""

import re
from unicodedata import normalize

_LETTERS = "A-Za-z\u00c0-\u02af\u0370-\u052f\u1e00-\u1fff"
_MARKS = "\u0300-\u036f"
# Letters that Unicode does not take apart, as they are typed where a keyboard has none of them.
_TYPED = {
    "ß": "ss",
    "ẞ": "SS",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ı": "i",  # noqa: RUF001
    "æ": "ae",
    "Æ": "Ae",
    "œ": "oe",
    "Œ": "Oe",
}
_MARKED = re.compile(f"[{_MARKS}]+")


def _typed() -> dict[str, str]:
    """Each letter that has an accent → the letter without it."""
    letters = re.findall(f"[{_LETTERS}]", "".join(map(chr, range(0xC0, 0x2000))))
    typed = {each: _MARKED.sub("", normalize("NFD", each)) for each in letters}
    return {
        each: _TYPED.get(letter, letter)
        for each, letter in typed.items()
        if letter != each or letter in _TYPED
    }


_WITHOUT = _typed()
_IS_LETTER = re.compile(f"[{_LETTERS}]")
_ACCENTS = re.compile(f"[{''.join(_WITHOUT)}{_MARKS}][{_MARKS}]*")


def bare(text: str) -> str:
    """Composed, without accents, in the capitals it has."""
    return text if text.isascii() else _ACCENTS.sub(_without, normalize("NFC", text))


def composed(text: str) -> str:
    """NFC: a letter may also be written as a letter and a mark."""
    return text if text.isascii() else normalize("NFC", text)


def _without(accents: re.Match[str]) -> str:
    written = accents[0]
    if (letter := _WITHOUT.get(written[0])) is not None:
        return letter
    start = accents.start()
    return "" if start and _IS_LETTER.match(accents.string, start - 1) else written
