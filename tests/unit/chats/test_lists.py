"""Lists and histories: small answers, bounded memory, exact order, cursors of their own query."""

import json
import threading
import time
import tracemalloc
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from chatledger.api import tokens
from chatledger.aws.table import Page
from chatledger.chats import history, listing, read
from chatledger.chats.ingest import ingest
from chatledger.errors import InvalidCursor
from chatledger.ledger import heads
from chatledger.ledger.append import append
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.models.chats import ChatsRequest
from chatledger.models.queries import ListChatsQuery
from chatledger.timestamps import EVERYTHING, Range, parse_range
from functions.read import app
from tests.fakes.chats import NOON, ORGANIZATION, batch, ledger_on, message
from tests.fakes.memory_table import MemoryTable

PLATFORM_BYTES = 6 * 1024 * 1024
DAY = "2026-11-21"


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@pytest.fixture
def ledger(table: MemoryTable) -> Ledger:
    return ledger_on(table)


def say(ledger: Ledger, name: str, *minutes: int, content: str = "text", **about: Any) -> None:
    """One append by ann: a message at each of these minutes after noon."""
    said = [message(each, conversation_id=name, content=content) for each in minutes]
    append(ledger, ORGANIZATION, batch(said, **about))


def names(answer: dict[str, Any]) -> list[str]:
    return [each["conversation_id"] for each in answer["conversations"]]


def chats(ledger: Ledger, limit: int = 100, **asked: Any) -> dict[str, Any]:
    selection = listing.selection_of(ListChatsQuery.model_validate(asked))
    return listing.list_conversations(ledger, ORGANIZATION, selection, None, limit)[0]


def chats_of_ann(ledger: Ledger, limit: int = 100, within: Range = EVERYTHING) -> dict[str, Any]:
    return history.user_history(ledger, ORGANIZATION, "ann", within, 1, limit)[0]


def walk(ledger: Ledger, limit: int, **asked: Any) -> list[str]:
    """The names of the whole list, page after page."""
    selection = listing.selection_of(ListChatsQuery.model_validate(asked))
    found: list[str] = []
    place = None
    while True:
        answer, place = listing.list_conversations(ledger, ORGANIZATION, selection, place, limit)
        found += names(answer)
        if not place:
            return found


def heads_read(table: MemoryTable) -> list[int]:
    """How many heads each request asked for."""
    return [len(each.keys) for each in table.journal if each.operation == "get_many"]


# --- what a list shows -------------------------------------------------------------------------


@pytest.mark.parametrize("of", [chats, chats_of_ann])
def test_lists_show_a_summary_and_reading_shows_the_rest(ledger: Ledger, of: Any):
    large = {"prompt": "be kind", "metadata": {"a": 1}}
    say(ledger, "c", 0, content="ä" * 2_001, title="Title", app_id="shop", **large)
    (told,) = of(ledger)["conversations"]
    assert told == {
        "conversation_id": "c",
        "status": "active",
        "title": "Title",
        "app_id": "shop",
        "last_message": "ä" * 2_000 + "…",
        "timestamp": "2026-11-21T12:00:00Z",
    }
    whole, _ = read.read_page(ledger, ORGANIZATION, "c", 1, 1)
    assert {name: whole[name] for name in large} == large
    assert whole["messages"][0]["content"] == "ä" * 2_001


@pytest.mark.parametrize("content", ["", "short", "x" * 2_000])
def test_a_short_last_message_is_shown_whole(ledger: Ledger, content: str):
    say(ledger, "c", 0, content=content)
    assert chats(ledger)["conversations"][0]["last_message"] == content


@pytest.mark.parametrize("worst", ["\x01", '"', "😀"])
def test_a_page_of_the_largest_summaries_fits_the_platform(ledger: Ledger, worst: str):
    name = '"' * 256
    texts = ("title", "from_source", "user_email", "user_name")
    request = ChatsRequest.model_validate(
        {
            "conversation_id": name,
            "user_id": name,
            "app_id": name,
            "folder_id": name,
            "model": {"id": worst * 1_000, "name": worst * 1_000},
            "prompt": "x" * 50_000,
            "metadata": {"x": "x" * 50_000},
            "temperature": 0.123456789012345,
            "messages": [{"content": worst * 50_000, "timestamp": "2026-11-21T12:00:00.123456Z"}],
            **dict.fromkeys(texts, worst * 1_000),
        }
    )
    ingest(ledger, ORGANIZATION, request, "unused", NOON)
    (told,) = chats(ledger)["conversations"]
    assert told.keys() >= {*texts, "model", "temperature", "folder_id"}
    body = msgspec.json.encode({"conversations": [told] * 100}).decode()
    sent = json.dumps({"statusCode": 200, "body": body}, ensure_ascii=False)
    assert len(sent.encode()) < PLATFORM_BYTES - 100_000


