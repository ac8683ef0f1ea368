"""Where a document's objects lie in the archive bucket, which deletes nothing by itself.

Its content gets a new name with each write, so that whoever reads it reads one version of it. The
id is in no name: an escaped one can be longer than S3 takes, and may tell of somebody.
"""

import hashlib

from chatledger.identifiers import as_folder, new_ulid


def content(organization: str, document_id: str) -> str:
    return f"{_folder(organization, document_id)}content-{new_ulid()}.json.gz"


def original(organization: str, document_id: str) -> str:
    return f"{_folder(organization, document_id)}original"


def _folder(organization: str, document_id: str) -> str:
    digest = hashlib.sha256(document_id.encode()).hexdigest()
    return f"documents/{as_folder(organization)}/{digest}/"
