"""What must hold after every step, by the raw items and objects: I1 to I11, each by its number.

The oracle keeps its own account of what was accepted, and reads the table and the buckets as they
lie there, behind the service's back. The rules it applies are the design's, written down anew.
"""

import gzip
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chatledger.audit import chain
from chatledger.aws import wire
from chatledger.aws.table import items
from chatledger.ledger import keys
from chatledger.ledger.entries import Entry
from chatledger.messages import Message, encode_line, identity, revision
from tests.fakes.audit import audit
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_table import MemoryTable

ENDED = {"succeeded", "failed", "cancelled", "clear_incomplete"}
# A hold counts from then on: whatever had read the holds before has written.
_HOLD_ACTIVE_AFTER = timedelta(seconds=60)


class Revision(NamedTuple):
    """A message's content: which conversation, which message, which content."""

    conversation: str
    message: bytes
    content: bytes


def revision_of(message: Message) -> Revision:
    line = encode_line(message)
    return Revision(message.conversation_id, identity(message), revision(line))


@dataclass(frozen=True)
class Held:
    """A revision as it lies in the table; ``cleared_by``: None where it is live."""

    slot: int
    cleared_by: str | None
    entry: str


@dataclass
class Account:
    """Of one organization. ``accepted`` has every revision that was ever acknowledged or seen."""

    accepted: set[Revision] = field(default_factory=set[Revision])
    known: dict[Revision, Message] = field(default_factory=dict[Revision, Message])
    held: dict[Revision, Held] = field(default_factory=dict[Revision, Held])
    # Of archives whose clear began: export → revisions, entries, and what their objects hash to.
    archived: dict[str, set[Revision]] = field(default_factory=dict[str, set[Revision]])
    listed: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    objects: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    holds: dict[str, tuple[str, datetime]] = field(default_factory=dict[str, tuple[str, datetime]])
    tombstones: dict[str, str] = field(default_factory=dict[str, str])
    # Cleared so long ago that nobody remembers it: sent again, it is new.
    expired: set[Revision] = field(default_factory=set[Revision])