# --- memory and cost ---------------------------------------------------------------------------


def fill(ledger: Ledger, count: int, **about: Any) -> list[str]:
    """So many conversations of one day, newest first."""
    for number in range(count):
        say(ledger, f"c{number:03}", number, **about)
    return [f"c{number:03}" for number in reversed(range(count))]


def test_a_history_asks_for_a_hundred_heads_at_a_time(ledger: Ledger, table: MemoryTable):
    expected = fill(ledger, 250)
    table.journal.clear()
    answer = chats_of_ann(ledger, 20)
    assert names(answer) == expected[:20]
    assert (answer["total_conversations"], answer["total_pages"]) == (250, 13)
    assert heads_read(table) == [100, 100, 50, 20]


def test_a_history_keeps_only_places_of_what_it_does_not_show(ledger: Ledger):
    fill(ledger, 300, content="x" * 100_000, prompt="p" * 50_000)
    tracemalloc.start()
    try:
        chats_of_ann(ledger, 100)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # All the heads would be 15 MB, all the newest messages 30 MB.
    assert peak < 15_000_000


def test_a_conversation_that_is_gone_meanwhile_is_not_shown(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    fill(ledger, 3)
    load_many, calls = heads.load_many, iter(range(10))

    def vanishing(*arguments: Any) -> dict[str, Head]:
        found = load_many(*arguments)
        return found if next(calls) == 0 else {n: h for n, h in found.items() if n != "c001"}

    monkeypatch.setattr(heads, "load_many", vanishing)
    assert names(chats_of_ann(ledger)) == ["c002", "c000"]


def test_a_list_asks_for_a_hundred_heads_at_a_time(ledger: Ledger, table: MemoryTable):
    expected = fill(ledger, 250)
    table.journal.clear()
    assert names(chats(ledger, 20)) == expected[:20]
    assert heads_read(table) == [100]
    table.journal.clear()
    assert names(chats(ledger, app_id="none")) == []
    assert heads_read(table) == [100, 100, 50]


def test_a_list_looks_at_the_clock_between_heads(table: MemoryTable):
    fill(ledger_on(table), 250)
    table.journal.clear()
    moments = iter([NOON, *[NOON] * 99, *[NOON + timedelta(minutes=1)] * 9])
    late = ledger_on(table, now=lambda: next(moments))
    selection = listing.selection_of(ListChatsQuery(app_id="none"))
    answer, place = listing.list_conversations(late, ORGANIZATION, selection, None, 20)
    assert (names(answer), place and place.conversation_id) == ([], "c150")
    assert heads_read(table) == [100]


class SlowTable(MemoryTable):
    """Counts the cells that are being read at one time."""

    now = most = 0
    counting = threading.Lock()

    def page(self, pk: str, **asked: Any) -> Page:
        if not pk.startswith("D#"):
            return super().page(pk, **asked)
        with self.counting:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.01)
        with self.counting:
            self.now -= 1
        return super().page(pk, **asked)


def test_a_days_cells_are_read_several_at_once():
    table = SlowTable()
    ledger = ledger_on(table)
    expected = fill(ledger, 60)
    shards = {ledger.shard_of(name) for name in expected}
    assert len(shards) > 8
    table.most = 0
    assert names(chats(ledger, 1)) == expected[:1]
    assert 1 < table.most <= 8


@pytest.mark.parametrize("candidates", [1, 7, 100])
def test_each_cell_keeps_few_and_none_is_lost(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, candidates: int
):
    monkeypatch.setattr(listing, "_CANDIDATES", candidates)
    expected = fill(ledger, 60)
    assert walk(ledger, 13) == expected


# --- order -------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 100])
def test_what_lies_outside_the_range_does_not_order_a_list(ledger: Ledger, limit: int):
    say(ledger, "early", 0)
    say(ledger, "early", 300)
    say(ledger, "middle", 60)
    say(ledger, "late", 400)
    assert walk(ledger, limit) == ["late", "early", "middle"]
    assert walk(ledger, limit, end_date=f"{DAY}T14:00:00Z") == ["middle", "early"]
    begins = f"{DAY}T12:30:00Z"
    assert walk(ledger, limit, start_date=begins, end_date=f"{DAY}T17:30:00Z") == [
        "early",
        "middle",
    ]


