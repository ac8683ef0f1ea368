"""A preview: the first conversations of an export as it would write them, and its size."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from chatledger.audit import chain
from chatledger.audit.record import Actor, Event
from chatledger.errors import InvalidRequest
from chatledger.export.chunk import ChunkWriter, Found, Sinks, conversations_of
from chatledger.export.exporter import Exporter
from chatledger.export.plan import Plan, make_plan
from chatledger.export.promise import promised
from chatledger.export.since import goes_on_from
from chatledger.export.sink import CountingSink
from chatledger.export.spec import Spec, spec_of
from chatledger.export.watch import OutOfTime, in_time_until
from chatledger.formats.preview import SAMPLE_BYTES, NoRoom, readable, shown
from chatledger.ledger.cells import Checkpoint
from chatledger.ledger.ledger import Ledger
from chatledger.models.exports import ExportRequest
from chatledger.preview.estimate import estimate

SAMPLE_CONVERSATIONS = 10
SAMPLE_WITHIN = timedelta(seconds=5)


class Sample(NamedTuple):
    """``shown`` has an item per conversation. ``is_cut``: there are more, but no room or time."""

    shown: list[Any]
    messages: int
    redactions: dict[str, int]
    is_cut: bool


def preview(
    exporter: Exporter,
    organization: str,
    request: ExportRequest,
    actor: Actor,
    since: Mapping[int, int] | None = None,
) -> dict[str, Any]:
    """The answer, which is on record before it leaves. Raises ``Gone``, ``PayloadTooLarge``."""
    ledger = exporter.ledger
    spec = spec_of(request, ledger.now())
    if spec.is_of_documents:
        raise InvalidRequest(
            "A preview shows conversations. Send the same with dry_run to POST /exports: it counts "
            "the documents."
        )
    after = goes_on_from(ledger, organization, request, since).get("since")
    plan = make_plan(ledger, organization, spec.selection, after)
    pseudonyms_of = promised(ledger, organization, request) if request.anonymizes else None
    sample = take_sample(exporter, replace(spec, pseudonyms_of=pseudonyms_of), plan)
    estimated = estimate(ledger, spec, plan)
    _record(ledger, organization, request, actor, sample)
    return {
        "format": request.format,
        "sample": sample.shown,
        "sample_is_cut": sample.is_cut,
        "redactions": sample.redactions if spec.options.anonymize else None,
        "estimated": msgspec.to_builtins(estimated.counts),
        "estimate_is_exact": estimated.is_exact,
    }


def take_sample(exporter: Exporter, spec: Spec, plan: Plan) -> Sample:
    """The first conversations of the file."""
    ledger = exporter.ledger
    checkpoint = in_time_until(ledger, ledger.now() + SAMPLE_WITHIN)
    spec, kept = replace(spec, is_shown=True), _Kept()
    sinks = Sinks(None, kept, CountingSink()) if spec.is_archive else Sinks(lambda: kept)
    writer = ChunkWriter(spec, sinks, "none", exporter.anonymizer(spec))
    is_cut, room, messages, redactions = False, SAMPLE_BYTES, 0, dict[str, int]()
    try:
        for data in _written(writer, kept, _found(ledger, spec, plan, checkpoint)):
            text = readable(spec.format, data, room)
            room -= len(text)
            kept.shown.append(shown(spec.format, text))
            messages, redactions = writer.written.messages, writer.redactions
    except (OutOfTime, NoRoom):
        is_cut = True  # What was read of one that is not shown does not count.
    else:
        messages, redactions = writer.written.messages, writer.redactions
    return Sample(kept.shown, messages, redactions, is_cut)


def _found(ledger: Ledger, spec: Spec, plan: Plan, checkpoint: Checkpoint) -> Iterator[Found]:
    for part in plan.parts:
        yield from conversations_of(ledger, spec, plan, part, None, checkpoint)


def _written(writer: ChunkWriter, kept: "_Kept", found: Iterator[Found]) -> Iterator[bytes]:
    """Each conversation that has a place in the file, as it is written there."""
    between = b"" if writer.spec.is_archive else writer.spec.writer().separator
    for _, conversation in found:
        if conversation:
            writer.add(conversation)
        if data := kept.take():
            yield data.removeprefix(between) if kept.shown else data
        if len(kept.shown) == SAMPLE_CONVERSATIONS:
            return


@dataclass
class _Kept:
    """A sink that hands back what was written."""

    size: int = 0
    shown: list[Any] = field(default_factory=list[Any])
    _data: bytearray = field(default_factory=bytearray)

    def write(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > SAMPLE_BYTES:
            raise NoRoom
        self._data += data

    def take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


def _record(
    ledger: Ledger, organization: str, request: ExportRequest, actor: Actor, sample: Sample
) -> None:
    """A preview hands out data as an export does. Raises ``StorageError``: then none is."""
    anonymize = str(request.anonymizes).lower()  # As an export's record says it.
    event = Event(
        action="export.previewed",
        at=ledger.now(),
        actor=actor,
        subject={"format": request.format, "anonymize": anonymize},
        counts={"conversations": len(sample.shown), "messages": sample.messages},
    )
    chain.append(ledger.table, organization, [event])
