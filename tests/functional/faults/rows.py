"""All operations that are hit, as the page lists them."""

from tests.functional.faults.operations import OF_CLEARS
from tests.functional.faults.takeaways import WITHOUT_CLEARS

OPERATIONS = [*OF_CLEARS, *WITHOUT_CLEARS]
