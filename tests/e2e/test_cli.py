"""The command `chatledger` as it is installed, against the deployed template."""

import gzip
import io
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Deployment
from tests.e2e.organizations import checked, finished

PYARROW: Any = import_module("pyarrow.parquet")  # it does not say its types

COMMAND = Path(__file__).parents[2] / ".venv/bin/chatledger"
CONVERSATIONS = 5
MESSAGES = 8


class Commands:
    """Commands of one organization's key, run in a folder of the test."""

    def __init__(self, deployment: Deployment, organization: str, folder: Path) -> None:
        body = {
            "role": "owner",
            "name": organization,
            "organization_id": organization,
            "requests_per_minute": 1_000_000,
        }
        made = deployment.http.post("/keys", json=body)
        assert made.status_code == 201, made.text
        self.folder = folder
        self.http = deployment.as_key(made.json()["key"])
        self.environment = {
            **os.environ,
            "CHATLEDGER_URL": deployment.url,
            "CHATLEDGER_KEY": made.json()["key"],
        }

    def run(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def fill(self) -> set[str]:
        """The ids of what is in the ledger then."""
        ids: set[str] = set()
        for conversation in range(CONVERSATIONS):
            messages = [
                {
                    "id": f"{conversation}-{number}",
                    "content": f"message {number}",
                    "timestamp": f"2026-10-{1 + number:02}T09:00:00Z",
                }
                for number in range(MESSAGES)
            ]
            body = {"conversation_id": f"c{conversation}", "messages": messages}
            assert self.http.post("/chats", json=body).status_code == 201
            ids |= {str(message["id"]) for message in messages}
        return ids

    def archived(self, folder: str) -> list[str]:
        """The messages' ids in an exported archive."""
        (path,) = (self.folder / folder).glob("*.jsonl.gz")
        records = map(json.loads, gzip.decompress(path.read_bytes()).splitlines())
        return sorted(record["id"] for record in records if "content" in record)

    def held(self, folder: str) -> set[str]:
        return {path.name for path in (self.folder / folder).iterdir()}

    def statuses(self) -> set[int]:
        """How each conversation answers."""
        paths = (f"/chats/c{number}" for number in range(CONVERSATIONS))
        return {self.http.get(path).status_code for path in paths}


@pytest.fixture
def cli(
    deployment: Deployment, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Commands]:
    commands = Commands(deployment, request.node.name, tmp_path)
    with commands.http:
        yield commands


@pytest.mark.parametrize("format_name", ["csv", "jsonl", "parquet"])
def test_a_derived_export_leaves_its_file_alone(cli: Commands, format_name: str):
    cli.fill()
    done = cli.run("export", "--format", format_name, "--no-anonymize", "--output", "out")
    (name,) = cli.held("out")
    assert name.endswith(f".{format_name}")
    assert f"{CONVERSATIONS * MESSAGES} messages" in done.stdout
    assert not done.stderr


def test_a_look_before_an_export_and_the_export_it_shows(cli: Commands):
    cli.fill()
    looked = cli.run("preview", "-f", "csv", "--conversation", "c1", "--no-anonymize")
    assert f"It would contain 1 conversation, {MESSAGES} messages" in looked.stdout
    assert "2026-10-01T09:00:00Z   guest         message 0" in looked.stdout
    assert not looked.stderr
    command = looked.stdout.splitlines()[-1].replace("DIR", "out").split()
    exported = cli.run(*command[1:])
    assert f"1 conversation, {MESSAGES} messages" in exported.stdout
    answer = json.loads(cli.run("preview", "--json").stdout)
    assert len(answer["sample"]) == CONVERSATIONS
    assert answer["redactions"] is not None
    assert "No AI answered" in cli.run("statistics", "--end", "2026-10-31").stdout
    assert "no log files" in cli.run("summary").stdout


def test_documents_are_exported(cli: Commands):
    for number in range(3):
        document = {"document_id": f"d{number}", "app_id": f"a{number % 2}", "text": "hello"}
        assert cli.http.post("/documents", json=document).status_code == 201
    done = cli.run(
        *("export", "--dataset", "documents", "--app", "a0", "--no-anonymize", "--output", "out")
    )
    assert "Exported 2 documents" in done.stdout
    (name,) = cli.held("out")
    rows = (cli.folder / "out" / name).read_text().splitlines()
    assert [json.loads(row)["document_id"] for row in rows] == ["d0", "d2"]


def test_the_workflow_writes_parquet_of_something_and_of_nothing(cli: Commands):
    """Its functions carry what that takes: who writes parts, and who finishes."""
    ids = cli.fill()
    found = list[Any]()
    for filters in ({}, {"user_id": ["nobody"]}):
        asked = {"format": "parquet", "filters": filters, "anonymize": False}
        begun = checked(cli.http.post("/exports", json=asked))
        assert begun["status"] == "queued"
        (file,) = finished(cli.http, begun["export_id"])["files"]
        data = httpx.get(file["url"]).raise_for_status().content
        found.append(PYARROW.read_table(io.BytesIO(data)))
    assert sorted(found[0]["message_id"].to_pylist()) == sorted(ids)
    assert (found[1].num_rows, found[1].schema) == (0, found[0].schema)


def test_an_archive_is_exported_and_restored_into_another_organization(
    cli: Commands, deployment: Deployment
):
    ids = cli.fill()
    cli.run("export", "--format", "archive", "--output", "out")
    assert {name.split(".", 1)[1] for name in cli.held("out")} == {"jsonl.gz", "jsonl", "sig.json"}
    assert "manifest.jsonl" in cli.held("out")
    (cli.folder / "key.json").write_bytes(cli.http.get("/signing-key").content)
    proven = cli.run("verify", "out", "--public-key", "key.json")
    assert f"{len(ids)} messages" in proven.stdout
    assert cli.archived("out") == sorted(ids)
    other = Commands(deployment, "restored-by-command", cli.folder)
    with other.http:
        first = other.run("restore", "out")
        assert f"Restored       {len(ids)} messages" in first.stdout
        again = other.run("restore", "out")
        assert f"There already  {len(ids)} messages" in again.stdout
        assert other.statuses() == {200}
        other.run("export", "--format", "archive", "--output", "again")
        assert other.archived("again") == sorted(ids)
    assert "manifest.jsonl" in cli.held("out")
    assert len(cli.held("out")) == 3


@pytest.mark.parametrize("clear_on", ["verified", "acknowledged"])
def test_a_clear_empties_the_ledger_and_a_restore_brings_it_back(cli: Commands, clear_on: str):
    ids = cli.fill()
    done = cli.run("export", "-f", "archive", "--clear-on", clear_on, "--output", "out")
    assert f"Cleared {len(ids)} of {len(ids)} messages" in done.stdout
    undo = done.stdout.splitlines()[-1].split()
    assert undo[:2] == ["chatledger", "undo"]
    assert cli.archived("out") == sorted(ids)
    assert cli.statuses() == {404}
    if clear_on == "verified":
        undone = cli.run(*undo[1:])
        assert f"Back    {len(ids)} messages" in undone.stdout
        assert cli.statuses() == {200}
        cli.run("export", "-f", "archive", "--clear", "--output", "again")
        assert cli.statuses() == {404}
    done = cli.run("restore", "out")
    assert f"Restored       {len(ids)} messages" in done.stdout
    assert cli.statuses() == {200}


def test_what_verify_prints_releases_a_clear(cli: Commands):
    """Fetched by hand, proven offline, acknowledged by the root hash that the command told."""
    ids = cli.fill()
    asked = {"format": "archive", "clear": True, "clear_on": "acknowledged"}
    made = checked(cli.http.post("/exports", json=asked, headers={"Prefer": "wait=20"}))
    job = checked(cli.http.get(f"/exports/{made['export_id']}"))
    assert job["clear"]["status"] == "awaiting_acknowledgement"
    (cli.folder / "mine").mkdir()
    links = {
        job["files"][0]["name"]: job["files"][0]["url"],
        "manifest.jsonl": job["manifest"]["url"],
        "manifest.sig.json": job["manifest"]["signature_url"],
    }
    for name, url in links.items():
        (cli.folder / "mine" / name).write_bytes(httpx.get(url).raise_for_status().content)
    told = re.search(r"Root hash +([0-9a-f]{64})", cli.run("verify", "mine").stdout)
    assert told
    path = f"/exports/{job['export_id']}/acknowledge"
    checked(cli.http.post(path, json={"root_hash": told[1]}))
    ended = finished(cli.http, job["export_id"])
    assert ended["clear"]["cleared"] == len(ids)
    assert cli.statuses() == {404}


def test_a_command_that_was_killed_goes_on_with_the_same_export(cli: Commands):
    cli.fill()
    arguments = ("export", "-f", "archive", "--clear", "--output", "out")
    for number in (signal.SIGINT, signal.SIGKILL):
        process = cli.start(*arguments)
        note = cli.folder / "out" / ".chatledger-export.json"
        until = time.monotonic() + 30
        while not note.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(number)
        process.communicate(timeout=30)
        if process.returncode == 0:
            break  # it was faster
        assert process.returncode == (130 if number == signal.SIGINT else -number)
    if not list((cli.folder / "out").glob("*.jsonl.gz")):
        cli.run(*arguments)
    assert {"manifest.jsonl"} < cli.held("out")
    assert len(cli.held("out")) == 3
    assert len(cli.http.get("/exports").json()["exports"]) == 1


def test_what_the_service_refuses_is_wrong_usage(cli: Commands):
    done = cli.run("export", "-f", "archive", "--start", "2026-02-30", "-o", "out", status=2)
    assert "2026-02-30" in done.stderr
    assert not (cli.folder / "out").exists()
    done = cli.run(
        "export", "-f", "archive", "--clear", "--end", "2026-10-01T09:07:00Z", "-o", "out", status=2
    )
    assert "2026-10-01" in done.stderr


def test_keys_are_made_listed_and_revoked(cli: Commands):
    made = cli.run("keys", "create", "--role", "reader", "--name", "a script")
    key = made.stdout.strip()
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{cli.environment['CHATLEDGER_URL']}/chats"
    assert httpx.get(url, headers=headers).status_code == 200
    listed = cli.run("keys", "list").stdout
    assert key not in listed
    (line,) = (line for line in listed.splitlines() if line.endswith("a script"))
    cli.run("keys", "revoke", line.split()[0])
    assert httpx.get(url, headers=headers).status_code == 401


def test_the_first_key_comes_from_the_stack(cli: Commands, deployment: Deployment):
    cli.environment |= {
        "AWS_ENDPOINT_URL": deployment.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "CHATLEDGER_KEY": "",
    }
    made = cli.run(
        "keys", "bootstrap", "--stack", "chatledger", "--region", "us-east-1", "--organization", "b"
    )
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    (listed,) = httpx.get(f"{deployment.url}/keys", headers=headers).json()["keys"]
    assert (listed["role"], listed["organization_id"]) == ("operator", "b")
