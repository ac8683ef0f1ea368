"""JSON Lines: one conversation a line."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from chatledger.formats.objects import encoded
from chatledger.formats.writer import Conversation, Options, Unframed, Writer


@dataclass(frozen=True, slots=True)
class JsonLines(Unframed):
    """A line never holds a raw newline: JSON escapes them."""

    options: Options

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        return chain(encoded(conversation, self.options), (b"\n",))


def writer(options: Options) -> Writer:
    return JsonLines(options)
