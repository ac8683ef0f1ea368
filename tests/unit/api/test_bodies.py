import re
import tracemalloc
from base64 import b64encode
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from chatledger.api.bodies import MAX_BODY_BYTES, body_bytes, decode_json, decode_query, validated
from chatledger.errors import InvalidRequest, PayloadTooLarge
from chatledger.models.chats import ChatPatch, ChatsRequest
from chatledger.models.exports import ExportRequest
from chatledger.models.queries import ConversationQuery, ListChatsQuery, UserChatsQuery


def encoded(data: bytes) -> dict[str, Any]:
    return {"body": b64encode(data).decode(), "isBase64Encoded": True}


def test_a_body_comes_plain_or_in_base64():
    assert body_bytes({"body": "grüß"}) == "grüß".encode()
    assert body_bytes(encoded("grüß".encode())) == "grüß".encode()
    assert body_bytes({}) == body_bytes({"body": None}) == b""


def test_a_body_of_4_mb_is_taken_and_a_byte_more_is_not():
    assert len(body_bytes(encoded(b"x" * MAX_BODY_BYTES))) == MAX_BODY_BYTES
    with pytest.raises(PayloadTooLarge, match=r"at most 4,194,304"):
        body_bytes(encoded(b"x" * (MAX_BODY_BYTES + 1)))


@pytest.mark.parametrize("event", [{"body": "\ud800"}, {"body": "*", "isBase64Encoded": True}])
def test_a_body_that_is_no_text_is_refused(event: dict[str, Any]):
    with pytest.raises(InvalidRequest):
        body_bytes(event)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{} {}",
        b"[]",
        b'"text"',
        b"null",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        b"\x00",
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda data: repr(data[:24]),
)
def test_what_is_no_json_object_is_refused(data: bytes):
    with pytest.raises(InvalidRequest):
        decode_json(data)


@pytest.mark.parametrize(
    "text",
    [
        r"x\ud800",
        r"\ud800 and more than enough behind it",
        r"\uDC00",
        r"\ud83d\ude00\ud83d",
        r"\\\ud800",
        r"\ud800\n",
    ],
)
def test_a_lone_surrogate_is_called_one(text: str):
    for body in (f'{{"content": "{text}"}}', f'{{"{text}": 1}}'):
        with pytest.raises(InvalidRequest, match="a lone surrogate"):
            decode_json(body.encode())


@pytest.mark.parametrize("text", [r"\\ud800", r"\ud83d\ude00", r"\n"])
def test_another_fault_is_not_taken_for_a_surrogate(text: str):
    with pytest.raises(InvalidRequest, match="not JSON: input data was truncated"):
        decode_json(f'{{"content": "{text}'.encode())


def test_a_byte_order_mark_is_called_one():
    with pytest.raises(InvalidRequest, match="byte order mark"):
        decode_json(body_bytes({"body": "\ufeff{}"}))


def test_pairs_of_surrogates_and_control_characters_are_text():
    assert decode_json(b'{"a": "\\ud83d\\ude00\\u0000"}') == {"a": "😀\x00"}


def test_a_query_is_decoded_once():
    assert decode_query("contains=a%2Cb+%2525&app_id=%F0%9F%98%80") == {
        "contains": "a,b %25",
        "app_id": "😀",
    }


def test_an_empty_parameter_is_a_value():
    assert decode_query("cursor=&limit=5&flag") == {"cursor": "", "limit": "5", "flag": ""}


@pytest.mark.parametrize("model", [ListChatsQuery, UserChatsQuery, ConversationQuery])
def test_only_a_cursor_may_be_empty(model: Any):
    assert not validated(model, {"cursor": ""}).cursor
    for name in set(model.model_fields) - {"cursor"}:
        with pytest.raises(InvalidRequest, match=name):
            validated(model, {name: ""})


@pytest.mark.parametrize("query", ["limit=1&limit=1", "a=%FF", "limit=1&limit="])
def test_what_says_two_things_or_nothing_is_refused(query: str):
    with pytest.raises(InvalidRequest):
        decode_query(query)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "messages is missing; add it."),
        ({"messages": []}, "messages must have at least 1 item, not 0."),
        ({"messages": [{"content": 3}]}, "messages.0.content must be a valid string."),
        ({"messages": [{}]}, "messages.0.content is missing; add it."),
        (
            {"messages": [{"content": "", "role": "robot"}]},
            "messages.0.role must be 'user', 'assistant', 'system' or 'tool'.",
        ),
        (
            {"mesages": [], "messages": [{"content": ""}]},
            "mesages is not known here. Leave it out. Did you mean 'messages'?",
        ),
        (
            {"content": "", "messages": [{"content": ""}]},
            "content is not known here. It belongs elsewhere in the body; move it there.",
        ),
        (
            {"messages": [{"content": "", "zzz": 1}]},
            "messages.0.zzz is not known here. Leave it out.",
        ),
        (
            {"messages": [{"content": "", "timestamp": "2026-02-30"}]},
            "messages.0.timestamp: '2026-02-30' is not a time that exists: "
            "day is out of range for month.",
        ),
        (
            {"conversation_id": "a\x00b", "messages": [{"content": ""}]},
            "conversation_id: the id must not hold control characters.",
        ),
    ],
)
def test_a_fault_is_one_sentence_that_names_the_field(values: dict[str, Any], said: str):
    with pytest.raises(InvalidRequest) as caught:
        validated(ChatsRequest, values)
    assert caught.value.message == said


