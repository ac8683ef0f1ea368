"""Conversations of a preview laid out for a screen: its width kept, little of what is long."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.highlighter import JSONHighlighter
from rich.text import Text

from chatledger_cli.answers import Json
from chatledger_cli.figures import clipped, counted
from chatledger_cli.rows import lay_out_rows

_ROWS = {"csv", "xlsx", "parquet"}
_MARGIN = 2
# Lines of the whole sample, so that its beginning is still on the screen or near it; and of one
# conversation, of one line of its text, of a list the items.
_LINES = 100
_LINES_OF_ONE = 30
_LINES_OF_TEXT = 3
_ITEMS = 2
_LETTERS = 1000  # of a string: more than any line has
_DEPTH = 10
# How a list says what it leaves out.
_MORE = re.compile(r'"\\u0000(… [\d,]+ more)"')
_HIGHLIGHTER = JSONHighlighter()
_WRAPPING = Console(width=80)


@dataclass
class LaidOut:
    """``remarks``: what it leaves out, in sentences."""

    lines: list[RenderableType] = field(default_factory=list[RenderableType])
    remarks: list[str] = field(default_factory=list[str])


def lay_out(format_name: str, sample: list[Any], width: int) -> LaidOut:
    """``sample``: an item per conversation, of at least one."""
    if format_name in _ROWS and all(_is_rows(each) for each in sample):
        table, remarks = lay_out_rows(sample, width)
        return LaidOut(["", table], remarks)
    laid_out, room = LaidOut(), width - _MARGIN
    for number, conversation in enumerate(sample):
        lines = list(_lines(conversation, room))
        if number and len(laid_out.lines) + min(len(lines), _LINES_OF_ONE) > _LINES:
            rest = counted(len(sample) - number, "more conversation")
            laid_out.remarks.append(f"{rest} in this sample: --json prints all of it.")
            break
        laid_out.lines += ["", *_indented(lines)]
    return laid_out


def _is_rows(conversation: Any) -> TypeGuard[list[Json]]:
    return _is_list(conversation) and all(_is_object(row) for row in conversation)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_object(value: Any) -> TypeGuard[Json]:
    return isinstance(value, dict)


def _lines(conversation: Any, width: int) -> Iterator[Text]:
    if isinstance(conversation, str):
        yield from _text(conversation, width)
    else:
        yield from (_colored(line) for line in json_lines(_shortened(conversation), width))


def _indented(lines: list[Text]) -> Iterator[Text]:
    if len(lines) > _LINES_OF_ONE:
        left_out = len(lines) - _LINES_OF_ONE + 1
        lines = [*lines[: _LINES_OF_ONE - 1], Text(f"… {counted(left_out, 'more line')}", "dim")]
    for line in lines:
        yield Text(" " * _MARGIN).append_text(line) if line.plain else line


def _text(text: str, width: int) -> Iterator[Text]:
    """Lines of its own, long ones broken under their beginning."""
    for line in text.rstrip("\r\n").split("\n"):
        content = line.lstrip(" ")
        before = min(len(line) - len(content), width // 2)
        room = width - before
        words = Text(clipped(content.rstrip(), _LINES_OF_TEXT * (room - 8)))
        for piece in words.wrap(_WRAPPING, room)[:_LINES_OF_TEXT] or [Text()]:
            piece.rstrip()
            yield Text(" " * before).append_text(piece)


def json_lines(value: Any, width: int, before: str = "", after: str = "") -> Iterator[str]:
    """On one line what fits there, else a line per value; what is still too long is cut.

    ``before``: what stands before it on its first line, indented; ``after``: on its last.
    """
    whole = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or cell_len(before + whole + after) <= width:
        yield _cut(f"{before}{whole}", width, after)
        return
    brackets = "{}" if isinstance(value, dict) else "[]"
    indent = " " * (len(before) - len(before.lstrip(" ")))
    yield _cut(f"{before}{brackets[0]}", width, "")
    named = list(_named(value))
    for number, (name, each) in enumerate(named, 1):
        comma = "," if number < len(named) else ""
        yield from json_lines(each, width, f"{indent}  {name}", comma)
    yield f"{indent}{brackets[1]}{after}"


def _named(value: Any) -> Iterator[tuple[str, Any]]:
    if _is_object(value):
        for name, each in value.items():
            yield f"{json.dumps(name, ensure_ascii=False)}: ", each
    else:
        yield from (("", each) for each in value)


def _cut(line: str, width: int, after: str) -> str:
    """Of a string the quote at its end stays."""
    if cell_len(line + after) <= width:
        return clipped(line, width) + after
    end = ('"' if line.endswith('"') else "") + after
    return clipped(line, width - len(end)) + end


def _shortened(value: Any, depth: int = 0) -> Any:
    """With only the beginning of its strings and lists, and not all that lies deep in it."""
    if isinstance(value, str):
        return value if len(value) <= _LETTERS else f"{value[:_LETTERS]}…"
    if depth == _DEPTH and (_is_object(value) or _is_list(value)):
        return _more(len(value))
    if _is_object(value):
        return {name: _shortened(each, depth + 1) for name, each in value.items()}
    if not _is_list(value):
        return value
    first = [_shortened(each, depth + 1) for each in value[:_ITEMS]]
    return first if len(value) <= _ITEMS else [*first, _more(len(value) - _ITEMS)]


def _more(count: int) -> str:
    return f"\0… {count:,} more"


def _colored(line: str) -> Text:
    text = Text(_MORE.sub(r"\1", line))
    if text.plain.lstrip().startswith("…"):
        text.stylize("dim")
    else:
        _HIGHLIGHTER.highlight(text)
    return text
