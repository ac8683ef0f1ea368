"""`chatledger export`: what it asks, what it leaves in the folder, and how it goes on."""

import json
from pathlib import Path

import httpx
import pytest

from tests.unit.cli.service import (
    Service,
    archive_service,
    brings,
    chatledger,
    error,
    names,
)

NOTE = ".chatledger-export.json"
RUNNING = {"status": "running"}
DONE = {"status": "succeeded"}
RECEIPT = {
    "exported": 3,
    "cleared": 2,
    "retained_changed": 0,
    "retained_held": 1,
    "cleared_elsewhere": 0,
    "not_cleared": 0,
}


class Stopped(BaseException):
    """The process ends here and now."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_a_finished_export_is_a_folder_with_its_file_alone(folder: Path):
    service = Service(states=[{"status": "queued"}, RUNNING, RUNNING, DONE])
    ran = chatledger(service, "export", "--output", folder)
    assert ran.status == 0, ran.err
    assert names(folder) == ["chats.jsonl"]
    assert (folder / "chats.jsonl").read_bytes() == b"one\ntwo\n"
    assert service.count("GET /exports/export-1") == 3
    assert "1 conversation, 3 messages" in ran.out
    assert not ran.err


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ((), "  --since last --name NAME"),
        (("--name", "nightly"), "  --since new-cursor"),
        (("--since", "cursor"), "  --since new-cursor"),
        (("--start", "2026-10-01"), None),
        (("--app", "shop"), None),
    ],
)
def test_a_cursor_is_told_to_those_who_use_them(
    folder: Path, options: tuple[str, ...], hint: str | None
):
    ran = chatledger(Service(cursor="new-cursor"), "export", "-o", folder, *options)
    found = [line for line in ran.out.splitlines() if line.startswith("  --since")]
    assert found == ([hint] if hint else [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Nothing is there to export."),
        (("--app", "shop"), "Nothing matched: check dates and filters."),
        (("--since", "cursor"), "Nothing came since then."),
    ],
)
@pytest.mark.parametrize("dry", [False, True])
def test_an_export_of_nothing_says_so(
    folder: Path, options: tuple[str, ...], words: str, dry: bool
):
    service = Service(holds={"conversations": 0, "messages": 0})
    how = ("--dry-run",) if dry else ("-o", folder)
    ran = chatledger(service, "export", *how, *options)
    assert f"• {words}\n" in ran.out
    assert "Nothing" not in chatledger(Service(), "export", "-o", f"{folder}2", *options).out


def test_what_is_downloaded_beside_an_archive_is_said(folder: Path):
    service = archive_service()
    total = sum(map(len, service.stored.values()))
    ran = chatledger(service, "export", "-f", "archive", "-o", folder)
    proof = "with manifest and signature"
    assert f"Downloaded and checked chats.jsonl.gz {proof}, {total} bytes" in ran.out
    assert f"Downloaded  {total} bytes, {proof}\n" in ran.out


def test_an_archive_comes_with_its_manifest(folder: Path):
    service = archive_service()
    ran = chatledger(service, "export", "-f", "archive", "-o", folder)
    assert ran.status == 0, ran.err
    assert names(folder) == ["chats.jsonl.gz", "manifest.jsonl", "manifest.sig.json"]
    assert (folder / "manifest.sig.json").read_bytes() == service.stored["manifest.sig.json"]
    root = json.loads((folder / "manifest.jsonl").read_text().splitlines()[0])["root_hash"]
    assert root in ran.out


@pytest.mark.parametrize("count", [2, 12])
def test_an_export_of_several_files_comes_with_all_of_them(folder: Path, count: int):
    stored = {f"chats-{number:04}.parquet": b"PAR1" * number for number in range(1, count + 1)}
    ran = chatledger(
        Service(stored=stored, format="parquet"), "export", "-f", "parquet", "-o", folder
    )
    assert ran.status == 0, ran.err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == stored
    assert f"{count} files" in ran.out
    named = [name for name in stored if name in ran.out]
    assert named == (list(stored) if count == 2 else ["chats-0001.parquet"])


def test_what_is_not_given_is_left_to_the_service(folder: Path):
    service = Service()
    chatledger(service, "export", "-o", folder)
    assert json.loads(service.sent("POST /exports")[0].content) == {"format": "jsonl"}


def test_options_become_the_request(folder: Path):
    service = Service()
    ran = chatledger(
        *(service, "export", "-o", folder, "--format", "csv", "--start", "2026-01-01"),
        *("--end", "2026-01-31", "--app", "a", "--app", "b", "--user", "u", "--status", "active"),
        *("--conversation", "c#/1", "--min-messages", "2", "--contains", "hello", "--clear"),
        *("--no-anonymize", "--compression", "gzip", "--name", "nightly", "--since", "last"),
        *("--organization", "other"),
    )
    assert ran.status == 0, ran.err
    (post,) = service.sent("POST /exports")
    assert json.loads(post.content) == {
        "format": "csv",
        "start_date": "2026-01-01",
        "end_date": "2026-01-31",
        "since": "last",
        "name": "nightly",
        "compression": "gzip",
        "anonymize": False,
        "clear": True,
        "filters": {
            "app_id": ["a", "b"],
            "user_id": ["u"],
            "status": ["active"],
            "conversation_id": ["c#/1"],
            "min_messages": 2,
            "contains": "hello",
        },
    }
    assert {each.url.params.get("organization_id") for each in service.requests[:1]} == {"other"}


def test_documents_are_exported_as_they_are(folder: Path):
    service = Service(dataset="documents", states=[RUNNING, RUNNING, DONE])
    arguments = ("export", "--dataset", "documents", "--app", "a", "--no-anonymize", "-o", folder)
    ran = chatledger(service, *arguments, terminal=True, width=120)
    assert ran.status == 0, ran.err
    (post,) = service.sent("POST /exports")
    assert json.loads(post.content) == {
        "format": "jsonl",
        "dataset": "documents",
        "anonymize": False,
        "filters": {"app_id": ["a"]},
    }
    assert "0 of 1 part, 2 documents" in ran.out
    assert "Exported 2 documents" in ran.out
    assert "2 documents, 8 bytes" in ran.out
    assert "message" not in ran.out


def test_documents_are_never_anonymized(folder: Path):
    service = Service()
    ran = chatledger(service, "export", "--dataset", "documents", "-o", folder)
    assert ran.status == 2
    assert "--no-anonymize" in ran.err
    assert not service.requests
    assert not folder.exists()


@pytest.mark.parametrize(("count", "words"), [(0, "0 documents"), (1, "1 document")])
def test_a_dry_run_counts_documents(count: int, words: str):
    counts = {"conversations": 0, "messages": 0, "bytes": 900, "documents": count}

    def service(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"dry_run": True, "counts": counts})

    ran = chatledger(service, "export", "--dataset", "documents", "--no-anonymize", "--dry-run")
    nothing = "" if count else "• Nothing is there to export.\n"
    assert ran.out == f"✓ It would contain {words}, 900 bytes\n{nothing}"


def test_a_dry_run_needs_no_folder_and_leaves_nothing(tmp_path: Path):
    counts = {"conversations": 7, "messages": 1204, "bytes": 31_400_000}

    def service(request: httpx.Request) -> httpx.Response:
        assert json.loads(request.content) == {"format": "jsonl", "dry_run": True}
        return httpx.Response(200, json={"dry_run": True, "counts": counts})

    ran = chatledger(service, "export", "--dry-run")
    assert ran.status == 0
    assert "7 conversations, 1,204 messages, 31.4 MB" in ran.out


def test_a_folder_with_something_in_it_is_refused_before_anything_is_asked(folder: Path):
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    service = Service()
    ran = chatledger(service, "export", "-o", folder)
    assert ran.status == 2
    assert "mine.txt" in ran.err
    assert not service.requests
    assert names(folder) == ["mine.txt"]


def test_a_refused_request_leaves_no_folder_behind(folder: Path):
    refused = error(400, "invalid_date_range", "'x' is no date.")
    ran = chatledger(Service(faults={"POST /exports": [refused]}), "export", "-o", folder)
    assert ran.status == 2
    assert "'x' is no date." in ran.err
    assert not folder.exists()


def test_a_conflict_is_a_failure_that_can_be_tried_again_at_once(folder: Path):
    service = Service(faults={"POST /exports": [error(409, "conflict", "Another clear runs.")]})
    assert chatledger(service, "export", "--clear", "-o", folder).status == 1
    assert chatledger(service, "export", "--clear", "-o", folder).status == 0
    keys = [each.headers["idempotency-key"] for each in service.sent("POST /exports")]
    assert len(set(keys)) == 2, "a refusal began nothing, so the next one is another"


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_job_without_files_ends_the_command_and_the_next_run_begins_anew(
    folder: Path, status: str
):
    why = {"code": "internal_error", "error": "It broke."} if status == "failed" else None
    service = Service(states=[RUNNING, {"status": status, "error": why}])
    ran = chatledger(service, "export", "-o", folder)
    assert ran.status == 1
    assert ("It broke." if why else "cancelled") in ran.err
    assert names(folder) == []
    service.states = [DONE]
    assert chatledger(service, "export", "-o", folder).status == 0
    assert len(service.jobs) == 2


@pytest.mark.parametrize("moment", ["POST /exports", "GET /exports/export-1", "GET /chats.jsonl"])
@pytest.mark.parametrize("end", [KeyboardInterrupt, Stopped])
def test_a_run_that_was_stopped_goes_on_with_the_same_export(
    folder: Path, moment: str, end: type[BaseException]
):
    stopped = [True]

    class Once(Service):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            answer = super().__call__(request)  # it was done, and nobody heard of it
            if f"{request.method} {request.url.path}" == moment and stopped:
                stopped.pop()
                raise end
            return answer

    service = Once(states=[RUNNING, RUNNING, DONE])
    if end is KeyboardInterrupt:
        ran = chatledger(service, "export", "-o", folder)
        assert ran.status == 130
        assert "same command" in ran.err
    else:
        with pytest.raises(Stopped):
            chatledger(service, "export", "-o", folder)
    assert NOTE in names(folder)
    ran = chatledger(service, "export", "-o", folder)
    assert ran.status == 0, ran.err
    assert len(service.jobs) == 1
    assert names(folder) == ["chats.jsonl"]


def test_what_lies_between_the_last_file_and_the_note_is_no_reason_to_download_again(folder: Path):
    service = Service(states=[DONE])
    folder.mkdir()
    chatledger(service, "export", "-o", folder)
    note = {"url": "https://ledger.test", "began_at": 2e10, "key": "k", "id": "export-1"}
    request = {"format": "jsonl", "organization": None}
    (folder / NOTE).write_text(json.dumps(note | {"request": request, "uploaded": False}))
    assert chatledger(service, "export", "-o", folder).status == 0
    assert service.count("GET /chats.jsonl") == 1
    assert names(folder) == ["chats.jsonl"]


def stopped_in(folder: Path) -> Service:
    service = Service(states=[RUNNING], faults={"GET /exports/export-1": [error(403, "forbidden")]})
    assert chatledger(service, "export", "-o", folder).status == 1
    assert names(folder) == [NOTE]
    service.states = [DONE]
    return service


def test_another_request_in_an_unfinished_folder_is_refused(folder: Path):
    service = stopped_in(folder)
    before = len(service.requests)
    ran = chatledger(service, "export", "-o", folder, "--format", "csv")
    assert ran.status == 2
    assert "other options" in ran.err
    assert len(service.requests) == before
    assert chatledger(service, "export", "-o", folder).status == 0
    assert len(service.jobs) == 1


def test_an_export_that_is_gone_is_said_with_the_way_out(folder: Path):
    service = stopped_in(folder)
    service.faults = {"GET /exports/export-1": [error(404, "not_found")]}
    ran = chatledger(service, "export", "-o", folder)
    assert ran.status == 1
    assert NOTE in ran.err


def test_a_note_without_an_id_serves_as_long_as_its_key(folder: Path):
    folder.mkdir()
    note = {"url": "https://ledger.test", "began_at": 0.0, "key": "k"}
    (folder / NOTE).write_text(json.dumps(note | {"request": {"format": "jsonl"}}))
    note = json.loads((folder / NOTE).read_text())
    note["request"]["organization"] = None
    (folder / NOTE).write_text(json.dumps(note))
    service = Service()
    ran = chatledger(service, "export", "-o", folder)
    assert ran.status == 1
    assert "23 hours" in ran.err
    assert not service.requests


def test_two_commands_never_work_in_one_folder(folder: Path):
    inner: list[int] = []

    class Nested(Service):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            if not inner:
                inner.append(chatledger(self, "export", "-o", folder).status)
            return super().__call__(request)

    service = Nested()
    assert chatledger(service, "export", "-o", folder).status == 0
    assert inner == [2]
    assert len(service.jobs) == 1


def test_a_clear_is_followed_to_its_end(folder: Path):
    service = archive_service(
        states=[
            RUNNING,
            {"status": "running", "files": True, "clear": {"status": "clearing"}},
            {
                "status": "succeeded",
                "clear": {"status": "cleared", "undo_until": "2027-01-01T10:00:00Z"} | RECEIPT,
            },
        ]
    )
    ran = chatledger(service, "export", "-f", "archive", "--clear", "-o", folder)
    assert ran.status == 0, ran.err
    assert "2 of 3 messages" in ran.out
    assert "1 under a hold" in ran.out
    assert "2027-01-01 10:00 UTC" in ran.out
    hint = ran.out.partition("UTC:")[2]
    assert hint.split() == ["chatledger", "undo", "export-1"]
    assert "cannot be restored from" not in ran.out


def test_a_clear_of_files_that_cannot_be_restored_from_says_where_the_archive_is(folder: Path):
    cleared = {"status": "cleared", "undo_until": "2027-01-01T10:00:00Z"} | RECEIPT
    service = Service(format="csv", states=[{"status": "succeeded", "clear": cleared}])
    arguments = ("--url", "https://ledger.test", "--organization", "a b")
    ran = chatledger(service, "export", "-f", "csv", "--clear", "-o", folder, *arguments)
    assert ran.status == 0, ran.err
    assert "(csv) cannot be restored from" in ran.out
    undo = "chatledger undo export-1 --url https://ledger.test --organization 'a b'"
    assert ran.out.splitlines()[-1].strip() == undo


def test_an_incomplete_clear_is_downloaded_and_said(folder: Path):
    clear = {"status": "incomplete"} | RECEIPT | {"not_cleared": 1, "retained_held": 0}
    service = Service(states=[{"status": "clear_incomplete", "files": True, "clear": clear}])
    ran = chatledger(service, "export", "--clear", "-o", folder)
    assert ran.status == 1
    assert names(folder) == ["chats.jsonl"]
    assert "1 message could not be cleared" in ran.err


WAITS = {
    "status": "running",
    "files": True,
    "clear": {"status": "awaiting_acknowledgement", "exported": 3, "cleared": None},
}
CLEARED = {"status": "succeeded", "clear": {"status": "cleared"} | RECEIPT}


def test_an_acknowledged_clear_takes_an_archive_in_hand(folder: Path):
    ran = chatledger(Service(), "export", "-f", "csv", "--clear-on", "acknowledged", "-o", folder)
    assert ran.status == 2
    assert "--format archive" in ran.err
    assert not folder.exists()


def test_an_acknowledged_clear_waits_until_all_is_here_and_checked(folder: Path):
    service = archive_service(states=[RUNNING, WAITS, RUNNING, CLEARED])
    present: list[list[str]] = []

    def watch(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/acknowledge"):
            present.append(names(folder))
        return service(request)

    ran = chatledger(watch, "export", "-f", "archive", "--clear-on", "acknowledged", "-o", folder)
    assert ran.status == 0, ran.err
    assert "Cleared 0" not in ran.out
    assert "chats.jsonl.gz" in present[0]
    assert not [name for name in present[0] if name.endswith(".part")]
    assert service.acknowledged == [service.stored["manifest.jsonl"][14:78].decode()]
    assert names(folder) == ["chats.jsonl.gz", "manifest.jsonl", "manifest.sig.json"]


def test_a_manifest_that_is_not_what_its_root_hash_says_is_never_acknowledged(folder: Path):
    service = archive_service(states=[WAITS])
    good = service.stored["manifest.jsonl"]
    service.stored["manifest.jsonl"] = good.replace(b'"messages": 3', b'"messages": 4')
    ran = chatledger(service, "export", "-f", "archive", "--clear-on", "acknowledged", "-o", folder)
    assert ran.status == 1
    assert "root hash" in ran.err
    assert not service.acknowledged


def test_an_archive_that_is_not_its_manifests_is_never_acknowledged(folder: Path):
    service = archive_service(states=[WAITS])
    service.stored["chats.jsonl.gz"] += b"more"
    ran = chatledger(service, "export", "-f", "archive", "--clear-on", "acknowledged", "-o", folder)
    assert ran.status == 1
    assert not service.acknowledged


def test_an_acknowledgement_whose_reply_was_lost_is_given_again(folder: Path):
    service = archive_service(states=[WAITS, RUNNING, CLEARED])
    path = "POST /exports/export-1/acknowledge"
    service.faults = {path: [httpx.ReadError("lost"), error(503, "storage_error")]}
    ran = chatledger(service, "export", "-f", "archive", "--clear-on", "acknowledged", "-o", folder)
    assert ran.status == 0, ran.err
    assert len({each.headers["idempotency-key"] for each in service.sent(path)}) == 1


def test_an_interrupted_clear_says_that_it_goes_on_there(folder: Path):
    def service(_request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    ran = chatledger(service, "export", "--clear", "-o", folder)
    assert ran.status == 130
    assert "go on" in ran.err


def test_a_name_that_leads_out_of_the_folder_is_refused(folder: Path):
    service = Service(stored={"../evil": b"x"})
    ran = chatledger(service, "export", "-o", folder)
    assert ran.status == 1
    assert not (folder.parent / "evil").exists()


def test_download_breaks_do_not_show_in_the_file(folder: Path):
    service = Service(faults={"GET /chats.jsonl": [brings(200, b"one\n", breaks=True)]})
    assert chatledger(service, "export", "-o", folder).status == 0
    assert service.sent("GET /chats.jsonl")[1].headers["range"] == "bytes=4-"
    assert (folder / "chats.jsonl").read_bytes() == b"one\ntwo\n"
