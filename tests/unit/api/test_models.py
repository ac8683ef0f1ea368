import re
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from chatledger.errors import ChatledgerError, InvalidDateRange, PayloadTooLarge
from chatledger.formats import FORMATS as WRITERS
from chatledger.models.chats import ChatPatch, ChatsRequest, MessageIn
from chatledger.models.exports import FORMATS, ExportRequest
from chatledger.models.fields import MAX_DEPTH, check_json
from chatledger.models.keys import BootstrapRequest, KeyRequest
from chatledger.models.queries import ConversationQuery, UserChatsQuery

HELLO = {"content": "Hello"}
DOCUMENTS = {"format": "jsonl", "dataset": "documents"}


def chats(**fields: Any) -> ChatsRequest:
    return ChatsRequest.model_validate({"messages": [HELLO], **fields})


def message(**fields: Any) -> MessageIn:
    return chats(messages=[HELLO | fields]).messages[0]


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels - 1):
        value = [value]
    return value


def test_every_field_of_the_contract_is_taken():
    sent: dict[str, Any] = {
        "conversation_id": "a/b#😀",
        "user_id": "u",
        "app_id": "app",
        "title": "t",
        "status": "archived",
        "from_source": "web",
        "user_email": "a@example.com",
        "user_name": "A",
        "folder_id": "f",
        "model": {"id": "m", "name": "M"},
        "prompt": "p",
        "temperature": 1,
        "metadata": {"a": [1, {"b": None}]},
        "messages": [
            {
                "id": "1",
                "role": "assistant",
                "content": "",
                "timestamp": "2026-10-01T09:00:00+02:00",
                "user_id": "u2",
                "ai_service": "mistral",
                "model": "large",
                "reply_to": "0",
                "message_tokens": 3,
                "answer_tokens": 2**63 - 1,
                "provider_response_latency": 0.5,
                "contexts": [{"text": "x"}] * 80,
                "feedback": {"rating": "like"},
                "ip_address": "203.0.113.7",
                "metadata": {},
            }
        ],
    }
    request = ChatsRequest.model_validate(sent)
    assert request.model_dump(exclude_none=True) == sent


def test_what_may_be_missing_may_be_null():
    optional = set(ChatsRequest.model_fields) - {"messages"}
    assert chats(**dict.fromkeys(optional)).model_dump(exclude_none=True).keys() == {"messages"}
    assert message(id=None, timestamp=None, user_id=None).content == "Hello"


