"""What a person sees of `make run`: steps, a bar, a summary. Plain lines where nobody watches."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


class Screen:
    """Writes to standard output. Colours and movement on a terminal only."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        # Whoever reads through a pipe sees each line when it is written.
        output: Any = sys.stdout
        output.reconfigure(line_buffering=True)

    @contextmanager
    def step(self, doing: str, done: str) -> Generator[None]:
        """Something that takes a while: a spinner, then one line that it is done, and how fast."""
        started = time.perf_counter()
        with self.console.status(f"{doing} …"):
            yield
        self.done(done, time.perf_counter() - started)

    def done(self, what: str, seconds: float) -> None:
        self.console.print(f"[green]✓[/] {what} [dim]{seconds:.1f} s[/]")

    @contextmanager
    def bar(self, doing: str, total: int) -> Generator[Callable[[], None]]:
        """A bar that advances by one with each call of what it yields."""
        if not self.console.is_terminal:
            self.console.print(f"{doing} …")
            yield lambda: None
            return
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=self.console, transient=True) as bar:
            task = bar.add_task(doing, total=total)
            yield lambda: bar.advance(task)

    def rule(self, title: str) -> None:
        self.console.print()
        self.console.rule(f"[bold]{title}[/]", align="left", style="green")

    def facts(self, facts: list[tuple[str, str]]) -> None:
        """Names and values in two columns. A value is never broken: it may be a link to copy."""
        if self.console.is_terminal and all(len(value) < 60 for _, value in facts):
            table = Table.grid(padding=(0, 2))
            for name, value in facts:
                table.add_row(f"  [cyan]{name}[/]", value)
            self.console.print(table)
            return
        width = max(len(name) for name, _ in facts)
        for name, value in facts:
            self.line(f"  [cyan]{name:<{width}}[/]  {value}")

    def line(self, text: str = "") -> None:
        self.console.print(text, soft_wrap=True)

    def error(self, text: str) -> None:
        Console(stderr=True, highlight=False).print(f"[red]{text}[/]", soft_wrap=True)
