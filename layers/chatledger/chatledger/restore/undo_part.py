"""The undo of one part of the archive: each entry that the clear took, put back as it was.

An entry is looked at, then written under its ``w``, so the step may stop anywhere and be repeated:
what is back already is left as it is and counted again. All that was listed gets a fresh ``w``,
so nothing of the clear that comes late can match.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import repeat
from typing import NamedTuple

from chatledger.aws.bucket import Bucket, ObjectGone
from chatledger.aws.table import Absent, ConditionFailed
from chatledger.aws.wire import Item
from chatledger.errors import Conflict, StorageError
from chatledger.export import jobs as exports
from chatledger.export.kept import ArchiveDiffers, KeptArchive, open_archive
from chatledger.export.manifest import ListedEntry, ManifestPart
from chatledger.formats.archive import HeadRecord, read_record
from chatledger.formats.members import member_content, read_lines
from chatledger.jobs import lease, progress
from chatledger.jobs.ended import Ended
from chatledger.ledger import heads, slots
from chatledger.ledger.describe import describe
from chatledger.ledger.entries import Entry, Piece, quarter_hour, refreshed, revival
from chatledger.ledger.held import held_entries
from chatledger.ledger.keys import entry_place
from chatledger.ledger.ledger import Ledger
from chatledger.messages import decode_line, encode_line, revision
from chatledger.restore import jobs as restores
from chatledger.restore.records import users_of

# A batch is one BatchGetItem, and its members one look into the archive.
BATCH_ENTRIES = 100
BATCH_BYTES = 1024 * 1024
_AT_ONCE = 8
_LOOKS = 5
_REPORT_EVERY = timedelta(seconds=2)


class _Listed(NamedTuple):
    """An entry of the manifest, and where in the part its conversation's head stands."""

    entry: ListedEntry
    head_start: int
    head_bytes: int


@dataclass
class _Undo:
    """One run of the step. ``restored`` and ``left`` count messages of the entries gone through."""

    ledger: Ledger
    organization: str
    restore_id: str
    export_id: str
    kept: KeptArchive
    part: ManifestPart
    pool: ThreadPoolExecutor
    restored: int = 0
    left: int = 0
    reported_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.reported_at = self.ledger.now()


def undo_part(
    ledger: Ledger, archive: Bucket, organization: str, restore_id: str, part: int, until: datetime
) -> bool:
    """Whether the part is done; if not, ``until`` has come, and it is to be called again.

    Raises ``Ended`` where the undo is over, ``Conflict`` where it has lost the lease, and
    ``ArchiveDiffers``.
    """
    export_id = _running(ledger, organization, restore_id)
    export = exports.find(ledger.table, organization, export_id)
    if not export.manifest:
        raise ArchiveDiffers(f"Export {export_id} has no manifest.")
    kept = open_archive(archive, export.manifest)
    listed = kept.part(part)
    kept.check_list(listed)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        run = _Undo(ledger, organization, restore_id, export_id, kept, listed, pool)
        for batch in _batches(kept.entries(listed)):
            if ledger.now() >= until:
                return False
            _running(ledger, organization, restore_id)
            _undo_batch(run, batch)
            _report(run)
        _report(run, done=True)
    return True


def _running(ledger: Ledger, organization: str, restore_id: str) -> str:
    """The export whose clear is undone."""
    job = restores.load(ledger.table, organization, restore_id)
    if not job or job.ended or not job.export_id:
        raise Ended
    if lease.holder(ledger.table, organization) != restore_id:
        raise Conflict("Another clear or undo has begun here. Ask for the undo again.")
    return job.export_id


def _batches(entries: Iterator[ListedEntry]) -> Iterator[list[_Listed]]:
    """Neighbours in the archive, so that one look into it reads all their members."""
    batch: list[_Listed] = []
    end = 0
    head = (0, 0)
    for entry in entries:
        # What stands between entries is the head of the conversation that comes.
        if entry.offset > end:
            head = (end, entry.offset - end)
        end = entry.offset + entry.bytes
        span = end - batch[0].entry.offset if batch else 0
        if len(batch) == BATCH_ENTRIES or span > BATCH_BYTES:
            yield batch
            batch = []
        batch.append(_Listed(entry, *head))
    if batch:
        yield batch


def _undo_batch(run: _Undo, batch: Sequence[_Listed]) -> None:
    places = [listed.entry.place(run.organization) for listed in batch]
    there = run.ledger.table.get_many(places)
    found = [there.get(place) for place in places]
    live = all(item and "payload" in item for item in found)
    members = [b""] * len(batch) if live else _members(run, batch)
    back = run.pool.map(_put_back, repeat(run), batch, found, members)
    for listed, is_back in zip(batch, back, strict=True):
        if is_back:
            run.restored += listed.entry.n
        else:
            run.left += listed.entry.n


