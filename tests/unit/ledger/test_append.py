"""The append: each message once, revisions kept, and everything that leads to it written first."""

import itertools
from datetime import timedelta

import msgspec
import pytest

from chatledger.aws.table import Key
from chatledger.errors import StorageError
from chatledger.ledger import conversations, heads, keys
from chatledger.ledger.append import Appended, append
from chatledger.ledger.entries import Entry
from chatledger.ledger.heads import MAX_KNOWN_USERS
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message, encode_line, identity, revision
from tests.fakes.audit import audit
from tests.fakes.chats import CONVERSATION, NOON, ORGANIZATION, batch, ledger_on, message
from tests.fakes.memory_table import MemoryTable


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@pytest.fixture
def ledger(table: MemoryTable) -> Ledger:
    return ledger_on(table)


def add(ledger: Ledger, *messages: Message, users: tuple[str, ...] = ("ann",)) -> Appended:
    return append(ledger, ORGANIZATION, batch(messages, users))


def standing(ledger: Ledger, conversation_id: str = CONVERSATION) -> list[str]:
    head = conversations.find(ledger, ORGANIZATION, conversation_id)
    assert head
    return [each.content for each in conversations.messages(ledger, ORGANIZATION, head)]


def test_a_new_conversation(ledger: Ledger) -> None:
    turn = [message(0, user_id="ann"), message(1)]
    about = {"title": "Lunch", "app_id": "shop"}
    assert append(ledger, ORGANIZATION, batch(turn, **about)) == Appended(2, 0)
    account = audit(ledger)
    assert account.messages == turn
    head = account.heads[CONVERSATION]
    assert (head.first_day, head.last_day) == ("2026-11-21", "2026-11-21")
    assert head.about == {"status": "active", **about}
    assert head.users == {"ann"}


def test_the_same_three_times(ledger: Ledger) -> None:
    turn = [message(0), message(1)]
    assert [add(ledger, *turn) for _ in range(3)] == [
        Appended(2, 0),
        Appended(0, 2),
        Appended(0, 2),
    ]
    assert audit(ledger).messages == turn
    assert sum(map(len, audit(ledger).slots.values())) == 1


def test_a_duplicate_writes_nothing(table: MemoryTable, ledger: Ledger) -> None:
    add(ledger, message(0))
    table.journal.clear()
    add(ledger, message(0))
    assert table.operations() == ["get", "page", "page"]


def test_only_what_is_not_held_is_added(ledger: Ledger) -> None:
    add(ledger, message(0), message(1), message(2))
    assert add(ledger, message(1), message(2), message(3), message(4)) == Appended(2, 2)
    assert add(ledger, *map(message, range(-2, 6))) == Appended(3, 5)
    assert standing(ledger) == [f"text {number}" for number in range(-2, 6)]
    audit(ledger)


def test_equal_times_keep_the_order_they_came_in(ledger: Ledger) -> None:
    same = [message(number, NOON) for number in (3, 1, 2)]
    add(ledger, *same)
    add(ledger, message(0, NOON))
    assert standing(ledger) == ["text 3", "text 1", "text 2", "text 0"]


def test_messages_out_of_order_come_out_in_time_order(ledger: Ledger) -> None:
    add(ledger, *map(message, (50, 3, 17, 0, 16, 2)))
    assert standing(ledger) == [f"text {number}" for number in (0, 2, 3, 16, 17, 50)]
    audit(ledger)


def test_the_same_message_in_two_conversations_and_two_organizations(ledger: Ledger) -> None:
    other = msgspec.structs.replace(message(0), conversation_id="conv-2")
    assert add(ledger, message(0)) == Appended(1, 0)
    assert add(ledger, other) == Appended(1, 0)
    assert append(ledger, "other", batch([message(0)])) == Appended(1, 0)
    assert len(audit(ledger).messages) == 2
    assert len(audit(ledger, "other").messages) == 1


# --- revisions ---------------------------------------------------------------------------------


def test_the_same_id_and_time_with_other_content_is_a_revision(ledger: Ledger) -> None:
    first, second = message(0, content="first"), message(0, content="second")
    assert add(ledger, first) == Appended(1, 0)
    assert add(ledger, second) == Appended(1, 0)
    assert standing(ledger) == ["second"]
    assert audit(ledger).messages == [first, second]


