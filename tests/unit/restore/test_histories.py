"""Random histories of appends, revisions, clears, undos and imports, each step accounted for."""

import gzip
import random
from dataclasses import dataclass, field

import pytest

from chatledger.ledger.standing import standing
from chatledger.messages import Message, decode_line, encode_line, identity, revision
from tests.fakes.archives import live_entries
from tests.fakes.audit import audit
from tests.fakes.chats import ORGANIZATION
from tests.fakes.clears import says
from tests.fakes.restores import Restored, compressed_anew

OTHER = "other"
CONVERSATIONS = ("a", "b#", "c d")


@dataclass
class History:
    """``accepted``: every revision in the order of its acknowledgement, by message."""

    dice: random.Random
    world: Restored = field(default_factory=Restored)
    accepted: dict[tuple[str, bytes], list[bytes]] = field(
        default_factory=dict[tuple[str, bytes], list[bytes]]
    )
    archives: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    cleared: list[str] = field(default_factory=list[str])
    number: int = 0

    def say(self) -> None:
        """A new message, a revision of one, or a repeat of some earlier content."""
        conversation, number = self.dice.choice(CONVERSATIONS), self.dice.randrange(6)
        content = f"{conversation} {number} v{self.dice.randrange(4)}"
        said = says(conversation, number, content=content)
        known = self.accepted.setdefault((conversation, identity(said)), [])
        if revision(encode_line(said)) not in known:
            known.append(revision(encode_line(said)))
        self.world.add(said)

    def clear(self) -> None:
        some = [each for each in live_entries(self.world.table) if self.dice.random() < 0.7]
        if not some:
            return
        self.number += 1
        export_id = f"E{self.number}"
        self.world.archived(export_id, parts=2, entries=some)
        self.archives.append(self.world.archive_file(export_id))
        self.world.clear(export_id)
        self.world.reconcile(export_id)
        self.cleared.append(export_id)

    def undo(self) -> None:
        if self.cleared:
            self.world.undo(self.dice.choice(self.cleared))

    def restore(self, into: str = ORGANIZATION) -> None:
        if self.archives:
            self.number += 1
            archive, manifest = self.dice.choice(self.archives)
            archive = compressed_anew(archive) if self.dice.random() < 0.3 else archive
            known = manifest if self.dice.random() < 0.7 else None
            self.world.restore(archive, known, f"I{self.number}", into)

    def check(self) -> None:
        account = audit(self.world.ledger)
        live = {(each.conversation_id, identity(each), _of(each)) for each in account.messages}
        gone = {
            (entry.place.conversation_id, *digests)
            for entry in account.entries
            if entry.is_tombstone
            for digests in entry.digests()
        }
        accepted = {(*place, each) for place, known in self.accepted.items() for each in known}
        assert live | gone == accepted, "accepted = live + cleared"
        for place, shown in showing(self.world, ORGANIZATION).items():
            assert shown == self.accepted[place][-1], "an older revision shows"


def _of(message: Message) -> bytes:
    return revision(encode_line(message))


def showing(world: Restored, organization: str) -> dict[tuple[str, bytes], bytes]:
    """The revision of each message that a reader sees."""
    found: dict[tuple[str, bytes], bytes] = {}
    entries = audit(world.ledger, organization).entries
    for quarter in {(each.place.conversation_id, each.quarter) for each in entries}:
        run = [each for each in entries if (each.place.conversation_id, each.quarter) == quarter]
        run.sort(key=lambda each: (each.place.slot, each.place.piece))
        found |= {(quarter[0], identity(each)): _of(each) for each in standing(run)}
    return found


@pytest.mark.parametrize("seed", range(40))
def test_accepted_is_live_or_cleared_and_the_latest_shows(seed: int):
    """I1, I5, I8."""
    history = History(random.Random(seed))
    acts = [history.say, history.say, history.say, history.clear, history.undo, history.restore]
    for _ in range(30):
        history.dice.choice(acts)()
        history.check()


@pytest.mark.parametrize("seed", range(20))
def test_archives_in_any_order_end_with_the_newest_that_they_hold(seed: int):
    """In another organization, each archive with its manifest, some of them twice."""
    history = History(random.Random(seed))
    for _ in range(5):
        for _ in range(8):
            history.say()
        history.clear()
    archives = [*history.archives, *history.dice.choices(history.archives, k=2)]
    history.dice.shuffle(archives)
    newest: dict[tuple[str, bytes], int] = {}
    for number, (archive, manifest) in enumerate(archives):
        history.world.restore(archive, manifest, f"X{number}", OTHER)
        for conversation, message, slot in revisions_in(history, archive):
            place = (conversation, message)
            newest[place] = max(newest.get(place, -1), slot)
        shown = showing(history.world, OTHER)
        assert shown.keys() == newest.keys()
        for place, content in shown.items():
            assert history.accepted[place].index(content) == newest[place]


def revisions_in(history: History, archive: bytes) -> list[tuple[str, bytes, int]]:
    """The archive's messages, each with the place of its revision in the order of acceptance."""
    lines = gzip.decompress(archive).splitlines(keepends=True)
    messages = [decode_line(line) for line in lines if not line.startswith(b'{"record"')]
    return [
        (
            each.conversation_id,
            identity(each),
            history.accepted[each.conversation_id, identity(each)].index(_of(each)),
        )
        for each in messages
    ]
