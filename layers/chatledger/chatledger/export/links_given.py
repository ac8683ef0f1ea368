"""Links that are given out are recorded first: who got them, of which exports, to what."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from chatledger.audit.links import record_given
from chatledger.audit.record import Actor
from chatledger.ledger.ledger import Ledger


def record_links(
    ledger: Ledger, organization: str, actor: Actor, answers: Sequence[dict[str, Any]]
) -> None:
    """Of answers that are about to leave. Raises ``StorageError``: then none may leave.

    Who asks again and again while a link lives is recorded once in a clock quarter hour.
    """
    linked = {answer["export_id"]: kinds for answer in answers if (kinds := _kinds(answer))}
    if linked:
        _record(ledger, organization, actor, linked)


def record_download(ledger: Ledger, organization: str, actor: Actor, export_id: str) -> None:
    """The same of the one link that a download is."""
    _record(ledger, organization, actor, {export_id: Counter(file=1)})


def _record(
    ledger: Ledger, organization: str, actor: Actor, linked: dict[str, Counter[str]]
) -> None:
    counts = sum(linked.values(), Counter[str]())
    told = [f"{export_id} {sorted(kinds)}" for export_id, kinds in linked.items()]
    record_given(ledger, organization, actor, {"export_id": " ".join(linked)}, counts, told)


def _kinds(answer: dict[str, Any]) -> Counter[str]:
    """How many links to what: the file, the manifest, files of the archive."""
    return Counter(kind for kind, linked in _linked(answer) if linked.get("url"))


def _linked(answer: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in answer["files"]:
        yield "file", file
    if answer["manifest"]:
        yield "manifest", answer["manifest"]
    if answer["archive"]:
        for file in answer["archive"]["files"]:
            yield "archive", file
