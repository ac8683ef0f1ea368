"""The last thing a command says: what came, where it is, and what can be done about it."""

from dataclasses import dataclass
from pathlib import Path

from chatledger_cli.answers import Counts, ExportJob, ImportJob, Receipt
from chatledger_cli.errors import CommandError
from chatledger_cli.figures import counted, moment, size
from chatledger_cli.screen import Screen

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


def show_export(
    screen: Screen, folder: Path, job: ExportJob, moved: Moved, root_hash: str | None, undo: str
) -> None:
    """``root_hash``: as it was computed here, if at all; ``undo``: the command for its clear."""
    facts: Facts = [("Contains", amount(job.counts))] if job.counts else []
    facts += [("Downloaded", str(moved)), ("Folder", str(folder))]
    facts += _files([file.name for file in job.files])
    facts.append(("Anonymized", redacted(job.redactions)))
    if root_hash is not None:
        facts.append(("Root hash", root_hash))
    if job.clear and job.clear.receipt:
        facts += _cleared(job.clear.receipt)
    screen.rule("Exported")
    screen.facts(facts)
    if job.format != "archive" and job.clear and job.clear.has_cleared:
        screen.show("")
        screen.remark(
            f"These files ({job.format}) cannot be restored from. The lossless archive of what was "
            "cleared is kept at the service."
        )
    if job.cursor:
        screen.hint("What comes after this, the next time:", f"--since {job.cursor}")
    if job.clear and job.clear.undo_until:
        screen.hint(f"Undo the clear, until {moment(job.clear.undo_until)}:", undo)


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
