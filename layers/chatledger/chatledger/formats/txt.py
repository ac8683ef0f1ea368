"""A transcript to read: who said what, and when.

What was said is indented and a name stands behind its role, so that nobody can pass for another;
control characters are shown instead of sent: a terminal that prints the file obeys none of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chatledger.formats.writer import Conversation, Options, Unframed, Writer, gathered
from chatledger.messages import Message
from chatledger.timestamps import format_time

_RULE = "=" * 72
_INDENT = "    "
_ROLES = {"user": "Guest", "assistant": "AI", "system": "System", "tool": "Tool"}
# C0 as their pictures (␀ … ␟, ␡), C1, which have none, as the replacement character.
_VISIBLE = (
    {code: 0x2400 + code for code in range(0x20) if code != 0x09}
    | {0x7F: 0x2421}
    | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
)


@dataclass(frozen=True, slots=True)
class Transcript(Unframed):
    options: Options
    separator: bytes = b"\n\n"

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        return gathered(text.encode() for text in self._texts(conversation))

    def _texts(self, conversation: Conversation) -> Iterator[str]:
        about = conversation.head.about
        title = _line(about.get("title")) or _line(conversation.head.conversation_id)
        yield f"{_RULE}\n{title}\n{_RULE}\n"
        yield from self._facts(conversation.head.conversation_id, about)
        for message in conversation.messages:
            yield f"\n{self._first_line(message, about)}\n{_indented(message.content)}"

    def _facts(self, conversation_id: str, about: dict[str, Any]) -> Iterator[str]:
        facts = {
            "Conversation": conversation_id,
            "Status": about.get("status"),
            "Guest": _guest(about),
            "App": about.get("app_id"),
            "Source": about.get("from_source"),
            "Model": _model(about.get("model")) if self.options.include_metadata else None,
        }
        for name, value in facts.items():
            if line := _line(value):
                yield f"{name + ':':<14}{line}\n"

    def _first_line(self, message: Message, about: dict[str, Any]) -> str:
        known = [_name(message, about)]
        if self.options.include_metadata:
            known += [message.ai_service, _model(message.model)]
        if self.options.include_ip_addresses:
            known.append(message.ip_address)
        role = _ROLES.get(message.role, message.role)
        who = ", ".join(filter(None, map(_line, known)))
        return f"{format_time(message.timestamp)}  {role} ({who})".removesuffix(" ()")


def writer(options: Options) -> Writer:
    return Transcript(options)


def _name(message: Message, about: dict[str, Any]) -> str | None:
    """The conversation's guest by their name, anybody else by their id."""
    guest: str | None = about.get("user_id")
    is_guest = message.role == "user" and message.user_id in (None, guest)
    return (about.get("user_name") or guest) if is_guest else message.user_id


def _guest(about: dict[str, Any]) -> str:
    email = about.get("user_email")
    known = (about.get("user_name"), f"<{email}>" if email else None, about.get("user_id"))
    return " ".join(each for each in known if each)


def _model(model: str | dict[str, Any] | None) -> str | None:
    if isinstance(model, dict):
        return str(model.get("name") or model.get("id") or "") or None
    return model


def _line(text: str | None) -> str:
    """On one line, whatever it holds; empty where it says nothing."""
    return _visible(" ".join(text.split())) if text else ""


def _indented(text: str) -> str:
    """Each line of it indented; an empty text has none."""
    lines = [f"{_INDENT}{_visible(line)}".rstrip() for line in text.splitlines()]
    return "".join([f"{line}\n" for line in lines])


def _visible(text: str) -> str:
    # Asked first: beyond ASCII, translating takes twenty times as long as asking.
    return text if text.isprintable() else text.translate(_VISIBLE)
