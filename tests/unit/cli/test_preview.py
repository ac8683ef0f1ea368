"""`chatledger preview`: an export's size and beginning, for people and for programs."""

import json
import re
import shlex
import unicodedata
from typing import Any

import httpx
import pytest
from rich.cells import cell_len

from chatledger_cli.arguments import export_request, parser
from tests.unit.cli.service import KEY, Json, Ran, chatledger, error

HOSTILE = "\x1b[2J\x1b]0;mine\x07\x9b31m a\u202eb\r\nc\td \u2028 [red]e[/red]"
LONG = "word " * 20_000
TEXTS = (HOSTILE, LONG, "x" * 100_000, "🎉 日本語 " * 60, "مرحبا كيف حالك", "e\u0301" * 9000, "")
SHAPES = ("csv", "txt", "jsonl", "archive")


def row(number: int, content: str) -> Json:
    return {
        "conversation_id": "c1",
        "conversation_title": None,
        "timestamp": f"2026-10-01T09:00:{number:02}Z",
        "sender_type": "guest",
        "message": content,
        "sequence_number": number,
    }


def sample_of(format_name: str) -> list[Any]:
    rows = [row(number, content) for number, content in enumerate(TEXTS)]
    shapes: dict[str, list[Any]] = {
        "csv": [rows, rows[:1]],
        "txt": ["\n".join(("=" * 72, "    one", *TEXTS)), "short"],
        "jsonl": [{"id": "c1", "messages": rows}, {"id": HOSTILE, HOSTILE: LONG, "none": []}],
        "archive": [rows, rows[:1]],
    }
    return shapes[format_name]


def answer(format_name: str = "csv", **changes: Any) -> Json:
    return {
        "format": format_name,
        "sample": sample_of(format_name),
        "sample_is_cut": False,
        "redactions": {"phone": 1, "email": 1204},
        "estimated": {"conversations": 7168, "messages": 258_145, "bytes": 31_400_000},
        "estimate_is_exact": True,
        **changes,
    }


def previewed(found: Json, *arguments: str, **how: Any) -> Ran:
    def service(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/exports/preview"
        return httpx.Response(200, json=found)

    return chatledger(service, "preview", *arguments, **how)


def test_the_size_comes_first_then_what_was_redacted_and_the_way_to_all_of_it():
    ran = previewed(answer(), "-f", "csv", "--app", "a b", "--key", KEY)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[:3] == [
        "✓ It would contain 7,168 conversations, 258,145 messages, 31.4 MB",
        "  Format      csv",
        "  Anonymized  yes; redacted in this sample: email 1,204, phone 1",
    ]
    assert "The first 2 conversations" in lines
    assert lines[-1] == "  chatledger export --format csv --app 'a b' --output DIR"


def test_what_is_no_more_than_a_guess_is_said_so():
    ran = previewed(answer(estimate_is_exact=False, sample_is_cut=True, redactions=None))
    assert "would contain about 7,168 conversations" in ran.out
    assert "Anonymized  no, names and content are as they are" in ran.out
    assert "The sample ends early" in ran.out


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_sample_of_nothing_says_why(is_cut: bool):
    none = {"conversations": 0, "messages": 0, "bytes": 0}
    ran = previewed(answer(sample=[], estimated=none, sample_is_cut=is_cut))
    assert ("had no room" if is_cut else "Nothing is chosen") in ran.out
    assert "--output" not in ran.out


@pytest.mark.parametrize("format_name", SHAPES)
@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("width", [80, 120])
def test_no_message_moves_the_cursor_or_leaves_the_screen(
    format_name: str, terminal: bool, width: int
):
    ran = previewed(answer(format_name), terminal=terminal, width=width)
    assert ran.status == 0, ran.err
    sample = ran.out[ran.out.index("The first 2") : ran.out.rindex("Export all of it")]
    shown = [line for line in plain(sample).splitlines() if "•" not in line]
    assert "[red]e[/red]" in sample
    assert max(map(cell_len, shown)) <= width
    assert len(shown) < 90
    control = {c for c in plain(sample) if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}}
    assert control <= {"\n"}
    assert ("\x1b[" in sample) == terminal


