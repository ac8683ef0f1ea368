"""txt: a transcript that reads well and cannot lie about who said what."""

import re
import unicodedata

import pytest
from hypothesis import given

from chatledger.formats import Options
from chatledger.formats.writer import Conversation
from tests.unit.formats.samples import NASTY, conversation, conversations, message, written

TRANSCRIPT = """\
========================================================================
Guest Chat - John Doe
========================================================================
Conversation: conv-1
Status:       active
Guest:        John Doe <john@example.com> john_doe
App:          shop

2024-01-15T10:30:00Z  Guest (John Doe)
    Hello, I need help
    with web development.

2024-01-15T10:31:00Z  AI (mistral, mistral-large-latest)
    I'd be happy to help!

2024-01-15T10:32:00Z  Guest (jane)

2024-01-15T10:33:00Z  Tool
    found: 3
"""


def test_the_transcript() -> None:
    about = {
        "title": "Guest Chat - John Doe",
        "status": "active",
        "user_id": "john_doe",
        "user_name": "John Doe",
        "user_email": "john@example.com",
        "app_id": "shop",
    }
    said = [
        message(0, content="Hello, I need help\r\nwith web development.", user_id="john_doe"),
        message(
            1,
            content="I'd be happy to help!",
            ai_service="mistral",
            model={"id": "m1", "name": "mistral-large-latest"},
        ),
        message(2, content="", user_id="jane"),
        message(3, content="found: 3", role="tool", ip_address="192.0.2.1"),
    ]
    chat = conversation(said, about)
    assert written("txt", chat).decode() == TRANSCRIPT
    assert written("txt", chat, chat).decode() == TRANSCRIPT + "\n\n" + TRANSCRIPT


def test_who_calls_themselves_ai_is_still_a_guest() -> None:
    said = [message(0, user_id="AI"), message(1, user_id="bot-7")]
    lines = written("txt", conversation(said)).decode().splitlines()
    assert [line.partition("Z  ")[2] for line in lines if "Z  " in line] == [
        "Guest (AI)",
        "AI (bot-7)",
    ]


def test_what_is_left_out_and_what_is_asked_for() -> None:
    said = message(1, ai_service="openai", model="gpt", ip_address="192.0.2.1")
    chat = conversation([said], {"model": "gpt"})
    bare = written("txt", chat, options=Options(include_metadata=False))
    assert not any(each in bare for each in (b"openai", b"gpt", b"192.0.2.1"))
    full = written("txt", chat, options=Options(include_ip_addresses=True))
    assert b"AI (openai, gpt, 192.0.2.1)\n" in full


def test_a_conversation_of_which_nothing_is_known() -> None:
    data = written("txt", conversation([message(0)])).decode()
    assert data.splitlines()[1] == "conv-1"
    assert data.endswith("\n2024-01-15T10:30:00Z  Guest\n    text 0\n")


@given(chat=conversations)
def test_nobody_can_fake_a_line(chat: Conversation) -> None:
    """Whatever a message, a name or a title holds, it starts no message of its own."""
    lines = written("txt", chat, options=Options(include_ip_addresses=True)).decode().split("\n")
    starts = [line for line in lines if re.match(r"\d{4}-\d\d-\d\dT", line)]
    assert len(starts) == len(list(chat.messages))
    head = lines[: lines.index("")]
    assert all(
        re.match(r"(=|Conversation:|Status:|Guest:|App:|Source:|Model:)", line) for line in head[2:]
    )
    body = lines[lines.index("") :]
    assert all(not line or line.startswith("    ") or line in starts for line in body)


@pytest.mark.parametrize("text", NASTY)
def test_a_terminal_obeys_nothing(text: str) -> None:
    data = written("txt", conversation([message(0, content=text, user_id=text)])).decode()
    controls = {each for each in data if unicodedata.category(each) == "Cc"}
    assert controls <= {"\n", "\t"}


def test_a_blank_name_names_nobody() -> None:
    blank = {"title": " \n", "user_id": "\u00a0", "user_name": " ", "app_id": "\t"}
    data = written("txt", conversation([message(0, user_id=" ")], blank)).decode()
    assert data.splitlines()[1:4] == ["conv-1", "=" * 72, "Conversation: conv-1"]
    assert data.endswith("\n\n2024-01-15T10:30:00Z  Guest\n    text 0\n")


def test_nothing_is_an_empty_file() -> None:
    assert written("txt") == b""