def test_a_late_retry_of_an_older_revision_is_a_duplicate(ledger: Ledger) -> None:
    first, second = message(0, content="first"), message(0, content="second")
    for each in (first, second, first):
        last = add(ledger, each)
    assert last == Appended(0, 1)
    assert standing(ledger) == ["second"]
    assert add(ledger, second) == Appended(0, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"role": "tool"},
        {"user_id": "bob"},
        {"feedback": "like"},
        {"feedback": 0},
        {"metadata": {"a": 1}},
        {"model": {"id": "x", "name": "y"}},
        {"contexts": []},
    ],
    ids=str,
)
def test_any_other_field_makes_a_revision_too(ledger: Ledger, change: dict[str, object]) -> None:
    add(ledger, message(0))
    changed = msgspec.structs.replace(message(0), **change)
    assert add(ledger, changed, users=("ann", "bob")) == Appended(1, 0)
    assert add(ledger, changed) == Appended(0, 1)
    assert audit(ledger).messages == [message(0), changed]


def test_the_same_id_at_another_time_is_another_message(ledger: Ledger) -> None:
    add(ledger, message(0))
    assert add(ledger, message(0, NOON + timedelta(microseconds=1))) == Appended(1, 0)
    assert standing(ledger) == ["text 0", "text 0"]


def test_a_time_written_in_another_zone_is_the_same_time() -> None:
    line = encode_line(message(0))
    moved = message(0, NOON.astimezone().replace(microsecond=0))
    assert identity(moved) == identity(message(0))
    assert b"2026-11-21T12:00:00Z" in line


# --- tombstones --------------------------------------------------------------------------------


def bury(table: MemoryTable, entry: Entry) -> None:
    """Makes a tombstone of an entry, as a clear does."""
    tombstone = {name: value for name, value in entry.item.items() if name != "payload"}
    digests = b"".join(which + content for which, content in entry.digests())
    table.poke({**tombstone, "digests": digests, "w": b"buried"})


def test_what_a_tombstone_held_is_a_duplicate(table: MemoryTable, ledger: Ledger) -> None:
    add(ledger, message(0), message(1))
    bury(table, audit(ledger).entries[0])
    assert add(ledger, message(0), message(1), message(2)) == Appended(1, 2)
    assert standing(ledger) == ["text 2"]


def test_a_tombstoned_revision_hides_the_message_until_a_newer_one_comes(
    table: MemoryTable, ledger: Ledger
) -> None:
    for content in ("first", "second"):
        add(ledger, message(0, content=content))
    bury(table, audit(ledger).entries[1])
    assert standing(ledger) == []
    assert add(ledger, message(0, content="second")) == Appended(0, 1)
    assert add(ledger, message(0, content="first")) == Appended(0, 1)
    assert standing(ledger) == []
    assert add(ledger, message(0, content="third")) == Appended(1, 0)
    assert standing(ledger) == ["third"]


# --- what is written, and in which order -------------------------------------------------------


def written(table: MemoryTable) -> list[tuple[str, str]]:
    """(operation, kind of its first key) of each write, in order."""
    writes = {"put", "update", "delete", "transact"}
    return [
        (request.operation, request.keys[0].pk[0])
        for request in table.journal
        if request.operation in writes
    ]


COMMIT = ("transact", "S")


def test_day_link_and_head_are_written_before_the_commit(
    table: MemoryTable, ledger: Ledger
) -> None:
    add(ledger, message(0), users=("ann", "bob"))
    assert written(table) == [
        ("update", "T"),
        ("update", "U"),
        ("update", "U"),
        ("put", "C"),
        COMMIT,
    ]


def test_a_plain_turn_writes_nothing_but_the_commit(table: MemoryTable, ledger: Ledger) -> None:
    add(ledger, message(0))
    head = table.peek(keys.head(ORGANIZATION, ledger.shard_of(CONVERSATION), CONVERSATION))
    table.journal.clear()
    add(ledger, message(1))
    assert written(table) == [COMMIT]
    shard = ledger.shard_of(CONVERSATION)
    assert table.peek(keys.head(ORGANIZATION, shard, CONVERSATION)) == head


def test_a_cold_function_marks_the_day_again(table: MemoryTable, ledger: Ledger) -> None:
    add(ledger, message(0))
    table.journal.clear()
    add(ledger_on(table), message(1))
    assert written(table) == [("update", "T"), COMMIT]


@pytest.mark.parametrize("days", [1, -1])
def test_a_new_day_at_either_end_changes_head_and_link(
    table: MemoryTable, ledger: Ledger, days: int
) -> None:
    add(ledger, message(0))
    table.journal.clear()
    add(ledger, message(1, NOON + timedelta(days=days)))
    assert written(table) == [("update", "T"), ("update", "U"), ("put", "C"), COMMIT]
    head = audit(ledger).heads[CONVERSATION]
    ends = sorted(["2026-11-21", ("2026-11-20", "", "2026-11-22")[days + 1]])
    assert [head.first_day, head.last_day] == ends


def test_a_day_in_between_changes_no_head(table: MemoryTable, ledger: Ledger) -> None:
    add(ledger, message(0), message(1, NOON + timedelta(days=2)))
    table.journal.clear()
    add(ledger, message(2, NOON + timedelta(days=1)))
    assert written(table) == [("update", "T"), COMMIT]
    audit(ledger)


