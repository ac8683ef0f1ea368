"""The body of ``POST /holds``."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from chatledger.errors import PayloadTooLarge
from chatledger.models.fields import END_DATE, ID, START_DATE, Date, Id, Short, Strict
from chatledger.timestamps import Range, parse_range

_CRITERIA = ("conversation_id", "user_id", "app_id", "start_date", "end_date")
# The list of all holds is one answer, and each batch of a clear reads all of them.
MAX_HOLD_BYTES = 2048
_EXAMPLE: dict[str, Any] = {"name": "case 17", "user_id": "john_doe", "end_date": "2026-10-31"}

Name = Annotated[str, Field(min_length=1, max_length=256)]


class HoldRequest(Strict):
    """What must not be cleared: all that is named must hold, and something must be named.

    At most 2 KB.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Name | None = Field(None, description="What you call it; 1 to 256 characters.")
    reason: Short | None = Field(
        None, description="Why, for whoever reads the list; at most 1,000 characters."
    )
    conversation_id: Id | None = Field(None, description=f"Only this conversation; {ID}.")
    user_id: Id | None = Field(
        None, description=f"Only conversations that this user took part in, whole; {ID}."
    )
    app_id: Id | None = Field(None, description=f"Only conversations of this application; {ID}.")
    start_date: Date | None = Field(None, description=START_DATE)
    end_date: Date | None = Field(None, description=END_DATE)

    @property
    def within(self) -> Range:
        return parse_range(self.start_date, self.end_date)

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        _ = self.within
        if all(getattr(self, name) is None for name in _CRITERIA):
            raise ValueError(f"a hold needs at least one of {', '.join(_CRITERIA)}.")
        if len(self.model_dump_json().encode()) > MAX_HOLD_BYTES:
            raise PayloadTooLarge(
                f"The hold is above {MAX_HOLD_BYTES // 1024} KB. Give it a shorter reason."
            )
        return self


class AcknowledgeRequest(Strict):
    """The root hash that you computed yourself, from your own copy of the manifest."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"root_hash": "9f86d081" * 8}]})

    root_hash: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")] = Field(
        description="SHA-256 of the manifest's header, as it stands in the first line of the "
        "manifest; 64 hexadecimal digits."
    )
