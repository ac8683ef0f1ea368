"""``chatledger export``: asks for an export, waits, downloads it, checks it."""

import uuid
from collections.abc import Callable
from pathlib import Path

from chatledger_cli import manifest
from chatledger_cli.answers import Counts, ExportJob, Json, Link
from chatledger_cli.api import Api
from chatledger_cli.download import Downloader, Wanted
from chatledger_cli.errors import CommandError, Refused
from chatledger_cli.figures import counted, size
from chatledger_cli.folder import Begun, Note, locked, output_folder
from chatledger_cli.following import ByteBar, follow_export
from chatledger_cli.screen import Screen
from chatledger_cli.summary import (
    Exported,
    Moved,
    amount,
    complain_of_clear,
    show_export,
    why_nothing,
    with_proof,
)

NOTE = ".chatledger-export.json"
# A small export is done by then, within its request; a larger one goes on as a workflow.
_WAIT = 5


def dry_run(api: Api, screen: Screen, request: Json) -> None:
    """Only counts. Raises ``CommandError``."""
    answer = api.post("/exports", {**request, "dry_run": True}, str(uuid.uuid4()))
    counts = Counts.of(answer["counts"], request.get("dataset"))
    screen.done(f"It would contain {amount(counts)}")
    if counts.is_nothing:
        screen.remark(why_nothing(request))
    if answer.get("would_clear") is not None:
        screen.done(f"It would clear {counted(int(answer['would_clear']), 'message')}, less holds")


def export(
    api: Api,
    screen: Screen,
    folder: Path,
    request: Json,
    agree: Callable[[], None],
    undo: Callable[[str], str],
) -> None:
    """Leaves the export in the folder, and nothing else. Raises ``CommandError``.

    ``agree`` raises it where somebody does not want what is not yet begun; ``undo``: the command
    that undoes the clear of an export.
    """
    made = output_folder(folder, NOTE)
    with locked(folder):
        note = Note(folder, NOTE)
        if not note.is_there:
            _agreed(agree, folder if made else None)
        began = api.patience.now()
        begun = note.begin(api.url, {**request, "organization": api.organization})
        try:
            job = _start(api, note, begun, request)
        except Refused as refused:
            if refused.before_anything and not note.resumed:
                note.remove()
                if made:
                    folder.rmdir()
            raise
        done = _Export(api, screen, folder, note, job)
        done.run(began)
        came = Exported(request, folder, done.job, done.moved, done.root_hash, undo(job.id))
        show_export(screen, came)
        complain_of_clear(done.job)


def _agreed(agree: Callable[[], None], made: Path | None) -> None:
    """``made``: the folder that is not wanted then."""
    try:
        agree()
    except CommandError:
        if made:
            made.rmdir()
        raise


def _start(api: Api, note: Note, begun: Begun, request: Json) -> ExportJob:
    """The job, the same one however often this is repeated."""
    if begun.id is None:
        job = ExportJob.of(api.post("/exports", request, begun.key, wait=_WAIT))
        note.write(begun.known_as(job.id))
        return job
    try:
        return ExportJob.of(api.get(f"/exports/{begun.id}"))
    except Refused as refused:
        raise note.lost(refused) from None


class _Export:
    """A job on its way into a folder."""

    def __init__(self, api: Api, screen: Screen, folder: Path, note: Note, job: ExportJob) -> None:
        self.api = api
        self.screen = screen
        self.folder = folder
        self.note = note
        self.job = job
        self.moved = Moved()
        self.root_hash: str | None = None

    def run(self, began: float) -> None:
        """``began``: when it was asked for, of ``Patience.now``."""
        resumed = self.note.resumed
        self.screen.done(f"Export {self.job.id} {'goes on' if resumed else 'began'}")
        self._follow(began, written=resumed and self.job.written)
        self._download()
        if self.job.awaits_acknowledgement:
            self._acknowledge()
        self.note.remove()

    @property
    def _is_archive(self) -> bool:
        return self.job.format == "archive" and self.job.manifest is not None

    def _follow(self, began: float, *, written: bool) -> None:
        self.job = follow_export(self.api, self.screen, self.job, began, written=written)
        if not self.job.went_wrong:
            return
        # This job will never be more than it is: the next run begins anew.
        for path in self.folder.glob("*.part"):
            path.unlink(missing_ok=True)
        self.note.remove()
        raise CommandError(f"Export {self.job.id}: {self.job.error or f'it {self.job.status}'}")

    def _download(self) -> None:
        if not self.job.files:
            raise self._no_longer_there("The files")
        wanted = [self._wanted(file.name) for file in self.job.files]
        if self._is_archive:
            wanted.append(self._wanted(manifest.NAME))
            if self.job.signature:
                wanted.append(self._wanted(self.job.signature.name))
        self._get(wanted)
        if self._is_archive:
            self._check_manifest(self.folder / manifest.NAME)

    def _get(self, wanted: list[Wanted]) -> None:
        now, total = self.api.patience.now, sum(each.bytes for each in wanted)
        downloader = Downloader(self.api.links, self.folder, self.api.patience)
        began, held = now(), sum(downloader.held(each) for each in wanted)
        with self.screen.meter("Downloading") as meter:
            bar = ByteBar(meter, "Downloading", total, now)
            for each in wanted:
                downloader.fetch(each, bar.advance)
        self.moved.add(max(total - held, 0), now() - began)
        files = self.job.files
        what = [files[0].name if len(files) == 1 else counted(len(files), "file")]
        if beside := with_proof(self.job):
            what.append(beside)
        self.screen.done(f"Downloaded and checked {' '.join(what)}, {size(total)}", now() - began)

    def _wanted(self, name: str) -> Wanted:
        def link(fresh: bool) -> str:
            if fresh or self._described(name).url is None:
                self.job = ExportJob.of(self.api.get(f"/exports/{self.job.id}"))
            if url := self._described(name).url:
                return url
            raise self._no_longer_there(name)

        described = self._described(name)
        return Wanted(name, described.bytes, described.sha256, link)

    def _described(self, name: str) -> Link:
        """The file as the job names it now, link and all."""
        described = (*self.job.files, self.job.manifest, self.job.signature)
        for file in described:
            if file and file.name == name:
                return file
        raise self._no_longer_there(name)

    def _no_longer_there(self, what: str) -> CommandError:
        return CommandError(
            f"{what} of export {self.job.id} cannot be had any more: files are kept for 7 days. "
            f"Remove {self.note.path} to give it up."
        )

    def _check_manifest(self, path: Path) -> None:
        """It is the job's, and it is the file's."""
        read = manifest.read_manifest(path)
        if read.root_hash != self.job.root_hash:
            raise CommandError(f"{path} has another root hash than the export says.")
        if read.file_sha256 not in {None, self.job.files[0].sha256}:
            raise CommandError(f"{path} is not the manifest of the archive beside it.")
        self.root_hash = read.root_hash

    def _acknowledge(self) -> None:
        """Only now, with all of it here and checked, may the clear go on."""
        path = f"/exports/{self.job.id}/acknowledge"
        # The job itself makes a repeat harmless, so its id serves as the key.
        answer = self.api.post(path, {"root_hash": self.root_hash}, f"acknowledge-{self.job.id}")
        self.job = ExportJob.of(answer)
        self.screen.done("Acknowledged: what is here now may be cleared there")
        self._follow(self.api.patience.now(), written=True)
