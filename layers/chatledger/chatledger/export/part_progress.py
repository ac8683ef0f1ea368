"""How far a part is, told while it is written, and summed up for whoever asks.

The figures are what is committed and what the chunk under way holds, so they never drift.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import UNSET

from chatledger.aws.table import Table
from chatledger.errors import StorageError
from chatledger.export.chunk import NOTHING, Written
from chatledger.export.job import Job, Progress
from chatledger.jobs.progress import report, reported
from chatledger.ledger.ledger import Ledger

_TELL_EVERY = timedelta(seconds=2)


@dataclass
class PartProgress:
    """``chunks`` are committed, ``written`` is what they hold."""

    ledger: Ledger
    organization: str
    export_id: str
    part: int
    written: Written = NOTHING
    chunks: int = 0
    _told_at: datetime | None = None

    def count(self, chunk: Written) -> None:
        self.written, self.chunks = self.written.plus(chunk), self.chunks + 1

    def look(self, under_way: Written) -> None:
        """Tells every two seconds how far the chunk under way is."""
        now = self.ledger.now()
        if self._told_at is None:
            self._told_at = now
        elif now >= self._told_at + _TELL_EVERY:
            self._tell(self.written.plus(under_way), done=False)

    def tell(self, *, done: bool) -> None:
        self._tell(self.written, done=done)

    def _tell(self, written: Written, *, done: bool) -> None:
        figures = (written.conversations, written.messages, self.chunks, int(done))
        if written.documents:
            figures = (*figures, written.documents)
        with suppress(StorageError):  # It is only a look: what counts is committed.
            report(self.ledger.table, self.organization, self.export_id, self.part, figures)
        self._told_at = self.ledger.now()


def live_progress(table: Table, job: Job) -> Progress:
    """How far the job is now; once its files are written, what it says itself."""
    if job.ended or job.written_at or job.status == "queued":
        return job.progress
    said = reported(table, job.organization, job.export_id).values()
    return Progress(
        conversations=sum(figures[0] for figures in said),
        messages=sum(figures[1] for figures in said),
        parts_done=sum(figures[3] for figures in said),
        parts_total=job.progress.parts_total,
        documents=sum(sum(figures[4:]) for figures in said) if job.is_of_documents else UNSET,
    )
