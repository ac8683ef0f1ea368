"""What a person sees: bars on a terminal, a line per step through a pipe, words for numbers."""

import io
from pathlib import Path

import pytest

from chatledger_cli.figures import counted, duration, moment, plain, size
from chatledger_cli.screen import Screen
from tests.unit.cli.service import Service, chatledger, error

STATES = [{"status": "queued"}, {"status": "running"}, {"status": "succeeded"}]


def test_through_a_pipe_there_is_a_line_per_step_and_nothing_moves(tmp_path: Path):
    ran = chatledger(Service(states=list(STATES)), "export", "-o", tmp_path / "out")
    steps = [line for line in ran.out.splitlines() if line.startswith("✓")]
    assert [line.split()[1] for line in steps] == ["Export", "Exported", "Downloaded"]
    assert "\x1b" not in ran.out
    assert "\r" not in ran.out


def test_a_terminal_gets_bars(tmp_path: Path):
    ran = chatledger(Service(states=list(STATES)), "export", "-o", tmp_path / "out", terminal=True)
    assert "0 of 1 part, 2 messages" in ran.out
    assert "━" in ran.out


def test_a_long_complaint_stays_one_line_through_a_pipe(tmp_path: Path):
    service = Service(faults={"POST /exports": [error(409, "conflict", "word " * 60)]})
    ran = chatledger(service, "export", "-o", tmp_path / "out")
    assert len(ran.err.splitlines()) == 1


def test_what_others_wrote_cannot_move_the_cursor(tmp_path: Path):
    service = Service(faults={"POST /exports": [error(409, "conflict", "a\x1b[2Jb\r\n[red]c")]})
    ran = chatledger(service, "export", "-o", tmp_path / "out")
    assert ran.err == "✗ a [2Jb  [red]c\n"


class Stream(io.StringIO):
    """A terminal, or none."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.parametrize("reads", [False, True])
@pytest.mark.parametrize("writes", [False, True])
def test_a_question_needs_a_terminal_on_both_sides(
    monkeypatch: pytest.MonkeyPatch, reads: bool, writes: bool
):
    monkeypatch.setenv("FORCE_COLOR", "1")  # which makes no terminal of a pipe
    monkeypatch.setattr("sys.stdin", Stream(reads))
    monkeypatch.setattr("sys.stdout", Stream(writes))
    assert Screen().can_ask == (reads and writes)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (31_400_000, "31.4 MB"),
        (5 * 10**15, "5,000.0 TB"),
    ],
)
def test_bytes_as_people_read_them(count: int, words: str):
    assert size(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (59.96, "1 min 0 s"), (3600, "1 h 0 min")],
)
def test_durations_as_people_read_them(seconds: float, words: str):
    assert duration(seconds) == words


def test_small_words():
    assert counted(1, "message") == "1 message"
    assert counted(1204, "message") == "1,204 messages"
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(2, "entry", "entries") == "2 entries"
    assert moment("2027-01-01T10:00:59Z") == "2027-01-01 10:00 UTC"
    assert moment("soon\n") == "soon "
    assert plain("a\u202eb") == "a b"