@pytest.mark.parametrize(
    "wrong",
    [
        {"conversation_id": ""},
        {"conversation_id": "é" * 129},
        {"conversation_id": "a\nb"},
        {"conversation_id": 7},
        {"user_id": ""},
        {"status": "open"},
        {"temperature": "1"},
        {"temperature": True},
        {"temperature": float("nan")},
        {"metadata": []},
        {"metadata": {"a": nested(MAX_DEPTH + 1)}},
        {"metadata": {"a": 2**64}},
        {"metadata": {"a": -(2**63) - 1}},
        {"model": {"name": "without id"}},
        {"model": {"id": "m", "size": 7}},
        {"model": 7},
        {"title": "x" * 1001},
        {"messages": None},
        {"messages": {}},
        {"messages": [None]},
        {"messages": [{**HELLO, "role": None}]},
        {"messages": [{**HELLO, "content": None}]},
        {"messages": [{**HELLO, "id": "\x85"}]},
        {"messages": [{**HELLO, "timestamp": 1_790_000_000}]},
        {"messages": [{**HELLO, "timestamp": "yesterday"}]},
        {"messages": [{**HELLO, "timestamp": ""}]},
        {"messages": [{**HELLO, "message_tokens": -1}]},
        {"messages": [{**HELLO, "message_tokens": 1.0}]},
        {"messages": [{**HELLO, "message_tokens": True}]},
        {"messages": [{**HELLO, "message_tokens": 2**63}]},
        {"messages": [{**HELLO, "provider_response_latency": -0.1}]},
        {"messages": [{**HELLO, "contexts": [1] * 81}]},
        {"messages": [{**HELLO, "feedback": 2**64}]},
        {"messages": [{**HELLO, "metadata": "text"}]},
        {"organization_id": "default"},
    ],
    ids=repr,
)
def test_what_is_not_of_the_contract_is_refused(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        chats(**wrong)


def test_ids_count_in_bytes():
    assert chats(conversation_id="é" * 128).conversation_id == "é" * 128


def test_numbers_of_64_bits_and_the_deepest_nesting_are_kept():
    kept = {"low": -(2**63), "high": 2**64 - 1, "deep": nested(MAX_DEPTH - 1)}
    assert message(metadata=kept).metadata == kept
    assert msgspec.json.decode(msgspec.json.encode(kept)) == kept
    with pytest.raises(ValueError, match="deeper"):
        check_json(nested(MAX_DEPTH + 1))


def test_a_conversations_own_fields_have_a_size():
    assert chats(prompt="x" * 100_000).prompt
    for wrong in ({"prompt": "x" * 103_000}, {"metadata": {"x": "\x01" * 20_000}}):
        with pytest.raises(PayloadTooLarge):
            chats(**wrong)


def test_a_patch_says_something():
    said = ChatPatch.model_validate({"title": None, "status": "resolved"})
    assert said.model_dump(exclude_unset=True) == {"title": None, "status": "resolved"}
    for wrong in ({}, {"status": None}, {"user_id": "u"}):
        with pytest.raises(ValidationError):
            ChatPatch.model_validate(wrong)


def test_an_export_is_what_it_says():
    request = ExportRequest.model_validate({"anonymize": False})
    assert request.model_dump() == {
        "format": "jsonl",
        "start_date": None,
        "end_date": None,
        "since": None,
        "name": None,
        "filters": {
            "conversation_id": [],
            "user_id": [],
            "app_id": [],
            "ai_service": [],
            "status": [],
            "from_source": [],
            "min_messages": 1,
            "contains": None,
        },
        "anonymize": False,
        "include_ip_addresses": False,
        "include_metadata": True,
        "compression": "none",
        "destination": None,
        "dataset": "conversations",
        "training": None,
        "clear": False,
        "clear_on": "verified",
        "dry_run": False,
        "webhook_url": None,
    }
    assert ExportRequest.model_validate(request.model_dump(mode="json")) == request


def test_the_formats_of_now_have_writers():
    assert set(FORMATS) == set(WRITERS)


def test_an_archive_needs_no_word_on_anonymity():
    archive = ExportRequest.model_validate({"format": "archive"})
    assert not archive.anonymize
    assert ExportRequest.model_validate(archive.model_dump(mode="json")) == archive


def test_every_other_format_is_anonymized_unless_somebody_says_no():
    assert ExportRequest.model_validate({"format": "csv"}).anonymizes
    assert ExportRequest.model_validate({"format": "csv", "anonymize": True}).anonymizes
    assert not ExportRequest.model_validate({"format": "csv", "anonymize": False}).anonymizes
    assert not ExportRequest.model_validate({"format": "archive"}).anonymizes


def test_one_string_stands_for_a_list_of_it():
    filters = {
        "app_id": "one",
        "user_id": ["a", "b"],
        "ai_service": "mistral",
        "status": "resolved",
    }
    request = ExportRequest.model_validate({"anonymize": False, "filters": filters})
    assert request.filters.app_id == ["one"]
    assert request.filters.user_id == ["a", "b"]
    assert request.filters.ai_service == ["mistral"]
    assert request.filters.status == ["resolved"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"format": "pdf"},
            "'pdf' is not a format; use one of jsonl, json, csv, xlsx, parquet, txt",
        ),
        ({"format": "excel", "compression": "gzip"}, "compressed inside already"),
        ({"format": "parquet", "compression": "gzip"}, "parquet is compressed inside already"),
        ({"format": "archive", "anonymize": True}, "never anonymized"),
        ({"format": "archive", "compression": "zstd"}, "always gzip"),
        ({"compression": "zip"}, "'none', 'gzip' or 'zstd'"),
        ({"since": "last"}, "send its name too"),
        ({"destination": "elsewhere"}, "destination is not available yet"),
        ({"training": {}}, "training is not available yet"),
        ({"webhook_url": "https://example.com"}, "webhook_url is not available yet"),
        ({"dataset": "documents"}, "exported as jsonl only"),
        ({**DOCUMENTS, "anonymize": None}, 'send "anonymize": false with documents'),
        ({**DOCUMENTS, "anonymize": True}, "cannot be anonymized"),
        ({**DOCUMENTS, "clear": True}, "clear is about messages"),
        ({**DOCUMENTS, "since": "last", "name": "n"}, "since is about messages"),
        ({**DOCUMENTS, "include_metadata": False}, "exported whole"),
        ({**DOCUMENTS, "dry_run": True, "compression": "gzip"}, "counts documents uncompressed"),
        ({**DOCUMENTS, "filters": {"user_id": "u"}}, "the filter user_id is about conversations"),
        ({**DOCUMENTS, "filters": {"min_messages": 2}}, "the filter min_messages"),
        ({"clear_on": "now"}, "'verified' or 'acknowledged'"),
        ({"filters": {"min_messages": 0}}, "greater than or equal to 1"),
        ({"filters": {"user_id": [""]}}, "1 to 256 bytes"),
        ({"filters": {"colour": "red"}}, "not permitted"),
        ({"filters": {"status": "open"}}, "'active', 'archived', 'resolved' or 'completed'"),
        ({"filters": {"contains": ""}}, "at least 1 character"),
        ({"start_date": ""}, "at least 1 character"),
        ({"dry_run": "yes"}, "valid boolean"),
        ({"formats": "csv"}, "not permitted"),
    ],
    ids=repr,
)
def test_an_export_that_cannot_be_is_refused(wrong: dict[str, Any], said: str):
    with pytest.raises(ValidationError, match=re.escape(said)):
        ExportRequest.model_validate({"format": "csv", "anonymize": False, **wrong})


