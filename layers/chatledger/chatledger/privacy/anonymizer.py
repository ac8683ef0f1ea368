"""A conversation without its people, for the writer of any format but the archive.

``MESSAGE`` and ``CONVERSATION`` say of every field what becomes of it; a test compares them with
what callers can send. A field that is not named there is redacted as free text.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Literal

import msgspec

from chatledger.formats.writer import Conversation
from chatledger.ledger.heads import Head
from chatledger.messages import Message
from chatledger.privacy.known import KnownPeople
from chatledger.privacy.pseudonyms import Pseudonyms
from chatledger.privacy.redaction import redact

# kept: says nothing of a person. text: redacted, at any depth. identifier: kept, for threads are
# joined by it, unless it tells of a person itself: then a pseudonym. service: redacted by shape
# alone, for a guest may be called as a model is. The rest: a pseudonym, always.
Treatment = Literal[
    "kept", "text", "identifier", "service", "user_id", "name", "email", "ip_address"
]

MESSAGE: dict[str, Treatment] = {
    "id": "identifier",
    "conversation_id": "identifier",
    "timestamp": "kept",
    "role": "kept",
    "content": "text",
    "user_id": "user_id",
    "ai_service": "service",
    "model": "service",
    "reply_to": "identifier",
    "message_tokens": "kept",
    "answer_tokens": "kept",
    "provider_response_latency": "kept",
    "feedback": "text",
    "ip_address": "ip_address",
    "contexts": "text",
    "metadata": "text",
}
CONVERSATION: dict[str, Treatment] = {
    "conversation_id": "identifier",
    "user_id": "user_id",
    "app_id": "identifier",
    "title": "text",
    "status": "kept",
    "from_source": "text",
    "user_email": "email",
    "user_name": "name",
    "folder_id": "identifier",
    "model": "service",
    "prompt": "text",
    "temperature": "kept",
    "metadata": "text",
}


@dataclass
class Anonymizer:
    """``counts``: what was redacted of heads and messages, each once, however often it was read.

    A message counts once a writer has read it, whether or not its format has a place for it.
    """

    pseudonyms: Pseudonyms
    counts: Counter[str] = field(default_factory=Counter[str])

    def conversation(self, conversation: Conversation) -> Conversation:
        """The same conversation, to be read as the given one is; holds one message at a time."""
        head = conversation.head
        user: str | None = head.about.get("user_id")
        users = head.users | {user} if user else head.users
        people = KnownPeople(head.about.get("user_name"), users)
        fields = _Fields(self.pseudonyms, people, self.counts)
        silent = _Fields(self.pseudonyms, people, Counter(), fields.identifiers)
        messages = _Messages(conversation.messages, fields, silent)
        return Conversation(_head(head, fields), messages)


def _head(head: Head, fields: "_Fields") -> Head:
    about = {
        name: fields.treated(CONVERSATION.get(name, "text"), value)
        for name, value in head.about.items()
    }
    return replace(
        head,
        conversation_id=fields.treated("identifier", head.conversation_id),
        about=about,
        users=frozenset(fields.treated("user_id", each) for each in head.users),
        apps=frozenset(fields.treated("identifier", each) for each in head.apps),
    )


@dataclass
class _Messages:
    """``read``: how many were read so far, by whichever reading came furthest."""

    messages: Iterable[Message]
    counting: "_Fields"
    silent: "_Fields"
    read: int = 0

    def __iter__(self) -> Iterator[Message]:
        for number, message in enumerate(self.messages, 1):
            fields = self.counting if number > self.read else self.silent
            self.read = max(self.read, number)
            yield _message(message, fields)


_TREATED: list[tuple[str, Treatment]] = [
    (name, how) for name, how in MESSAGE.items() if how != "kept"
]
_values = attrgetter(*(name for name, _ in _TREATED))


def _message(message: Message, fields: "_Fields") -> Message:
    changed: dict[str, Any] = {}
    for (name, how), value in zip(_TREATED, _values(message), strict=True):
        if value is not None:
            changed[name] = fields.treated(how, value)
    return msgspec.structs.replace(message, **changed)


@dataclass(frozen=True)
class _Fields:
    pseudonyms: Pseudonyms
    people: KnownPeople
    counts: Counter[str]
    identifiers: dict[str, str] = field(default_factory=dict[str, str])
    services: set[str] = field(default_factory=set[str])  # that tell of nobody

    def treated(self, how: Treatment, value: Any) -> Any:
        if how == "text":
            return self._text(value) if isinstance(value, str) else self._nested(value)
        if how == "kept" or value is None:
            return value
        if how == "identifier":
            return self._identifier(value)
        if how == "service":
            return self._service(value)
        made: Callable[[str], str] = getattr(self.pseudonyms, how)
        return made(value)

    def _identifier(self, value: str) -> str:
        """Remembers the latest few, for the same ones stand in message after message."""
        if (known := self.identifiers.get(value)) is not None:
            return known
        told = redact(value, _UNCOUNTED) != value or self.people.redact(value, _UNCOUNTED) != value
        if len(self.identifiers) >= _REMEMBERED:
            self.identifiers.clear()
        made = self.pseudonyms.identifier(value) if told else value
        self.identifiers[value] = made
        return made

    def _service(self, value: str | dict[str, str]) -> str | dict[str, str]:
        """Of a service or a model, which may be ``{id, name}``; remembers those it leaves alone."""
        if isinstance(value, dict):
            return {key: str(self._service(part)) for key, part in value.items()}
        if value in self.services:
            return value
        made = redact(value, self.counts)
        if made == value:
            if len(self.services) >= _REMEMBERED:
                self.services.clear()
            self.services.add(value)
        return made

    def _text(self, text: str) -> str:
        return self.people.redact(redact(text, self.counts), self.counts)

    def _nested(self, value: Any, key: str = "") -> Any:
        """At most 64 levels deep, as it was let in. A number may be that of a card."""
        if isinstance(value, str):
            return self._named(value, key) or self._text(value)
        if isinstance(value, dict):
            return self._items(value)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(value, list):
            return [self._nested(each, key) for each in value]  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, int) and not isinstance(value, bool):
            written = str(value)
            named = self._named(written, key) if _kind(key) in _NUMBERED else None
            redacted = named or self._text(written)
            return value if redacted == written else redacted
        return value

    def _items(self, items: dict[str, Any]) -> dict[str, Any]:
        """Keys that are alike once redacted get a number: ``[EMAIL]``, ``[EMAIL] 2``."""
        made: dict[str, Any] = {}
        alike = Counter[str]()
        for key, value in items.items():
            redacted = name = self._text(key)
            while name in made or (name != key and name in items):
                alike[redacted] += 1
                name = f"{redacted} {alike[redacted] + 1}"
            made[name] = self._nested(value, key)
        return made

    def _named(self, value: str, key: str) -> str | None:
        """By what its key says it is: a label, or a pseudonym, the same as elsewhere.

        None where the key says nothing, or something else than the value does.
        """
        how = _kind(key)
        if how is None or not value or (how == "phone" and not _is_number(value)):
            return None
        if label := _LABEL_OF.get(how):
            self.counts[label] += 1
            return f"[{label.upper()}]"
        self.counts[how] += 1
        return self.treated(_PSEUDONYM_OF[how], value)


def _kind(key: str) -> str | None:
    return _BY_KEY.get(key.lower().replace("_", "").replace("-", "")) if key else None


def _is_number(value: str) -> bool:
    """``mobile`` may also say of a device that it is one."""
    return sum(map(str.isdecimal, value)) >= _MIN_PHONE


_REMEMBERED = 1_000
_MIN_PHONE = 5
# What may be a number; one beside ``mail`` or ``token`` may be how many there are.
_NUMBERED = ("user", "ip", "password", "phone", "address")
_UNCOUNTED = Counter[str]()  # a few kinds, which nobody reads
_PSEUDONYM_OF: dict[str, Treatment] = {
    "name": "name",
    "email": "email",
    "ip": "ip_address",
    "user": "user_id",
}
_LABEL_OF = {"password": "secret", "secret": "secret", "phone": "phone", "address": "address"}
_BY_KEY = {
    **dict.fromkeys(("username", "fullname", "firstname", "lastname", "displayname"), "name"),
    **dict.fromkeys(("email", "useremail", "mail", "emailaddress"), "email"),
    **dict.fromkeys(("ip", "ipaddress", "clientip", "remoteaddr"), "ip"),
    **dict.fromkeys(("userid", "guestid", "customerid"), "user"),
    **dict.fromkeys(
        ("password", "passwd", "pwd", "passwort", "passphrase", "contraseña", "motdepasse"),
        "password",
    ),
    **dict.fromkeys(
        ("secret", "clientsecret", "signature", "sig", "auth", "authorization"), "secret"
    ),
    **dict.fromkeys(("token", "accesstoken", "refreshtoken", "idtoken", "authtoken"), "secret"),
    **dict.fromkeys(("apikey", "xapikey", "privatekey", "secretkey", "accesskey"), "secret"),
    **dict.fromkeys(("xamzsignature", "xamzcredential", "xamzsecuritytoken"), "secret"),
    **dict.fromkeys(("phone", "phonenumber", "telephone", "tel", "fax", "whatsapp"), "phone"),
    **dict.fromkeys(("mobile", "mobilephone", "mobilenumber", "cell", "cellphone"), "phone"),
    **dict.fromkeys(("address", "homeaddress", "postaladdress", "streetaddress"), "address"),
    **dict.fromkeys(("addressline1", "addressline2", "street"), "address"),
    **dict.fromkeys(("zip", "zipcode", "postcode", "postalcode"), "address"),
}
