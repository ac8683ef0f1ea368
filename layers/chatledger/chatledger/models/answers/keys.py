"""Answers of the routes of keys."""

from pydantic import Field

from chatledger.models.answers.answer import TIME, Answer
from chatledger.models.keys import RoleName


class Key(Answer):
    """A key without its secret."""

    key_id: str
    name: str
    role: RoleName
    organization_id: str
    requests_per_minute: int | None = Field(
        description="Null where the usual limit of 100 holds, 0 where none does."
    )
    created_at: str = Field(description=TIME)


class KeyMade(Key):
    """A new key with its secret."""

    key: str = Field(description="The secret, shown this once.")


class KeyList(Answer):
    """The organization's keys."""

    keys: list[Key]
