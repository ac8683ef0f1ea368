"""A transcript to read: who said what, and when.

What was said is indented, so that no message can pass for another's first line, and control
characters are shown instead of sent: a terminal that prints the file obeys none of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chatledger.formats.writer import Conversation, Options, Writer, gathered
from chatledger.messages import Message
from chatledger.timestamps import format_time

_RULE = "=" * 72
_INDENT = "    "
_NAMES = {"assistant": "AI", "system": "System", "tool": "Tool"}
# C0 as their pictures (␀ … ␟, ␡), C1, which have none, as the replacement character.
_VISIBLE = (
    {code: 0x2400 + code for code in range(0x20) if code != 0x09}
    | {0x7F: 0x2421}
    | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
)


@dataclass(frozen=True, slots=True)
class Transcript:
    options: Options
    preamble: bytes = b""
    separator: bytes = b"\n\n"
    postamble: bytes = b""

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        return gathered(text.encode() for text in self._texts(conversation))

    def _texts(self, conversation: Conversation) -> Iterator[str]:
        about = conversation.head.about
        title = _line(about.get("title") or conversation.head.conversation_id)
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
            if value:
                yield f"{name + ':':<14}{_line(value)}\n"

    def _first_line(self, message: Message, about: dict[str, Any]) -> str:
        said: list[str | None] = [_speaker(message, about)]
        if self.options.include_metadata:
            said += [message.ai_service, _model(message.model)]
        if self.options.include_ip_addresses:
            said.append(message.ip_address)
        who = ", ".join(_line(each) for each in said if each)
        return f"{format_time(message.timestamp)}  {who}"


def writer(options: Options) -> Writer:
    return Transcript(options)


def _speaker(message: Message, about: dict[str, Any]) -> str:
    """The guest under their name, anybody else under their id."""
    if message.role != "user":
        return _NAMES.get(message.role, message.role)
    guest = about.get("user_id")
    if message.user_id and message.user_id != guest:
        return message.user_id
    return about.get("user_name") or guest or "Guest"


def _guest(about: dict[str, Any]) -> str:
    email = about.get("user_email")
    known = (about.get("user_name"), f"<{email}>" if email else None, about.get("user_id"))
    return " ".join(each for each in known if each)


def _model(model: str | dict[str, Any] | None) -> str | None:
    if isinstance(model, dict):
        return str(model.get("name") or model.get("id") or "") or None
    return model


def _line(text: str) -> str:
    """On one line, whatever it holds."""
    return _visible(" ".join(text.split()))


def _indented(text: str) -> str:
    """Each line of it indented; an empty text has none."""
    lines = [f"{_INDENT}{_visible(line)}".rstrip() for line in text.splitlines()]
    return "".join([f"{line}\n" for line in lines])


def _visible(text: str) -> str:
    # Asked first: translating text beyond ASCII takes twenty times as long as finding nothing to do.
    return text if text.isprintable() else text.translate(_VISIBLE)
