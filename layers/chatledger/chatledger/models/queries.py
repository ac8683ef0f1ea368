"""What may stand behind the question mark."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from chatledger.models.chats import Status
from chatledger.models.exports import MAX_CURSOR, ExportRequest
from chatledger.models.fields import (
    END_DATE,
    ID,
    START_DATE,
    Date,
    Id,
    Limit,
    LongLimit,
    PageNumber,
    SearchText,
    Strict,
)
from chatledger.timestamps import Range, parse_range

# Longer than any that is made here.
_MAX_CURSOR = 2000


_CURSOR_SAYS = "To go on: next_cursor of the page before. Empty is as good as none."
_LIMIT_SAYS = "How many at most, 1 to 100; a page may have fewer, so go on while there is a cursor."

Cursor = Annotated[str, Field(max_length=_MAX_CURSOR)]


def _without_default(schema: dict[str, Any]) -> None:
    """Forms fill in what is a default, and a page must not be sent along with a cursor."""
    schema.pop("default", None)


class Query(Strict):
    """Of a route without parameters of its own. No parameter but ``cursor`` may be empty."""


class _Dated(Query):
    start_date: Date | None = Field(None, description=START_DATE)
    end_date: Date | None = Field(None, description=END_DATE)

    @property
    def within(self) -> Range:
        return parse_range(self.start_date, self.end_date)

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        _ = self.within
        return self


class _Paged(Query):
    page: PageNumber = Field(
        1,
        description="Which page, from 1, the first; not together with a cursor.",
        json_schema_extra=_without_default,
    )
    cursor: Cursor | None = Field(None, description=_CURSOR_SAYS)

    @model_validator(mode="after")
    def _one_way_of_paging(self) -> Self:
        if self.cursor and "page" in self.model_fields_set:
            raise ValueError("send page or cursor, not both.")
        return self


class ListChatsQuery(_Dated):
    """Of ``GET /chats``: filters choose conversations, dates ask for a message in the range."""

    app_id: Id | None = Field(None, description=f"Those of this application; {ID}.")
    user_id: Id | None = Field(None, description=f"Those this user took part in; {ID}.")
    status: Status | None = Field(None, description="Those with this status now.")
    contains: SearchText | None = Field(
        None,
        description="Those with this text in some message, upper or lower case; 1 to 1,000 "
        "characters.",
    )
    cursor: Cursor | None = Field(None, description=_CURSOR_SAYS)
    limit: Limit = Field(20, description=_LIMIT_SAYS)


class ConversationQuery(_Paged):
    """Of ``GET /chats/{conversation_id}``."""

    limit: Limit = Field(50, description=_LIMIT_SAYS)


class UserChatsQuery(_Dated, _Paged):
    """Of ``GET /users/{user_id}/chats``."""

    limit: Limit = Field(10, description=_LIMIT_SAYS)


class AuditQuery(_Dated):
    """Of ``GET /audit``; filters are looked for while going through the trail, newest first."""

    action: str | None = Field(
        None,
        pattern=r"^[a-z]{1,20}(\.[a-z]{1,20})?$",
        description="Records of this action, or of all that begin with this word: "
        "`export`, `export.ended`.",
    )
    subject: Id | None = Field(None, description=f"Records about the thing of this id; {ID}.")
    key_id: Id | None = Field(None, description=f"Records of what was done with this key; {ID}.")
    cursor: Cursor | None = Field(None, description=_CURSOR_SAYS)
    limit: Limit = Field(50, description=_LIMIT_SAYS)


class VerifyAuditQuery(Query):
    """Of ``GET /audit/verify``."""

    cursor: Cursor | None = Field(None, description=_CURSOR_SAYS)


class ChangesQuery(Query):
    """Of ``GET /changes``."""

    cursor: Annotated[str, Field(max_length=MAX_CURSOR)] | None = Field(
        None,
        description="The cursor of the page before, or of an export; from the beginning without.",
    )
    limit: LongLimit = Field(
        100, description="How many at most, 1 to 1,000; a page of long messages has fewer."
    )


class StatisticsQuery(_Dated):
    """Of ``GET /statistics``: filters choose conversations, dates messages of them."""

    app_id: Id | None = Field(None, description=f"Those of this application; {ID}.")
    user_id: Id | None = Field(None, description=f"Those this user took part in; {ID}.")
    ai_service: SearchText | None = Field(
        None, description="Those in which this AI service answered; at most 1,000 characters."
    )
    status: Status | None = Field(None, description="Those with this status now.")
    from_source: SearchText | None = Field(
        None, description="Those from this source; at most 1,000 characters."
    )

    @property
    def request(self) -> ExportRequest:
        """The export that holds these conversations."""
        names = ("app_id", "user_id", "ai_service", "status", "from_source")
        filters = {name: value for name in names if (value := getattr(self, name)) is not None}
        dates = {"start_date": self.start_date, "end_date": self.end_date}
        return ExportRequest.model_validate({**dates, "filters": filters})


class ConversationLogsQuery(_Dated):
    """Of ``GET /api/conversation-logs``."""

    action: Literal["summary", "export"] = Field(
        description="`summary`: which log files there are. `export`: what the ledger holds in the "
        "range, not anonymized; this needs the role `admin`."
    )

    @model_validator(mode="after")
    def _only_an_export_has_dates(self) -> Self:
        if self.action == "summary" and (self.start_date or self.end_date):
            raise ValueError("a summary is of all log files; leave the dates out.")
        return self


class ListExportsQuery(Query):
    """Of ``GET /exports``."""

    cursor: Cursor | None = Field(None, description=_CURSOR_SAYS)
    limit: Limit = Field(20, description=_LIMIT_SAYS)


class ListImportsQuery(Query):
    """Of ``GET /imports``."""

    cursor: Cursor | None = Field(None, description=_CURSOR_SAYS)
    limit: Limit = Field(20, description=_LIMIT_SAYS)
