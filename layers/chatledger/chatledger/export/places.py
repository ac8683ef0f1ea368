"""Where an export's objects lie.

In the exports bucket all of them are gone after some days; what of a clear must stay lies in the
archive bucket. What may be written more than once gets a new name for each attempt, and a commit
or the job says which attempt counts.
"""

from chatledger.export.job import Home
from chatledger.identifiers import as_folder, new_ulid

_ROOTS: dict[Home, str] = {"exports": "exports", "archive": "archives"}


def folder(organization: str, export_id: str, home: Home = "exports") -> str:
    return f"{_ROOTS[home]}/{as_folder(organization)}/{export_id}/"


def plan(organization: str, export_id: str) -> str:
    return f"{folder(organization, export_id)}plan.json"


def parts_list(organization: str, export_id: str, home: Home = "exports") -> str:
    """What the workflow's maps go through: the plan's parts; in the archive bucket, the archive's.

    The state machine may read objects of this name and no others.
    """
    return f"{folder(organization, export_id, home)}parts.json"


def commit(organization: str, export_id: str, part: int, chunk: int) -> str:
    return f"{folder(organization, export_id)}parts/{part:05}-{chunk:04}.json"


def file_chunk(organization: str, export_id: str, part: int, chunk: int) -> str:
    return f"{folder(organization, export_id)}parts/{part:05}-{chunk:04}-{new_ulid()}"


def archive_chunk(organization: str, export_id: str, part: int, chunk: int, home: Home) -> str:
    name = f"parts/{part:05}-{chunk:04}-{new_ulid()}.jsonl.gz"
    return f"{folder(organization, export_id, home)}{name}"


def entries_chunk(organization: str, export_id: str, part: int, chunk: int) -> str:
    """The lines of the manifest for a chunk of the archive, until the manifest has them."""
    return f"{folder(organization, export_id)}entries/{part:05}-{chunk:04}-{new_ulid()}.jsonl"


def finished(organization: str, export_id: str) -> str:
    return f"{folder(organization, export_id)}finished.json"


def file(organization: str, export_id: str, name: str) -> str:
    return f"{folder(organization, export_id)}files/{name}"


def manifest(organization: str, export_id: str, home: Home) -> str:
    return f"{folder(organization, export_id, home)}manifest-{new_ulid()}.jsonl"


def signature(manifest_key: str) -> str:
    """Beside the manifest that it signs."""
    return f"{manifest_key.removesuffix('.jsonl')}.sig.json"
