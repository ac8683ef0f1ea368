"""An import's beginning: whatever happens in it, a repeat or the next event completes it."""

import pytest

from chatledger.errors import StorageError
from chatledger.jobs import running
from chatledger.models.imports import ImportRequest
from chatledger.restore import places
from chatledger.restore.admit import admit, begin
from chatledger.restore.places import Uploaded
from tests.fakes.chats import ORGANIZATION
from tests.fakes.faults import Crashed, Fault, FaultyTable, at
from tests.fakes.restores import IMPORT, Restored

REQUEST = ImportRequest(name="mine")
UPLOADED = Uploaded(ORGANIZATION, IMPORT)


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("number", range(1, 7))
def test_a_fault_at_any_request(number: int, fault: Fault):
    world = Restored()
    table = FaultyTable(world.table, at({number: fault}))

    def run() -> None:
        admit(world.ledger_on(table), ORGANIZATION, REQUEST, IMPORT)
        begin(world.ledger_on(table), world.machine, UPLOADED)

    try:
        run()
    except (Crashed, StorageError):
        run()
    job = world.restore_job(IMPORT)
    assert (job.status, job.name) == ("queued", "mine")
    assert [each.job_id for each in running.all_running(world.table)] == [IMPORT]
    ids = {"organization": ORGANIZATION, "restore_id": IMPORT, "undo": False}
    assert world.machine.started == {IMPORT: ids}


def test_an_import_that_is_over_does_not_begin_again():
    world = Restored()
    world.fill()
    world.archived()
    world.restore(world.archive_file()[0])
    assert not begin(world.ledger, world.machine, UPLOADED)
    assert not world.machine.started
    assert world.restore_job(IMPORT).status == "succeeded"


@pytest.mark.parametrize("organization", ["acme", "a/b", "..", "a b#%2F", "🙂"])
def test_the_key_of_an_upload_says_whose_it_is(organization: str):
    key = places.archive(organization, IMPORT)
    assert key.count("/") == 3
    assert ".." not in key
    assert places.uploaded_archive(key) == Uploaded(organization, IMPORT)
    assert places.uploaded_archive(places.manifest(organization, IMPORT)) is None
