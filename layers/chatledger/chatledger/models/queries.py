"""What may stand behind the question mark."""

from typing import Self

from pydantic import Field, model_validator

from chatledger.models.chats import Status
from chatledger.models.fields import Id, Limit, PageNumber, Short, Strict
from chatledger.timestamps import Range, parse_range

# Longer than any that is made here.
_CURSOR = 2000


class Query(Strict):
    """Of a route without parameters of its own."""


class _Dated(Query):
    start_date: str | None = Field(None, max_length=64, examples=["2026-10-01"])
    end_date: str | None = Field(None, max_length=64, examples=["2026-10-31"])

    @property
    def within(self) -> Range:
        return parse_range(self.start_date, self.end_date)

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        _ = self.within
        return self


class _Paged(Query):
    page: PageNumber = 1
    cursor: str | None = Field(None, max_length=_CURSOR)

    @model_validator(mode="after")
    def _one_way_of_paging(self) -> Self:
        if self.cursor and "page" in self.model_fields_set:
            raise ValueError("send page or cursor, not both.")
        return self


class ListChatsQuery(_Dated):
    """Of ``GET /chats``: filters choose conversations, dates ask for a message in the range."""

    app_id: Id | None = None
    user_id: Id | None = None
    status: Status | None = None
    contains: Short | None = None
    cursor: str | None = Field(None, max_length=_CURSOR)
    limit: Limit = 20


class ConversationQuery(_Paged):
    """Of ``GET /chats/{conversation_id}``."""

    limit: Limit = 50


class UserChatsQuery(_Dated, _Paged):
    """Of ``GET /users/{user_id}/chats``."""

    limit: Limit = 10


class ListExportsQuery(Query):
    """Of ``GET /exports``."""

    cursor: str | None = Field(None, max_length=_CURSOR)
    limit: Limit = 20
