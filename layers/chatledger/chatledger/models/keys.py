"""The bodies that make keys: ``POST /keys`` and the bootstrap function's event."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from chatledger.models.fields import Id, Strict

# Any secret a person brings; those made here have 43 characters after the prefix.
SECRET_PATTERN = r"^clk_[A-Za-z0-9_-]{20,200}$"  # noqa: S105

RoleName = Literal["reader", "writer", "admin", "owner", "operator"]
Name = Annotated[str, Field(min_length=1, max_length=256)]


class KeyRequest(Strict):
    """A key to make. Without ``requests_per_minute`` it gets the usual limit."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"role": "writer", "name": "web site"}]}
    )

    role: RoleName
    name: Name
    organization_id: Id | None = None
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class BootstrapRequest(Strict):
    """The first operator's key; ``key`` is a secret brought along, else one is made."""

    organization_id: Id = "default"
    name: Name = "bootstrap"
    key: Annotated[str, Field(pattern=SECRET_PATTERN)] | None = None
