"""docs/formats.md shows what is written, whatever line breaks it has been given to read."""

import json
from pathlib import Path
from typing import Any

import pytest

from chatledger.formats import FORMATS
from chatledger.formats.writer import Conversation
from chatledger.ledger.heads import Head
from chatledger.models.exports import ALIASES
from tests.unit.formats.samples import message, written

PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text()
# Heading → all below it.
SECTIONS = {each.split("\n")[0]: each for each in PAGE.split("\n## ")[1:]}
CONTEXTS = [{"text": "We build web shops.", "url": "https://example.com/offer"}]
ABOUT = {
    "title": "Web development",
    "status": "active",
    "user_id": "guest_1",
    "user_name": "Jo",
    "user_email": "jo@example.com",
    "app_id": "support",
    "prompt": "Be kind.",
}


def documented() -> Conversation:
    model: dict[str, Any] = {"ai_service": "mistral", "model": "mistral-large-latest"}
    texts = ("Hello, I need help with web development.", "I'd be happy to help!")
    answer: dict[str, Any] = {"reply_to": "m1", "contexts": CONTEXTS, "feedback": "like", **model}
    said = [
        message(0, id="m1", conversation_id="chat_1", content=texts[0], user_id="guest_1"),
        message(1, id="m2", conversation_id="chat_1", content=texts[1], **answer),
    ]
    return Conversation(Head("chat_1", "2024-01-15", "2024-01-15", ABOUT), said)


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {"json", "xlsx", "parquet"}))
def test_the_page_shows_what_is_written(name: str):
    found = written(name, documented()).decode()
    shown = SECTIONS[name].split("```")[1].partition("\n")[2]
    if name in ("csv", "txt", "archive"):
        assert found.splitlines() == shown.splitlines()
    else:
        assert json.loads(found) == json.loads(shown)


def test_the_page_names_every_format():
    assert FORMATS.keys() <= SECTIONS.keys()
    assert all(f"(`{alias}`)" in PAGE for alias, name in ALIASES.items() if name == "ml")
