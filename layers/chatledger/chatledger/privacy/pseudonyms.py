"""Pseudonyms: the same person is the same within one export, and nobody known across two.

HMAC-SHA256 under a key made of a retained secret and the export's id: without the secret, a
pseudonym cannot be tried against a list of names or addresses, as a bare hash can.
"""

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass, field

# 64 bits: among ten million people, two are alike in about one of 370,000 exports.
_HEX_DIGITS = 16
_REMEMBERED = 10_000


def export_key(secret: bytes, export_id: str) -> bytes:
    """The key of one export: 32 bytes that say nothing of the secret or of another export's."""
    return hmac.digest(secret, f"pseudonyms\x00{export_id}".encode(), "sha256")


@dataclass
class Pseudonyms:
    """``key`` is of ``export_key``. Remembers the latest few, for people come in runs."""

    key: bytes = field(repr=False)
    _known: dict[tuple[str, str], str] = field(
        init=False, repr=False, default_factory=dict[tuple[str, str], str]
    )

    def user_id(self, value: str) -> str:
        return f"guest_{self._digest('id', value)}"

    def name(self, value: str) -> str:
        """Alike however it is spaced and capitalized."""
        return f"Guest_{self._digest('name', _folded(value))}"

    def email(self, value: str) -> str:
        """Alike however it is capitalized; the domain is reserved and reaches nobody."""
        return f"guest_{self._digest('email', _folded(value))}@example.com"

    def ip_address(self, value: str) -> str:
        return f"ip_{self._digest('ip', value.strip().lower())}"

    def identifier(self, value: str) -> str:
        """Of a conversation or message whose own id tells of a person."""
        return f"id_{self._digest('identifier', value)}"

    def _digest(self, kind: str, value: str) -> str:
        if known := self._known.get((kind, value)):
            return known
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        text = f"{kind}\x00{value}".encode()
        made = hmac.new(self.key, text, hashlib.sha256).hexdigest()[:_HEX_DIGITS]
        self._known[kind, value] = made
        return made


def _folded(value: str) -> str:
    return " ".join(unicodedata.normalize("NFC", value).casefold().split())
