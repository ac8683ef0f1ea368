"""Documents are stored whole or not at all, whatever fails and whoever writes meanwhile."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from chatledger.audit.record import Actor
from chatledger.aws.table import Condition, ConditionFailed, TransactionRefused
from chatledger.aws.wire import Item
from chatledger.documents import places
from chatledger.documents.content import opened
from chatledger.documents.document import Document, load, written
from chatledger.documents.original import original_link
from chatledger.documents.store import Library, store
from chatledger.errors import NotFound, StorageError
from chatledger.models.documents import DocumentRequest
from tests.fakes.chats import ORGANIZATION, at_once, ledger_on
from tests.fakes.clears import Clock
from tests.fakes.faults import Crashed, Fault, Faults, FaultyTable, Plan, at
from tests.fakes.faulty_ports import FaultyBucket
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_table import MemoryTable, Write
from tests.unit.audit.trails import records

WRITER = Actor("key_1", "writer")
_CALLS = 12


def request(text: str = "first", **fields: Any) -> DocumentRequest:
    wanted = {"document_id": "d/1", "app_id": "biology", "text": text, **fields}
    return DocumentRequest.model_validate(wanted)


@dataclass
class World:
    table: MemoryTable = field(default_factory=MemoryTable)
    bucket: MemoryBucket = field(default_factory=lambda: MemoryBucket("archive", versioned=True))
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)

    def library(self, plan: Plan = lambda _: None) -> Library:
        faults = self.faults = Faults(plan)
        ledger = ledger_on(FaultyTable(self.table, faults=faults), now=self.clock.now)
        return Library(ledger, FaultyBucket(self.bucket, faults))

    def store(self, text: str = "first", plan: Plan = lambda _: None, **fields: Any) -> str:
        library = self.library(plan)
        return store(library, ORGANIZATION, request(text, **fields), WRITER)["status"]

    @property
    def held(self) -> Document:
        document = load(self.table, ORGANIZATION, "d/1")
        assert document
        return document

    @property
    def text(self) -> str:
        """As whoever exports it reads it."""
        content = opened(self.bucket.read(self.held.content.key, version=self.held.content.version))
        return DocumentRequest.model_validate_json(content).text

    @property
    def contents(self) -> list[str]:
        return [key for key, _ in self.bucket.versions if "/content-" in key]

    @property
    def on_record(self) -> list[str]:
        return [each.action for each in records(self.table, ORGANIZATION)]


@pytest.fixture
def world() -> World:
    return World()


def test_a_document_is_an_item_and_an_object(world: World):
    answer = store(world.library(), ORGANIZATION, request(), WRITER)
    assert answer.keys() == {"document_id", "status", "upload_url", "expires_at"}
    assert (answer["document_id"], answer["status"]) == ("d/1", "stored")
    assert world.text == "first"
    assert world.on_record == [], "bulk loads do not queue up for the trail"


def test_sent_again_it_changes_nothing(world: World):
    world.store()
    before, objects = world.held, dict(world.bucket.versions)
    world.clock.go_on(minutes=5)
    assert world.store() == "unchanged"
    assert (world.held, world.bucket.versions) == (before, objects)
    assert world.on_record == []


def test_what_replaces_it_keeps_its_beginning_and_leaves_one_object(world: World):
    world.store()
    before = world.held
    world.clock.go_on(minutes=5)
    assert world.store("second", app_id="chemistry") == "stored"
    assert (world.text, world.held.app_id) == ("second", "chemistry")
    assert world.held.created_at == before.created_at < world.held.updated_at
    assert world.contents == [world.held.content.key]
    (record,) = records(world.table, ORGANIZATION)
    assert (record.action, record.subject) == ("document.replaced", {"document_id": "d/1"})


@pytest.mark.parametrize("fault", list(Fault), ids=lambda each: each.name)
@pytest.mark.parametrize("earlier", [None, "zeroth"], ids=["new", "replaces"])
def test_whatever_fails_it_is_the_old_or_the_new_and_a_repeat_completes_it(
    earlier: str | None, fault: Fault
):
    for call in range(1, _CALLS):
        world = World()
        if earlier:
            world.store(earlier)
        with suppress(StorageError, Crashed):
            world.store("first", at({call: fault}))
        struck = world.faults
        there = load(world.table, ORGANIZATION, "d/1")
        assert (world.text if there else None) in {earlier, "first"}, call
        assert world.store() in {"stored", "unchanged"}
        struck.release()  # What was delayed comes when nobody waits for it any more.
        assert world.text == "first"
        # Of a crash before its item was written, one object may stay that nothing points at.
        assert len(world.contents) <= 2, call
        assert world.on_record == (["document.replaced"] if earlier else []), call


def test_what_a_crash_left_of_a_replaced_one_goes_with_the_next_repeat(world: World):
    world.store("zeroth")
    with suppress(StorageError, Crashed):
        world.store("first", lambda call: Fault.DIED if call.operation == "delete" else None)
    assert len(world.contents) == 2
    assert world.store("first") == "unchanged"
    assert world.contents == [world.held.content.key]


class Deaf(MemoryTable):
    """A write is applied, and then its own repeat finds its condition broken."""

    def put(self, item: Item, when: Condition | None = None) -> None:
        super().put(item, when)
        if str(item["PK"]).startswith("F#"):
            raise ConditionFailed

    def transact(self, writes: Sequence[Write]) -> None:
        super().transact(writes)
        if any(str(key.pk).startswith("F#") for key in self.journal[-1].keys):
            raise TransactionRefused([0])


def test_who_is_refused_for_what_it_wrote_itself_does_not_delete_it():
    world = World(Deaf())
    for text in ("first", "second"):
        assert world.store(text) == "unchanged"
        assert world.text == text


class Overtaken(MemoryTable):
    """The first write is applied; before it hears of that, somebody else has replaced it."""

    overtake: Callable[[], object] | None = None

    def put(self, item: Item, when: Condition | None = None) -> None:
        super().put(item, when)
        if self.overtake and str(item["PK"]).startswith("F#"):
            overtake, self.overtake = self.overtake, None
            overtake()
            raise ConditionFailed


def test_who_was_replaced_before_it_heard_of_its_own_write_has_its_content_all_the_same():
    table = Overtaken()
    world, other = World(table), World(table)
    other.bucket = world.bucket
    table.overtake = lambda: other.store("between")
    assert world.store("first") == "stored"
    assert world.text == "first"
    assert world.contents == [world.held.content.key]


def test_content_that_is_gone_is_stored_again(world: World):
    """A table from a backup points at what was replaced since."""
    world.store()
    backup = load(world.table, ORGANIZATION, "d/1")
    world.store("second")
    assert backup
    world.table.put(written(ORGANIZATION, backup).item)
    assert world.store("first") == "stored"
    assert world.text == "first"


def test_many_writers_at_once_leave_one_document_and_one_object(world: World):
    found = at_once(6, lambda number: world.store(f"text {number % 3}"))
    assert {str(each) for each in found} <= {"stored", "unchanged"}, found
    assert world.text in {"text 0", "text 1", "text 2"}
    assert world.contents == [world.held.content.key]
    assert len(world.on_record) == found.count("stored") - 1, "all but the first replaced one"


def test_no_name_of_an_object_is_too_long_or_tells_of_anybody():
    worst = "#" * 256
    for name in (places.content(worst, worst), places.original(worst, worst)):
        assert len(name.encode()) <= 1024
    assert "ann" not in places.original("acme", "ann@example.com")
    assert places.original("a", "b") != places.original("a", "c") != places.original("c", "c")


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("Größe 1.pdf", "Größe 1.pdf&type=application/pdf"),
        (None, "d_1"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\a.txt", "C:_a.txt&type=text/plain"),
        ("...", "original"),
    ],
)
def test_an_original_has_its_name_and_its_link_is_recorded(
    world: World, filename: str | None, expected: str
):
    world.store(filename=filename)
    with pytest.raises(NotFound, match="POST it to /documents again"):
        original_link(world.library(), ORGANIZATION, "d/1", WRITER)
    key = places.original(ORGANIZATION, "d/1")
    world.bucket.put(key, b"%PDF", "application/pdf")
    for _ in range(2):
        link = original_link(world.library(), ORGANIZATION, "d/1", WRITER)
        assert link == f"memory:{key}?as={expected}"
    assert world.on_record == ["links.given"]
    assert records(world.table, ORGANIZATION)[-1].subject == {"document_id": "d/1"}


def test_without_a_record_no_link_is_given(world: World):
    world.store()
    world.bucket.put(places.original(ORGANIZATION, "d/1"), b"%PDF", "application/pdf")
    fails = world.library(lambda call: Fault.BUSY if call.operation == "transact" else None)
    with pytest.raises(StorageError):
        original_link(fails, ORGANIZATION, "d/1", WRITER)


def test_a_document_that_is_not_there_says_so(world: World):
    with pytest.raises(NotFound, match="no document 'nothing' here"):
        original_link(world.library(), ORGANIZATION, "nothing")