@pytest.mark.parametrize("limit", [1, 100])
def test_a_range_that_ends_within_an_entry_orders_by_what_is_before_it(ledger: Ledger, limit: int):
    say(ledger, "around", 1, 14)
    say(ledger, "a", 5)
    say(ledger, "b", 0, 9, 13)
    assert walk(ledger, limit, end_date=f"{DAY}T12:10:00Z") == ["b", "a", "around"]
    within = {"start_date": f"{DAY}T12:03:00Z", "end_date": f"{DAY}T12:10:00Z"}
    assert walk(ledger, limit, **within) == ["b", "a"]


def test_lists_and_histories_tell_the_same_order(ledger: Ledger):
    for number in range(30):
        say(ledger, f"c{number}", number % 7, 7 + number % 5, 200 - number)
    for end in (3, 8, 11, 180, 300):
        last = f"{NOON + timedelta(minutes=end):%Y-%m-%dT%H:%M:%SZ}"
        within = parse_range(None, last)
        shown = chats(ledger, end_date=last)["conversations"]
        assert shown == chats_of_ann(ledger, 100, within)["conversations"]
        times = [datetime.fromisoformat(each["timestamp"]) for each in shown]
        assert times == sorted(times, reverse=True)


# --- cursors -----------------------------------------------------------------------------------


def test_nothing_is_left_below_a_place_before_the_range(ledger: Ledger):
    say(ledger, "c", 0)
    selection = listing.selection_of(ListChatsQuery(start_date=DAY))
    before = listing.Place("2026-11-20", 0, "c")
    answer, place = listing.list_conversations(ledger, ORGANIZATION, selection, before, 20)
    assert (answer, place) == ({"conversations": [], "limit": 20}, None)


class Caller:
    """Asks the handlers themselves, as a caller of one organization."""

    def __init__(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: dict[str, Any] = {}
        self.user = "ann"
        organization = SimpleNamespace(organization=ORGANIZATION)
        for name, value in {
            "ledger": lambda: ledger,
            "caller": lambda: organization,
            "query": lambda model: model.model_validate(self.asked),
            "path": lambda name: self.user,
        }.items():
            monkeypatch.setattr(app, name, value)
        monkeypatch.setattr(tokens, "settings", lambda: SimpleNamespace(signing_secret="s"))
        monkeypatch.setattr(tokens, "secret", lambda name: b"0123456789")

    def chats(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return json.loads(str(app.get_chats().body))

    def history(self, user: str = "ann", **asked: Any) -> dict[str, Any]:
        self.asked, self.user = asked, user
        return json.loads(str(app.get_user_chats(user).body))


@pytest.fixture
def caller(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Caller:
    fill(ledger, 5, app_id="shop")
    return Caller(ledger, monkeypatch)


FIRST = {"start_date": DAY, "app_id": "shop"}
OTHERS = [
    {},
    {"start_date": DAY},
    {"app_id": "shop"},
    {"start_date": "2026-11-22", "app_id": "shop"},
    {"end_date": DAY, "app_id": "shop"},
    FIRST | {"contains": "text"},
    FIRST | {"status": "active"},
    FIRST | {"user_id": "ann"},
]


def test_a_cursor_goes_on_with_its_query_whatever_the_limit(caller: Caller):
    cursor = caller.chats(**FIRST, limit=1)["next_cursor"]
    assert names(caller.chats(**FIRST, cursor=cursor)) == ["c003", "c002", "c001", "c000"]
    assert names(caller.chats(**FIRST, cursor=cursor, limit=2)) == ["c003", "c002"]
    cursor = caller.history(start_date=DAY, limit=1)["next_cursor"]
    assert names(caller.history(start_date=DAY, cursor=cursor, limit=2)) == ["c003", "c002"]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_a_cursor_of_another_query_is_refused(caller: Caller, other: dict[str, str]):
    cursor = caller.chats(**FIRST, limit=1)["next_cursor"]
    with pytest.raises(InvalidCursor):
        caller.chats(**other, cursor=cursor)


@pytest.mark.parametrize(
    "other", [{}, {"start_date": "2026-11-22"}, {"end_date": DAY}, {"user": "bob"}], ids=str
)
def test_a_historys_cursor_of_another_query_is_refused(caller: Caller, other: dict[str, str]):
    query = {} if "user" in other else {"start_date": DAY}
    cursor = caller.history(**query, limit=1)["next_cursor"]
    with pytest.raises(InvalidCursor):
        caller.history(**other, cursor=cursor)
    with pytest.raises(InvalidCursor):
        caller.chats(**query, cursor=cursor)
