"""Where uploads lie in the exports bucket: a folder of its own for each import."""

from typing import NamedTuple
from urllib.parse import unquote

from chatledger.identifiers import as_folder

ARCHIVE = "archive.jsonl.gz"
MANIFEST = "manifest.jsonl"
MEDIA_TYPE = "application/octet-stream"
_TOP = "imports"


class Uploaded(NamedTuple):
    """What the key of an archive says."""

    organization: str
    import_id: str


def archive(organization: str, import_id: str) -> str:
    return f"{_folder(organization, import_id)}{ARCHIVE}"


def manifest(organization: str, import_id: str) -> str:
    return f"{_folder(organization, import_id)}{MANIFEST}"


def uploaded_archive(key: str) -> Uploaded | None:
    """Whose archive it is; None for any other object."""
    parts = key.split("/")
    if len(parts) != 4 or (parts[0], parts[3]) != (_TOP, ARCHIVE):
        return None
    return Uploaded(unquote(parts[1]), parts[2])


def _folder(organization: str, import_id: str) -> str:
    return f"{_TOP}/{as_folder(organization)}/{import_id}/"
