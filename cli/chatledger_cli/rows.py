"""Rows of a preview as a table: the columns that have room, and of each conversation a few rows."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from chatledger_cli.answers import Json
from chatledger_cli.figures import clipped, counted

# Who said what and when is always shown; then what tells most, as far as it has room.
_MAIN = "message"
_FIRST = ("timestamp", "sender_type", _MAIN)
_THEN = ("conversation_title", "user_id", "conversation_id", "ai_service", "status")
_ROWS = 4
_LINES = 2  # of a message
_NARROWEST = 36  # a message
_WIDEST = 24  # anything else
_GAP = 3


def lay_out_rows(sample: Sequence[Sequence[Json]], width: int) -> tuple[Table, list[str]]:
    """The table, and what it leaves out, in sentences. ``sample``: rows by conversation."""
    rows = [row for conversation in sample for row in conversation[:_ROWS]]
    known = list(dict.fromkeys(name for row in rows for name in row))
    widths = _widths(known, rows, width)
    table = Table(
        box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), header_style="cyan"
    )
    for name in widths:
        table.add_column(Text(clipped(name, widths[name])), width=widths[name], overflow="fold")
    for conversation in sample:
        for cells in _of_conversation(conversation, widths):
            table.add_row(*cells)
        table.add_section()
    return table, list(_left_out([name for name in known if name not in widths]))


def _widths(known: Sequence[str], rows: Sequence[Json], width: int) -> dict[str, int]:
    """The columns that have room, in the order of the file."""
    first = [name for name in _FIRST if name in known] or list(known[:1])
    main = _MAIN if _MAIN in first else first[0]
    widths = {name: _natural(name, rows) for name in first if name != main}
    room = width - _NARROWEST - sum(each + _GAP for each in widths.values())
    for name in (each for each in _THEN if each in known):
        wanted = _natural(name, rows) + _GAP
        if wanted <= room and any(row.get(name) not in {None, ""} for row in rows):
            widths[name] = wanted - _GAP
            room -= wanted
    widths[main] = max(_NARROWEST + room, 8)
    return {name: widths[name] for name in known if name in widths}


def _natural(name: str, rows: Sequence[Json]) -> int:
    """As wide as what is in it, within reason."""
    return max(
        cell_len(clipped(each, _WIDEST)) for each in (name, *(_told(row.get(name)) for row in rows))
    )


def _of_conversation(rows: Sequence[Json], widths: dict[str, int]) -> Iterator[list[Text]]:
    for row in rows[:_ROWS]:
        yield [
            Text(clipped(_told(row.get(name)), width * (_LINES if name == _MAIN else 1)))
            for name, width in widths.items()
        ]
    if len(rows) > _ROWS:
        more = Text(f"… {counted(len(rows) - _ROWS, 'more message')}", "dim")
        yield [more if name == _MAIN else Text() for name in widths]


def _left_out(names: Sequence[str]) -> Iterator[str]:
    if names:
        told = ", ".join(clipped(name, _WIDEST) for name in names)
        yield f"{counted(len(names), 'more column')} in the file: {told}."


def _told(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
