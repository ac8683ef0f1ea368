"""The last thing a command says: what came, where it is, and what can be done about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chatledger_cli.answers import Counts, ExportJob, ImportJob, Json, Receipt
from chatledger_cli.errors import CommandError
from chatledger_cli.figures import counted, moment, size
from chatledger_cli.screen import Screen
from chatledger_cli.slice import is_of_everything

Facts = list[tuple[str, str]]
# Of more files only the first is named.
_NAMED = 3


@dataclass
class Moved:
    """What went over the network in this run: bytes, and the seconds they took."""

    bytes: int = 0
    seconds: float = 0

    def add(self, count: int, seconds: float) -> None:
        self.bytes += count
        self.seconds += seconds

    def __str__(self) -> str:
        # Of little, the rate says how long the first byte took and nothing more.
        tells = self.seconds > 0 and self.bytes >= 1_000_000
        return size(self.bytes) + (f", {size(self.bytes / self.seconds)}/s" if tells else "")


def amount(counts: Counts) -> str:
    """``7,168 conversations, 258,145 messages, 31.4 MB``."""
    return f"{contents(counts)}, {size(counts.bytes)}"


def contents(counts: Counts) -> str:
    """``7,168 conversations, 258,145 messages``, or ``12 documents``."""
    if counts.documents is not None:
        return counted(counts.documents, "document")
    conversations = counted(counts.conversations, "conversation")
    return f"{conversations}, {counted(counts.messages, 'message')}"


@dataclass(frozen=True)
class Exported:
    """What was asked for and came. ``root_hash``: as it was computed here, if at all.

    ``undo``: the command for its clear.
    """

    request: Json
    folder: Path
    job: ExportJob
    moved: Moved
    root_hash: str | None
    undo: str


def show_export(screen: Screen, exported: Exported) -> None:
    job, root_hash = exported.job, exported.root_hash
    facts: Facts = [("Contains", amount(job.counts))] if job.counts else []
    beside = with_proof(job)
    moved = f"{exported.moved}, {beside}" if beside else str(exported.moved)
    facts += [("Downloaded", moved), ("Folder", str(exported.folder))]
    facts += _files([file.name for file in job.files])
    facts.append(("Anonymized", redacted(job.redactions)))
    if root_hash is not None:
        facts.append(("Root hash", root_hash))
    if job.clear and job.clear.receipt:
        facts += _cleared(job.clear.receipt)
    screen.rule("Exported")
    screen.facts(facts)
    remarks = [*_remarks(exported)]
    if remarks:
        screen.show("")
    for remark in remarks:
        screen.remark(remark)
    _say_what_comes_after(screen, exported)
    if job.clear and job.clear.undo_until:
        screen.hint(f"Undo the clear, until {moment(job.clear.undo_until)}:", exported.undo)


def with_proof(job: ExportJob) -> str:
    """What comes beside an archive, since it counts in what is downloaded."""
    if job.format != "archive" or not job.manifest:
        return ""
    return "with manifest and signature" if job.signature else "with manifest"


def why_nothing(request: Json) -> str:
    """A sentence for an export of nothing."""
    if request.get("since"):
        return "Nothing came since then."
    if is_of_everything(request):
        return "Nothing is there to export."
    return "Nothing matched: check dates and filters."


def _remarks(exported: Exported) -> Iterator[str]:
    job = exported.job
    if job.counts and job.counts.is_nothing:
        yield why_nothing(exported.request)
    if job.format != "archive" and job.clear and job.clear.has_cleared:
        yield (
            f"These files ({job.format}) cannot be restored from. The lossless archive of what was "
            "cleared is kept at the service."
        )


def _say_what_comes_after(screen: Screen, exported: Exported) -> None:
    """The cursor to those who use them; that there are streams to those who export all."""
    cursor, request = exported.job.cursor, exported.request
    if not cursor:
        return
    if request.get("since") or request.get("name"):
        screen.hint("What comes after this, the next time:", f"--since {cursor}")
    elif is_of_everything(request):
        screen.hint("To get only what is new, each time:", "--since last --name NAME")


def _files(names: list[str]) -> Facts:
    """Of many only the first; the folder has them all."""
    if len(names) <= _NAMED:
        return [("File", name) for name in names]
    return [("Files", f"{len(names):,}, from {names[0]} on")]


def redacted(redactions: dict[str, int] | None, where: str = "") -> str:
    """``redactions``: by kind; None of what is not anonymized."""
    if redactions is None:
        return "no, names and content are as they are"
    found = ", ".join(f"{kind} {count:,}" for kind, count in sorted(redactions.items()))
    return f"yes; redacted{where}: {found or 'nothing'}"


def complain_of_clear(job: ExportJob) -> None:
    """Raises ``CommandError`` where a clear was asked for and is not whole."""
    if job.status == "clear_incomplete":
        receipt = job.clear.receipt if job.clear else None
        missing = counted(receipt.not_cleared if receipt else 0, "message")
        raise CommandError(
            f"The clear is incomplete: {missing} could not be cleared. Nothing is lost: they are "
            "still in the ledger, and in the archive too. Export and clear them again."
        )
    if job.clear and job.clear.status == "not_acknowledged":
        raise CommandError("Nothing was cleared: it was not acknowledged in time.")


def show_undo(screen: Screen, job: ExportJob) -> None:
    """How much came back is not told message by message: what the clear took, as it left it."""
    facts: Facts = [("Export", job.id)]
    if job.clear and job.clear.receipt:
        facts.append(("Back", counted(job.clear.receipt.cleared, "message")))
    screen.rule("Undone")
    screen.facts(facts)
    screen.show("")
    screen.remark("What was written or put back since the clear stays as it is.")


def show_restore(screen: Screen, folder: Path, job: ImportJob, moved: Moved) -> None:
    facts: Facts = [("From", str(folder))]
    if moved.bytes:
        facts.append(("Uploaded", str(moved)))
    if job.counts:
        facts += [
            ("Restored", counted(job.counts.restored, "message")),
            ("There already", counted(job.counts.already_there, "message")),
            ("Left alone", counted(job.counts.left_alone, "message")),
        ]
    screen.rule("Restored")
    screen.facts(facts)


def _cleared(receipt: Receipt) -> Facts:
    """What of it was cleared, and why the rest was not; in messages."""
    rest = (
        (receipt.retained_changed, "changed meanwhile"),
        (receipt.retained_held, "under a hold"),
        (receipt.cleared_elsewhere, "cleared by another export"),
        (receipt.not_cleared, "not cleared"),
    )
    exported = counted(receipt.exported, "message")
    return [
        ("Cleared", f"{receipt.cleared:,} of {exported}"),
        *(("", f"{count:,} {words}") for count, words in rest if count),
    ]
