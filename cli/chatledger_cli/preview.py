"""``chatledger preview``: how large an export would be, and how it begins."""

import uuid
from dataclasses import dataclass
from typing import Any, Self

from chatledger_cli.answers import Counts, Json, picked, read_answer
from chatledger_cli.api import Api
from chatledger_cli.figures import counted
from chatledger_cli.sample import lay_out
from chatledger_cli.screen import Screen
from chatledger_cli.summary import amount, redacted

_CUT = (
    "The sample ends early: the next conversation had no room in it, or there was no time to find "
    "it. The export has it."
)


@dataclass(frozen=True)
class Preview:
    """``sample``: an item per conversation, shaped as its format is; ``redactions``: in it."""

    format: str
    sample: list[Any]
    sample_is_cut: bool
    redactions: dict[str, int] | None
    estimated: Counts
    estimate_is_exact: bool

    @classmethod
    def of(cls, answer: Json) -> Self:
        """Raises ``CommandError`` where it is no such answer."""
        return read_answer(cls._of, answer)

    @classmethod
    def _of(cls, answer: Json) -> Self:
        sample, estimated = list[Any](answer["sample"]), Counts.of(answer["estimated"])
        return picked(cls, {**answer, "sample": sample, "estimated": estimated})

    @property
    def is_all(self) -> bool:
        return self.estimate_is_exact and len(self.sample) >= self.estimated.conversations


def preview_answer(api: Api, request: Json) -> Json:
    """Repeated where need be: all that more of them do is to be on record more often."""
    return api.post("/exports/preview", request, str(uuid.uuid4()))


def show_preview(screen: Screen, answer: Json, command: str) -> None:
    """``command``: what makes the export. Raises ``CommandError``."""
    preview = Preview.of(answer)
    about = "" if preview.estimate_is_exact else "about "
    screen.done(f"It would contain {about}{amount(preview.estimated)}")
    if not preview.sample:
        _say_why_empty(screen, preview)
        return
    facts = [
        ("Format", preview.format),
        ("Anonymized", redacted(preview.redactions, " in this sample")),
    ]
    screen.facts(facts)
    screen.title(_title(preview))
    laid_out = lay_out(preview.format, preview.sample, screen.width)
    screen.show(*laid_out.lines)
    remarks = [*laid_out.remarks, *([_CUT] if preview.sample_is_cut else [])]
    if remarks:
        screen.show("")
    for remark in remarks:
        screen.remark(remark)
    screen.hint("Export all of it into a new folder DIR:", command)


def _title(preview: Preview) -> str:
    count = len(preview.sample)
    if preview.is_all:
        return "All of it" if count > 1 else "Its one conversation"
    return f"The first {counted(count, 'conversation') if count > 1 else 'conversation'}"


def _say_why_empty(screen: Screen, preview: Preview) -> None:
    if preview.sample_is_cut:
        screen.remark("The first conversation had no room in the sample, or was not found in time.")
    else:
        screen.remark("Nothing is chosen by these options. Ask for more days or fewer filters.")
