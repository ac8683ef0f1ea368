"""Numbers as people read them, and what others wrote made safe to show."""

import re
import unicodedata
from datetime import datetime

from rich.cells import cell_len, set_cell_size

_UNITS = ("kB", "MB", "GB", "TB")
# Marks that stand above a letter take no columns; a pile of them reaches into other lines.
_STACKED = re.compile("([\u0300-\u036f]{3})[\u0300-\u036f]+")


def size(count: float) -> str:
    """Bytes in decimal units: ``668 bytes``, ``31.4 MB``."""
    if count < 1000:
        return f"{count:,.0f} bytes"
    unit = 0
    while (count := count / 1000) >= 999.95 and unit < len(_UNITS) - 1:
        unit += 1
    return f"{count:,.1f} {_UNITS[unit]}"


def counted(count: int, word: str, plural: str | None = None) -> str:
    """``1 message``, ``1,204 messages``; ``plural``: where it is more than the word and an s."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {plural or f'{word}s'}"


def duration(seconds: float) -> str:
    """``4.2 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment(timestamp: str) -> str:
    """An RFC 3339 time to the minute, in UTC; as it came where it is none."""
    try:
        return f"{datetime.fromisoformat(timestamp):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return plain(timestamp)


def clipped(text: object, cells: int) -> str:
    """``plain``, and in at most so many of a terminal's columns."""
    whole = str(text)
    start = _STACKED.sub(r"\1", plain(whole[: 4 * cells]))
    if len(whole) <= 4 * cells and cell_len(start) <= cells:
        return start
    return f"{set_cell_size(start, min(cell_len(start), cells - 1)).rstrip()}…"


def plain(text: object) -> str:
    """On one line and without anything that moves a terminal's cursor or changes its colours."""
    return "".join(
        " " if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} else character
        for character in str(text)
    )
