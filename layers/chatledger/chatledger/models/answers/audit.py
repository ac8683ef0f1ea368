"""Answers of the routes of the audit trail."""

from pydantic import Field

from chatledger.models.answers.answer import LIMIT, NEXT, TIME, Answer


class AuditActor(Answer):
    """Who did it."""

    key_id: str | None = Field(description="Null where it was no key.")
    role: str = Field(
        description="The key's; `system` for what the service did by itself, `bootstrap` for who "
        "may invoke the function that makes the first key."
    )


class AuditRecord(Answer):
    """What happened. The hash is SHA-256 over all the others as JSON, see the route."""

    organization: str
    seq: int = Field(description="Its place: 1, 2, 3 … without a gap.")
    id: str = Field(description="Of the record, a ULID.")
    at: str = Field(description=TIME)
    actor: AuditActor
    action: str = Field(description="`export.admitted`, `clear.began`, `key.made` …")
    subject: dict[str, str] = Field(
        description="What it was about: ids, and of a job its format and status. Several ids are "
        "parted by spaces."
    )
    counts: dict[str, int] = Field(description="Of what, and how many: messages, bytes, links …")
    prev: str = Field(description="The hash of the record before; zeros in the first.")
    hash: str


class AuditTrail(Answer):
    """Some records, newest first."""

    records: list[AuditRecord]
    limit: int = Field(description=LIMIT)
    next_cursor: str | None = Field(description=NEXT)


class AuditPlace(Answer):
    """A record that was seen."""

    seq: int
    at: str | None = Field(description=f"{TIME}; null where it cannot be read.")
    hash: str


class AuditProblem(Answer):
    """Something that is not as it was recorded."""

    seq: int | None = Field(description="The record; null where it is none.")
    what: str = Field(description="In words.")


class AuditVerdict(Answer):
    """What was gone through, and what is wrong with it."""

    valid: bool = Field(description="Nothing is wrong, up to the cursor if there is one.")
    records: int = Field(description="How many were gone through.")
    anchors: int = Field(description="How many daily anchors were compared.")
    first: AuditPlace | None = Field(description="The first of these; null if there is none.")
    last: AuditPlace | None = Field(description="The last of these; null if there is none.")
    head_hash: str | None = Field(description="The hash of the last: it covers all before it.")
    problems: list[AuditProblem]
    next_cursor: str | None = Field(
        description="There was no time for all: send it as cursor to go on; null at the end."
    )
