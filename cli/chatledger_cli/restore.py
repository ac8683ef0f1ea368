"""``chatledger restore``: uploads an archive and waits until all of it is back."""

from dataclasses import dataclass
from pathlib import Path

from chatledger_cli import manifest
from chatledger_cli.answers import ImportJob, Json
from chatledger_cli.api import Api
from chatledger_cli.download import sha256_of
from chatledger_cli.errors import CommandError, Refused, WrongUsage
from chatledger_cli.figures import size
from chatledger_cli.folder import Begun, Note, locked
from chatledger_cli.following import ByteBar, follow_import
from chatledger_cli.screen import Screen
from chatledger_cli.summary import Moved, show_restore
from chatledger_cli.upload import MOST_BYTES, Target, upload

NOTE = ".chatledger-restore.json"
_REQUEST = {"format": "archive"}


@dataclass(frozen=True)
class Source:
    """An archive; what its manifest says of it, where it has one."""

    archive: Path
    manifest: Path | None = None
    sha256: str | None = None
    messages: int | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The manifest first: the service starts when it has the archive."""
        return (self.manifest, self.archive) if self.manifest else (self.archive,)

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files)


def restore(api: Api, screen: Screen, folder: Path) -> None:
    """Raises ``CommandError``.

    To repeat it is harmless: what is there already stays as it is. So it does without a note where
    the folder cannot be written.
    """
    source = find_source(folder)
    with locked(folder):
        _check(api, screen, source)
        note = Note(folder, NOTE, required=False)
        begun = note.begin(api.url, _identity(api, source))
        try:
            job = _start(api, note, begun)
        except Refused as refused:
            if refused.before_anything and not note.resumed:
                note.remove()
            raise
        _Restore(api, screen, source, note, begun, job).run()


def find_source(folder: Path) -> Source:
    """Raises ``WrongUsage`` where the folder does not hold one archive."""
    if not folder.is_dir():
        raise WrongUsage(f"{folder} is no folder. Give the one that an export was written to.")
    archives = sorted(folder.glob("*.jsonl.gz"))
    if len(archives) != 1:
        found = f"{len(archives)} of them" if archives else "none"
        raise WrongUsage(
            f"{folder} must hold one archive, a file *.jsonl.gz: it holds {found}. "
            "`chatledger export --format archive` writes one."
        )
    (archive,) = archives
    if archive.stat().st_size > MOST_BYTES:
        raise WrongUsage(
            f"{archive} has {size(archive.stat().st_size)}; one upload takes {size(MOST_BYTES)}. "
            "Export shorter ranges, each into a folder of its own."
        )
    described = folder / manifest.NAME
    if not described.exists():
        return Source(archive)
    read = manifest.read_manifest(described)
    return Source(archive, described, read.file_sha256, read.messages)


def _identity(api: Api, source: Source) -> Json:
    """What makes a second run the same restore."""
    held = source.archive.stat()
    return {
        **_REQUEST,
        "organization": api.organization,
        "archive": source.archive.name,
        "bytes": held.st_size,
        "changed": held.st_mtime_ns,
    }


def _check(api: Api, screen: Screen, source: Source) -> None:
    """A damaged archive is not even sent."""
    if source.sha256 is None:
        return
    now = api.patience.now
    began = now()
    with screen.meter("Checking") as meter:
        bar = ByteBar(meter, "Checking", source.archive.stat().st_size, now)
        found = sha256_of(source.archive, bar.advance)
    if found != source.sha256:
        raise CommandError(
            f"{source.archive} is not what {manifest.NAME} says: it was damaged or changed. "
            f"Nothing was sent. To restore it as it is, move {manifest.NAME} away."
        )
    screen.done("The archive is what its manifest says", now() - began)


def _start(api: Api, note: Note, begun: Begun) -> ImportJob:
    """The import, the same one however often this is repeated."""
    if begun.id is None:
        job = ImportJob.of(api.post("/imports", _REQUEST, begun.key))
        note.write(begun.known_as(job.id))
        return job
    try:
        return ImportJob.of(api.get(f"/imports/{begun.id}"))
    except Refused as refused:
        raise note.lost(refused) from None


class _Restore:
    """An import on its way."""

    def __init__(
        self, api: Api, screen: Screen, source: Source, note: Note, begun: Begun, job: ImportJob
    ) -> None:
        self.api = api
        self.screen = screen
        self.source = source
        self.note = note
        self.begun = begun
        self.job = job
        self.moved = Moved()

    def run(self) -> None:
        now = self.api.patience.now
        self.screen.done(f"Import {self.job.id} {'goes on' if self.note.resumed else 'began'}")
        if self.job.upload and not self.begun.uploaded:
            self._upload()
        began = now()
        self.job = follow_import(self.api, self.screen, self.job, self.source.messages)
        self.note.remove()
        if self.job.status == "failed":
            raise CommandError(f"Import {self.job.id}: {self.job.error or 'it failed'}")
        self.screen.done("Restored", now() - began)
        show_restore(self.screen, self.source.archive.parent, self.job, self.moved)

    def _upload(self) -> None:
        now, total = self.api.patience.now, self.source.bytes
        began = now()
        with self.screen.meter("Uploading") as meter:
            bar = ByteBar(meter, "Uploading", total, now)
            for path in self.source.files:
                upload(self.api.links, self.api.patience, path, self._target(path), bar.advance)
        self.note.write(self.begun.sent())
        self.moved.add(total, now() - began)
        self.screen.done(f"Uploaded {self.source.archive.name}, {size(total)}", now() - began)

    def _target(self, path: Path) -> Target:
        def target(fresh: bool) -> tuple[str, dict[str, str]] | None:
            if fresh:
                self.job = ImportJob.of(self.api.get(f"/imports/{self.job.id}"))
            where = self.job.upload
            if where is None:
                return None
            url = where.url if path == self.source.archive else where.manifest_url
            return url, where.headers

        return target
