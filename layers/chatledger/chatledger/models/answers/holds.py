"""Answers of the routes of holds."""

from typing import Literal

from pydantic import Field

from chatledger.models.answers.answer import TIME, Answer


class Hold(Answer):
    """What must not be cleared: all that is named holds."""

    hold_id: str
    status: Literal["pending", "active"] = Field(description="Active a minute after its making.")
    created_at: str = Field(description=TIME)
    active_at: str = Field(description=f"{TIME}; from then on no clear touches what it covers.")
    name: str | None
    reason: str | None
    conversation_id: str | None
    user_id: str | None
    app_id: str | None
    start_date: str | None = Field(description="As it was sent, inclusive.")
    end_date: str | None = Field(description="As it was sent, inclusive.")


class HoldList(Answer):
    """The organization's holds."""

    holds: list[Hold]