def test_three_faults_are_named_and_further_ones_counted():
    with pytest.raises(InvalidRequest) as caught:
        validated(ChatsRequest, {"messages": [{}], "user_id": "", "colour": "red"})
    assert caught.value.message == (
        "user_id: the id must be 1 to 256 bytes of UTF-8; it has 0. "
        "messages.0.content is missing; add it. "
        "colour is not known here. Leave it out."
    )
    for faults, more in ((4, r" \(1 more fault\.\)$"), (9, r" \(6 more faults\.\)$")):
        unknown = {f"colour_{number}": 1 for number in range(faults)}
        with pytest.raises(InvalidRequest, match=more):
            validated(ChatsRequest, {"messages": [{"content": ""}], **unknown})


@pytest.mark.parametrize(
    ("model", "values", "said"),
    [
        (ChatPatch, {}, "Send at least one of title, status, metadata."),
        (ChatPatch, {"status": None}, "status must not be null; leave it out to keep it."),
        (
            ExportRequest,
            {"destination": "x"},
            "destination is not available yet; leave it out or send null.",
        ),
        (
            ExportRequest,
            {"format": "archive", "anonymize": True},
            "An archive is lossless and never anonymized; leave anonymize out.",
        ),
        (ExportRequest, {"dataset": "x"}, "dataset must be 'conversations' or 'documents'."),
        (
            ExportRequest,
            {"dataset": "documents", "anonymize": False, "clear": True},
            "clear is about messages; leave it out for documents.",
        ),
        (
            ExportRequest,
            {"filters": {"contains": ""}},
            "filters.contains must have at least 1 character.",
        ),
        (ListChatsQuery, {"limit": "0"}, "limit must be at least 1."),
        (ListChatsQuery, {"limit": "101"}, "limit must be at most 100."),
        (ListChatsQuery, {"limit": ""}, "limit must be a whole number."),
        (UserChatsQuery, {"cursor": "x", "page": "2"}, "Send page or cursor, not both."),
    ],
)
def test_a_sentence_begins_large_but_a_name_stays(
    model: type[BaseModel], values: dict[str, Any], said: str
):
    with pytest.raises(InvalidRequest) as caught:
        validated(model, values)
    assert caught.value.message == said


def test_what_was_sent_is_not_echoed_at_length():
    secret = "s" * 5000
    wrong: list[dict[str, Any]] = [
        {"messages": [{"content": "", "timestamp": secret}]},
        {"messages": [{"content": {"a": secret}}]},
        {secret: 1, "messages": [{"content": ""}]},
        {"messages": [{"content": "", "role": secret}]},
        {"status": secret, "messages": [{"content": ""}]},
        {"conversation_id": secret, "messages": [{"content": ""}]},
    ]
    for values in wrong:
        with pytest.raises(InvalidRequest) as caught:
            validated(ChatsRequest, values)
        assert "s" * 65 not in caught.value.message


def test_a_model_hides_its_input_from_whoever_prints_the_error():
    with pytest.raises(ValidationError) as caught:
        ChatsRequest.model_validate({"messages": [{"content": 42_424_242}]})
    assert "42424242" not in str(caught.value)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.0", "", " 5", "+5", "5e1", "٣", "9" * 30])
def test_a_limit_is_a_whole_number_in_its_range(limit: str):
    values = {"limit": limit} if limit else {"limit": "x"}
    with pytest.raises(InvalidRequest, match="limit"):
        validated(ListChatsQuery, values)


def test_a_range_that_ends_before_it_starts_has_its_own_code():
    with pytest.raises(Exception, match="before start_date") as caught:
        validated(ListChatsQuery, {"start_date": "2026-10-02", "end_date": "2026-10-01"})
    assert getattr(caught.value, "code", None) == "invalid_date_range"


FOUR_MB = 4 * 1024 * 1024 - 100


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("1", "messages.0 must be a JSON object."),
        ("{}", "messages.0.content is missing"),
        ('{"content":""}', "messages must have at most 40000 items"),
        ('{"content":"x","contexts":[' + "1," * 1_000_000 + "1]}", "at most 80 items"),
        (
            '{"content":"x",' + ",".join(f'"{n:x}":1' for n in range(300_000)) + "}",
            "messages.0: has more than 100 fields",
        ),
    ],
    ids=["numbers", "empty objects", "tiny messages", "contexts", "fields"],
)
def test_a_body_full_of_faults_is_refused_at_its_first(message: str, told: str):
    """A fault each would take gigabytes to list."""
    count = max(1, FOUR_MB // (len(message) + 1))
    values = decode_json(('{"messages":[' + ",".join([message] * count) + "]}").encode())
    tracemalloc.start()
    with pytest.raises(InvalidRequest, match=re.escape(told)):
        validated(ChatsRequest, values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000
