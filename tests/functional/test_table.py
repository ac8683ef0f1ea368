"""One contract, two tables: what the ledger relies on holds for DynamoDB and for the fake."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from chatledger.aws import wire
from chatledger.aws.dynamodb import DynamoTable
from chatledger.aws.table import (
    Absent,
    AbsentOrPast,
    Between,
    ConditionFailed,
    Delete,
    Equals,
    Key,
    Put,
    Table,
    TransactionRefused,
    Update,
    items,
    pages,
)
from chatledger.aws.wire import Item
from chatledger.errors import StorageError
from tests.conftest import TABLE_NAME
from tests.fakes.dynamo_answers import Answer, answer
from tests.fakes.memory_table import Malformed, MemoryTable

REFUSED = (Malformed, ClientError)


@pytest.fixture(params=["memory", "dynamo"])
def table(request: pytest.FixtureRequest) -> Table:
    if request.param == "memory":
        return MemoryTable()
    return request.getfixturevalue("dynamo_table")


def item(sk: str, pk: str = "P", **values: Any) -> Item:
    return {"PK": pk, "SK": sk, **values}


def fill(table: Table, names: str | list[str], pk: str = "P") -> None:
    for name in names:
        table.put(item(name, pk))


def names(found: list[Item] | Iterator[Item]) -> list[str]:
    return [str(each["SK"]) for each in found]


# --- items -------------------------------------------------------------------------------------


def test_what_is_put_comes_back_as_it_was(table: Table) -> None:
    stored = item(
        "every type",
        text="naïve ☕ \x00 \U0001f600",
        empty="",
        number=-12,
        large=2**62,
        zero=0,
        true=True,
        false=False,
        binary=bytes(range(256)),
        no_bytes=b"",
        numbers=frozenset({0, 1, 15}),
        strings=frozenset({"a", "b"}),
        members=["z", "a", "a", ""],
        none_of_them=[],
    )
    table.put(stored)
    assert table.get(Key("P", "every type")) == stored
    assert table.get_many([Key("P", "every type")]) == {Key("P", "every type"): stored}
    assert table.page("P").items == [stored]
    types = {name: type(value) for name, value in stored.items()}
    for read in (table.get(Key("P", "every type")) or {}, table.page("P").items[0]):
        assert {name: type(value) for name, value in read.items()} == types


def test_a_put_replaces_the_whole_item(table: Table) -> None:
    table.put(item("a", old=1))
    table.put(item("a", new=2))
    assert table.get(Key("P", "a")) == item("a", new=2)


def test_what_is_not_there_is_none(table: Table) -> None:
    assert table.get(Key("P", "a")) is None
    assert table.get_many([Key("P", "a")]) == {}
    assert table.page("P").items == []
    assert table.page("P").after is None


def test_an_answer_is_no_window_into_the_table(table: Table) -> None:
    members = ["a"]
    table.put(item("a", members=members))
    members.append("b")
    read = table.get(Key("P", "a")) or {}
    read["members"].append("c")  # type: ignore[union-attr]
    assert table.get(Key("P", "a")) == item("a", members=["a"])


# --- conditions --------------------------------------------------------------------------------


def test_absent(table: Table) -> None:
    table.put(item("a", n=1), Absent())
    with pytest.raises(ConditionFailed):
        table.put(item("a", n=2), Absent())
    assert table.get(Key("P", "a")) == item("a", n=1)


@pytest.mark.parametrize("value", ["text", 7, b"\x00\xff", True, frozenset({1, 2}), ["a", "b"]])
def test_equals(table: Table, value: wire.Value) -> None:
    table.put(item("a", w=value))
    table.put(item("a", w=value, n=1), Equals("w", value))
    with pytest.raises(ConditionFailed):
        table.put(item("a", n=2), Equals("w", "other"))
    assert table.get(Key("P", "a")) == item("a", w=value, n=1)


def test_equals_does_not_hold_where_the_item_or_the_value_is_missing(table: Table) -> None:
    with pytest.raises(ConditionFailed):
        table.put(item("a"), Equals("w", b"1"))
    table.put(item("a"))
    with pytest.raises(ConditionFailed):
        table.put(item("a", n=1), Equals("w", b"1"))
    assert table.get(Key("P", "a")) == item("a")


@pytest.mark.parametrize(
    ("held", "holds"),
    [({"expires": 9}, True), ({"expires": 10}, False), ({"expires": 11}, False), ({}, False)],
)
def test_absent_or_past(table: Table, held: Item, holds: bool) -> None:
    table.put(item("new"), AbsentOrPast("expires", 10))
    table.put(item("a", **held))
    if holds:
        table.put(item("a", taken=True), AbsentOrPast("expires", 10))
        assert table.get(Key("P", "a")) == item("a", taken=True)
        return
    with pytest.raises(ConditionFailed):
        table.put(item("a", taken=True), AbsentOrPast("expires", 10))
    assert table.get(Key("P", "a")) == item("a", **held)


def test_a_condition_guards_update_and_delete_too(table: Table) -> None:
    key = Key("P", "a")
    table.put(item("a", w=b"1"))
    with pytest.raises(ConditionFailed):
        table.update(Update(key, put={"w": b"2"}, when=Equals("w", b"0")))
    with pytest.raises(ConditionFailed):
        table.update(Update(key, put={"w": b"2"}, when=Absent()))
    with pytest.raises(ConditionFailed):
        table.delete(key, Equals("w", b"0"))
    assert table.get(key) == item("a", w=b"1")
    assert table.update(Update(key, put={"w": b"2"}, when=Equals("w", b"1")))["w"] == b"2"
    table.delete(key, Equals("w", b"2"))
    table.delete(key)  # A repeat is harmless.
    assert table.get(key) is None


# --- updates -----------------------------------------------------------------------------------


def test_an_update_makes_the_item_and_keeps_what_it_does_not_name(table: Table) -> None:
    key = Key("P", "a")
    assert table.update(Update(key, put={"status": "x"})) == item("a", status="x")
    assert table.update(Update(key, put={"n": 1})) == item("a", status="x", n=1)


def test_add_counts_and_unites(table: Table) -> None:
    key = Key("P", "a")
    table.update(Update(key, add={"n": 1, "shards": frozenset({3})}))
    table.update(Update(key, add={"n": 2, "shards": frozenset({3, 15})}))
    both = table.update(Update(key, put={"status": "x"}, add={"names": frozenset({"b", "a"})}))
    expected = item("a", n=3, shards=frozenset({3, 15}), names=frozenset({"a", "b"}), status="x")
    assert both == expected
    assert table.get(key) == expected


def test_an_update_may_put_add_and_ask_for_the_same_attribute_at_once(table: Table) -> None:
    key = Key("P", "a")
    table.put(item("a", w=b"1", n=1))
    update = Update(key, put={"w": b"2", "status": "x"}, add={"n": 1}, when=Equals("w", b"1"))
    assert table.update(update) == item("a", w=b"2", n=2, status="x")


# --- pages -------------------------------------------------------------------------------------


def test_an_update_removes_what_it_names(table: Table) -> None:
    table.put(item("a", payload=b"large", status="live", w=b"1"))
    # A reserved word of DynamoDB, and one that is not there.
    gone = Update(Key("P", "a"), put={"w": b"2"}, remove=("payload", "status", "none"))
    assert table.update(gone) == item("a", w=b"2")
    assert table.get(Key("P", "a")) == item("a", w=b"2")
    with pytest.raises(ConditionFailed):
        table.update(Update(Key("P", "a"), remove=("w",), when=Equals("w", b"1")))
    assert table.get(Key("P", "a")) == item("a", w=b"2")


def test_a_page_is_one_partition_in_the_order_of_its_sort_keys(table: Table) -> None:
    fill(table, "cab")
    fill(table, "x", pk="Q")
    assert names(table.page("P").items) == ["a", "b", "c"]
    assert names(table.page("P", newest_first=True).items) == ["c", "b", "a"]


def test_sort_keys_are_ordered_by_their_utf8(table: Table) -> None:
    ordered = ["!", "#", "%", "0", "A", "a", "ä", "ﬀ", "\U0001f600", "\U0010ffff"]
    fill(table, ordered[::-1])
    assert names(table.page("P").items) == ordered


def test_between_has_both_ends(table: Table) -> None:
    fill(table, "abcde")
    assert names(table.page("P", between=Between("b", "d")).items) == ["b", "c", "d"]
    newest = table.page("P", between=Between("b", "d"), newest_first=True)
    assert names(newest.items) == ["d", "c", "b"]
    assert names(table.page("P", between=Between("bb", "bz")).items) == []


def test_a_limited_page_says_where_to_go_on(table: Table) -> None:
    fill(table, "abcde")
    page = table.page("P", limit=2)
    assert (names(page.items), page.after) == (["a", "b"], "b")
    page = table.page("P", limit=2, after=page.after, between=Between("a", "d"))
    assert names(page.items) == ["c", "d"]
    assert page.after in {"d", None}  # With its limit reached, a page may not know it was the last.
    page = table.page("P", limit=3, newest_first=True, after="d")
    assert names(page.items) == ["c", "b", "a"]
    assert page.after in {"a", None}


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, None])
def test_all_pages_hold_each_item_once(table: Table, limit: int | None, newest_first: bool) -> None:
    fill(table, "abcdefg")
    found = list(pages(table, "P", limit=lambda: limit, newest_first=newest_first))
    once = [name for page in found for name in names(page.items)]
    assert once == sorted("abcdefg", reverse=newest_first)


def test_a_page_ends_before_a_megabyte(table: Table) -> None:
    for name in "abcde":
        table.put(item(name, payload=b"x" * 300 * 1024))
    first = table.page("P")
    assert names(first.items) == ["a", "b", "c"]
    assert first.after == "c"
    assert names(items(table, "P")) == list("abcde")
    assert names(items(table, "P", between=Between("b", "e"), newest_first=True)) == list("edcb")


def test_more_than_a_batch_of_keys(table: Table) -> None:
    wanted = [f"{number:03}" for number in range(230)]
    fill(table, wanted[::2])
    keys = [Key("P", name) for name in wanted]
    found = table.get_many([*keys, *keys])  # A key asked for twice comes once.
    assert sorted(key.sk for key in found) == wanted[::2]
    assert table.get_many([]) == {}


# --- transactions ------------------------------------------------------------------------------


def test_a_transaction_writes_all(table: Table) -> None:
    table.put(item("gone"))
    table.put(item("counted", n=1))
    table.transact(
        [
            Put(item("a", n=1), Absent()),
            Put(item("a", pk="Q", n=1)),
            Update(Key("P", "counted"), put={"x": "y"}, add={"n": 1}, when=Equals("n", 1)),
            Delete(Key("P", "gone")),
        ]
    )
    assert table.get(Key("P", "a")) == item("a", n=1)
    assert table.get(Key("Q", "a")) == item("a", pk="Q", n=1)
    assert table.get(Key("P", "counted")) == item("counted", n=2, x="y")
    assert table.get(Key("P", "gone")) is None


def test_a_refused_transaction_writes_nothing_and_names_the_conditions(table: Table) -> None:
    fill(table, ["taken", "kept"])
    with pytest.raises(TransactionRefused) as refused:
        table.transact(
            [
                Put(item("a"), Absent()),
                Put(item("taken", n=1), Absent()),
                Delete(Key("P", "kept")),
                Update(Key("P", "kept too"), put={"n": 1}, when=Equals("n", 0)),
            ]
        )
    assert refused.value.failed == [1, 3]
    assert names(table.page("P").items) == ["kept", "taken"]
    assert table.get(Key("P", "taken")) == item("taken")


def test_a_transaction_of_a_hundred(table: Table) -> None:
    table.transact([Put(item(f"{number:03}"), Absent()) for number in range(100)])
    assert len(table.page("P").items) == 100


@pytest.mark.parametrize(
    "writes",
    [
        [Put(item(f"{number:03}")) for number in range(101)],
        [Put(item("a")), Delete(Key("P", "a"))],
        [],
    ],
    ids=["too many", "one item twice", "empty"],
)
def test_what_no_transaction_may_be(table: Table, writes: list[Put | Delete]) -> None:
    with pytest.raises((*REFUSED, BotoCoreError)):
        table.transact(writes)
    assert table.page("P").items == []


@pytest.mark.parametrize(
    "stored",
    [
        item("a", payload=b"x" * 410 * 1024),
        item("", n=1),
        item("x" * 1025),
        item("a", shards=frozenset[int]()),
    ],
    ids=["too large", "no key", "too long a key", "an empty set"],
)
def test_what_no_item_may_be(table: Table, stored: Item) -> None:
    with pytest.raises((*REFUSED, BotoCoreError)):
        table.put(stored)


# --- only DynamoDB: the raw pages --------------------------------------------------------------


def full_of_types(table: Table) -> list[Item]:
    stored = [
        item("a", payload=b"\x1f\x8b\x00", n=3, users=["x", "y"], none=[], closed=False),
        item("b", shards=frozenset({0, 15}), names=frozenset({"ä"}), text="☕", empty=""),
    ]
    for each in stored:
        table.put(each)
    return stored


def test_a_page_is_read_raw(dynamo_table: DynamoTable, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = full_of_types(dynamo_table)

    def parsed(_: object) -> Item:
        raise AssertionError("a page went through botocore's parser")

    monkeypatch.setattr(wire, "decode_item", parsed)
    assert dynamo_table.page("P").items == stored
    assert dynamo_table.page("P", limit=1).after == "a"


def test_the_parsed_page_has_the_same_items(
    dynamo_table: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = full_of_types(dynamo_table)
    monkeypatch.setattr(wire, "read_pages_raw", lambda client: None)
    unhooked = DynamoTable(TABLE_NAME, boto3.client("dynamodb"))
    assert "RawPage" not in unhooked.client.query(
        TableName=TABLE_NAME,
        KeyConditionExpression="PK = :pk",
        ExpressionAttributeValues={":pk": {"S": "P"}},
    )
    for read in (dynamo_table, unhooked):
        page = read.page("P", limit=2, between=Between("a", "z"))
        assert page.items == stored
        assert read.page("P", limit=1).after == "a"


# --- only DynamoDB: what its errors become -----------------------------------------------------


@pytest.fixture
def failing(aws: None) -> Callable[[Answer], DynamoTable]:
    """A table whose every request is answered by a hook, without the client's own retries."""

    def make(hook: Answer) -> DynamoTable:
        once = Config(retries={"mode": "standard", "total_max_attempts": 1})
        client = boto3.client("dynamodb", config=once)
        client.meta.events.register_first("before-send.dynamodb.*", hook)
        return DynamoTable(TABLE_NAME, client)

    return make


