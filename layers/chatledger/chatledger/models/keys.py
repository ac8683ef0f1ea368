"""The bodies that make keys: ``POST /keys`` and the bootstrap function's event."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from chatledger.models.fields import ID, Id, Strict

# Any secret a person brings; those made here have 43 characters after the prefix.
SECRET_PATTERN = r"^clk_[A-Za-z0-9_-]{20,200}$"  # noqa: S105

RoleName = Literal["reader", "writer", "admin", "owner", "operator"]
Name = Annotated[str, Field(min_length=1, max_length=256)]


class KeyRequest(Strict):
    """A key to make."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"role": "writer", "name": "web site"}]}
    )

    role: RoleName = Field(
        description="What it may do: reader, writer, admin, owner, each including the ones "
        "before; operator for all organizations. At most your own."
    )
    name: Name = Field(description="What you call it; 1 to 256 characters.")
    organization_id: Id | None = Field(
        None,
        description="Your own if left out. An operator may name another, which is made by its "
        f"first key; {ID}.",
    )
    requests_per_minute: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="How many requests it may send in a clock minute, 1 to 1,000,000; 100 if "
        "left out.",
    )


class BootstrapRequest(Strict):
    """The first operator's key."""

    organization_id: Id = Field("default", description=f"Whose key it is; {ID}.")
    name: Name = Field("bootstrap", description="What you call it; 1 to 256 characters.")
    key: Annotated[str, Field(pattern=SECRET_PATTERN)] | None = Field(
        None, description="A secret brought along; one is made if left out."
    )
