"""What is put back at once: a few messages of a conversation each, of many conversations.

A unit, which has whole entries, is never cut: a tombstone comes back whole or not at all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from chatledger.formats.archive import HeadRecord
from chatledger.messages import Message, identity
from chatledger.restore.job import Position, Progress
from chatledger.restore.records import Unit

# A group is held in memory as lines and as messages; its heads are one BatchGetItem. It is above
# its size only where a single unit is.
GROUP_BYTES = 1024 * 1024
GROUP_SHARES = 100
# Whoever reads looks at the time between groups, so heads without messages end one as well.
GROUP_HEADS = 1000


@dataclass(slots=True)
class Archived:
    """A message of the archive: its line, its identity, and the slot of its entry if known."""

    message: Message
    line: bytes
    identity: bytes
    slot: int | None


@dataclass(slots=True)
class Share:
    """Messages of one conversation in the archive's order, which is that of their revisions."""

    conversation_id: str
    head: HeadRecord | None
    archived: list[Archived] = field(default_factory=list[Archived])
    identities: set[bytes] = field(default_factory=set[bytes])

    def add(self, archived: Archived) -> None:
        self.archived.append(archived)
        self.identities.add(archived.identity)


@dataclass(slots=True)
class Group:
    """Shares by conversation, how much the group goes through, and the position behind it."""

    shares: dict[str, Share] = field(default_factory=dict[str, Share])
    progress: Progress = field(default_factory=Progress)
    after: Position = field(default_factory=Position)
    size: int = 0

    def has_room_for(self, unit: Unit) -> bool:
        if self.size and self.size + sum(len(record.line) for record in unit) > GROUP_BYTES:
            return False
        message = unit[0].message
        if message is None:
            return self.progress.conversations < GROUP_HEADS
        return message.conversation_id in self.shares or len(self.shares) < GROUP_SHARES

    def take(self, unit: Unit) -> None:
        for record in unit:
            if record.message is None:
                self.progress += Progress(conversations=int(record.is_head))
            else:
                self._share_of(record.message, record.head).add(
                    Archived(record.message, record.line, identity(record.message), record.slot)
                )
                self.progress += Progress(messages=1)
            self.size += len(record.line)
            self.after = record.after

    def _share_of(self, message: Message, head: HeadRecord | None) -> Share:
        conversation_id = message.conversation_id
        if conversation_id not in self.shares:
            self.shares[conversation_id] = Share(conversation_id, head)
        return self.shares[conversation_id]


def groups(units: Iterable[Unit]) -> Iterator[Group]:
    """Groups in the archive's order; together they hold every message."""
    group = Group()
    for unit in units:
        if not group.has_room_for(unit):
            yield group
            group = Group()
        group.take(unit)
    if group.progress != Progress():
        yield group