def each_call(table: Table) -> list[Callable[[], object]]:
    key = Key("P", "a")
    return [
        lambda: table.get(key),
        lambda: table.get_many([key]),
        lambda: table.page("P"),
        lambda: table.put(item("a")),
        lambda: table.update(Update(key, put={"n": 1})),
        lambda: table.delete(key),
        lambda: table.transact([Put(item("a"))]),
    ]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ProvisionedThroughputExceededException"),
        (400, "ThrottlingException"),
        (400, "RequestLimitExceeded"),
        (400, "TransactionConflictException"),
        (400, "TransactionInProgressException"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
        (502, "SomethingInBetween"),
    ],
)
def test_a_busy_table_is_a_storage_error(
    failing: Callable[[Answer], DynamoTable], status: int, code: str
) -> None:
    for call in each_call(failing(answer(status, code))):
        with pytest.raises(StorageError):
            call()


@pytest.mark.parametrize(
    "error",
    [
        ConnectTimeoutError(endpoint_url="x"),
        ReadTimeoutError(endpoint_url="x"),
        EndpointConnectionError(endpoint_url="x"),
        ConnectionClosedError(endpoint_url="x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_table_out_of_reach_is_a_storage_error(
    failing: Callable[[Answer], DynamoTable], error: Exception
) -> None:
    def fail(**_: object) -> AWSResponse:
        raise error

    for call in each_call(failing(fail)):
        with pytest.raises(StorageError):
            call()


@pytest.mark.parametrize(
    "reasons",
    [
        ("TransactionConflict", "None"),
        ("None", "ThrottlingError"),
        ("ProvisionedThroughputExceeded", "TransactionConflict"),
    ],
)
def test_a_transaction_conflict_or_throttle_is_a_storage_error(
    failing: Callable[[Answer], DynamoTable], reasons: tuple[str, ...]
) -> None:
    table = failing(answer(400, "TransactionCanceledException", *reasons))
    with pytest.raises(StorageError):
        table.transact([Put(item("a"), Absent()), Put(item("b"), Absent())])


def test_a_failed_condition_refuses_the_transaction_whatever_else_was_wrong(
    failing: Callable[[Answer], DynamoTable],
) -> None:
    reasons = ("None", "ConditionalCheckFailed", "TransactionConflict")
    table = failing(answer(400, "TransactionCanceledException", *reasons))
    with pytest.raises(TransactionRefused) as refused:
        table.transact([Put(item(name), Absent()) for name in "abc"])
    assert refused.value.failed == [1]


@pytest.mark.parametrize(
    "refusal",
    [
        answer(400, "ValidationException"),
        answer(400, "AccessDeniedException"),
        answer(400, "ResourceNotFoundException"),
        answer(400, "TransactionCanceledException", "ValidationError", "None"),
    ],
)
def test_a_mistake_of_ours_is_not_taken_for_a_busy_table(
    failing: Callable[[Answer], DynamoTable], refusal: Answer
) -> None:
    with pytest.raises(ClientError):
        failing(refusal).transact([Put(item("a"))])
    with pytest.raises(ClientError):
        failing(refusal).put(item("a"))


def test_what_a_batch_leaves_open_is_asked_for_again(
    dynamo_client: Any, dynamo_table: DynamoTable
) -> None:
    fill(dynamo_table, "abc")
    asked: list[int] = []

    def answer_one(parsed: dict[str, Any], **_: object) -> None:
        """Leaves one answer and says that the others were not processed."""
        found = parsed["Responses"][TABLE_NAME]
        asked.append(len(found))
        rest = [{"PK": raw["PK"], "SK": raw["SK"]} for raw in found[1:]]
        parsed["Responses"][TABLE_NAME] = found[:1]
        if rest:
            parsed["UnprocessedKeys"] = {TABLE_NAME: {"Keys": rest, "ConsistentRead": True}}

    dynamo_client.meta.events.register("after-call.dynamodb.BatchGetItem", answer_one)
    found = dynamo_table.get_many([Key("P", name) for name in "abc"])
    assert sorted(key.sk for key in found) == ["a", "b", "c"]
    assert asked == [3, 2, 1]


def test_a_batch_that_is_never_answered_is_a_storage_error(
    dynamo_client: Any, dynamo_table: DynamoTable
) -> None:
    def answer_none(parsed: dict[str, Any], **_: object) -> None:
        keys = [{"PK": {"S": "P"}, "SK": {"S": "a"}}]
        parsed["Responses"] = {}
        parsed["UnprocessedKeys"] = {TABLE_NAME: {"Keys": keys}}

    dynamo_client.meta.events.register("after-call.dynamodb.BatchGetItem", answer_none)
    with pytest.raises(StorageError):
        dynamo_table.get_many([Key("P", "a")])


def test_every_read_is_strongly_consistent(dynamo_client: Any, dynamo_table: DynamoTable) -> None:
    asked: dict[str, Any] = {}

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        asked[model.name] = params

    dynamo_client.meta.events.register("provide-client-params.dynamodb.*", note)
    dynamo_table.get(Key("P", "a"))
    dynamo_table.get_many([Key("P", "a")])
    dynamo_table.page("P")
    assert asked["GetItem"]["ConsistentRead"]
    assert asked["BatchGetItem"]["RequestItems"][TABLE_NAME]["ConsistentRead"]
    assert asked["Query"]["ConsistentRead"]
