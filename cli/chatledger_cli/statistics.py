"""``chatledger statistics``: in how many conversations an AI answered, and how well."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from chatledger_cli.answers import Json, picked, read_answer
from chatledger_cli.api import Api
from chatledger_cli.figures import clipped, counted, duration
from chatledger_cli.screen import Screen
from chatledger_cli.summary import Facts

_NAMES = 5
_NAME = 30
_BAR = 24


@dataclass(frozen=True)
class Statistics:
    """As ``GET /statistics`` answers."""

    total_ai_conversations: int
    ai_services: dict[str, int]
    conversation_outcomes: dict[str, int]
    average_conversation_length: float | None
    most_active_periods: list[Json]
    ai_response_effectiveness: Json
    is_exact: bool

    @classmethod
    def of(cls, answer: Json) -> Self:
        """Raises ``CommandError`` where it is no such answer."""
        return read_answer(lambda known: picked(cls, known), answer)


def statistics_answer(api: Api, query: dict[str, str]) -> Json:
    return api.get("/statistics", query)


def show_statistics(screen: Screen, answer: Json) -> None:
    """Raises ``CommandError``."""
    statistics = Statistics.of(answer)
    if not statistics.total_ai_conversations:
        screen.remark("No AI answered in any of the conversations asked for.")
        return
    facts, days = read_answer(lambda _: (_facts(statistics), _days(statistics)), answer)
    screen.facts(facts)
    if days:
        screen.title("The busiest days")
        screen.facts(days)
    if not statistics.is_exact:
        screen.remark("About: there was no time for all, so a sample stands for the whole.")


def _facts(statistics: Statistics) -> Facts:
    about = "" if statistics.is_exact else "about "
    length = statistics.average_conversation_length
    average = "" if length is None else f", {length:,.1f} messages each"
    total = counted(statistics.total_ai_conversations, "conversation")
    how = statistics.ai_response_effectiveness
    return [
        ("AI answered in", f"{about}{total}{average}"),
        *_answers(how["answered_share"], how["median_latency"]),
        *_ratings(how["feedback"]),
        *_counts("AI services", statistics.ai_services),
        *_counts("Status now", statistics.conversation_outcomes),
    ]


def _answers(share: float | None, latency: float | None) -> Iterator[tuple[str, str]]:
    if share is not None:
        yield "Answered", f"{share:.1%} of the questions"
    if latency is not None:
        yield "Answer after", f"{duration(latency)} (median)"


def _ratings(feedback: dict[str, int]) -> Iterator[tuple[str, str]]:
    if any(feedback.values()):
        yield "Rated", f"{feedback['like']:,} liked, {feedback['dislike']:,} disliked"


def _counts(name: str, counts: dict[str, int]) -> Iterator[tuple[str, str]]:
    """The most frequent, a line each."""
    shown = list(counts.items())[:_NAMES]
    width = max((len(f"{count:,}") for _, count in shown), default=0)
    for number, (what, count) in enumerate(shown):
        yield "" if number else name, f"{count:>{width},}  {clipped(what, _NAME)}"
    if more := len(counts) - len(shown):
        yield "", f"and {more:,} more"


def _days(statistics: Statistics) -> Facts:
    most = max((day["conversations"] for day in statistics.most_active_periods), default=0)
    return [(str(day["date"]), _bar(day, most)) for day in statistics.most_active_periods]


def _bar(day: dict[str, Any], most: int) -> str:
    conversations, messages = day["conversations"], counted(day["messages"], "message")
    bar = "█" * max(1, round(_BAR * conversations / max(1, most)))
    return f"{bar:<{_BAR}}  {counted(conversations, 'conversation')}, {messages}"
