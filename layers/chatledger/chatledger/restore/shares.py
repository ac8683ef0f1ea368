"""What is put back at once: a few messages of a conversation each, of many conversations."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from chatledger.formats.archive import HeadRecord
from chatledger.messages import Message, identity
from chatledger.restore.job import Position, Progress
from chatledger.restore.records import Record

# A group is held in memory as lines and as messages; its heads are one BatchGetItem.
GROUP_BYTES = 1024 * 1024
GROUP_SHARES = 100


@dataclass(slots=True)
class Archived:
    """A message of the archive: its line, its identity, and the slot of its entry if known."""

    message: Message
    line: bytes
    identity: bytes
    slot: int | None


@dataclass(slots=True)
class Share:
    """Messages of one conversation, each of them once: a further revision is of the next share."""

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

    def has_room_for(self, archived: Archived) -> bool:
        if self.size and self.size + len(archived.line) > GROUP_BYTES:
            return False
        share = self.shares.get(archived.message.conversation_id)
        if share:
            return archived.identity not in share.identities
        return len(self.shares) < GROUP_SHARES

    def take(self, record: Record, archived: Archived) -> None:
        conversation_id = archived.message.conversation_id
        if conversation_id not in self.shares:
            self.shares[conversation_id] = Share(conversation_id, record.head)
        self.shares[conversation_id].add(archived)
        self.size += len(archived.line)
        self.progress += Progress(messages=1)
        self.after = record.after

    def pass_head(self, record: Record) -> None:
        self.progress += Progress(conversations=1)
        self.after = record.after


def groups(records: Iterable[Record]) -> Iterator[Group]:
    """Groups in the archive's order; together they hold every message."""
    group = Group()
    for record in records:
        if record.message is None:
            group.pass_head(record)
            continue
        archived = Archived(record.message, record.line, identity(record.message), record.slot)
        if not group.has_room_for(archived):
            yield group
            group = Group()
        group.take(record, archived)
    if group.progress != Progress():
        yield group
