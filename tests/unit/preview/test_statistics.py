"""The six figures, by hand; of a sample, scaled up."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from chatledger.errors import PayloadTooLarge
from chatledger.ledger.append import append
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from chatledger.models.queries import StatisticsQuery
from chatledger.preview import statistics as figures
from chatledger.preview.statistics import statistics
from tests.fakes.chats import batch
from tests.unit.export.exports import ORGANIZATION, START, Clock, ledger_at, talk


def told(ledger: Ledger, **asked: str) -> dict[str, Any]:
    return statistics(ledger, ORGANIZATION, StatisticsQuery.model_validate(asked).request)


def say(ledger: Ledger, conversation_id: str, *said: tuple[str, dict[str, Any]], **about: Any):
    """Who says something each minute, and what else is known of it."""
    messages = [
        Message(
            id=f"m{number}",
            conversation_id=conversation_id,
            timestamp=START + timedelta(minutes=number),
            role=role,
            content="text",
            **fields,
        )
        for number, (role, fields) in enumerate(said)
    ]
    append(ledger, ORGANIZATION, batch(messages, users=["ann"], **about))


ASKS: tuple[str, dict[str, Any]] = ("user", {})


def answers(**fields: Any) -> tuple[str, dict[str, Any]]:
    return "assistant", fields


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    ledger = ledger_at(clock)
    mistral: dict[str, Any] = {"ai_service": "mistral"}
    say(
        ledger,
        "a",
        ASKS,
        answers(**mistral, feedback="like", provider_response_latency=1.5),
        ASKS,
        ASKS,
        answers(ai_service="openai", feedback={"rating": "dislike"}),
        status="active",
        app_id="shop",
    )
    quick = answers(**mistral, provider_response_latency=0.5)
    say(ledger, "b", ASKS, quick, ASKS, status="resolved")
    say(ledger, "c", answers(), status="active")
    say(ledger, "people", ASKS, ASKS, status="archived")
    return ledger


def test_the_six_figures(ledger: Ledger):
    assert told(ledger) == {
        "total_ai_conversations": 3,
        "ai_services": {"mistral": 2, "openai": 1, "unknown": 1},
        "conversation_outcomes": {"active": 2, "resolved": 1},
        "average_conversation_length": 3.0,
        "most_active_periods": [{"date": "2026-11-20", "messages": 9, "conversations": 3}],
        "ai_response_effectiveness": {
            "answered_share": 0.75,
            "median_latency": 1.5,
            "feedback": {"like": 1, "dislike": 1},
        },
        "start_date": None,
        "end_date": None,
        "is_exact": True,
    }


def test_what_no_provider_told_is_the_time_between(ledger: Ledger):
    """a: 1.5 told, and a minute from its second question to the answer."""
    latency = told(ledger, app_id="shop")["ai_response_effectiveness"]["median_latency"]
    assert latency == (1.5 + 60) / 2


@pytest.mark.parametrize(
    ("asked", "conversations"),
    [
        ({"app_id": "shop"}, 1),
        ({"ai_service": "mistral"}, 2),
        ({"status": "active"}, 2),
        ({"user_id": "ann"}, 3),
        ({"user_id": "nobody"}, 0),
        ({"start_date": "2026-11-21"}, 0),
        ({"end_date": "2026-11-20T23:30:59Z"}, 1),
    ],
)
def test_filters_choose_and_dates_choose_messages(
    ledger: Ledger, asked: dict[str, str], conversations: int
):
    assert told(ledger, **asked)["total_ai_conversations"] == conversations


def test_of_nothing_there_are_no_averages(ledger: Ledger):
    found = told(ledger, app_id="nothing")
    assert found["average_conversation_length"] is None
    assert found["ai_response_effectiveness"]["answered_share"] is None
    assert found["ai_response_effectiveness"]["median_latency"] is None
    assert (found["ai_services"], found["most_active_periods"]) == ({}, [])


def test_the_range_is_told(ledger: Ledger):
    found = told(ledger, start_date="2026-11-20", end_date="2026-11-20")
    assert found["start_date"] == "2026-11-20T00:00:00Z"
    assert found["end_date"] == "2026-11-20T23:59:59.999999Z"
    assert found["total_ai_conversations"] == 3


def test_names_of_services_without_end_are_counted_together(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(figures, "MAX_SERVICES", 3)
    for number in range(9):
        say(ledger, f"other {number}", answers(ai_service=f"own {number}"))
    services = told(ledger)["ai_services"]
    assert len(services) == 4
    assert sum(services.values()) == 3 + 9, "two of one conversation are one other"


def test_out_of_time_a_sample_stands_for_the_whole(clock: Clock):
    ledger = ledger_at(clock)
    for number in range(400):
        append(ledger, ORGANIZATION, batch(talk(f"{number * 7919 % 400:03}", 4 + number % 5)))
    whole = told(ledger)
    clock.each = figures.COUNT_WITHIN / 150
    found = told(ledger)
    assert (whole["is_exact"], found["is_exact"]) == (True, False)
    for name in ("total_ai_conversations", "average_conversation_length"):
        assert found[name] == pytest.approx(whole[name], rel=0.2)
    assert found["ai_services"]["mistral"] == pytest.approx(400, rel=0.2)
    clock.each = figures.COUNT_WITHIN
    with pytest.raises(PayloadTooLarge, match="fewer days"):
        told(ledger)


def test_latencies_are_told_to_three_digits_and_take_no_room():
    heard = figures._heard(long_talk())
    assert len(heard.latencies) < 900 * 4, "900 of a power of ten"
    assert figures._median(heard.latencies) == pytest.approx(5.0, rel=0.005)


def long_talk() -> Iterator[Message]:
    at = datetime(2026, 1, 1, tzinfo=START.tzinfo)
    for number in range(10_000):
        latency = number / 1000 + 1e-7
        yield Message("m", "c", at, "assistant", "text", provider_response_latency=latency)


def test_feedback_is_understood_in_whichever_words_it_was_sent(ledger: Ledger):
    good = ("like", "UP", True, 1, 1.0, {"rating": 1.0})
    bad = ("dislike", "down", False, 0, -1, -1.0, {"rating": "bad"})
    neither = ({}, [], [1], "so so", 5, {"rating": {"rating": 1}})
    say(ledger, "rated", *(answers(feedback=each) for each in (*good, *bad, *neither)), app_id="f")
    feedback = told(ledger, app_id="f")["ai_response_effectiveness"]["feedback"]
    assert feedback == {"like": len(good), "dislike": len(bad)}
