"""What must hold after any fault: nothing lost, nothing doubled, every job ended.

I1 and I5: everything accepted is live, or cleared. I2: what is cleared is in an archive that
verifies. I3: a revision is live or cleared, once. I4: manifests are what they were when signed.
"""

import hashlib

import msgspec

from chatledger.clear.verify import verify_part
from chatledger.documents.content import opened
from chatledger.documents.document import Document, documents
from chatledger.export import jobs
from chatledger.export.job import Job, Manifest
from chatledger.export.kept import open_archive
from chatledger.ledger.ledger import open_ledger
from chatledger.messages import encode_line, identity, revision
from chatledger.models.documents import DocumentRequest
from tests.fakes.audit import Account, audit
from tests.fakes.deployment import Deployment
from tests.fakes.memory_signer import MemorySigner
from tests.fakes.memory_table import MemoryTable
from tests.unit.audit.trails import records

ORGANIZATION = "default"
Revisions = frozenset[tuple[bytes, bytes]]


def account(deployment: Deployment) -> Account:
    """Slots, entries, tombstones and heads add up; no revision is held twice."""
    return audit(open_ledger(deployment.table, 16), ORGANIZATION)


def live(found: Account) -> Revisions:
    return frozenset((identity(each), revision(encode_line(each))) for each in found.messages)


def cleared(found: Account) -> Revisions:
    return frozenset(found.cleared)


def check(deployment: Deployment, accepted: Revisions) -> Account:
    """Raises ``AssertionError`` where a message is lost or doubled, or a clear has no proof."""
    found = account(deployment)
    assert live(found) | cleared(found) == accepted, "lost, or never accepted"
    assert len(found.messages) + len(found.cleared) == len(accepted), "doubled"
    for job in jobs_of(deployment):
        _check_clear(deployment, found, job)
    unknown = {each.cleared_by for each in found.entries if each.is_tombstone}
    assert unknown <= {job.export_id for job in jobs_of(deployment)}, "cleared by nobody"
    return found


def jobs_of(deployment: Deployment) -> list[Job]:
    found = [key.sk for key in deployment.table.keys_of_kind("J")]
    return [jobs.find(deployment.table, ORGANIZATION, each) for each in found]


def documents_of(deployment: Deployment) -> list[str]:
    """What each document says; raises ``AssertionError`` where its content is not its item's."""
    return [_said(deployment, each) for _, each in documents(deployment.table, ORGANIZATION)]


def _said(deployment: Deployment, document: Document) -> str:
    key = document.content.key
    assert key in deployment.archive.objects, "the content of a document is lost"
    content = opened(deployment.archive.read(key))
    assert hashlib.sha256(content).hexdigest() == document.digest, "a mixture"
    return DocumentRequest.model_validate_json(content).text


def on_record(deployment: Deployment, action: str) -> int:
    return sum(each.action == action for each in records(deployment.table, ORGANIZATION))


def _check_clear(deployment: Deployment, found: Account, job: Job) -> None:
    gone = [each for each in found.entries if each.cleared_by == job.export_id]
    clear, manifest = job.clear, job.manifest
    if not gone:
        return
    assert clear
    assert clear.has_begun
    assert manifest, "cleared without a manifest"
    kept = open_archive(deployment.archive, manifest)
    listed = {
        each.place(ORGANIZATION): each for part in kept.header.parts for each in kept.entries(part)
    }
    for entry in gone:
        assert entry.key in listed, "cleared, but not listed"
        assert entry.digest.hex() == listed[entry.key].digest
    _check_archive(deployment, job, manifest)
    if clear.status == "cleared":
        receipt = clear.receipt
        assert receipt
        assert receipt.cleared == sum(each.messages_count for each in gone), "a wrong receipt"


def _check_archive(deployment: Deployment, job: Job, manifest: Manifest) -> None:
    """As the step does that allows a clear, of the job as it stood then."""
    running = msgspec.structs.replace(job, status="running", finished_at=None)
    table = MemoryTable()
    jobs.save(table, msgspec.structs.replace(running, token=None))
    for part in range(1, manifest.parts + 1):
        verify_part(table, deployment.archive, MemorySigner(), ORGANIZATION, job.export_id, part)
