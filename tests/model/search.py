"""A search through every state that a model can reach, shortest traces first."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

State = TypeVar("State", bound=Hashable)

# What may happen in a state: the name of the step, and the state after it.
Steps = Callable[[State], Iterable[tuple[str, State]]]
# What is wrong with a state, in words that begin with the invariant's number.
Wrong = Callable[[State], Iterator[str]]


@dataclass(frozen=True)
class Found(Generic[State]):
    """``violation`` is None where there is none in all ``states``; else ``trace`` leads to it."""

    states: int
    steps: int
    violation: str | None = None
    trace: tuple[str, ...] = ()

    def told(self) -> str:
        """The trace as a person follows it."""
        lines = [f"{number:>2}. {step}" for number, step in enumerate(self.trace, 1)]
        return "\n".join([*lines, f"    → {self.violation}"])


@dataclass
class _Parents(Generic[State]):
    of: dict[State, tuple[State, str] | None] = field(default_factory=dict)

    def trace(self, state: State) -> tuple[str, ...]:
        steps: list[str] = []
        while came := self.of[state]:
            state, step = came
            steps.append(step)
        return tuple(reversed(steps))


def search(initial: State, steps: Steps[State], wrong: Wrong[State]) -> Found[State]:
    """Breadth first, so the first violation is one with the fewest steps."""
    parents = _Parents[State]({initial: None})
    waiting, taken = deque([initial]), 0
    while waiting:
        state = waiting.popleft()
        for complaint in wrong(state):
            return Found(len(parents.of), taken, complaint, parents.trace(state))
        for step, following in steps(state):
            taken += 1
            if following not in parents.of:
                parents.of[following] = (state, step)
                waiting.append(following)
    return Found(len(parents.of), taken)
