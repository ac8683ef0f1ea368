"""Reading conversations: pages, positions, revisions, lists and histories."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatledger.chats import answers, history, listing, read
from chatledger.chats.describe import describe
from chatledger.errors import NotFound
from chatledger.ledger.append import append
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from chatledger.models.queries import ListChatsQuery
from chatledger.timestamps import EVERYTHING, parse_range
from tests.fakes.chats import batch, ledger_on
from tests.fakes.memory_table import MemoryTable

ORGANIZATION = "acme"
START = datetime(2026, 11, 19, 23, 0, tzinfo=UTC)


@pytest.fixture
def ledger() -> Ledger:
    return ledger_on(MemoryTable())


def say(
    ledger: Ledger,
    conversation_id: str,
    minutes: list[int],
    content: str = "text",
    user: str = "ann",
    **about: Any,
) -> None:
    """One append: a message at each of these minutes after the start."""
    said = [
        Message(
            id=f"m{minute}",
            conversation_id=conversation_id,
            timestamp=START + timedelta(minutes=minute),
            role="user",
            content=content,
        )
        for minute in minutes
    ]
    append(ledger, ORGANIZATION, batch(said, users=[user], **about))


def ids(answer: dict[str, Any]) -> list[str]:
    return [message["id"] for message in answer["messages"]]


def walk(ledger: Ledger, conversation_id: str, limit: int) -> list[str]:
    """Every message, on from the first page by positions."""
    answer, position = read.read_page(ledger, ORGANIZATION, conversation_id, 1, limit)
    found = ids(answer)
    while position:
        answer, position = read.read_on(ledger, ORGANIZATION, conversation_id, position, limit)
        found += ids(answer)
    return found


def test_pages_by_number_and_by_position_show_every_message_once(ledger: Ledger):
    minutes = list(range(0, 3000, 7))
    say(ledger, "c", minutes[::2])
    say(ledger, "c", minutes[1::2])  # late: in between what is there
    expected = [f"m{minute}" for minute in minutes]
    first, _ = read.read_page(ledger, ORGANIZATION, "c", 1, 100)
    assert (first["total_messages"], first["total_pages"]) == (429, 5)
    by_number = [
        each
        for page in range(1, 6)
        for each in ids(read.read_page(ledger, ORGANIZATION, "c", page, 100)[0])
    ]
    assert by_number == expected
    assert walk(ledger, "c", 100) == expected
    assert walk(ledger, "c", 7) == expected


def test_equal_times_are_each_shown_once_whatever_the_page(ledger: Ledger):
    same = [Message(f"s{n}", "c", START, "user", "x") for n in range(10)]
    append(ledger, ORGANIZATION, batch(same))
    for limit in (1, 3, 10):
        assert walk(ledger, "c", limit) == [f"s{n}" for n in range(10)]


def test_a_page_ends_where_an_answer_would_be_too_large(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    say(ledger, "c", list(range(10)), content="x" * 1000)
    monkeypatch.setattr(read, "MAX_ANSWER_BYTES", 3500)
    first, _ = read.read_page(ledger, ORGANIZATION, "c", 1, 100)
    assert (ids(first), first["total_pages"]) == (["m0", "m1", "m2"], 4)
    assert walk(ledger, "c", 100) == [f"m{n}" for n in range(10)]
    assert ids(read.read_page(ledger, ORGANIZATION, "c", 4, 100)[0]) == ["m9"]
    assert answers.MAX_ANSWER_BYTES * 2 < 6_000_000


def test_the_newest_revision_stands_where_the_first_one_stood(ledger: Ledger):
    same = [Message(f"s{n}", "c", START, "user", "first") for n in range(3)]
    append(ledger, ORGANIZATION, batch(same))
    append(ledger, ORGANIZATION, batch([Message("s1", "c", START, "user", "second")]))
    answer, _ = read.read_page(ledger, ORGANIZATION, "c", 1, 10)
    told = [(message["id"], message["content"]) for message in answer["messages"]]
    assert told == [("s0", "first"), ("s1", "second"), ("s2", "first")]


def test_a_page_beyond_the_last_is_empty_and_an_unknown_conversation_is_not_found(ledger: Ledger):
    say(ledger, "c", [0])
    answer, position = read.read_page(ledger, ORGANIZATION, "c", 9, 10)
    assert (answer["messages"], position) == ([], None)
    with pytest.raises(NotFound):
        read.read_page(ledger, ORGANIZATION, "d", 1, 10)
    with pytest.raises(NotFound):
        read.read_page(ledger, "other", "c", 1, 10)


def listed(ledger: Ledger, limit: int = 100, **asked: Any) -> list[str]:
    """Every conversation id of the list, page after page."""
    selection = listing.selection_of(ListChatsQuery.model_validate(asked))
    found: list[str] = []
    place = None
    while True:
        answer, place = listing.list_conversations(ledger, ORGANIZATION, selection, place, limit)
        found += [each["conversation_id"] for each in answer["conversations"]]
        if not place:
            return found


@pytest.fixture
def several(ledger: Ledger) -> Ledger:
    """Four conversations over three days; ``old`` also began first."""
    say(ledger, "old", [0, 100], user="ann", app_id="shop")
    say(ledger, "long", [10, 2000], user="bob", app_id="help")
    say(ledger, "short", [1500], user="ann", app_id="shop", status="resolved")
    say(ledger, "newest", [2100], content="where is my Refund?", user="ann", app_id="help")
    return ledger


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_conversations_are_listed_once_newest_first(several: Ledger, limit: int):
    assert listed(several, limit) == ["newest", "long", "short", "old"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"app_id": "shop"}, ["short", "old"]),
        ({"user_id": "ann"}, ["newest", "short", "old"]),
        ({"status": "resolved"}, ["short"]),
        ({"contains": "refund"}, ["newest"]),
        ({"end_date": "2026-11-20"}, ["old", "long"]),
        ({"end_date": "2026-11-19"}, ["long", "old"]),
        ({"start_date": "2026-11-21T08:30:00Z"}, ["newest"]),
        ({"start_date": "2027-01-01"}, []),
    ],
)
def test_a_list_can_be_filtered(several: Ledger, asked: dict[str, str], expected: list[str]):
    assert listed(several, **asked) == expected


def test_a_list_that_runs_out_of_time_says_where_to_go_on(several: Ledger):
    moments = iter(START + timedelta(seconds=5 * n) for n in range(1000))
    slow = ledger_on(several.table, now=lambda: next(moments))
    assert listed(slow) == ["newest", "long", "short", "old"]


def test_a_busy_day_is_listed_whole(ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listing, "_CANDIDATES", 3)
    for number in range(10):
        say(ledger, f"c{number}", [number])
    assert listed(ledger, 4) == [f"c{number}" for number in reversed(range(10))]


def test_a_users_history_pages_newest_first(several: Ledger):
    answer, place = history.user_history(several, ORGANIZATION, "ann", EVERYTHING, 1, 2)
    assert [each["conversation_id"] for each in answer["conversations"]] == ["newest", "short"]
    assert (answer["total_conversations"], answer["total_pages"]) == (3, 2)
    assert answer["conversations"][0]["last_message"] == "where is my Refund?"
    second, after = history.user_history(several, ORGANIZATION, "ann", EVERYTHING, 2, 2)
    on, _ = history.user_history(several, ORGANIZATION, "ann", EVERYTHING, 1, 2, place)
    assert [each["conversation_id"] for each in second["conversations"]] == ["old"]
    assert on["conversations"] == second["conversations"]
    assert after is None


def test_a_users_history_can_be_bounded(several: Ledger):
    within = parse_range("2026-11-20", "2026-11-20")
    answer, _ = history.user_history(several, ORGANIZATION, "ann", within, 1, 10)
    found = {each["conversation_id"]: each["timestamp"] for each in answer["conversations"]}
    assert found == {"old": "2026-11-20T00:40:00Z"}


def test_describing_keeps_what_is_not_said(several: Ledger):
    answer = describe(several, ORGANIZATION, "old", {"status": "archived", "title": "Old"})
    assert (answer["status"], answer["title"], answer["app_id"]) == ("archived", "Old", "shop")
    again, _ = read.read_page(several, ORGANIZATION, "old", 1, 10)
    assert again["status"] == "archived"
    with pytest.raises(NotFound):
        describe(several, ORGANIZATION, "nobody", {"status": "archived"})
