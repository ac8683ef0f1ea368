"""Statistics: how many conversations an AI took part in, and how well it answered.

The six figures are those of the "Statistics Dashboard" of TekRem's AI conversation export. One pass
over what the filters choose; where there is no time for all of it, shares and averages are those of
the sample, and numbers are scaled up from it.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, NamedTuple, get_args

from chatledger.errors import PayloadTooLarge
from chatledger.export.chunk import Position, conversations_of
from chatledger.export.content import chosen_messages
from chatledger.export.plan import Plan, make_plan
from chatledger.export.spec import Spec, spec_of
from chatledger.export.watch import OutOfTime, in_time_until
from chatledger.feedback import Rating, rating
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from chatledger.models.exports import ExportRequest
from chatledger.preview.share import share_read
from chatledger.timestamps import day_of, format_time

COUNT_WITHIN = timedelta(seconds=15)
MOST_ACTIVE_DAYS = 10
# Names are the callers' own: so many are told apart, the rest is "other".
MAX_SERVICES = 100
UNKNOWN, OTHER = "unknown", "other"


def statistics(ledger: Ledger, organization: str, request: ExportRequest) -> dict[str, Any]:
    """Of the conversations that the request chooses; raises ``PayloadTooLarge``."""
    spec = spec_of(request)
    plan = make_plan(ledger, organization, spec.selection)
    figures = _Figures()
    share = _gone_through(ledger, spec, plan, figures)
    within = spec.selection.within
    return {
        **figures.answer(share),
        "start_date": format_time(within.start) if within.start else None,
        "end_date": format_time(within.last_moment) if within.last_moment else None,
        "is_exact": share == 1,
    }


def _gone_through(ledger: Ledger, spec: Spec, plan: Plan, figures: "_Figures") -> float:
    """Which share of the plan is in the figures."""
    checkpoint = in_time_until(ledger, ledger.now() + COUNT_WITHIN)
    reached: Position | None = None
    try:
        for part in plan.parts:
            for position, found in conversations_of(ledger, spec, plan, part, None, checkpoint):
                if found and (chosen := chosen_messages(found, spec.selection)):
                    figures.add(found.head.about.get("status"), _heard(chosen[0]))
                reached = position
    except OutOfTime:
        if not reached:
            raise PayloadTooLarge(
                f"Not a single conversation could be read in {COUNT_WITHIN.seconds} seconds. Ask "
                "for fewer days."
            ) from None
        return share_read(ledger, plan, spec.selection.filters, reached)
    return 1


class _Day(NamedTuple):
    conversations: int = 0
    messages: int = 0

    def plus(self, messages: int) -> "_Day":
        return _Day(self.conversations + 1, self.messages + messages)


def _heard(messages: Iterable[Message]) -> "_Talk":
    talk = _Talk()
    for message in messages:
        talk.add(message)
    return talk


@dataclass
class _Talk:
    """What a conversation says. A question is all that users say until an assistant answers.

    ``latencies``: how often an answer took so many seconds, told to three digits.
    """

    messages: int = 0
    answers: int = 0
    questions: int = 0
    answered: int = 0
    services: set[str] = field(default_factory=set[str])
    days: Counter[str] = field(default_factory=Counter[str])
    latencies: Counter[float] = field(default_factory=Counter[float])
    ratings: Counter[Rating] = field(default_factory=Counter[Rating])
    asked_at: datetime | None = None

    def add(self, message: Message) -> None:
        self.messages += 1
        self.days[day_of(message.timestamp)] += 1
        if message.role == "user":
            self.questions += self.asked_at is None
            self.asked_at = message.timestamp
        elif message.role == "assistant":
            self._answer(message)

    def _answer(self, message: Message) -> None:
        self.answers += 1
        if len(self.services) < MAX_SERVICES:
            self.services.add(message.ai_service or UNKNOWN)
        latency = message.provider_response_latency
        if self.asked_at:
            self.answered += 1
            if latency is None:
                latency = (message.timestamp - self.asked_at).total_seconds()
            self.asked_at = None
        if latency is not None:
            self.latencies[float(f"{latency:.3g}")] += 1
        if said := rating(message.feedback):
            self.ratings[said] += 1


@dataclass
class _Figures:
    """Of the conversations in which an AI answered; what it holds does not grow with them."""

    conversations: int = 0
    messages: int = 0
    questions: int = 0
    answered: int = 0
    services: Counter[str] = field(default_factory=Counter[str])
    statuses: Counter[str] = field(default_factory=Counter[str])
    days: dict[str, _Day] = field(default_factory=dict[str, _Day])
    latencies: Counter[float] = field(default_factory=Counter[float])
    ratings: Counter[Rating] = field(default_factory=Counter[Rating])

    def add(self, status: str | None, talk: _Talk) -> None:
        if not talk.answers:
            return
        self.conversations += 1
        self.messages += talk.messages
        self.questions += talk.questions
        self.answered += talk.answered
        self.statuses[status or UNKNOWN] += 1
        self.services.update({self._service(name) for name in talk.services})
        for day, messages in talk.days.items():
            self.days[day] = self.days.get(day, _Day()).plus(messages)
        self.latencies.update(talk.latencies)
        self.ratings.update(talk.ratings)

    def _service(self, name: str) -> str:
        return name if name in self.services or len(self.services) < MAX_SERVICES else OTHER

    def answer(self, share: float) -> dict[str, Any]:
        """``share``: of the whole, which the numbers are scaled up to."""

        def scaled(counts: Mapping[str, int]) -> dict[str, int]:
            return {name: round(count / share) for name, count in counts.items()}

        active = sorted(self.days.items(), key=lambda each: (-each[1].conversations, each[0]))
        return {
            "total_ai_conversations": round(self.conversations / share),
            "ai_services": scaled(_most_first(self.services)),
            "conversation_outcomes": scaled(_most_first(self.statuses)),
            "average_conversation_length": _ratio(self.messages, self.conversations),
            "most_active_periods": [
                {"date": day, **scaled(counts._asdict())}
                for day, counts in active[:MOST_ACTIVE_DAYS]
            ],
            "ai_response_effectiveness": {
                "answered_share": _ratio(self.answered, self.questions),
                "median_latency": _median(self.latencies),
                "feedback": scaled({name: self.ratings[name] for name in get_args(Rating)}),
            },
        }


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _median(counts: Counter[float]) -> float | None:
    """Of the values, each as often as it is counted."""
    ordered = sorted(counts.items())
    passed = list(accumulate(count for _, count in ordered))
    if not passed:
        return None
    middle = ((passed[-1] - 1) // 2, passed[-1] // 2)
    low, high = (ordered[bisect_right(passed, place)][0] for place in middle)
    return low + (high - low) / 2
