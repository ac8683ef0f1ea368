"""Write part: the conversations of one part into one object, committed once.

Every attempt writes an object of its own; the first to commit says which of them is the part,
and any later attempt answers that one.
"""

from collections.abc import Iterator

import msgspec

from chatledger.aws.s3 import AlreadyThere, Bucket
from chatledger.errors import StorageError
from chatledger.export import places
from chatledger.export.content import archived, chosen_messages
from chatledger.export.plan import Part, Plan
from chatledger.export.sink import ObjectSink, Sink
from chatledger.export.spec import Spec
from chatledger.formats.compression import compressor_for
from chatledger.formats.writer import Conversation
from chatledger.ledger.cells import Checkpoint, HeldConversation, read_named, read_shard
from chatledger.ledger.ledger import Ledger

_JSON = "application/json"


class Written(msgspec.Struct, frozen=True):
    """What a part holds, and the object it lies in."""

    key: str
    bytes: int
    conversations: int
    messages: int


def write_part(
    ledger: Ledger,
    bucket: Bucket,
    export_id: str,
    spec: Spec,
    plan: Plan,
    part: Part,
    checkpoint: Checkpoint,
) -> Written:
    """Writes the part, or answers the one that is committed already."""
    commit = places.part_commit(plan.organization, export_id, part.number)
    if done := bucket.get(commit):
        return msgspec.json.decode(done, type=Written)
    key = places.part_attempt(plan.organization, export_id, part.number)
    with ObjectSink(bucket, key, "application/octet-stream") as sink:
        conversations, messages = fill(ledger, spec, plan, part, sink, checkpoint)
    written = Written(key, sink.size, conversations, messages)
    try:
        bucket.put(commit, msgspec.json.encode(written), _JSON, once=True)
    except AlreadyThere:
        return _committed(bucket, commit)
    return written


def fill(
    ledger: Ledger, spec: Spec, plan: Plan, part: Part, sink: Sink, checkpoint: Checkpoint
) -> tuple[int, int]:
    """Writes the part's conversations into the sink; answers (conversations, messages)."""
    write = _archive if spec.is_archive else _derive
    conversations = messages = 0
    for count in write(spec, _selected(ledger, spec, plan, part, checkpoint), sink):
        conversations, messages = conversations + 1, messages + count
    return conversations, messages


def _selected(
    ledger: Ledger, spec: Spec, plan: Plan, part: Part, checkpoint: Checkpoint
) -> Iterator[HeldConversation]:
    """The conversations whose heads match, shard after shard."""
    filters, organization = spec.selection.filters, plan.organization
    named = filters.named(ledger, organization)
    for shard in part.shards:
        if named is None:
            days = plan.days_of(shard)
            found = read_shard(ledger, plan.snapshot, shard, days, checkpoint)
        else:
            found = read_named(ledger, plan.snapshot, shard, named, checkpoint)
        for conversation in found:
            checkpoint()
            if filters.match_head(ledger, organization, conversation.head):
                yield conversation


def _archive(spec: Spec, conversations: Iterator[HeldConversation], sink: Sink) -> Iterator[int]:
    """Concatenates what is compressed already; yields the messages of each conversation."""
    for conversation in conversations:
        if found := archived(conversation, spec.selection):
            for member in found.members:
                sink.write(member)
            yield found.messages


def _derive(spec: Spec, conversations: Iterator[HeldConversation], sink: Sink) -> Iterator[int]:
    """Writes a format, compressed as one member; yields the messages of each conversation."""
    writer = spec.writer()
    compressor = compressor_for(spec.compression)
    between = None
    for conversation in conversations:
        if chosen := chosen_messages(conversation, spec.selection):
            messages, count = chosen
            sink.write(compressor.compress(between or b""))
            for piece in writer.conversation(Conversation(conversation.head, messages)):
                sink.write(compressor.compress(piece))
            between = writer.separator
            yield count
    if between is not None:  # A part of nothing has no bytes at all.
        sink.write(compressor.finish())


def _committed(bucket: Bucket, commit: str) -> Written:
    done = bucket.get(commit)
    if not done:
        raise StorageError("Another attempt's part does not show yet. Repeat.")
    return msgspec.json.decode(done, type=Written)
