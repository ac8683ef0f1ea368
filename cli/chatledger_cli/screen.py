"""What a person sees: steps, a bar, a summary. A line per step where nobody watches."""

import json
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from chatledger_cli.figures import duration, plain

_WORTH_A_WORD = 5.0  # seconds of waiting


class Meter:
    """A step under way, as a bar on a terminal and as nothing elsewhere."""

    def __init__(self, progress: Progress | None = None, task: TaskID | None = None) -> None:
        self._progress = progress
        self._task = task

    def show(
        self, doing: str, done: float = 0, total: float | None = None, figures: str = ""
    ) -> None:
        """``total``: None or 0 where it is not known (yet)."""
        if self._progress is not None and self._task is not None:
            self._progress.update(
                self._task,
                description=doing,
                completed=min(done, total) if total else 0,
                total=total or None,
                figures=figures,
            )


class Screen:
    """Results go to standard output, what went wrong to standard error.

    ``keyboard``: where somebody answers questions.
    """

    def __init__(
        self,
        console: Console | None = None,
        errors: Console | None = None,
        keyboard: TextIO | None = None,
    ) -> None:
        self._keyboard = keyboard or (None if console else _keyboard())
        self.console = console or _console(sys.stdout)
        self.errors = errors or _console(sys.stderr)

    @contextmanager
    def meter(self, doing: str) -> Generator[Meter]:
        """A bar for as long as the context lasts."""
        if not self.console.is_terminal:
            yield Meter()
            return
        columns = (
            SpinnerColumn("dots", style="cyan"),
            TextColumn("{task.description:<11}"),
            BarColumn(22, pulse_style="cyan"),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            yield Meter(progress, progress.add_task(doing, total=None, figures=""))

    def done(self, what: str, seconds: float | None = None) -> None:
        took = "" if seconds is None else f" [dim]{duration(seconds)}[/]"
        self.console.print(f"[green]✓[/] {escape(plain(what))}{took}", soft_wrap=True)

    def note(self, what: str) -> None:
        """Something worth knowing that is no step and no error."""
        _sentence(self.errors, "[yellow]•[/]", what)

    def waiting(self, seconds: float) -> None:
        if seconds >= _WORTH_A_WORD:
            self.note(f"The service is busy or out of reach; trying again in {seconds:.0f} s.")

    def aside(self, what: str) -> None:
        """Beside a result that stands alone on standard output."""
        _sentence(self.errors, "[green]✓[/]", what)

    def secret(self, secret: str) -> None:
        self.console.print(escape(plain(secret)), soft_wrap=True)

    def error(self, what: str) -> None:
        _sentence(self.errors, "[red]✗[/]", what)

    @property
    def can_ask(self) -> bool:
        return self._keyboard is not None

    def agrees(self, what: str) -> bool:
        """Whether somebody says yes to it; Ctrl-C and an end of input are a no."""
        if self._keyboard is None:
            return False
        _sentence(self.console, "[yellow]?[/]", what)
        self.console.print(Text("  Go on? [y/N] ", style="bold"), end="")
        try:
            answer = self._keyboard.readline()
        except KeyboardInterrupt:
            answer = ""
        if not answer.endswith("\n"):
            self.console.print()
        return answer.strip().casefold() in {"y", "yes"}

    def rule(self, title: str) -> None:
        """Parts the summary from the steps."""
        self.console.print()
        if self.console.is_terminal:
            self.console.rule(f"[bold]{escape(title)}[/]", align="left", style="green")

    def facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Names and values in two columns; a value is never broken, it may be there to copy."""
        width = max((len(name) for name, _ in facts), default=0)
        for name, value in facts:
            self.console.print(
                f"  [cyan]{name:<{width}}[/]  {escape(plain(value))}", soft_wrap=True
            )

    def hint(self, what: str, *command: str) -> None:
        """A command to copy, each line given going on in the next; none is broken."""
        self.console.print(f"\n  [cyan]{escape(plain(what))}[/]", soft_wrap=True)
        text = " \\\n    ".join(plain(line) for line in command)
        self.console.print(Text(f"  {text}"), soft_wrap=True)

    def remark(self, what: str) -> None:
        """A sentence that belongs to the result."""
        _sentence(self.console, "[yellow]•[/]", what)

    def title(self, what: str) -> None:
        """Of what follows, whoever reads it."""
        self.console.print()
        self.console.print(Text(plain(what), style="bold green"), soft_wrap=True)

    def show(self, *what: RenderableType) -> None:
        """What was laid out for this ``width``, and is ``plain``."""
        for each in what:
            self.console.print(each, no_wrap=True, overflow="ellipsis")

    def json(self, answer: Mapping[str, Any]) -> None:
        """For a program; in ASCII, so that no terminal obeys what is in it."""
        self.console.out(json.dumps(answer, indent=2), highlight=False)

    @property
    def width(self) -> int:
        return self.console.width

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as they must be; never cut, whoever reads it may be a program."""
        cells = [[plain(cell) for cell in row] for row in rows]
        widths = [max(len(each) for each in column) for column in zip(heads, *cells, strict=True)]
        for row, style in [(heads, "cyan"), *((row, "none") for row in cells)]:
            line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            self.console.print(f"[{style}]{escape(line.rstrip())}[/]", soft_wrap=True)


def _sentence(console: Console, mark: str, text: str) -> None:
    """Wrapped between words on a terminal; on one line elsewhere."""
    if not console.is_terminal:
        console.print(f"{mark} {escape(plain(text))}", soft_wrap=True)
        return
    grid = Table.grid(padding=(0, 1))
    grid.add_row(mark, Text(plain(text), overflow="fold"))
    console.print(grid)


def _keyboard() -> TextIO | None:
    """Where both are a terminal: else nobody sees the question, or nobody can answer it."""
    both: tuple[Any, Any] = (sys.stdin, sys.stdout)  # None in a process without them
    return sys.stdin if all(stream and stream.isatty() for stream in both) else None


def _console(stream: Any) -> Console:
    # Whoever reads through a pipe sees each line when it is written, in whatever encoding.
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(line_buffering=True, errors="replace")
    return Console(file=stream, highlight=False)
