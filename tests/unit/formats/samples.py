"""Conversations to write: a small one by hand, and any that hypothesis can think of."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from chatledger.formats import Options, writer_for
from chatledger.formats.writer import Conversation, Totals
from chatledger.ledger.heads import Head
from chatledger.messages import Message

START = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
ASKED_AT = datetime(2024, 1, 15, 12, tzinfo=UTC)
# Where formats break: quotes, line ends of all kinds, right to left, controls, formulas.
NASTY = (
    "",
    "plain",
    'say "hi", twice ""',
    "two\r\nlines\rand\nmore",
    "שלום مرحبا \u202eright\u202c to left",
    "👩‍👩‍👧‍👦 🇺🇳 e\u0301",
    "\u2028line\u2029paragraph\x85next\x0bvertical\x0cform",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "'quoted",
    "''",
    "\ttab",
    "\rreturn",
    "\x00NUL\x01\x1b[31m\x7f\x9b",
    "\ufeffmark",
    " space ",
    "\\ \\n \\",
    "a,b;c\td",
)

texts = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=["Cs"])))
_ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
_numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False)
)
_json = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
_objects = st.dictionaries(texts, _json, max_size=3)
_models = st.one_of(texts, st.fixed_dictionaries({"id": texts}, optional={"name": texts}))
_times = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))
_counts = st.integers(0, 2**40)


def _optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


messages = st.builds(
    Message,
    id=_ids,
    conversation_id=st.just("conv-1"),
    timestamp=_times,
    role=st.sampled_from(["user", "assistant", "system", "tool"]),
    content=texts,
    user_id=_optional(_ids),
    ai_service=_optional(texts),
    model=_optional(_models),
    reply_to=_optional(_ids),
    message_tokens=_optional(_counts),
    answer_tokens=_optional(_counts),
    provider_response_latency=_optional(_numbers),
    feedback=_json,
    ip_address=_optional(texts),
    contexts=_optional(st.lists(_json, max_size=3)),
    metadata=_optional(_objects),
)
abouts = st.fixed_dictionaries(
    {"status": st.sampled_from(["active", "archived"])},
    optional={
        "title": texts,
        "app_id": _ids,
        "user_id": _ids,
        "user_email": texts,
        "user_name": texts,
        "from_source": texts,
        "folder_id": _ids,
        "model": _models,
        "prompt": texts,
        "temperature": _numbers,
        "metadata": _objects,
    },
)
conversations = st.builds(
    lambda about, said: conversation(sorted(said, key=lambda each: each.timestamp), about),
    abouts,
    st.lists(messages, min_size=1, max_size=4),
)


def conversation(
    messages: list[Message], about: dict[str, Any] | None = None, conversation_id: str = "conv-1"
) -> Conversation:
    head = Head(conversation_id, "2024-01-15", "2024-01-16", about or {})
    return Conversation(head, messages)


def message(number: int = 0, **fields: Any) -> Message:
    """The ``number``-th message: a minute after the one before it, guest and AI by turns."""
    return Message(
        **{
            "id": f"m{number}",
            "conversation_id": "conv-1",
            "timestamp": START + timedelta(minutes=number),
            "role": ("user", "assistant")[number % 2],
            "content": f"text {number}",
            **fields,
        }
    )


def written(name: str, *conversations: Conversation, options: Options | None = None) -> bytes:
    """The file of these conversations, as it is before it is compressed."""
    writer = writer_for(name, options or Options())
    bodies = list(filter(None, (b"".join(writer.conversation(each)) for each in conversations)))
    totals = Totals(len(bodies), writer.records, ASKED_AT)
    return writer.preamble + writer.separator.join(bodies) + writer.postamble(totals)


class Many:
    """``count`` messages that exist only while they are read; counts how often they were."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.passes = 0

    def __iter__(self) -> Iterator[Message]:
        self.passes += 1
        roles, minute, text = ("user", "assistant"), timedelta(minutes=1), "word, " * 60
        return (
            Message(f"m{number}", "conv-1", START + number * minute, roles[number % 2], text)
            for number in range(self.count)
        )