def test_what_is_said_of_a_conversation_is_united_and_the_newest_wins(ledger: Ledger) -> None:
    append(ledger, ORGANIZATION, batch([message(0)], title="old", app_id="shop"))
    append(ledger, ORGANIZATION, batch([message(1)], title="new", status="resolved"))
    assert audit(ledger).heads[CONVERSATION].about == {
        "title": "new",
        "app_id": "shop",
        "status": "resolved",
    }


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), (1, 1.0), ([1], [True])])
def test_a_value_that_python_takes_for_equal_is_a_change_too(
    ledger: Ledger, before: object, after: object
) -> None:
    append(ledger, ORGANIZATION, batch([message(0)], metadata={"x": before}))
    append(ledger, ORGANIZATION, batch([message(1)], metadata={"x": after}))
    held = audit(ledger).heads[CONVERSATION].about["metadata"]["x"]
    assert repr(held) == repr(after)


def test_more_users_than_a_head_knows_are_all_linked(ledger: Ledger) -> None:
    users = [f"user {number}" for number in range(MAX_KNOWN_USERS + 5)]
    for number, user in enumerate(users):
        add(ledger, message(number, user_id=user), users=(user,))
    head = audit(ledger).heads[CONVERSATION]
    assert len(head.users) == MAX_KNOWN_USERS
    assert not head.knows_all_users


def test_a_head_that_knows_almost_all_users_knows_them_all(ledger: Ledger) -> None:
    users = tuple(f"user {number}" for number in range(MAX_KNOWN_USERS - 1))
    add(ledger, message(0), users=users)
    head = audit(ledger).heads[CONVERSATION]
    assert head.users == set(users)
    assert head.knows_all_users


def test_a_conversation_of_nobody(ledger: Ledger) -> None:
    add(ledger, message(0), users=())
    assert audit(ledger).heads[CONVERSATION].users == frozenset()


def test_every_write_of_a_head_has_a_token_of_its_own(table: MemoryTable, ledger: Ledger) -> None:
    place: Key = keys.head(ORGANIZATION, ledger.shard_of(CONVERSATION), CONVERSATION)
    tokens: set[object] = set()
    for number in range(5):
        append(ledger, ORGANIZATION, batch([message(number)], title=str(number)))
        tokens.add((table.peek(place) or {})["w"])
    assert len(tokens) == 5


def test_every_entry_and_slot_has_a_token_of_its_own(table: MemoryTable, ledger: Ledger) -> None:
    add(ledger, *(message(number * 20) for number in range(4)))
    add(ledger, message(100))
    places = table.keys_of_kind("D") + table.keys_of_kind("S")
    tokens = {(table.peek(place) or {})["w"] for place in places}
    assert len(tokens) == len(places) == 5 + 2


def test_nothing_that_is_there_is_ever_overwritten_by_a_commit(
    table: MemoryTable, ledger: Ledger
) -> None:
    """Not even an entry without a slot, which there should never be."""
    add(ledger, message(0))
    (entry,) = audit(ledger).entries
    table.delete(keys.slot(ORGANIZATION, ledger.shard_of(CONVERSATION), 1))
    seconds = itertools.count()
    impatient = ledger_on(table, now=lambda: NOON + timedelta(seconds=next(seconds)))
    with pytest.raises(StorageError):
        add(impatient, message(1))
    assert table.peek(entry.key) == entry.item


def test_a_head_changed_meanwhile_is_read_again(table: MemoryTable, ledger: Ledger) -> None:
    """PATCH writes a head between this append's read of it and its write."""
    add(ledger, message(0))
    shard = ledger.shard_of(CONVERSATION)
    original, raced = table.put, [False]

    def put(item: object, when: object = None) -> None:
        if not raced[0]:
            raced[0] = True
            head = heads.load(table, ORGANIZATION, shard, CONVERSATION)
            assert head
            heads.save(table, ORGANIZATION, shard, head.described({"title": "theirs"}))
        original(item, when)  # type: ignore[arg-type]

    table.put = put  # type: ignore[method-assign]
    append(ledger, ORGANIZATION, batch([message(1)], app_id="ours"))
    assert audit(ledger).heads[CONVERSATION].about == {
        "status": "active",
        "title": "theirs",
        "app_id": "ours",
    }


def test_digests_of_an_entry_and_of_its_tombstone_are_the_same(
    table: MemoryTable, ledger: Ledger
) -> None:
    add(ledger, message(0), message(1))
    (entry,) = audit(ledger).entries
    expected = [(identity(each), revision(encode_line(each))) for each in entry.messages()]
    bury(table, entry)
    buried = Entry.of(table.peek(entry.key) or {})
    assert buried.is_tombstone
    assert list(buried.digests()) == list(entry.digests()) == expected
