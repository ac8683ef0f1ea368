"""What the service refuses is told of the options that were given, not of its fields."""

import httpx
import pytest

from chatledger.api.bodies import validated
from chatledger.errors import ChatledgerError
from chatledger.models.exports import ExportRequest
from chatledger_cli.arguments import export_request, parser
from chatledger_cli.wording import as_options
from tests.unit.cli.service import chatledger, error

ENDS = "; leave it out, or export by dates."


def refusal(*options: str) -> str:
    """What the service says to an export with these options."""
    request = export_request(parser().parse_args(["export", *options]))
    with pytest.raises(ChatledgerError) as refused:
        validated(ExportRequest, request)
    return refused.value.message


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        (["--status", "closed"], "--status must be 'active', "),
        (["--user", ""], "--user: the id must be 1 to 256 bytes of UTF-8; it has 0."),
        (["--min-messages", "0"], "--min-messages must be at least 1."),
        (["--contains", ""], "--contains must have at least 1 character."),
        (
            ["--start", "2026-10-02", "--end", "2026-10-01"],
            "--end 2026-10-01 is before --start 2026-10-02. Swap them",
        ),
        (
            ["--end", "2026-10-01T09:07:00Z", "--clear"],
            "A clear takes whole UTC quarter hours, and --end lies within one.",
        ),
        (["--name", "n" * 1001], "--name must have at most 1000 characters."),
        (["-f", "parquett"], "--format: 'parquett' is not a format; use one of jsonl, "),
        (["--compression", "zip"], "--compression must be 'none', 'gzip' or 'zstd'."),
        (["--dataset", "docs"], "--dataset must be 'conversations' or 'documents'."),
        (
            ["--dataset", "documents"],
            "Embeddings tell of the text that they were made of and "
            "cannot be anonymized; send --no-anonymize with documents.",
        ),
        (["--dataset", "documents", "--no-anonymize", "--clear"], "--clear is about messages; "),
        (
            ["--dataset", "documents", "--no-anonymize", "--user", "u"],
            "--user is about conversations; documents are chosen by --app.",
        ),
        (
            ["--dataset", "documents", "--no-anonymize", "--no-metadata"],
            "Documents are exported whole; leave --no-metadata out.",
        ),
        (
            ["--dataset", "documents", "--no-anonymize", "-f", "csv"],
            "Documents are exported as jsonl only; leave --format out.",
        ),
        (
            ["-f", "xlsx", "--compression", "gzip"],
            "Xlsx is compressed inside already; leave --compression out.",
        ),
        (
            ["--since", "last"],
            '--since "last" goes on after the last export of a name: send --name too.',
        ),
        (
            ["--since", "c", "--start", "2026-10-01"],
            "--since already says from where; leave --start and --end out, or what they leave out",
        ),
        (
            ["--since", "c", "--status", "active"],
            f"--status can change its answer later, so with --since it would lose messages{ENDS}",
        ),
    ],
)
def test_a_refused_export_names_the_option(options: list[str], begins: str):
    assert as_options(refusal(*options)).startswith(begins)


@pytest.mark.parametrize(
    "message",
    [
        "There is no export 'start_date' here. GET /exports lists them.",
        "The table was restored from a backup since the last export of this name.",
        "Another format is clear: the name and status of since.",
        "filters.color is not known here. Leave it out.",
    ],
)
def test_what_is_no_field_stays(message: str):
    assert as_options(message) == message


def test_a_refused_command_prints_it_so():
    def service(_request: httpx.Request) -> httpx.Response:
        return error(404, "not_found", "There is no key 'nope' here. GET /keys lists those.")

    ran = chatledger(service, "keys", "revoke", "nope")
    assert ran.err == "✗ There is no key 'nope' here. `chatledger keys list` shows those.\n"
