import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from chatledger.formats.writer import Conversation
from chatledger.ledger.heads import Head
from chatledger.messages import Message
from chatledger.models.chats import ChatsRequest, MessageIn
from chatledger.privacy.anonymizer import CONVERSATION, MESSAGE, Anonymizer
from chatledger.privacy.pseudonyms import Pseudonyms, export_key

PSEUDONYMS = Pseudonyms(export_key(b"secret", "exp_1"))
PERSONAL = ("lovelace", "203.0.113.7", "ada_l1815", "0143", "hunter2")
ABOUT: dict[str, Any] = {
    "user_id": "ada_l1815",
    "app_id": "shop",
    "title": "Guest chat - ADA  LOVELACE",
    "status": "active",
    "user_email": "Ada@Lovelace.example",
    "user_name": "Ada Lovelace",
    "prompt": "You speak with Ada. Mail her: ada@lovelace.example",
    "metadata": {"crm": [{"first_name": "Augusta", "ada@lovelace.example": 4111111111111111}]},
}


def message(**fields: Any) -> Message:
    given: dict[str, Any] = {
        "id": "m1",
        "conversation_id": "c1",
        "role": "user",
        "content": "",
        **fields,
    }
    return Message(timestamp=datetime(2026, 10, 1, tzinfo=UTC), **given)


def conversation(
    *messages: Message,
    about: dict[str, Any] = ABOUT,
    conversation_id: str = "c1",
    users: frozenset[str] = frozenset(),
) -> Conversation:
    return Conversation(Head(conversation_id, "", "", about, users), messages)


MESSAGES = (
    message(
        content="Ada here, +1 212 555 0143, my grandpa is from Adana and made adagios",
        user_id="ada_l1815",
        ip_address="203.0.113.7",
        feedback={"comment": "thanks, Lovelace"},
        contexts=["from 203.0.113.7", {"url": "https://ada:hunter2@x.example/"}],
        metadata={"user_id": "ada_l1815", "client_ip": "203.0.113.7", "n": 7, "ok": True},
    ),
    message(id="ada@lovelace.example", role="assistant", content="Hi ada_l1815", reply_to="m1"),
)


def test_every_field_that_a_caller_can_send_or_that_is_stored_has_a_decision():
    stored = {each.name for each in msgspec.structs.fields(Message)}
    assert set(MESSAGE) == stored == set(MessageIn.model_fields) | {"conversation_id"}
    assert set(CONVERSATION) == set(ChatsRequest.model_fields) - {"messages"}


def test_nobody_is_left_and_what_tells_of_nobody_is():
    made = Anonymizer(PSEUDONYMS).conversation(
        conversation(*MESSAGES, users=frozenset({"ada_l1815"}))
    )
    first, second = made.messages
    text = f"{made.head} {first} {second}".lower()
    assert not [each for each in PERSONAL if each in text]
    assert first.content == "[NAME] here, [PHONE], my grandpa is from Adana and made adagios"
    assert second.content == "Hi [USER]"
    assert made.head.about["title"] == "Guest chat - [NAME]"
    assert made.head.about["prompt"] == "You speak with [NAME]. Mail her: [EMAIL]"
    assert (made.head.conversation_id, made.head.about["app_id"], second.reply_to) == (
        "c1",
        "shop",
        "m1",
    )
    assert (first.metadata or {})["n"] == 7


def test_a_person_is_the_same_wherever_they_are_named():
    made = Anonymizer(PSEUDONYMS).conversation(conversation(*MESSAGES))
    first, _ = made.messages
    assert first.user_id == made.head.about["user_id"] == (first.metadata or {})["user_id"]
    assert first.ip_address == (first.metadata or {})["client_ip"]


def test_an_id_that_tells_of_somebody_is_the_same_pseudonym_everywhere():
    told = "chat with ada@lovelace.example"
    one = message(conversation_id=told)
    made = Anonymizer(PSEUDONYMS).conversation(conversation(one, conversation_id=told))
    assert next(iter(made.messages)).conversation_id == made.head.conversation_id
    assert made.head.conversation_id.startswith("id_")


def test_what_was_redacted_is_counted_once_however_often_it_is_read():
    anonymizer = Anonymizer(PSEUDONYMS)
    made = anonymizer.conversation(
        conversation(message(content="a@b.example 4111111111111111"), about={})
    )
    for _ in range(3):
        list(made.messages)
    assert anonymizer.counts == {"email": 1, "card": 1}


