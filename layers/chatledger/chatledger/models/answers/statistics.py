"""Answers of the routes of statistics."""

from pydantic import Field

from chatledger.models.answers.answer import TIME, Answer


class ActiveDay(Answer):
    """A day, and what was said on it."""

    date: str = Field(description="A day in UTC, `YYYY-MM-DD`.")
    conversations: int
    messages: int


class Feedback(Answer):
    """How answers were rated, in whichever words."""

    like: int
    dislike: int


class Effectiveness(Answer):
    """How AIs answered. A question is all that users say until an AI answers."""

    answered_share: float | None = Field(description="Of the questions, 0 to 1; null without any.")
    median_latency: float | None = Field(
        description="Seconds until the answer, to three digits: as the provider told, else by the "
        "messages' times. Null without answers."
    )
    feedback: Feedback


class Statistics(Answer):
    """Of the conversations in which an AI answered."""

    total_ai_conversations: int
    ai_services: dict[str, int] = Field(
        description="In how many of them each service answered; the most used first."
    )
    conversation_outcomes: dict[str, int] = Field(description="How many have each status now.")
    average_conversation_length: float | None = Field(
        description="Messages in a conversation, on average; null without any."
    )
    most_active_periods: list[ActiveDay] = Field(description="The ten busiest days.")
    ai_response_effectiveness: Effectiveness
    start_date: str | None = Field(description=f"Of the range, {TIME}; null where it is open.")
    end_date: str | None = Field(description=f"The last moment of the range, {TIME}; or null.")
    is_exact: bool = Field(
        description="False where there was no time for all: then a sample stands for the whole."
    )