def plain(out: str) -> str:
    """Without the colours, which are the command's own."""
    return re.sub(r"\x1b\[[\d;]*m", "", out)


def test_a_table_has_the_columns_that_have_room_and_names_the_others():
    rows = [{**row(1, "hello"), "conversation_title": "A title", "user_id": "ann"}]
    narrow, wide = (previewed(answer(sample=[rows]), width=width) for width in (80, 120))
    heads = [ran.out.splitlines()[6].split() for ran in (narrow, wide)]
    assert heads[0] == ["timestamp", "sender_type", "message"]
    assert heads[1] == ["conversation_title", *heads[0], "user_id"]
    told = "conversation_id, conversation_title, sequence_number, user_id."
    assert told in narrow.out
    assert "2 more columns in the file: conversation_id, sequence_number." in wide.out


def test_of_a_long_conversation_a_few_rows_are_shown():
    ran = previewed(answer(sample=[[row(number, f"text {number}") for number in range(50)]]))
    assert "text 3" in ran.out
    assert "text 4" not in ran.out
    assert "… 46 more messages" in ran.out


def test_json_is_laid_out_to_be_read():
    sample = [{"id": "c1", "messages": [{"role": "user", "content": "hi"}] * 5, "tags": [1, 2, 3]}]
    ran = previewed(answer("jsonl", sample=sample))
    assert ran.out.split("conversation\n\n")[1].startswith(
        '  {\n    "id": "c1",\n    "messages": [\n'
        '      {"role": "user", "content": "hi"},\n'
        '      {"role": "user", "content": "hi"},\n'
        "      … 3 more\n    ],\n"
        '    "tags": [1, 2, … 1 more]\n  }\n'
    )


def test_what_lies_deep_in_an_object_is_counted():
    deep: Json = {"end": 1}
    for _ in range(400):
        deep = {"more": deep}
    ran = previewed(answer("jsonl", sample=[deep]))
    assert ran.status == 0, ran.err
    assert '"more": … 1 more' in ran.out


def test_a_long_sample_is_cut_after_a_conversation():
    sample = ["\n".join(f"line {line}" for line in range(200))] * 10
    ran = previewed(answer("txt", sample=sample))
    assert ran.out.count("line 28") == 3
    assert "line 29" not in ran.out
    assert ran.out.count("… 171 more lines") == 3
    assert "7 more conversations in this sample: --json prints all of it." in ran.out


def test_programs_get_the_answer_as_it_is():
    found = answer("jsonl")
    ran = previewed(found, "--json", terminal=True)
    assert json.loads(ran.out) == found
    assert ran.out.isascii()
    assert "\x1b" not in ran.out


def test_the_command_it_shows_exports_the_same():
    options = [
        *("-f", "csv", "--start", "2026-01-01", "--end", "2026-01-31", "--no-metadata"),
        *("--user", "u 1", "--user", "-u", "--contains", "it's; rm -rf /", "--min-messages", "3"),
        *("--no-anonymize", "--include-ip-addresses", "--organization", "other"),
    ]
    asked = list[Json]()

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return httpx.Response(200, json=answer())

    options[options.index("-u") - 1 : options.index("-u") + 1] = ["--user=-u"]
    ran = chatledger(service, "preview", *options)
    assert ran.status == 0, ran.err
    shown = shlex.split(ran.out.splitlines()[-1])
    assert shown[:2] == ["chatledger", "export"]
    again = parser().parse_args(shown[1:])
    assert export_request(again) == asked[0]
    assert again.organization == "other"
    assert asked[0]["filters"]["user_id"] == ["u 1", "-u"]


def test_what_the_service_refuses_is_wrong_usage():
    def refuses(_: httpx.Request) -> httpx.Response:
        return error(400, "invalid_request", "'pdf' is not a format.")

    ran = chatledger(refuses, "preview", "-f", "pdf")
    assert (ran.status, ran.out) == (2, "")
    assert "'pdf' is not a format" in ran.err


@pytest.mark.parametrize("found", [{}, {**answer(), "sample": None}, {**answer(), "estimated": 3}])
def test_another_answer_is_said_to_be_none(found: Json):
    ran = previewed(found)
    assert ran.status == 1
    assert "not one this command understands" in ran.err
