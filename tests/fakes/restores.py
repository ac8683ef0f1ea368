"""A world of clears in which what was cleared comes back: undone, or imported."""

import gzip
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chatledger.aws.table import Table
from chatledger.export import jobs as exports
from chatledger.export.kept import open_archive
from chatledger.jobs import running
from chatledger.jobs.ended import Ended
from chatledger.ledger.ledger import Ledger
from chatledger.restore import jobs as restores
from chatledger.restore import places
from chatledger.restore.finish import finish
from chatledger.restore.import_file import import_file
from chatledger.restore.job import Counts, Job
from chatledger.restore.undo import undo, undo_id
from chatledger.restore.undo_part import undo_part
from tests.fakes.chats import ORGANIZATION
from tests.fakes.clears import World
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_states import MemoryStates

IMPORT = "01IMPORT"


@dataclass
class Restored(World):
    """``clear_all`` leaves E1's tombstones; ``undo`` and ``restore`` run a whole workflow."""

    def __post_init__(self) -> None:
        self.machine = MemoryStates()

    def clear_all(self, export_id: str = "E1", **how: Any) -> None:
        self.archived(export_id, **how)
        self.clear(export_id)
        self.reconcile(export_id)

    # --- undo ----------------------------------------------------------------------------------

    def ask(self, export_id: str = "E1", table: Table | None = None) -> Job:
        ledger = self.ledger_on(table or self.table)
        return undo(ledger, self.machine, self.archive.name, ORGANIZATION, export_id)

    def undo_parts(self, export_id: str = "E1", table: Table | None = None) -> None:
        ledger = self.ledger_on(table or self.table)
        for part in range(1, self.parts(export_id) + 1):
            while not undo_part(
                ledger, self.archive, ORGANIZATION, undo_id(export_id), part, self.later
            ):
                pass

    def finish(self, restore_id: str, table: Table | None = None, **where: str) -> None:
        finish(self.ledger_on(table or self.table), where.get("into", ORGANIZATION), restore_id)

    def undo(self, export_id: str = "E1", table: Table | None = None) -> Counts:
        self.ask(export_id, table)
        with suppress(Ended):  # A repeat of what is done.
            self.undo_parts(export_id, table)
        self.finish(undo_id(export_id), table)
        return self.restore_job(undo_id(export_id)).counts

    def restore_job(self, restore_id: str, organization: str = ORGANIZATION) -> Job:
        return restores.find(self.table, organization, restore_id)

    # --- import --------------------------------------------------------------------------------

    def archive_file(
        self, export_id: str = "E1", organization: str = ORGANIZATION
    ) -> tuple[bytes, bytes]:
        """The archive and its manifest, as a person has downloaded them."""
        manifest = exports.find(self.table, organization, export_id).manifest
        assert manifest
        kept = open_archive(self.archive, manifest)
        data = b"".join(b"".join(kept.data(part)) for part in kept.header.parts)
        return data, self.archive.objects[manifest.file.key]

    def upload(
        self,
        archive: bytes,
        manifest: bytes | None = None,
        import_id: str = IMPORT,
        into: str = ORGANIZATION,
    ) -> None:
        running.enter(self.table, "restore", into, import_id, self.clock.now())
        job = Job(
            restore_id=import_id,
            organization=into,
            kind="import",
            created_at=self.clock.now(),
            status="queued",
        )
        restores.save(self.table, job)
        media_type = places.MEDIA_TYPE
        if manifest is not None:
            self.exports.put(places.manifest(into, import_id), manifest, media_type)
        self.exports.put(places.archive(into, import_id), archive, media_type)

    def import_all(
        self,
        import_id: str = IMPORT,
        into: str = ORGANIZATION,
        ledger: Ledger | None = None,
        uploads: MemoryBucket | None = None,
    ) -> Job:
        ledger, uploads = ledger or self.ledger, uploads or self.exports
        try:
            while not import_file(ledger, uploads, into, import_id, self.later):
                pass
        except Ended:
            pass
        finish(ledger, into, import_id)
        return self.restore_job(import_id, into)

    def restore(
        self,
        archive: bytes,
        manifest: bytes | None = None,
        import_id: str = IMPORT,
        into: str = ORGANIZATION,
    ) -> Counts:
        """Uploads and imports; the job must succeed."""
        self.upload(archive, manifest, import_id, into)
        job = self.import_all(import_id, into)
        assert job.status == "succeeded", job.error
        return job.counts


def compressed_anew(archive: bytes) -> bytes:
    """The same lines in one gzip member, as any tool would make it."""
    return gzip.compress(gzip.decompress(archive), mtime=0)
