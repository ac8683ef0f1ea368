"""`chatledger restore`: what it uploads, in which order, and how it goes on."""

import errno
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.cli.service import Service, archive_service, chatledger, error, names

NOTE = ".chatledger-restore.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What an export of an archive left."""
    for name, data in archive_service().stored.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def puts(service: Service) -> list[str]:
    return [each.url.path for each in service.requests if each.method == "PUT"]


def test_the_manifest_goes_first_because_the_archive_starts_it(folder: Path):
    service = Service()
    ran = chatledger(service, "restore", folder)
    assert ran.status == 0, ran.err
    assert puts(service) == ["/manifest", "/archive"]
    assert service.uploaded["archive"] == (folder / "chats.jsonl.gz").read_bytes()
    assert service.sent("PUT /archive")[0].headers["content-type"] == "application/gzip"
    assert names(folder) == ["chats.jsonl.gz", "manifest.jsonl", "manifest.sig.json"]
    for words in ("2 messages", "1 message", "0 messages"):
        assert words in ran.out


def test_an_archive_alone_is_enough(folder: Path):
    (folder / "manifest.jsonl").unlink()
    service = Service()
    assert chatledger(service, "restore", folder).status == 0
    assert puts(service) == ["/archive"]


def test_a_damaged_archive_is_not_sent(folder: Path):
    path = folder / "chats.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-1])
    service = Service()
    ran = chatledger(service, "restore", folder)
    assert ran.status == 1
    assert not service.requests


@pytest.mark.parametrize("extra", [["second.jsonl.gz"], None])
def test_a_folder_without_one_archive_is_wrong_usage(folder: Path, extra: list[str] | None):
    for name in extra or []:
        (folder / name).write_bytes(b"")
    if extra is None:
        (folder / "chats.jsonl.gz").unlink()
    service = Service()
    assert chatledger(service, "restore", folder).status == 2
    assert not service.requests


def test_an_upload_that_broke_off_is_sent_again_whole_by_a_new_link(folder: Path):
    service = Service(
        faults={
            "PUT /archive": [
                httpx.WriteError("reset"),
                httpx.Response(403),
                error(503, "storage_error", **{"Retry-After": "4"}),
            ]
        }
    )
    ran = chatledger(service, "restore", folder)
    assert ran.status == 0, ran.err
    assert service.uploaded["archive"] == (folder / "chats.jsonl.gz").read_bytes()
    assert len(service.jobs) == 1
    assert 4.0 in ran.waits


def test_an_upload_whose_reply_was_lost_is_not_sent_again(folder: Path):
    class Lost(Service):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            answer = super().__call__(request)
            if request.url.path == "/archive":
                raise httpx.ReadError("lost")
            return answer

    service = Lost()
    assert chatledger(service, "restore", folder).status == 0
    assert puts(service) == ["/manifest", "/archive"]


@pytest.mark.parametrize(
    "moment", ["POST /imports", "PUT /manifest", "PUT /archive", "GET /imports/import-1"]
)
def test_a_run_that_was_stopped_goes_on_with_the_same_import(folder: Path, moment: str):
    stopped = [True]

    class Once(Service):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            answer = super().__call__(request)
            if f"{request.method} {request.url.path}" == moment and stopped:
                stopped.pop()
                raise KeyboardInterrupt
            return answer

    service = Once()
    assert chatledger(service, "restore", folder).status == 130
    assert NOTE in names(folder)
    ran = chatledger(service, "restore", folder)
    assert ran.status == 0, ran.err
    assert len(service.jobs) == 1
    assert puts(service).count("/archive") == 1
    assert names(folder) == ["chats.jsonl.gz", "manifest.jsonl", "manifest.sig.json"]


def test_a_failed_import_says_why_and_the_next_run_is_another(folder: Path):
    failed = {"status": "failed", "error": {"code": "invalid_request", "error": "Line 3 is cut."}}
    service = Service(import_states=[failed])
    ran = chatledger(service, "restore", folder)
    assert ran.status == 1
    assert "Line 3 is cut." in ran.err
    assert NOTE not in names(folder)


def test_another_archive_in_an_unfinished_folder_is_refused(folder: Path):
    service = Service(faults={"PUT /manifest": [httpx.Response(403)] * 50})
    assert chatledger(service, "restore", folder).status == 1
    os.utime(folder / "chats.jsonl.gz", (1, 1))
    assert chatledger(service, "restore", folder).status == 2


def test_a_folder_that_cannot_be_written_is_restored_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    real = Path.open

    def read_only(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if "w" in mode:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, mode, *rest, **more)

    # Root may write anywhere, so a mode would prove nothing.
    monkeypatch.setattr(Path, "open", read_only)
    assert chatledger(Service(), "restore", folder).status == 0
