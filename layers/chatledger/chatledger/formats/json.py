"""One JSON array, a conversation a line.

Not indented: a conversation a line can be written in parts and joined, compared by ``diff`` and
read by ``grep``, and is half the size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from chatledger.formats.objects import encoded
from chatledger.formats.writer import Conversation, Options, Totals, Unframed, Writer


@dataclass(frozen=True, slots=True)
class JsonArray(Unframed):
    options: Options
    preamble: bytes = b"["
    separator: bytes = b","

    def postamble(self, totals: Totals) -> bytes:  # noqa: ARG002 - a list says no totals
        return b"\n]\n"

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        return chain((b"\n",), encoded(conversation, self.options))


def writer(options: Options) -> Writer:
    return JsonArray(options)