@dataclass
class Oracle:
    table: MemoryTable
    archive: MemoryBucket
    ledger: Any
    accounts: dict[str, Account]
    # What the step may do that others may not: undo or restore, of these exports.
    revives: bool = False
    expires: bool = False

    def look(self, organization: str) -> Account:
        """Reads what the table holds now; what was not there before is accepted from now on."""
        account = self.accounts[organization]
        account.held = {}
        for entry in self.entries(organization):
            place = f"{entry.key.pk}/{entry.key.sk}"
            for found, message in _revisions(entry):
                # I5, I3: nothing is held twice, live or cleared.
                assert found not in account.held, f"I3, I5: held twice in {organization}: {found}"
                account.held[found] = Held(entry.place.slot, entry.cleared_by, place)
                if message:
                    account.known[found] = message
        return account

    def entries(self, organization: str) -> list[Entry]:
        prefix = f"D#{keys.escape(organization)}"
        found = (self.table.peek(key) for key in self.table.keys_of_kind(prefix))
        return [Entry.of(item) for item in found if item]

    def newest(self, account: Account) -> dict[tuple[str, bytes], Revision]:
        """Of each message the revision that counts: the one of the highest slot."""
        winners: dict[tuple[str, bytes], Revision] = {}
        for found, held in account.held.items():
            place = (found.conversation, found.message)
            there = winners.get(place)
            if there is None or account.held[there].slot < held.slot:
                winners[place] = found
        return winners

    def jobs(self, organization: str) -> list[dict[str, Any]]:
        found = items(self.table, keys.jobs(organization))
        return [json.loads(wire.binary(item, "job")) for item in found]

    # --- the invariants ---------------------------------------------------------------------

    def check(self, now: datetime) -> None:
        for organization in self.accounts:
            before = dict(self.accounts[organization].tombstones)
            account = self.look(organization)
            if self.expires:
                self._expire(account)
            audit(
                self.ledger, organization, trimmed=True
            )  # I5: gapless slots, each entry listed, none twice
            self._archives(organization, account)
            self.i1_nothing_is_lost(account)
            self.i2_what_is_cleared_is_listed(account)
            self.i4_an_archive_never_changes(account)
            self.i5_accepted_is_live_or_cleared(account)
            self.i8_a_clear_sticks(organization, account, before, now)

    def i1_nothing_is_lost(self, account: Account) -> None:
        kept = set[Revision]().union(*account.archived.values())
        for found in account.accepted:
            held = account.held.get(found)
            live = held is not None and held.cleared_by is None
            assert live or found in kept, f"I1: lost: {found}"

    def i2_what_is_cleared_is_listed(self, account: Account) -> None:
        for found, held in account.held.items():
            if held.cleared_by:
                listed = account.listed.get(held.cleared_by, {})
                assert held.entry in listed, f"I2: cleared and not listed: {held}"
                assert found in account.archived[held.cleared_by], f"I2: not archived: {held}"

    def i4_an_archive_never_changes(self, account: Account) -> None:
        for objects in account.objects.values():
            for key, digest in objects.items():
                data = self.archive.objects.get(key)
                assert data is not None, f"I4: {key} is gone"
                assert hashlib.sha256(data).hexdigest() == digest, f"I4: {key} changed"

    def i5_accepted_is_live_or_cleared(self, account: Account) -> None:
        missing = account.accepted - account.held.keys()
        assert not missing, f"I5: accepted, and neither live nor cleared: {missing}"
        extra = account.held.keys() - account.accepted
        assert not extra, f"I5: held and never accepted: {extra}"

    def i8_a_clear_sticks(
        self, organization: str, account: Account, before: dict[str, str], now: datetime
    ) -> None:
        account.tombstones = {
            held.entry: held.cleared_by for held in account.held.values() if held.cleared_by
        }
        undone = {
            job["export_id"]
            for job in self.jobs(organization)
            if job.get("clear") and job["clear"]["status"] == "undone"
        }
        for place, cleared_by in account.tombstones.items():
            assert cleared_by not in undone, f"I8: {cleared_by} was undone, {place} is cleared"
            if place not in before:
                self._not_held(account, place, now)
        if not self.revives and not self.expires:
            back = before.keys() - account.tombstones.keys()
            assert not back, f"I8: cleared and back without an undo: {back}"

    def _not_held(self, account: Account, place: str, now: datetime) -> None:
        """A hold that was active before this step covers nothing that the step cleared."""
        conversation = keys.unescape(place.partition("/")[2].partition("#")[0])
        for hold_id, (held, placed_at) in account.holds.items():
            active = now - placed_at > _HOLD_ACTIVE_AFTER + timedelta(minutes=10)
            assert not (active and held == conversation), f"{hold_id} holds {place}"

    def i10_every_job_has_ended(self) -> None:
        for organization in self.accounts:
            recorded = self._recorded(organization)
            for job in self.jobs(organization):
                waits = (job.get("clear") or {}).get("status") == "awaiting_acknowledgement"
                assert job["status"] in ENDED or waits, f"I10: {job['export_id']} never ended"
                if job["status"] in ENDED:
                    ends = recorded["export.ended", job["export_id"]]
                    assert ends == 1, f"I10: {ends} records of the end of {job['export_id']}"

    def _recorded(self, organization: str) -> Counter[tuple[str, str]]:
        """Actions by export; the chain is whole."""
        found, prev = Counter[tuple[str, str]](), "0" * 64
        for item in items(self.table, keys.audit(organization)):
            if "record" not in item:
                continue
            stored = chain.stored_of(item)
            record = stored.record
            assert record.prev == prev, f"I10: the trail breaks at {record.seq}"
            prev = hashlib.sha256(stored.canonical).hexdigest()
            assert prev == stored.hash, f"I10: record {record.seq} was changed"
            found[record.action, record.subject.get("export_id", "")] += 1
        return found

    def visible(self, organization: str, conversation: str) -> list[Message]:
        """I11: what a reader may see: of each message the newest revision, if it is live."""
        account = self.accounts[organization]
        shown = [
            account.known[found]
            for (of, _), found in self.newest(account).items()
            if of == conversation and account.held[found].cleared_by is None
        ]
        return sorted(shown, key=lambda each: (each.timestamp, each.id))

    def _expire(self, account: Account) -> None:
        """What went was a tombstone, and its archive stays."""
        gone = {each for each in account.accepted if each not in account.held}
        kept = set[Revision]().union(*account.archived.values())
        assert gone <= kept, f"I1: gone without an archive: {gone - kept}"
        account.expired |= gone
        account.accepted -= gone

    # --- archives ---------------------------------------------------------------------------

    def _archives(self, organization: str, account: Account) -> None:
        """Reads each archive once, when its clear has begun; from then on it must stay."""
        for job in self.jobs(organization):
            clear, export_id = job.get("clear"), job["export_id"]
            if clear and clear.get("began_at") and export_id not in account.archived:
                self._read_archive(account, job)

    def _read_archive(self, account: Account, job: dict[str, Any]) -> None:
        file = job["manifest"]["file"]
        manifest = self.archive.objects[file["key"]]
        first, *lines = manifest.splitlines()
        header = json.loads(first)["manifest"]
        objects = {file["key"]: hashlib.sha256(manifest).hexdigest()}
        revisions, listed = set[Revision](), dict[str, str]()
        for part in header["parts"]:
            data = self.archive.objects[part["key"]]
            objects[part["key"]] = hashlib.sha256(data).hexdigest()
            assert objects[part["key"]] == part["sha256"]
            for line in gzip.decompress(data).splitlines(keepends=True):
                if "record" not in json.loads(line):
                    fields = json.loads(line)
                    message = _message(fields)
                    assert encode_line(message) == line
                    revisions.add(revision_of(message))
        for line in lines:
            entry = json.loads(line)
            cell = keys.cell(job["organization"], entry["day"], entry["shard"])
            listed[f"{cell}/{entry['key']}"] = entry["w"]
        export_id = job["export_id"]
        account.archived[export_id], account.listed[export_id] = revisions, listed
        account.objects[export_id] = objects


def _message(fields: dict[str, Any]) -> Message:
    return Message(**{**fields, "timestamp": datetime.fromisoformat(fields["timestamp"])})


def _revisions(entry: Entry) -> list[tuple[Revision, Message | None]]:
    if entry.is_tombstone:
        return [(Revision(entry.place.conversation_id, *pair), None) for pair in entry.digests()]
    return [(revision_of(each), each) for each in entry.messages()]
