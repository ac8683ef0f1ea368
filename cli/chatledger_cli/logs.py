"""``chatledger summary``: which log files of conversations there are."""

from dataclasses import dataclass
from typing import Self

from chatledger_cli.answers import Json, picked, read_answer
from chatledger_cli.api import Api
from chatledger_cli.figures import size
from chatledger_cli.screen import Screen

# The newest directories, a day each.
_SHOWN = 7


@dataclass(frozen=True)
class Logs:
    total_files: int
    total_size_bytes: int
    directories: list[str]

    @classmethod
    def of(cls, answer: Json) -> Self:
        """Raises ``CommandError`` where it is no such answer."""
        return read_answer(lambda known: picked(cls, known), answer)


def logs_answer(api: Api) -> Json:
    return api.get("/api/conversation-logs", {"action": "summary"})


def show_logs(screen: Screen, answer: Json) -> None:
    """Raises ``CommandError``."""
    logs = Logs.of(answer)
    if not logs.total_files:
        screen.remark("There are no log files of conversations.")
        return
    newest = sorted(logs.directories, reverse=True)
    facts = [
        ("Log files", f"{logs.total_files:,}"),
        ("Size", size(logs.total_size_bytes)),
    ]
    facts += [("" if number else "Newest in", name) for number, name in enumerate(newest[:_SHOWN])]
    if more := len(newest) - _SHOWN:
        facts += [("", f"and {more:,} more")] if more > 0 else []
    screen.facts(facts)
