"""csv: read back by the csv module, with the leading quote undone, cell by cell the same."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given

from chatledger.formats import Options
from chatledger.formats.rows import columns, spreadsheet_text
from chatledger.formats.writer import Conversation
from chatledger.messages import Message
from chatledger.timestamps import format_time
from tests.unit.formats.samples import NASTY, conversation, conversations, message, written

ALL = Options(include_ip_addresses=True)
FIRST = [
    "conversation_id",
    "conversation_title",
    "status",
    "user_id",
    "message_id",
    "timestamp",
    "sender_type",
    "message",
    "ai_service",
    "ai_model",
    "reply_to_message_id",
    "sequence_number",
]
FORMULAS = tuple("=+-@'\t\r")


def read(data: bytes) -> list[dict[str, str]]:
    """As any program would; text starting with a quote mark loses it."""
    rows = csv.DictReader(io.StringIO(data.decode(), newline=""))
    return [{name: cell.removeprefix("'") for name, cell in row.items()} for row in rows]


def cell(value: Any) -> str:
    """What a cell of this value reads as."""
    if value is None:
        return ""
    if type(value) in (str, int, float):
        return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def sorted_json(text: str) -> str:
    """JSON of one kind of escapes and order; all else as it is."""
    try:
        return cell(json.loads(text))
    except ValueError:
        return text


@given(chat=conversations)
def test_every_cell_reads_back(chat: Conversation) -> None:
    found = read(written("csv", chat, options=ALL))
    messages = list(chat.messages)
    assert len(found) == len(messages)
    for number, (row, said) in enumerate(zip(found, messages, strict=True), 1):
        expected = expected_row(chat, said, number)
        assert row.keys() == expected.keys()
        for name, value in expected.items():
            nested = not isinstance(value, str | int | float | None) or isinstance(value, bool)
            read_back = sorted_json(row[name]) if nested else row[name]
            assert read_back == cell(value), name


def expected_row(chat: Conversation, said: Message, number: int) -> dict[str, Any]:
    about = chat.head.about
    return {
        "conversation_id": chat.head.conversation_id,
        "conversation_title": about.get("title"),
        "status": about.get("status"),
        "user_id": said.user_id or about.get("user_id"),
        "message_id": said.id,
        "timestamp": format_time(said.timestamp),
        "sender_type": {"user": "guest", "assistant": "ai"}.get(said.role, said.role),
        "message": said.content,
        "ai_service": said.ai_service,
        "ai_model": said.model,
        "reply_to_message_id": said.reply_to,
        "sequence_number": number,
        "feedback": said.feedback,
        "contexts": said.contexts,
        "ip_address": said.ip_address,
        "message_tokens": said.message_tokens,
        "answer_tokens": said.answer_tokens,
        "provider_response_latency": said.provider_response_latency,
        "metadata": said.metadata,
        "guest_id": about.get("user_id"),
        "guest_name": about.get("user_name"),
        "guest_email": about.get("user_email"),
        "app_id": about.get("app_id"),
        "from_source": about.get("from_source"),
        "folder_id": about.get("folder_id"),
        "conversation_model": about.get("model"),
        "conversation_prompt": about.get("prompt"),
        "conversation_temperature": about.get("temperature"),
        "conversation_metadata": about.get("metadata"),
    }


@given(chat=conversations)
def test_no_text_is_a_formula(chat: Conversation) -> None:
    reader = csv.DictReader(io.StringIO(written("csv", chat, options=ALL).decode(), newline=""))
    for row in reader:
        for text in row.values():
            assert not text.startswith(FORMULAS) or text.startswith("'") or is_number(text)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text[:1] == "-"


@pytest.mark.parametrize("text", NASTY)
def test_a_leading_quote_is_all_that_is_added(text: str) -> None:
    guarded = spreadsheet_text(text)
    assert guarded == (f"'{text}" if text.startswith(FORMULAS) else text)
    assert guarded.removeprefix("'") == text


def test_the_bytes() -> None:
    """CRLF, quotes only where needed, an empty text told from an unknown, no byte order mark."""
    chat = conversation([message(0, content='=a,"b"\r\nc', user_id="u"), message(1, content="")])
    data = written("csv", chat, options=Options(include_metadata=False))
    assert data == (
        ",".join(columns(Options(include_metadata=False))).encode() + b"\r\n"
        b'conv-1,,,u,m0,2024-01-15T10:30:00Z,guest,"\'=a,""b""\r\nc",,,,1,,,,,,,,\r\n'
        b'conv-1,,,,m1,2024-01-15T10:31:00Z,ai,"",,,,2,,,,,,,,\r\n'
    )


def test_the_header_stands_once() -> None:
    chat = conversation([message(0)])
    data = written("csv", chat, chat)
    assert data.count(b"conversation_id,") == 1
    assert written("csv") == ",".join(columns(Options())).encode() + b"\r\n"


@pytest.mark.parametrize("options", [Options(), ALL, Options(include_metadata=False)])
def test_columns(options: Options) -> None:
    names = columns(options)
    assert list(names[:12]) == FIRST
    assert len(set(names)) == len(names)
    assert ("ip_address" in names) == options.include_ip_addresses
    assert ("metadata" in names) == options.include_metadata


def test_without_metadata_no_service_is_named() -> None:
    said = message(1, ai_service="openai", model="gpt", metadata={"secret": 1}, reply_to="m0")
    data = written("csv", conversation([said]), options=Options(include_metadata=False))
    assert not any(each in data for each in (b"openai", b"gpt", b"secret"))
    assert read(data)[0]["reply_to_message_id"] == "m0"


def test_numbers_stay_numbers() -> None:
    said = message(1, feedback=-1, provider_response_latency=0.25)
    (row,) = read(written("csv", conversation([said], {"temperature": -0.5})))
    assert (row["feedback"], row["conversation_temperature"]) == ("-1", "-0.5")
    assert row["provider_response_latency"] == "0.25"
