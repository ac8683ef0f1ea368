"""Text as a cell of XLSX can hold it: not too long, and nothing in it that XML has no way to say.

A cell holds 32,767 UTF-16 units. What XML cannot carry is ``_xHHHH_``, and a text that looks like
that has its first underscore written so (ECMA-376, 22.9.2.19, ST_Xstring).
"""

import re

# One less than Excel's limit, for the ' before what could be a formula.
MAX_UNITS = 32_766

# A carriage return is among them: XML would make a line feed of it.
_NOT_IN_XML = "\x00-\x08\x0b-\x1f\ufffe\uffff"
# An underscore that a reader would take for the beginning of such a code; the one that would end
# it may itself be the beginning of a code that is written here.
_CODED = re.compile(f"[{_NOT_IN_XML}]|_(?=x[0-9A-Fa-f]{{4}}[_{_NOT_IN_XML}])")


def escaped(text: str) -> str:
    """The text as it stands in the XML."""
    coded = _CODED.sub(_code, text)
    return coded.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def split(text: str, cells: int) -> list[str]:
    """The text on at most so many cells, one at least; the rest, if any, stays in the last."""
    if 2 * len(text) <= MAX_UNITS:
        return [text]
    pieces = list[str]()
    while text and len(pieces) < cells - 1:
        pieces.append(_beginning(text, MAX_UNITS))
        text = text[len(pieces[-1]) :]
    return [*pieces, text] if text else pieces


def cut_short(text: str) -> str:
    """The text, or its beginning and how long it was."""
    if 2 * len(text) <= MAX_UNITS or _units(text) <= MAX_UNITS:
        return text
    note = f" … [cut: {len(text)} characters]"
    return _beginning(text, MAX_UNITS - len(note)) + note


def _beginning(text: str, units: int) -> str:
    """As much as fits; no character beyond 16 bits is cut in two."""
    beginning = text[:units]
    if beginning.isascii():
        return beginning
    return beginning.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _code(found: re.Match[str]) -> str:
    return f"_x{ord(found[0]):04X}_"
