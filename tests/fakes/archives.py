"""Archives with their manifests, of what a ledger in memory holds; as an export leaves them."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

import msgspec

from chatledger.export import jobs, places
from chatledger.export import manifest as manifests
from chatledger.export import signature as signatures
from chatledger.export.job import Archive, Clear, Counts, File, Job, Manifest
from chatledger.export.manifest import Header, ListedEntry, ManifestPart
from chatledger.formats.archive import head_line
from chatledger.jobs import lease, running
from chatledger.jobs.holder import has_ended
from chatledger.ledger import heads, keys
from chatledger.ledger.entries import Entry, compress
from chatledger.ledger.ledger import Ledger
from tests.fakes.chats import ORGANIZATION
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_signer import MemorySigner
from tests.fakes.memory_table import MemoryTable

FOLDER = "archives/acme"


def live_entries(table: MemoryTable, organization: str = ORGANIZATION) -> list[Entry]:
    """In the order of an archive: conversation by conversation."""
    kept = (table.peek(key) for key in table.keys_of_kind(f"D#{keys.escape(organization)}"))
    entries = [Entry.of(item) for item in kept if item]
    return sorted(
        (entry for entry in entries if not entry.is_tombstone),
        key=lambda entry: (entry.place.conversation_id, entry.quarter, entry.place.slot),
    )


def archived(
    table: MemoryTable,
    ledger: Ledger,
    bucket: MemoryBucket,
    export_id: str = "E1",
    *,
    parts: int = 2,
    on: Any = "verified",
    entries: Sequence[Entry] | None = None,
    organization: str = ORGANIZATION,
) -> Job:
    """A running job whose archive is written, of all live entries; its clear may begin."""
    chosen = live_entries(table, organization) if entries is None else entries
    made, lists = _write_parts(ledger, bucket, export_id, organization, _split(chosen, parts))
    manifest = _write_manifest(ledger, bucket, export_id, organization, made, lists)
    waits = on == "acknowledged"
    job = Job(
        export_id=export_id,
        organization=organization,
        request={"format": "archive", "clear": True, "clear_on": on},
        created_at=ledger.now(),
        execution=export_id,
        status="running",
        counts=Counts(0, sum(part.messages for part in made), sum(part.bytes for part in made)),
        manifest=manifest,
        archive=Archive(Counts(), len(made), ()),
        clear=Clear(on=on, status="awaiting_acknowledgement" if waits else "pending"),
        written_at=ledger.now() + timedelta(seconds=1),
    )
    running.enter(table, "export", organization, export_id, ledger.now())
    if not waits:
        lease.take(
            table, organization, export_id, lambda each: has_ended(table, organization, each)
        )
    return jobs.save(table, job)


def _split(entries: Iterable[Entry], parts: int) -> list[list[list[Entry]]]:
    """Whole conversations, dealt to so many parts at most."""
    grouped = [list(run) for _, run in groupby(entries, lambda each: each.place.conversation_id)]
    size = -(-len(grouped) // parts) or 1
    return [grouped[start : start + size] for start in range(0, len(grouped), size)]


def _write_parts(
    ledger: Ledger,
    bucket: MemoryBucket,
    export_id: str,
    organization: str,
    split: Sequence[Sequence[Sequence[Entry]]],
) -> tuple[list[ManifestPart], list[bytes]]:
    made: list[ManifestPart] = []
    lists: list[bytes] = []
    for number, conversations in enumerate(split, 1):
        data, listed = bytearray(), list[ListedEntry]()
        for entries in conversations:
            shard = ledger.shard_of(entries[0].place.conversation_id)
            name = entries[0].place.conversation_id
            head = heads.load(ledger.table, organization, shard, name)
            assert head
            data += compress(head_line(head))
            for entry in entries:
                listed.append(_listed(entry, shard, len(data)))
                data += entry.payload
        key = f"{FOLDER}/{export_id}/parts/{number:05}"
        version = bucket.put(key, bytes(data), "application/gzip")
        lines = b"".join(map(manifests.entry_line, listed))
        made.append(
            ManifestPart(
                number=number,
                key=key,
                version_id=version,
                bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                conversations=len(conversations),
                messages=sum(entry.n for entry in listed),
                entries=len(listed),
                entries_offset=sum(map(len, lists)),
                entries_bytes=len(lines),
                entries_sha256=hashlib.sha256(lines).hexdigest(),
            )
        )
        lists.append(lines)
    return made, lists


def _listed(entry: Entry, shard: int, offset: int) -> ListedEntry:
    return ListedEntry(
        day=entry.day,
        shard=shard,
        key=entry.key.sk,
        slot=entry.place.slot,
        w=entry.token.hex(),
        n=entry.messages_count,
        digest=entry.digest.hex(),
        offset=offset,
        bytes=len(entry.payload),
    )


def _write_manifest(
    ledger: Ledger,
    bucket: MemoryBucket,
    export_id: str,
    organization: str,
    parts: Sequence[ManifestPart],
    lists: Sequence[bytes],
) -> Manifest:
    header = Header(
        version=manifests.VERSION,
        organization=organization,
        export_id=export_id,
        epoch=ledger.epoch,
        created_at=ledger.now(),
        selection={},
        frozen={},
        conversations=sum(part.conversations for part in parts),
        messages=sum(part.messages for part in parts),
        bytes=sum(part.bytes for part in parts),
        file=None,
        parts=tuple(parts),
    )
    return write_manifest(bucket, export_id, header, b"".join(lists))


def write_manifest(bucket: MemoryBucket, export_id: str, header: Header, lines: bytes) -> Manifest:
    first, root_hash = manifests.first_line(header)
    data = first + lines
    key = f"{FOLDER}/{export_id}/manifest.jsonl"
    version = bucket.put(key, data, manifests.MEDIA_TYPE)
    file = File(
        name=manifests.NAME,
        key=key,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        home="archive",
        version=version,
    )
    parts_key = f"{FOLDER}/{export_id}/parts.json"
    parts = [{"part": part.number} for part in header.parts]
    bucket.put(parts_key, msgspec.json.encode(parts), "application/json")
    return Manifest(file, root_hash, len(parts), parts_key, _signed(bucket, key, root_hash))


def _signed(bucket: MemoryBucket, manifest_key: str, root_hash: str) -> File:
    data = signatures.sign(MemorySigner(), root_hash)
    key = places.signature(manifest_key)
    version = bucket.put(key, data, signatures.MEDIA_TYPE)
    digest = hashlib.sha256(data).hexdigest()
    return File(signatures.NAME, key, len(data), digest, "archive", version)
