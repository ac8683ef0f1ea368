"""Streams: where the exports of a name have come to; each goes on where the last one ended.

A stream moves in the same transaction that says that its export is written, under a condition on
the export it goes on after: of two at once only one can, and an export that was cancelled or
failed never moved it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from chatledger.aws import wire
from chatledger.aws.table import Absent, Equals, Key, Put, Table
from chatledger.identifiers import new_token
from chatledger.ledger import keys


@dataclass(frozen=True, slots=True)
class Stream:
    """``export_id`` was the last; ``slots``: shard → the last slot that it saw, under ``epoch``."""

    export_id: str
    epoch: str
    slots: Mapping[str, int]
    token: bytes


def load(table: Table, organization: str, name: str) -> Stream | None:
    item = table.get(_key(organization, name))
    if not item:
        return None
    return Stream(
        export_id=wire.text(item, "job"),
        epoch=wire.text(item, "epoch"),
        slots=msgspec.json.decode(wire.binary(item, "slots"), type=dict[str, int]),
        token=wire.binary(item, "w"),
    )


def moved(
    organization: str,
    name: str,
    there: Stream | None,
    export_id: str,
    epoch: str,
    slots: Mapping[str, int],
) -> Put:
    """The write that moves it on from where it was found."""
    key = _key(organization, name)
    return Put(
        {
            "PK": key.pk,
            "SK": key.sk,
            "job": export_id,
            "epoch": epoch,
            "slots": msgspec.json.encode(dict(slots)),
            "w": new_token(),
        },
        Equals("w", there.token) if there else Absent(),
    )


def _key(organization: str, name: str) -> Key:
    # A name may be longer than a sort key, and is nobody's business in one.
    return keys.stream(organization, hashlib.sha256(name.encode()).hexdigest())
