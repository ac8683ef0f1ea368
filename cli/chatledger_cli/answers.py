"""The service's jobs, as far as the command needs them. What an answer has besides is ignored."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from chatledger_cli import signature
from chatledger_cli.errors import CommandError

Json = dict[str, Any]
T = TypeVar("T")
DOCUMENTS = "documents"

_RECEIPT = (
    "exported",
    "cleared",
    "retained_changed",
    "retained_held",
    "cleared_elsewhere",
    "not_cleared",
)


@dataclass(frozen=True)
class Counts:
    """``documents``: None where it is of conversations."""

    conversations: int
    messages: int
    bytes: int
    documents: int | None = None

    @property
    def is_nothing(self) -> bool:
        return not (self.messages or self.conversations or self.documents)

    @classmethod
    def of(cls, answer: Json, dataset: str | None = None) -> Self:
        """Raises ``CommandError`` where it is no such answer."""
        documents = answer.get("documents", 0) if dataset == DOCUMENTS else None
        return read_answer(lambda counts: picked(cls, {**counts, "documents": documents}), answer)


@dataclass(frozen=True)
class Receipt:
    """Messages. Exported is the sum of the others."""

    exported: int
    cleared: int
    retained_changed: int
    retained_held: int
    cleared_elsewhere: int
    not_cleared: int


@dataclass(frozen=True)
class Clear:
    """``receipt``: None before there is anything to count."""

    status: str
    receipt: Receipt | None
    undo_until: str | None

    @property
    def has_cleared(self) -> bool:
        """Whether anything left the ledger by it."""
        return self.receipt is not None and self.receipt.cleared > 0

    @classmethod
    def of(cls, answer: Json) -> Self:
        counted = answer.get("cleared") is not None
        receipt = Receipt(*(int(answer.get(name) or 0) for name in _RECEIPT)) if counted else None
        return cls(str(answer["status"]), receipt, answer.get("undo_until"))


@dataclass(frozen=True)
class Link:
    """A file and where it is for some minutes; ``sha256`` in hex.

    ``url``: None where the answer is of a function that may not sign this one; ``GET`` has it.
    """

    name: str
    bytes: int
    sha256: str
    url: str | None


@dataclass(frozen=True)
class ExportJob:
    """``messages``, ``documents``: written by now.

    ``manifest``, ``signature``: of an archive, or of what was cleared; ``error`` in words.

    ``cursor``: where the next export goes on; ``redactions``: of an anonymized file, by kind.
    """

    id: str
    status: str
    format: str
    messages: int
    documents: int | None
    parts_done: int
    parts_total: int
    counts: Counts | None
    files: tuple[Link, ...]
    manifest: Link | None
    root_hash: str | None
    signature: Link | None
    cursor: str | None
    redactions: dict[str, int] | None
    clear: Clear | None
    error: str | None

    @classmethod
    def of(cls, answer: Json) -> Self:
        """Raises ``CommandError`` where it is no such answer."""
        return read_answer(cls._of, answer)

    @classmethod
    def _of(cls, answer: Json) -> Self:
        progress, manifest = answer["progress"], answer.get("manifest")
        request: Json = answer.get("request") or {}
        dataset = request.get("dataset")
        return cls(
            id=answer["export_id"],
            status=answer["status"],
            format=answer["format"],
            messages=progress["messages"],
            documents=progress.get("documents", 0) if dataset == DOCUMENTS else None,
            parts_done=progress["parts_done"],
            parts_total=progress["parts_total"],
            counts=Counts.of(answer["counts"], dataset) if answer.get("counts") else None,
            files=tuple(picked(Link, file) for file in answer["files"]),
            manifest=picked(Link, {**manifest, "name": "manifest.jsonl"}) if manifest else None,
            root_hash=manifest["root_hash"] if manifest else None,
            signature=_signature(manifest) if manifest else None,
            cursor=answer.get("cursor"),
            redactions=answer.get("redactions"),
            clear=Clear.of(answer["clear"]) if answer.get("clear") else None,
            error=_error(answer),
        )

    @property
    def ended(self) -> bool:
        return self.status in {"succeeded", "failed", "cancelled", "clear_incomplete"}

    @property
    def went_wrong(self) -> bool:
        """Whether it ended without files."""
        return self.status in {"failed", "cancelled"}

    @property
    def written(self) -> bool:
        """Whether its files are there; a clear may still go on."""
        return self.counts is not None and bool(self.files)

    @property
    def awaits_acknowledgement(self) -> bool:
        waits = self.clear is not None and self.clear.status == "awaiting_acknowledgement"
        return waits and not self.ended


@dataclass(frozen=True)
class Restored:
    """Messages: how many came back, were there, and were not touched."""

    restored: int
    already_there: int
    left_alone: int


@dataclass(frozen=True)
class Upload:
    """Where the archive and its manifest go, with the headers that were signed."""

    url: str
    manifest_url: str
    headers: dict[str, str]


@dataclass(frozen=True)
class ImportJob:
    """``upload``: None once it is taken; ``messages``: dealt with by now."""

    id: str
    status: str
    messages: int
    upload: Upload | None
    counts: Restored | None
    error: str | None

    @classmethod
    def of(cls, answer: Json) -> Self:
        """Raises ``CommandError`` where it is no such answer."""
        return read_answer(cls._of, answer)

    @classmethod
    def _of(cls, answer: Json) -> Self:
        waits = answer["status"] == "awaiting_upload"
        progress: Json = answer.get("progress") or {}
        return cls(
            id=answer["import_id"],
            status=answer["status"],
            messages=progress.get("messages") or 0,
            upload=picked(Upload, answer["upload"]) if waits else None,
            counts=picked(Restored, answer["counts"]) if answer.get("counts") else None,
            error=_error(answer),
        )

    @property
    def ended(self) -> bool:
        return self.status in {"succeeded", "failed"}


def _signature(manifest: Json) -> Link | None:
    if manifest.get("signature_sha256") is None:
        return None
    return Link(
        name=signature.NAME,
        bytes=int(manifest["signature_bytes"]),
        sha256=str(manifest["signature_sha256"]),
        url=manifest["signature_url"],
    )


def _error(answer: Json) -> str | None:
    error = answer.get("error")
    return str(error["error"]) if error else None


def picked(kind: type[T], answer: Json) -> T:
    """The answer's fields that this dataclass has; raises ``KeyError`` where one is not there."""
    return kind(**{name: answer[name] for name in inspect.signature(kind).parameters})


def read_answer(read: Callable[[Json], T], answer: Json) -> T:
    """Raises ``CommandError`` where it is no such answer."""
    try:
        return read(answer)
    except (KeyError, TypeError, AttributeError):
        raise CommandError("The service's answer is not one this command understands.") from None
