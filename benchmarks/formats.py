"""How fast the formats are written, and what that is worth.

    PYTHONPATH=layers/chatledger .venv/bin/python benchmarks/formats.py [--messages 50000]

Writes real conversations (chitchat-dataset) in every format, compressed and not, beside a floor,
below which no format can be that encodes and compresses each message (msgspec and isal), and
beside the usual way (json, csv.DictWriter, zlib). All take turns in one run, the best of their
rounds counts, and what carries over to another machine are the ratios.
"""

import argparse
import csv
import gzip
import io
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, cast

import chitchat_dataset
import msgspec
from isal import igzip

from chatledger.formats import FORMATS, Options, assembler_for, writer_for
from chatledger.formats.compression import COMPRESSIONS, compressor_for
from chatledger.formats.rows import columns
from chatledger.formats.writer import Conversation, Totals
from chatledger.ledger.heads import Head
from chatledger.messages import Message, encode_line
from chatledger.timestamps import day_of, format_time, utc_now

ROUNDS = 3
OPTIONS = Options()
USUAL = {"json": "usual json", "jsonl": "usual json", "csv": "usual csv"}


@dataclass(slots=True)
class Result:
    """The best round of a way to write: seconds, and the bytes it wrote."""

    seconds: float = float("inf")
    size: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast the formats are written.")
    parser.add_argument("--messages", type=int, default=50_000, help="about how many to write")
    wanted = parser.parse_args().messages
    chats = list(conversations(wanted))
    count = sum(len(list(chat.messages)) for chat in chats)
    print(f"{count:,} messages of {len(chats):,} conversations, best of {ROUNDS} rounds\n")
    results = measured(ways(chats))
    print(f"{'':<16}{'rows/s':>12}{'bytes/row':>11}{'of the floor':>14}{'the usual':>12}")
    for name, result in results.items():
        print(line(name, result, results, count))


def line(name: str, result: Result, results: dict[str, Result], count: int) -> str:
    floor = results["floor gzip"].seconds / result.seconds
    format_name, _, compression = name.partition(" ")
    usual = results.get(f"{USUAL.get(format_name)} {compression}")
    times = f"{usual.seconds / result.seconds:>10.1f} x" if usual else ""
    rate, size = count / result.seconds, result.size / count
    return f"{name:<16}{rate:>12,.0f}{size:>11.0f}{floor:>14.2f}{times}"


def measured(ways: dict[str, Callable[[], int]]) -> dict[str, Result]:
    """Every way in turn, again and again, so that a busy moment hurts none of them alone."""
    results = {name: Result() for name in ways}
    for done in range(ROUNDS):
        for name, way in ways.items():
            sys.stderr.write(f"\r\033[Kround {done + 1} of {ROUNDS}: {name}")
            started = time.perf_counter()
            size = way()
            seconds = time.perf_counter() - started
            results[name] = min(results[name], Result(seconds, size), key=lambda each: each.seconds)
    sys.stderr.write("\r\033[K")
    return results


def ways(chats: list[Conversation]) -> dict[str, Callable[[], int]]:
    """What is measured, by name; each answers how many bytes it wrote."""
    found: dict[str, Callable[[], int]] = {"floor gzip": lambda: floor(chats)}
    for name in FORMATS:
        for compression in _compressions(name):
            found[f"{name} {compression}"] = lambda n=name, c=compression: ours(chats, n, c)
    for name in ("xlsx", "parquet"):
        found[f"{name} file"] = lambda n=name: assembled(chats, n)
    for name, way in (("usual json", usual_json), ("usual csv", usual_csv)):
        found[f"{name} none"] = lambda way=way: len(way(chats))
        found[f"{name} gzip"] = lambda way=way: len(gzip.compress(way(chats), 6))
    return found


def _compressions(name: str) -> Iterable[str]:
    """Of an archive and of an assembled file's chunks it is always gzip."""
    return ("gzip",) if FORMATS[name].is_compressed else COMPRESSIONS