@pytest.mark.parametrize(
    "dates",
    [
        {"start_date": "2026-10-02", "end_date": "2026-10-01"},
        {"start_date": "2026-02-30"},
        {"end_date": "soon"},
    ],
)
def test_a_range_that_is_none_has_its_own_error(dates: dict[str, str]):
    with pytest.raises(InvalidDateRange):
        ExportRequest.model_validate({"anonymize": False, **dates})


@pytest.mark.parametrize(
    "dates",
    [
        {},
        {"start_date": "2026-10-01", "end_date": "2026-10-01"},
        {"start_date": "2026-10-01T10:15:00Z", "end_date": "2026-10-01T10:29:59Z"},
        {"end_date": "2026-10-01T10:29:59.999999Z"},
        {"end_date": "2026-10-01T10:44"},
        {"start_date": "2026-10-01T00:00:00+05:45"},
        {"end_date": "9999-12-31"},
    ],
    ids=repr,
)
def test_a_clear_takes_whole_quarter_hours(dates: dict[str, str]):
    assert ExportRequest.model_validate({"format": "archive", "clear": True, **dates}).clear


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        (
            {"start_date": "2026-10-01T10:07:00Z"},
            "start_date lies within one. Send 2026-10-01T10:00:00Z or 2026-10-01T10:15:00Z.",
        ),
        (
            {"end_date": "2026-10-01T10:20:00Z"},
            "end_date lies within one. Send 2026-10-01T10:14:59Z or 2026-10-01T10:29:59Z.",
        ),
        (
            {"end_date": "2026-10-01T10:15:00Z"},
            "Send 2026-10-01T10:14:59Z or 2026-10-01T10:29:59Z.",
        ),
        (
            {"end_date": "2026-10-01T10:14:59.5Z"},
            "Send 2026-10-01T09:59:59Z or 2026-10-01T10:14:59Z.",
        ),
        (
            {"start_date": "2026-10-01T00:00:00.000001Z"},
            "Send 2026-10-01T00:00:00Z or 2026-10-01T00:15:00Z.",
        ),
        ({"start_date": "2026-10-01T05:40:00+05:30"}, "Send 2026-10-01T00:00:00Z or"),
        ({"start_date": "9999-12-31T23:50:00Z"}, "Send 9999-12-31T23:45:00Z."),
    ],
    ids=repr,
)
def test_a_clear_off_the_quarter_hour_is_told_the_two_nearest(dates: dict[str, str], said: str):
    asked = {"format": "archive", "clear": True, **dates}
    with pytest.raises(InvalidDateRange, match=re.escape(said)):
        ExportRequest.model_validate(asked)
    assert not ExportRequest.model_validate(asked | {"clear": False}).clear
    for end in re.findall(r"\d{4}-\S+Z", said):
        name = next(iter(dates))
        assert ExportRequest.model_validate({"format": "archive", "clear": True, name: end})


def test_an_export_that_a_job_could_not_keep_is_too_large():
    filters = {"conversation_id": ["x" * 250 + str(count) for count in range(1000)]}
    with pytest.raises(ChatledgerError) as caught:
        ExportRequest.model_validate({"anonymize": False, "filters": filters})
    assert caught.value.status == 413


def test_pages_are_asked_by_number_or_by_cursor():
    assert ConversationQuery.model_validate({}).limit == 50
    assert UserChatsQuery.model_validate({"page": "3"}).page == 3
    assert UserChatsQuery.model_validate({"cursor": "x", "limit": "7"}).limit == 7
    with pytest.raises(ValidationError, match="not both"):
        UserChatsQuery.model_validate({"cursor": "x", "page": "2"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "king"},
        {"name": ""},
        {"requests_per_minute": 0},
        {"requests_per_minute": "5"},
        {"organization_id": "a\x00"},
        {"key": "clk_brought_along_by_somebody"},
    ],
    ids=repr,
)
def test_a_key_is_asked_for_properly(wrong: dict[str, Any]):
    KeyRequest.model_validate({"role": "reader", "name": "n"})
    with pytest.raises(ValidationError):
        KeyRequest.model_validate({"role": "reader", "name": "n", **wrong})


@pytest.mark.parametrize(
    "key", ["clk_short", "clk_" + "x" * 19, "sk_" + "x" * 30, "clk_" + "é" * 30]
)
def test_a_secret_brought_along_has_the_form_of_one(key: str):
    BootstrapRequest.model_validate({"key": "clk_" + "x" * 20})
    with pytest.raises(ValidationError) as caught:
        BootstrapRequest.model_validate({"key": key})
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "meant"), [("Excel", "xlsx"), ("ML Training", "ml"), ("JSON", "json")]
)
def test_formats_may_be_written_as_people_say_them(written: str, meant: str):
    assert ExportRequest(format=written).format == meant