def test_what_was_read_counts_where_a_writer_stops_before_the_end():
    anonymizer = Anonymizer(PSEUDONYMS)
    said = [message(id=f"m{number}", content="a@b.example") for number in range(3)]
    made = anonymizer.conversation(conversation(*said, about={}))
    reading = iter(made.messages)
    for _ in range(2):
        next(reading)
    assert anonymizer.counts == {"email": 2}
    next(iter(made.messages))
    assert anonymizer.counts == {"email": 2}
    list(made.messages)
    assert anonymizer.counts == {"email": 3}


def test_keys_that_are_alike_once_redacted_are_all_there():
    metadata = {"a@b.example": 1, "[EMAIL] 2": 2, "b@b.example": 3, "c@b.example": {"x": 4}}
    made = Anonymizer(PSEUDONYMS).conversation(conversation(message(metadata=metadata), about={}))
    assert next(iter(made.messages)).metadata == {
        "[EMAIL]": 1,
        "[EMAIL] 2": 2,
        "[EMAIL] 3": 3,
        "[EMAIL] 4": {"x": 4},
    }


def test_what_was_given_is_as_it_was():
    before = json.dumps(ABOUT)
    list(Anonymizer(PSEUDONYMS).conversation(conversation(*MESSAGES)).messages)
    assert json.dumps(ABOUT) == before


@pytest.mark.parametrize(
    ("name", "text", "redacted"),
    [
        ("王小明", "我是王小明你好", "我是[NAME]你好"),
        ("Анна Каренина", "Я Анна, АННА КАРЕНИНА", "Я [NAME], [NAME]"),  # noqa: RUF001
        ("Mark Twain", "mark this, Mark: Remarkable", "mark this, [NAME]: Remarkable"),
        ("Jean-Luc d'Arc", "Jean-Luc ici", "[NAME] ici"),
        ("Email Phone", "write email a@b.example", "write email [EMAIL]"),
        ("(.*", "all (.* of it", "all [NAME] of it"),
        ("Li", "I live in Lima, li said", "I live in Lima, [NAME] said"),
        ("", "nobody", "nobody"),
    ],
)
def test_a_known_name_in_free_text(name: str, text: str, redacted: str):
    made = Anonymizer(PSEUDONYMS).conversation(
        conversation(message(content=text), about={"user_name": name})
    )
    assert next(iter(made.messages)).content == redacted


def test_a_service_and_a_model_that_tell_of_somebody_do_not_and_others_stay():
    own = {"id": "http://203.0.113.7/llama", "name": "Ada"}
    telling = message(role="assistant", ai_service="ada@lovelace.example", model=own)
    usual = message(role="assistant", ai_service="mistral", model="mistral-large-2411")
    anonymizer = Anonymizer(PSEUDONYMS)
    about = {"model": "of ada@lovelace.example", "user_name": "Ada"}
    made = anonymizer.conversation(conversation(telling, usual, telling, about=about))
    first, second, third = made.messages
    assert (first.ai_service, first.model) == (
        "[EMAIL]",
        {"id": "http://[IP]/llama", "name": "Ada"},
    )
    assert (second.ai_service, second.model) == (usual.ai_service, usual.model)
    assert (third.ai_service, third.model) == (first.ai_service, first.model)
    assert made.head.about["model"] == "of [EMAIL]"
    assert anonymizer.counts == {"email": 3, "ip": 2}


def test_an_id_of_a_person_may_be_a_number():
    metadata = {"user_id": 10042, "customer-id": [77123], "mail": 3, "n": 10042}
    made = Anonymizer(PSEUDONYMS).conversation(conversation(message(metadata=metadata), about={}))
    assert next(iter(made.messages)).metadata == {
        "user_id": PSEUDONYMS.user_id("10042"),
        "customer-id": [PSEUDONYMS.user_id("77123")],
        "mail": 3,
        "n": 10042,
    }


def test_secrets_numbers_and_addresses_are_known_by_their_keys():
    metadata = {
        "password": "letmein",
        "pwd": 12345678,
        "API-Key": ["abc", ""],
        "token": 512,
        "mobile": "0171 1",
        "Phone_Number": 491711234567,
        "tel": "yes",
        "isMobile": True,
        "address": {"street": "Hill Road 1", "zip": 10115, "city": "Berlin"},
    }
    anonymizer = Anonymizer(PSEUDONYMS)
    made = anonymizer.conversation(conversation(message(metadata=metadata), about={}))
    assert next(iter(made.messages)).metadata == {
        "password": "[SECRET]",
        "pwd": "[SECRET]",
        "API-Key": ["[SECRET]", ""],
        "token": 512,
        "mobile": "[PHONE]",
        "Phone_Number": "[PHONE]",
        "tel": "yes",
        "isMobile": True,
        "address": {"street": "[ADDRESS]", "zip": "[ADDRESS]", "city": "Berlin"},
    }
    assert anonymizer.counts == {"secret": 3, "phone": 2, "address": 2}
