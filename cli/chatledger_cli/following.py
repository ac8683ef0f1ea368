"""Waiting for a job at the service, with its progress shown."""

from collections.abc import Callable

from chatledger_cli.answers import ExportJob, ImportJob
from chatledger_cli.api import Api
from chatledger_cli.figures import counted, size
from chatledger_cli.screen import Meter, Screen
from chatledger_cli.summary import contents

_FIRST_LOOK = 0.3  # seconds; each later look waits a third longer
_LATER_LOOKS = 2.0  # 30 a minute: a key usually has 100
_CLEARS = {"pending": "Verifying", "clearing": "Clearing"}


def follow_export(
    api: Api, screen: Screen, job: ExportJob, began: float, *, written: bool
) -> ExportJob:
    """The job once it has ended, or waits for an acknowledgement.

    ``began``: when it was asked for, of ``Patience.now``; ``written``: its files were there already
    when this run began to look.
    """
    with screen.meter("Exporting") as meter:
        looks = _Looks(api)
        while True:
            if job.written and not written:
                _say_written(screen, job, api.patience.now() - began)
                written, began = True, api.patience.now()
            if job.ended or job.awaits_acknowledgement:
                _say_cleared(screen, job, api.patience.now() - began if looks.count else None)
                return job
            _show_export(meter, job)
            looks.wait()
            job = ExportJob.of(api.get(f"/exports/{job.id}"))


def follow_import(api: Api, screen: Screen, job: ImportJob, total: int | None) -> ImportJob:
    """The import once it has ended. ``total``: messages of the archive, where that is known."""
    with screen.meter("Restoring") as meter:
        looks = _Looks(api)
        while not job.ended:
            meter.show("Restoring", job.messages, total, _messages(job.messages, total))
            looks.wait()
            job = ImportJob.of(api.get(f"/imports/{job.id}"))
    return job


def follow_undo(api: Api, screen: Screen, job: ExportJob) -> ExportJob:
    """The export once its undo has ended, which its clear says."""
    receipt = job.clear.receipt if job.clear else None
    figures = counted(receipt.cleared, "message") if receipt else ""
    with screen.meter("Undoing") as meter:
        looks = _Looks(api)
        while job.clear and job.clear.status == "undoing":
            meter.show("Undoing", figures=figures)
            looks.wait()
            job = ExportJob.of(api.get(f"/exports/{job.id}"))
    return job


class ByteBar:
    """Bytes on their way, and how fast they go in this run."""

    def __init__(self, meter: Meter, doing: str, total: int, now: Callable[[], float]) -> None:
        self._meter = meter
        self._doing = doing
        self._total = total
        self._now = now
        self._began: float | None = None
        self._at_first = 0
        self.done = 0

    def advance(self, count: int) -> None:
        """What is there when it begins, from an earlier run, does not count as fast."""
        self.done += count
        if self._began is None:
            self._began, self._at_first = self._now(), self.done
        seconds, moved = self._now() - self._began, self.done - self._at_first
        rate = f"  {size(moved / seconds)}/s" if seconds > 0.5 and moved > 0 else ""
        figures = f"{size(self.done)} of {size(self._total)}{rate}"
        self._meter.show(self._doing, self.done, self._total, figures)


class _Looks:
    """Often at first, since most jobs are small; then seldom, since the others are long."""

    def __init__(self, api: Api) -> None:
        self._patience = api.patience
        self._next = _FIRST_LOOK
        self.count = 0

    def wait(self) -> None:
        self._patience.pause(self._next)
        self.count += 1
        self._next = min(self._next * 4 / 3, _LATER_LOOKS)


def _say_written(screen: Screen, job: ExportJob, seconds: float) -> None:
    if job.counts:
        screen.done(f"Exported {contents(job.counts)}", seconds)


def _say_cleared(screen: Screen, job: ExportJob, seconds: float | None) -> None:
    if receipt := job.clear and job.clear.receipt:
        exported = counted(receipt.exported, "message")
        screen.done(f"Cleared {receipt.cleared:,} of {exported}", seconds)


def _show_export(meter: Meter, job: ExportJob) -> None:
    if job.written:
        clear = job.clear
        doing = _CLEARS.get(clear.status, "Finishing") if clear else "Finishing"
        receipt = clear.receipt if clear else None
        if receipt and receipt.cleared:
            figures = _messages(receipt.cleared, receipt.exported)
            meter.show(doing, receipt.cleared, receipt.exported, figures)
        else:
            meter.show(doing)
        return
    figures = counted(job.messages, "message")
    if job.documents is not None:
        figures = counted(job.documents, "document")
    if job.parts_total:
        figures = f"{job.parts_done:,} of {counted(job.parts_total, 'part')}, {figures}"
    meter.show("Exporting", job.parts_done, job.parts_total, figures)


def _messages(done: int, total: int | None) -> str:
    return f"{done:,} of {counted(total, 'message')}" if total else counted(done, "message")
