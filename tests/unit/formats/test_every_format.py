"""What breaks formats, through each of them and back: the texts of a conversation, in its order."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from chatledger.formats import FORMATS, Options, assembler_for
from chatledger.formats.archive import read_archive
from chatledger.messages import Message
from tests.unit.formats.samples import NASTY, conversation, message, written

# They pair or end with answers, and have no message without text.
FOR_TRAINING = ("ml", "openai", "sharegpt", "alpaca", "anythingllm")
PYARROW: Any = import_module("pyarrow.parquet")  # it does not say its types
Read = Callable[[bytes], Iterator[str]]


def objects(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def rows(read: list[list[Any]]) -> Iterator[str]:
    header, *rest = read
    place = header.index("message")
    return (row[place].removeprefix("'") for row in rest)


def by_json(data: bytes) -> Iterator[str]:
    return (said["message"] for chat in json.loads(data) for said in chat["messages"])


def by_jsonl(data: bytes) -> Iterator[str]:
    return (said["message"] for chat in objects(data) for said in chat["messages"])


def by_csv(data: bytes) -> Iterator[str]:
    return rows(list(csv.reader(io.StringIO(data.decode(), newline=""))))


def by_xlsx(data: bytes) -> Iterator[str]:
    out = list[bytes]()
    assembler = assembler_for("xlsx", Options(), out.append)
    assembler.add(data)
    assembler.end()
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(out)))
    return rows(book.get_sheet_by_index(0).to_python())


def by_parquet(data: bytes) -> Iterator[str]:
    out = list[bytes]()
    assembler = assembler_for("parquet", Options(), out.append)
    assembler.add(data)
    assembler.end()
    return iter(PYARROW.read_table(io.BytesIO(b"".join(out)))["message"].to_pylist())


def by_archive(data: bytes) -> Iterator[str]:
    records = read_archive(io.BytesIO(gzip.compress(data)))
    return (record.content for record in records if isinstance(record, Message))


def by_ml(data: bytes) -> Iterator[str]:
    return (
        pair[name] for pair in json.loads(data)["training_data"] for name in ("input", "output")
    )


def by_openai(data: bytes) -> Iterator[str]:
    return (said["content"] for chat in objects(data) for said in chat["messages"])


def by_sharegpt(data: bytes) -> Iterator[str]:
    return (said["value"] for chat in objects(data) for said in chat["conversations"])


def by_alpaca(data: bytes) -> Iterator[str]:
    return (pair[name] for pair in objects(data) for name in ("instruction", "output"))


def by_uiuc(data: bytes) -> Iterator[str]:
    return (said["content"] for row in objects(data) for said in row["convo"]["messages"])


def by_anythingllm(data: bytes) -> Iterator[str]:
    return (chat[name] for chat in json.loads(data) for name in ("prompt", "response"))


def by_conversation_logs(data: bytes) -> Iterator[str]:
    """Each turn has both sides; one that nobody said is empty."""
    turns = [turn for chat in json.loads(data)["conversations"] for turn in chat["messages"]]
    for turn in turns:
        are_both = "answer_id" in turn
        if are_both or turn["query"] or not turn["answer"]:
            yield turn["query"]
        if are_both or turn["answer"]:
            yield turn["answer"]


READERS: dict[str, Read] = {
    "json": by_json,
    "jsonl": by_jsonl,
    "csv": by_csv,
    "xlsx": by_xlsx,
    "parquet": by_parquet,
    "archive": by_archive,
    "ml": by_ml,
    "openai": by_openai,
    "sharegpt": by_sharegpt,
    "alpaca": by_alpaca,
    "uiuc": by_uiuc,
    "anythingllm": by_anythingllm,
    "conversation_logs": by_conversation_logs,
}
# A transcript is for people; test_txt_format.py says what they see.
UNREADABLE = {"txt"}
EVERY_READER = pytest.mark.parametrize(("name", "read"), READERS.items(), ids=READERS)


def test_every_format_is_here():
    assert READERS.keys() == FORMATS.keys() - UNREADABLE


@EVERY_READER
def test_what_breaks_formats_comes_back(name: str, read: Read):
    """Each text is said by the user and repeated by the assistant."""
    texts = [text for text in NASTY for _ in ("user", "assistant")]
    chat = conversation([message(number, content=text) for number, text in enumerate(texts)])
    expected = [text for text in texts if text or name not in FOR_TRAINING]
    assert list(read(written(name, chat))) == expected


@EVERY_READER
def test_a_conversation_without_answers_breaks_nothing(name: str, read: Read):
    """Trainers are not given it: there is nothing to learn from it, and some refuse the file."""
    asked = conversation([message(0, role="user"), message(1, role="user")], {}, "asked")
    answered = conversation([message(2), message(3)], {}, "answered")
    data = written(name, asked, answered, asked)
    unanswered = [] if name in FOR_TRAINING else ["text 0", "text 1"]
    assert list(read(data)) == [*unanswered, "text 2", "text 3", *unanswered]
