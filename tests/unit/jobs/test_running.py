"""The index of jobs that may still run, and how far they say they are."""

from chatledger.jobs import progress, running
from chatledger.jobs.running import RunningJob
from tests.fakes.chats import NOON
from tests.fakes.memory_table import MemoryTable


def test_what_enters_is_there_until_it_leaves():
    table = MemoryTable()
    running.enter(table, "export", "a#b c", "E1", NOON)
    running.enter(table, "export", "a#b c", "E1", NOON)
    running.enter(table, "restore", "a", "E1-undo", NOON)
    found = list(running.all_running(table))
    assert sorted(found, key=lambda job: job.organization) == [
        RunningJob("restore", "a", "E1-undo", NOON),
        RunningJob("export", "a#b c", "E1", NOON),
    ]
    for job in found:
        running.leave(table, job)
        running.leave(table, job)
    assert list(running.all_running(table)) == []


def test_each_part_says_its_own_figures_and_repeats_are_harmless():
    table = MemoryTable()
    assert progress.reported(table, "acme", "E1") == {}
    for _ in range(2):
        progress.report(table, "acme", "E1", 1, (3, 40))
        progress.report(table, "acme", "E1", 12, (1, 2, 3))
    progress.report(table, "acme", "E1", 1, (4, 50))
    assert progress.reported(table, "acme", "E1") == {1: (4, 50), 12: (1, 2, 3)}
    assert progress.reported(table, "acme", "E2") == {}
