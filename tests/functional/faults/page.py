"""The table of ``docs/reliability.md``: made of a run of the whole matrix, and read back."""

from collections import Counter
from pathlib import Path

from tests.functional.faults.matrix import AS_WITHOUT, COLUMNS, tried
from tests.functional.faults.rows import OPERATIONS

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- faults: begin -->\n", "<!-- faults: end -->\n"


def table() -> str:
    """A row for each operation; a cell says how many calls were hit, and what came of it."""
    head = ["operation", *COLUMNS]
    rows = [[each.name, *(_cell(each.name, column) for column in COLUMNS)] for each in OPERATIONS]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rows_of_page() -> list[list[str]]:
    """The page's table, cell by cell, its head first."""
    written = PAGE.read_text().partition(_BEGIN)[2].partition(_END)[0]
    lines = [line for line in written.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [rows[0], *rows[2:]]


def write() -> None:
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    after = rest.partition(_END)[2]
    total = sum(map(len, tried.values()))
    words = f"{total:,} faults, one at a time: 0 messages lost, 0 doubled, every job ended.\n\n"
    PAGE.write_text(f"{before}{_BEGIN}{words}{table()}{_END}{after}")


def _cell(operation: str, column: str) -> str:
    counts = Counter(tried[operation, column])
    same = counts.pop(AS_WITHOUT, 0)
    others = [f"{count} {outcome}" for outcome, count in sorted(counts.items())]
    return "; ".join([f"{same} ✓"] * bool(same) + others)
