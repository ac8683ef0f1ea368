"""`chatledger statistics` and `chatledger summary`: figures for people, answers for programs."""

import json
from typing import Any

import httpx
import pytest

from tests.unit.cli.service import Json, Ran, chatledger

STATISTICS: Json = {
    "total_ai_conversations": 1204,
    "ai_services": {"mis\x1b[2Jtral": 1000, **{f"s{number}": 9 for number in range(7)}},
    "conversation_outcomes": {"active": 1204},
    "average_conversation_length": 8.26,
    "most_active_periods": [
        {"date": "2026-10-02", "conversations": 100, "messages": 1032},
        {"date": "2026-10-01", "conversations": 1, "messages": 2},
    ],
    "ai_response_effectiveness": {
        "answered_share": 0.934,
        "median_latency": 1.25,
        "feedback": {"like": 12, "dislike": 3},
    },
    "start_date": None,
    "end_date": None,
    "is_exact": True,
}
LOGS: Json = {
    "success": True,
    "total_files": 1204,
    "total_size_bytes": 31_400_000,
    "directories": [f"logs/conversations/default/2025/10/{day:02}" for day in range(1, 31)],
}


def asked(found: Json, *arguments: str, **how: Any) -> tuple[Ran, httpx.Request]:
    requests = list[httpx.Request]()

    def service(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json=found)

    ran = chatledger(service, *arguments, **how)
    return ran, requests[0]


def test_statistics_are_told_with_bars_for_the_days():
    ran, request = asked(
        *(STATISTICS, "statistics", "--start", "2026-10-01", "--app", "a&b"),
        *("--organization", "other"),
    )
    assert ran.status == 0, ran.err
    assert request.url.path == "/statistics"
    assert dict(request.url.params) == {
        "start_date": "2026-10-01",
        "app_id": "a&b",
        "organization_id": "other",
    }
    assert ran.out.splitlines() == [
        "  AI answered in  1,204 conversations, 8.3 messages each",
        "  Answered        93.4% of the questions",
        "  Answer after    1.2 s (median)",
        "  Rated           12 liked, 3 disliked",
        "  AI services     1,000  mis [2Jtral",
        *(f"{'':18}    9  s{number}" for number in range(4)),
        f"{'':18}and 3 more",
        "  Status now      1,204  active",
        "",
        "The busiest days",
        f"  2026-10-02  {'█' * 24}  100 conversations, 1,032 messages",
        f"  2026-10-01  {'█':24}  1 conversation, 2 messages",
    ]


def test_statistics_of_a_sample_say_so():
    ran, _ = asked({**STATISTICS, "is_exact": False}, "statistics")
    assert "about 1,204 conversations" in ran.out
    assert "a sample stands for the whole" in ran.out


def test_statistics_of_nothing_are_a_sentence():
    nothing = {
        "total_ai_conversations": 0,
        "average_conversation_length": None,
        "most_active_periods": [],
    }
    ran, _ = asked({**STATISTICS, **nothing}, "statistics")
    assert ran.out == "• No AI answered in any of the conversations asked for.\n"


def test_a_summary_names_the_newest_directories():
    ran, request = asked(LOGS, "summary")
    assert ran.status == 0, ran.err
    assert request.url.path == "/api/conversation-logs"
    assert dict(request.url.params) == {"action": "summary"}
    assert ran.out.splitlines() == [
        "  Log files  1,204",
        "  Size       31.4 MB",
        "  Newest in  logs/conversations/default/2025/10/30",
        *(f"{'':13}logs/conversations/default/2025/10/{day}" for day in range(29, 23, -1)),
        f"{'':13}and 23 more",
    ]


def test_a_summary_of_no_files_is_a_sentence():
    none = {"total_files": 0, "total_size_bytes": 0, "directories": []}
    ran, _ = asked({**LOGS, **none}, "summary")
    assert ran.out == "• There are no log files of conversations.\n"


@pytest.mark.parametrize(("command", "found"), [("statistics", STATISTICS), ("summary", LOGS)])
def test_programs_get_the_answer_as_it_is(command: str, found: Json):
    ran, _ = asked(found, command, "--json")
    assert json.loads(ran.out) == found


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("statistics", {}),
        ("statistics", {**STATISTICS, "most_active_periods": [{}]}),
        ("summary", {"success": True}),
    ],
)
def test_another_answer_is_said_to_be_none(command: str, found: Json):
    ran, _ = asked(found, command)
    assert ran.status == 1
    assert "not one this command understands" in ran.err
