"""A long run of the state machine: ``python -m tests.machine.soak RUNS PROCESSES``.

It goes on until so many runs of 30 steps or more are done, each of them another one, and prints
what happened in them. The first violation ends it, and is printed as the steps that led to it.
"""

import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.rules import Service
from tests.machine.test_machine import SHORT
from tests.machine.world import FIGURES, LONG_ENOUGH

_AT_ONCE = 250


def main(runs: int, processes: int) -> None:
    began, total, number = time.monotonic(), Counter[str](), int(time.time())
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        while total[LONG_ENOUGH] < runs:
            seeds = range(number, number + processes)
            number += processes
            for figures in pool.map(some, seeds):
                total += figures
            minutes = (time.monotonic() - began) / 60
            print(f"{total[LONG_ENOUGH]:,} of {runs:,} runs, {minutes:.1f} min", flush=True)  # noqa: T201
    for name, count in sorted(total.items()):
        print(f"{name:<45} {count:>10,}")  # noqa: T201


def some(number: int) -> Counter[str]:
    """Runs that no other number gives."""
    FIGURES.clear()
    machine = seed(number)(type("Service", (Service,), {}))
    many = settings(SHORT, max_examples=_AT_ONCE, derandomize=False)
    run_state_machine_as_test(machine, settings=many)
    return Counter(FIGURES)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
