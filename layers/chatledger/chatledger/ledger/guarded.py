"""A struct that is kept whole as one item, guarded by its ``w``.

The struct has a field ``token``: the item's ``w`` as it was loaded, None before it is kept. It is
written if nobody wrote it since then, and each write has a token of its own.
"""

from typing import TypeVar

import msgspec

from chatledger.aws import wire
from chatledger.aws.table import Absent, Equals, Key, Put
from chatledger.aws.wire import Item

S = TypeVar("S", bound=msgspec.Struct)


def put_of(key: Key, name: str, kept: msgspec.Struct, loaded: bytes | None, token: bytes) -> Put:
    """Writes it as the attribute ``name`` under the new ``token``, in the place of ``loaded``."""
    body = msgspec.json.encode(msgspec.structs.replace(kept, token=None))
    item: Item = {"PK": key.pk, "SK": key.sk, name: body, "w": token}
    return Put(item, Equals("w", loaded) if loaded else Absent())


def struct_of(item: Item, name: str, kind: type[S]) -> S:
    """What the item keeps, with its token."""
    kept = msgspec.json.decode(wire.binary(item, name), type=kind)
    return msgspec.structs.replace(kept, token=wire.binary(item, "w"))
