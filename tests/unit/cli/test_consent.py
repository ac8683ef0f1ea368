"""Before the whole ledger is cleared, whoever sits at a terminal is asked."""

import io
import json
from pathlib import Path

import pytest

from tests.unit.cli.service import Service, archive_service, chatledger, error, names

CLEARED = {
    "status": "succeeded",
    "clear": {
        "status": "cleared",
        "exported": 3,
        "cleared": 3,
        "undo_until": "2027-01-01T10:00:00Z",
    },
}
EXPORT = ("export", "-f", "archive", "--clear", "-o")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


def asked(service: Service) -> bool:
    return any(json.loads(each.content).get("dry_run") for each in service.sent("POST /exports"))


@pytest.mark.parametrize("answers", ["y\n", "YES\n", " yes \n"])
def test_a_yes_clears_everything(folder: Path, answers: str):
    service = archive_service(states=[CLEARED], holds={"conversations": 300, "messages": 16_000})
    ran = chatledger(service, *EXPORT, folder, answers=answers)
    assert ran.status == 0, ran.err
    assert ran.out.splitlines()[0] == (
        "? This clears all 16,610 messages of 300 conversations at https://ledger.test, save what "
        "is held."
    )
    assert "Go on? [y/N]" in ran.out
    assert len(service.jobs) == 1


@pytest.mark.parametrize("answers", ["", "\n", "n\n", "yes, but\n", "\x1b[A\n"])
def test_anything_else_begins_nothing_and_leaves_nothing(folder: Path, answers: str):
    service = archive_service()
    ran = chatledger(service, *EXPORT, folder, "--organization", "other", answers=answers)
    assert ran.status == 1
    assert "Nothing was exported, nothing was cleared." in ran.err
    assert "https://ledger.test, organization other" in ran.out
    assert not service.jobs
    assert not folder.exists()


def test_a_no_leaves_a_folder_that_was_there(folder: Path):
    folder.mkdir()
    assert chatledger(archive_service(), *EXPORT, folder, answers="n\n").status == 1
    assert names(folder) == []


class Interrupted(io.StringIO):
    """Where somebody presses Ctrl-C."""

    def readline(self, *_: object) -> str:
        raise KeyboardInterrupt


def test_ctrl_c_is_a_no(folder: Path):
    service = archive_service()
    ran = chatledger(service, *EXPORT, folder, answers=Interrupted())
    assert (ran.status, service.jobs) == (1, {})
    assert not folder.exists()


@pytest.mark.parametrize(
    "more",
    [
        ("--yes",),
        ("-y", "--clear-on", "acknowledged"),
        ("--start", "2026-10-01"),
        ("--end", "2026-10-01"),
        ("--since", "cursor"),
        ("--app", "shop"),
        ("--contains", "x"),
    ],
)
def test_nobody_is_asked_who_says_so_or_says_what(folder: Path, more: tuple[str, ...]):
    service = archive_service(states=[CLEARED])
    ran = chatledger(service, *EXPORT, folder, *more, answers="n\n")
    assert ran.status == 0, ran.err
    assert not asked(service)


def test_nobody_is_asked_where_nobody_sits_or_nothing_is_cleared(folder: Path):
    service = archive_service(states=[CLEARED])
    assert chatledger(service, *EXPORT, folder).status == 0
    assert chatledger(service, "export", "-o", folder.with_name("b"), answers="n\n").status == 0
    assert not asked(service)


def test_an_export_that_goes_on_was_agreed_to(folder: Path):
    service = archive_service(states=[{"status": "running"}])
    service.faults = {"GET /exports/export-1": [error(403, "forbidden")]}
    assert chatledger(service, *EXPORT, folder, answers="y\n").status == 1
    service.states = [CLEARED]
    ran = chatledger(service, *EXPORT, folder, answers="n\n")
    assert ran.status == 0, ran.err
    assert "Go on?" not in ran.out
    assert len(service.jobs) == 1


def test_what_takes_too_long_to_count_is_asked_without_figures(folder: Path):
    service = archive_service(faults={"POST /exports": [error(413, "payload_too_large")]})
    ran = chatledger(service, *EXPORT, folder, answers="n\n")
    assert "This clears all messages at https://ledger.test" in ran.out


def test_what_would_be_refused_is_refused_before_the_question(folder: Path):
    service = archive_service(faults={"POST /exports": [error(400, "invalid_request", "No.")]})
    ran = chatledger(service, *EXPORT, folder, answers="y\n")
    assert (ran.status, ran.out) == (2, "")
    assert not folder.exists()
