"""The lease: one holder at a time, free as soon as that one has ended."""

from collections.abc import Callable

import pytest

from chatledger.errors import Conflict, StorageError
from chatledger.jobs import lease
from tests.fakes.chats import at_once
from tests.fakes.faults import Fault, FaultyTable, first
from tests.fakes.memory_table import MemoryTable


def ended(*jobs: str) -> Callable[[str], bool]:
    return lambda job: job in jobs


def test_one_at_a_time_and_repeating_is_harmless():
    table = MemoryTable()
    lease.take(table, "acme", "A", ended())
    lease.take(table, "acme", "A", ended())
    with pytest.raises(Conflict, match="A is clearing"):
        lease.take(table, "acme", "B", ended())
    assert lease.holder(table, "acme") == "A"


def test_it_is_free_once_its_holder_has_ended():
    table = MemoryTable()
    lease.take(table, "acme", "A", ended())
    lease.take(table, "acme", "B", ended("A"))
    assert lease.holder(table, "acme") == "B"
    with pytest.raises(Conflict):
        lease.take(table, "acme", "A", ended())


def test_organizations_do_not_meet():
    table = MemoryTable()
    lease.take(table, "acme", "A", ended())
    lease.take(table, "acme#2", "B", ended())
    assert (lease.holder(table, "acme"), lease.holder(table, "acme#2")) == ("A", "B")
    assert lease.holder(table, "none") is None


@pytest.mark.parametrize("free", [(), ("old",)])
def test_of_many_at_once_one_gets_it(free: tuple[str, ...]):
    table = MemoryTable()
    if free:
        lease.take(table, "acme", "old", ended())
    results = at_once(8, lambda number: lease.take(table, "acme", f"job {number}", ended(*free)))
    assert results.count(None) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 7


def test_a_lost_reply_is_made_good_by_a_repeat():
    table = MemoryTable()
    with pytest.raises(StorageError):
        lease.take(FaultyTable(table, first(Fault.LOST, "put")), "acme", "A", ended())
    lease.take(table, "acme", "A", ended())
    assert lease.holder(table, "acme") == "A"


def test_the_clients_own_retry_of_an_applied_write_still_takes_it():
    table = MemoryTable()
    lease.take(FaultyTable(table, first(Fault.TWICE, "put")), "acme", "A", ended())
    assert lease.holder(table, "acme") == "A"


def test_who_looked_before_its_job_was_there_cannot_take_it_any_more():
    """A job takes the lease, is saved, and takes it again."""
    table = MemoryTable()
    lease.take(table, "acme", "A", ended())

    def saved_just_after_the_look(job: str) -> bool:
        lease.take(table, "acme", "A", ended())
        return True  # It was not there yet when it was looked for.

    answers = iter([saved_just_after_the_look, ended()])

    def asked(job: str) -> bool:
        return next(answers)(job)

    with pytest.raises(Conflict):
        lease.take(table, "acme", "B", asked)
    assert lease.holder(table, "acme") == "A"


def test_repeats_of_one_holder_do_not_refuse_each_other():
    table = MemoryTable()
    assert at_once(8, lambda _: lease.take(table, "acme", "A", ended())) == [None] * 8