def floor(chats: list[Conversation]) -> int:
    """The lines of each conversation, encoded and compressed, and nothing else."""
    return sum(
        len(igzip.compress(b"".join(map(encode_line, chat.messages)), 2, mtime=0)) for chat in chats
    )


def ours(chats: list[Conversation], name: str, compression: str) -> int:
    writer, compressor = writer_for(name, OPTIONS), compressor_for(compression)
    size = len(compressor.compress(writer.preamble))
    for place, chat in enumerate(chats):
        size += len(compressor.compress(writer.separator)) if place else 0
        size += sum(len(compressor.compress(piece)) for piece in writer.conversation(chat))
    postamble = writer.postamble(Totals(len(chats), writer.records, utc_now()))
    return size + len(compressor.compress(postamble)) + len(compressor.finish())


def assembled(chats: list[Conversation], name: str) -> int:
    """The rows and the file made of them, in one go."""
    out = list[int]()
    writer = writer_for(name, OPTIONS)
    assembler = assembler_for(name, OPTIONS, lambda data: out.append(len(data)))
    for chat in chats:
        for piece in writer.conversation(chat):
            assembler.add(piece)
    assembler.end()
    return sum(out)


def usual_json(chats: list[Conversation]) -> bytes:
    """A list of dicts and ``json.dumps``."""
    return json.dumps([usual_object(chat) for chat in chats]).encode()


def usual_csv(chats: list[Conversation]) -> bytes:
    """A dict per message and ``csv.DictWriter``."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns(OPTIONS))
    writer.writeheader()
    for chat in chats:
        about = {"conversation_id": chat.head.conversation_id, **usual_about(chat.head)}
        for number, message in enumerate(chat.messages, 1):
            writer.writerow({**about, **usual_message(message), "sequence_number": number})
    return text.getvalue().encode()


def usual_object(chat: Conversation) -> dict[str, Any]:
    said = [
        {**usual_message(message), "sequence_number": number}
        for number, message in enumerate(chat.messages, 1)
    ]
    return {
        "conversation_id": chat.head.conversation_id,
        "created_at": said[0]["timestamp"],
        **usual_about(chat.head),
        "messages": said,
        "conversation_metrics": {"total_messages": len(said)},
    }


def usual_about(head: Head) -> dict[str, Any]:
    return {"conversation_title": head.about["title"], "status": head.about["status"]}


def usual_message(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.id,
        "timestamp": format_time(message.timestamp),
        "sender_type": "guest" if message.role == "user" else "ai",
        "message": message.content,
        "user_id": message.user_id,
        "ai_service": message.ai_service,
        "ai_model": message.model,
    }


def conversations(wanted: int) -> Iterator[Conversation]:
    """About so many messages of real chats; those of the second sender become an AI's."""
    dataset = cast("dict[str, dict[str, Any]]", chitchat_dataset.Dataset())
    for identifier, chat in dataset.items():
        messages = list(islice(messages_of(identifier, chat), wanted))
        if not messages:
            continue
        first, last = day_of(messages[0].timestamp), day_of(messages[-1].timestamp)
        about = {"title": f"Chat {identifier[:8]}", "status": "active", "user_id": "guest"}
        yield Conversation(Head(identifier, first, last, about), messages)
        wanted -= len(messages)
        if wanted <= 0:
            return


def messages_of(identifier: str, chat: dict[str, Any]) -> Iterator[Message]:
    said = [each for turn in chat["messages"] for each in turn]
    guest = said[0]["sender"] if said else None
    for number, each in enumerate(said):
        is_guest = each["sender"] == guest
        yield Message(
            id=f"{identifier}-{number}",
            conversation_id=identifier,
            timestamp=msgspec.convert(each["timestamp"], datetime),
            role="user" if is_guest else "assistant",
            content=each["text"],
            user_id="guest" if is_guest else None,
            ai_service=None if is_guest else "mistral",
            model=None if is_guest else "mistral-large-latest",
        )


if __name__ == "__main__":
    main()
