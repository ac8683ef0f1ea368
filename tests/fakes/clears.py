"""A ledger with conversations, two buckets and a clock: what tests of clears begin with."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chatledger.aws.table import Table
from chatledger.clear.clearing import Clearer, clear_part
from chatledger.clear.reconcile import Reconciler, reconcile
from chatledger.clear.verify import verify_part
from chatledger.export import jobs
from chatledger.export.job import Job, Receipt
from chatledger.export.kept import open_archive
from chatledger.export.manifest import ListedEntry
from chatledger.jobs.ended import Ended
from chatledger.ledger.append import append
from chatledger.ledger.entries import Entry
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from tests.fakes.archives import archived
from tests.fakes.chats import ORGANIZATION, batch, ledger_on
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_signer import MemorySigner
from tests.fakes.memory_table import MemoryTable

MORNING = datetime(2026, 11, 21, 8, tzinfo=UTC)
NOW = datetime(2026, 12, 1, tzinfo=UTC)
CONVERSATIONS = ("plain", "with#hash", "with space", "émoji 🙂", "b/c")


@dataclass
class Clock:
    """Stands still, but for what is slept."""

    time: datetime = NOW
    slept: float = 0

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.time += timedelta(seconds=seconds)

    def go_on(self, **by: float) -> None:
        self.time += timedelta(**by)


def says(conversation_id: str, number: int, **fields: Any) -> Message:
    """The ``number``-th message of a conversation: one in each quarter hour."""
    fields = {"content": f"text {number} of {conversation_id}", **fields}
    return Message(
        id=f"m{number}",
        conversation_id=conversation_id,
        timestamp=MORNING + timedelta(minutes=15 * number),
        role=("user", "assistant")[number % 2],
        **fields,
    )


@dataclass
class World:
    """Conversations of ``count`` messages each, of the user ann and the app shop."""

    table: MemoryTable = field(default_factory=MemoryTable)
    archive: MemoryBucket = field(default_factory=lambda: MemoryBucket("archive", versioned=True))
    exports: MemoryBucket = field(default_factory=MemoryBucket)
    clock: Clock = field(default_factory=Clock)
    signer: MemorySigner = field(default_factory=MemorySigner)

    @property
    def ledger(self) -> Ledger:
        return self.ledger_on(self.table)

    def ledger_on(self, table: Table) -> Ledger:
        return ledger_on(table, now=self.clock.now, sleep=self.clock.sleep)

    @property
    def later(self) -> datetime:
        return self.clock.time + timedelta(hours=1)

    def fill(self, count: int = 4, conversations: tuple[str, ...] = CONVERSATIONS) -> int:
        for each in conversations:
            said = [says(each, number) for number in range(count)]
            append(self.ledger, ORGANIZATION, batch(said, app_id="shop"))
        return count * len(conversations)

    def add(self, *messages: Message, users: tuple[str, ...] = ("ann",), **about: Any) -> None:
        append(self.ledger, ORGANIZATION, batch(messages, users, **about))

    def archived(self, export_id: str = "E1", **how: Any) -> Job:
        return archived(self.table, self.ledger, self.archive, export_id, **how)

    def job(self, export_id: str = "E1") -> Job:
        return jobs.find(self.table, ORGANIZATION, export_id)

    def save(self, job: Job) -> Job:
        return jobs.save(self.table, job)

    def clearer(self, table: Table | None = None) -> Clearer:
        return Clearer(self.ledger_on(table or self.table), self.archive)

    def reconciler(self, table: Table | None = None) -> Reconciler:
        return Reconciler(self.ledger_on(table or self.table), self.archive, self.exports)

    def verify(self, export_id: str = "E1", table: Table | None = None) -> None:
        for part in range(1, self.parts(export_id) + 1):
            verify_part(
                table or self.table, self.archive, self.signer, ORGANIZATION, export_id, part
            )

    def clear(self, export_id: str = "E1", table: Table | None = None) -> None:
        for part in range(1, self.parts(export_id) + 1):
            clearer = self.clearer(table)
            while not clear_part(clearer, ORGANIZATION, export_id, part, self.later):
                pass

    def reconcile(self, export_id: str = "E1", table: Table | None = None) -> Receipt:
        try:
            while not reconcile(self.reconciler(table), ORGANIZATION, export_id, self.later):
                pass
        except Ended:
            pass  # A repeat of what is done.
        return self.receipt(export_id)

    def receipt(self, export_id: str = "E1") -> Receipt:
        clear = self.job(export_id).clear
        assert clear
        assert clear.receipt, self.job(export_id)
        return clear.receipt

    def parts(self, export_id: str = "E1") -> int:
        manifest = self.job(export_id).manifest
        assert manifest
        return manifest.parts

    def listed(self, export_id: str = "E1") -> list[ListedEntry]:
        manifest = self.job(export_id).manifest
        assert manifest
        kept = open_archive(self.archive, manifest)
        return [entry for part in kept.header.parts for entry in kept.entries(part)]

    def entries(self) -> list[Entry]:
        items = (self.table.peek(key) for key in self.table.keys_of_kind("D"))
        return [Entry.of(item) for item in items if item]

    def live(self) -> Counter[str]:
        """Contents of all live messages."""
        live = (entry for entry in self.entries() if not entry.is_tombstone)
        return Counter(message.content for entry in live for message in entry.messages())

    def tombstones(self, export_id: str = "E1") -> list[Entry]:
        return [entry for entry in self.entries() if entry.cleared_by == export_id]
