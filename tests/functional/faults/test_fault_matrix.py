"""Every AWS call of every operation, hit by every fault: nothing lost, nothing doubled, all ended.

``make test`` takes a sample that spreads over all of it; with ``FAULTS_EVERY=1`` it is the whole,
and ``FAULTS_PAGE=1`` beside it, in one process, writes the table of ``docs/reliability.md``.
"""

import os

import pytest

from tests.fakes.deployment import Deployment
from tests.functional.faults import page
from tests.functional.faults.matrix import COLUMNS, clean, points, strike
from tests.functional.faults.operations import Operation
from tests.functional.faults.rows import OPERATIONS


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_whatever_is_hit_nothing_is_lost_or_doubled(deployment: Deployment, operation: Operation):
    """I1 to I5, I7, I8, I10."""
    calls = clean(deployment, operation).calls
    for column in COLUMNS:
        for point in points(operation, column, calls):
            try:
                strike(deployment, operation, column, point)
            except AssertionError as error:
                where = f"{operation.name}, call {point} of {calls}, {column}"
                raise AssertionError(f"{where}: {error}") from error


def test_the_page_lists_every_operation_and_every_fault():
    if os.environ.get("FAULTS_PAGE"):
        page.write()
    head, *rows = page.rows_of_page()
    assert head == ["operation", *COLUMNS], "make the table again: make faults"
    assert [row[0] for row in rows] == [each.name for each in OPERATIONS], "make faults"
    assert all(cell for row in rows for cell in row)
