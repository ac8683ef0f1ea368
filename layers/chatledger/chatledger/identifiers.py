"""Ids: what callers may send, and what is made here."""

import secrets
import unicodedata
from urllib.parse import quote

from ulid import ULID

MAX_ID_BYTES = 256


def check_id(name: str, value: str) -> str:
    """Returns ``value`` if it is 1 to 256 bytes of UTF-8 without control characters.

    Raises ``ValueError`` that names the field and the rule.
    """
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{name} has a lone surrogate, which is no character.") from None
    if not 1 <= size <= MAX_ID_BYTES:
        raise ValueError(f"{name} must be 1 to {MAX_ID_BYTES} bytes of UTF-8; it has {size}.")
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ValueError(f"{name} must not hold control characters.")
    return value


def as_folder(text: str) -> str:
    """An id as the name of a folder. Dots as well: a client would fold one called ".." away."""
    return quote(text, safe="").replace(".", "%2E")


def new_ulid() -> str:
    """A ULID: sorts by the time it was made."""
    return str(ULID())


def new_conversation_id() -> str:
    return f"conv_{new_ulid()}"


def new_token() -> bytes:
    """What an item's ``w`` gets at each write: random and never a counter, see docs/design.md."""
    return secrets.token_bytes(12)
