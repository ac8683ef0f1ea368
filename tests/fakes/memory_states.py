"""A state machine in memory: it keeps what it was asked to start, and runs nothing by itself."""

from dataclasses import dataclass, field
from typing import Any

from chatledger.aws.states import Status


@dataclass
class MemoryStates:
    """``started`` has each execution's input by its name; a test says how one stands."""

    started: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    statuses: dict[str, Status] = field(default_factory=dict[str, Status])

    def start(self, name: str, content: dict[str, Any]) -> None:
        self.started.setdefault(name, content)
        self.statuses.setdefault(name, "RUNNING")

    def status(self, name: str) -> Status | None:
        return self.statuses.get(name)