def _members(run: _Undo, batch: Sequence[_Listed]) -> list[bytes]:
    """The entries' gzip members, as they stand in the archive."""
    entries = [listed.entry for listed in batch]
    start = entries[0].offset
    data = _archived(run, start, entries[-1].offset + entries[-1].bytes - start)
    return [data[entry.offset - start :][: entry.bytes] for entry in entries]


def _archived(run: _Undo, start: int, length: int) -> bytes:
    part = run.part
    try:
        pieces = run.kept.bucket.read(part.key, version=part.version_id, start=start, length=length)
        return b"".join(pieces)
    except ObjectGone:
        raise ArchiveDiffers(f"The object of part {part.number} is gone.") from None


def _put_back(run: _Undo, listed: _Listed, item: Item | None, member: bytes) -> bool:
    """Whether the entry is live afterwards; somebody else's write is looked at anew."""
    for _ in range(_LOOKS):
        try:
            return _once(run, listed, item, member)
        except ConditionFailed:
            item = run.ledger.table.get(listed.entry.place(run.organization))
            member = member or _members(run, [listed])[0]
    raise StorageError


def _once(run: _Undo, listed: _Listed, item: Item | None, member: bytes) -> bool:
    if not item:
        return _put_anew(run, listed, member)
    entry, table = Entry.of(item), run.ledger.table
    if not entry.is_tombstone:
        if entry.token.hex() == listed.entry.w:
            table.update(refreshed(entry))
        return entry.digest.hex() == listed.entry.digest
    if entry.cleared_by != run.export_id:
        return False
    _checked(run, listed.entry, member, entry.digest)
    table.update(revival(entry, member))
    return True


def _put_anew(run: _Undo, listed: _Listed, member: bytes) -> bool:
    """An entry that is gone altogether, under its own key, unless some of it is held elsewhere."""
    ledger, organization = run.ledger, run.organization
    place = entry_place(listed.entry.key)
    quarter = (listed.entry.day, place.quarter)
    lines = _checked(run, listed.entry, member, bytes.fromhex(listed.entry.digest))
    messages = [decode_line(line) for line in lines.splitlines(keepends=True)]
    if {(quarter_hour(each), each.conversation_id) for each in messages} != {
        (quarter, place.conversation_id)
    }:
        raise ArchiveDiffers(f"Part {run.part.number} has an entry of another conversation.")
    shard = ledger.shard_of(place.conversation_id)
    head = heads.load(ledger.table, organization, shard, place.conversation_id)
    now = ledger.now()
    newest = slots.newest(ledger.table, organization, shard, now)
    # What a settled slot lists shows, or is gone for good.
    unsettled = [slot for slot in newest if slot.at >= now - slots.SETTLED_AFTER]
    contents = {revision(encode_line(message)) for message in messages}
    for held in held_entries(ledger, organization, place.conversation_id, {quarter}, unsettled):
        if any(content in contents for _, content in held.digests()):
            return False
    said = None if head else _head_record(run, listed)
    describe(ledger, organization, head, messages, users_of(said), said.about if said else {})
    piece = Piece(quarter, place.piece, messages, lines, member)
    ledger.table.put(piece.item(organization, shard, place.slot), Absent())
    return True


def _head_record(run: _Undo, listed: _Listed) -> HeadRecord | None:
    """What the archive says of the entry's conversation, whose head is gone as well."""
    member = _archived(run, listed.head_start, listed.head_bytes)
    lines = [line.data for line in read_lines([member])]
    return next((each for each in map(read_record, lines) if isinstance(each, HeadRecord)), None)


def _checked(run: _Undo, listed: ListedEntry, member: bytes, digest: bytes) -> bytes:
    """The member's lines; raises ``ArchiveDiffers`` unless they have the digest."""
    lines = member_content(member, digest)
    if lines is None:
        raise ArchiveDiffers(
            f"Part {run.part.number} of the archive does not hold the entry of slot {listed.slot}."
        )
    return lines


def _report(run: _Undo, *, done: bool = False) -> None:
    """(restored, left alone, done): the last report, which is exact, is what the end sums up."""
    now = run.ledger.now()
    if done or now >= run.reported_at + _REPORT_EVERY:
        figures = (run.restored, run.left, int(done))
        progress.report(
            run.ledger.table, run.organization, run.restore_id, run.part.number, figures
        )
        run.reported_at = now
