"""From DynamoDB's raw answers to a file: our read path against the field's usual one.

    PYTHONPATH=layers/chatledger .venv/bin/python -m benchmarks.read_path

The same messages of chitchat-dataset lie in canned answers of Query: once as the ledger's entries,
once an item a message, as chat logs usually lie in a table. No network, no engine: what is timed
is the client's own work, from the answer's bytes on. Ratios of one run; best of three.
"""

import base64
import gzip
import io
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import boto3
import chitchat_dataset
from boto3.dynamodb.types import TypeDeserializer
from botocore.awsrequest import AWSResponse
from rich.console import Console
from rich.table import Table as Sheet

from chatledger.aws import wire
from chatledger.aws.dynamodb import DynamoTable
from chatledger.aws.table import items
from chatledger.formats import writer_for
from chatledger.formats.compression import compressor_for
from chatledger.formats.writer import Conversation, Options
from chatledger.ledger.entries import Entry, pieces, quarter_hour
from chatledger.ledger.heads import Head
from chatledger.ledger.standing import standing
from chatledger.messages import Message
from chatledger.timestamps import parse_time

PAGE_BYTES = 1_000_000
CONVERSATIONS = 2_000
ROUNDS = 3


def messages() -> Iterator[Message]:
    dataset = cast("dict[str, Any]", chitchat_dataset.Dataset())
    for conversation_id in list(dataset)[:CONVERSATIONS]:
        lines = [each for turn in dataset[conversation_id]["messages"] for each in turn]
        for number, line in enumerate(sorted(lines, key=lambda each: each["timestamp"])):
            yield Message(
                id=f"m{number}",
                conversation_id=conversation_id,
                timestamp=parse_time(line["timestamp"]),
                role="user",
                content=line["text"],
                user_id=line["sender"],
            )


def as_entries(found: Iterable[Message]) -> Iterator[wire.Item]:
    runs: dict[tuple[str, tuple[str, str]], list[Message]] = {}
    for message in found:
        runs.setdefault((message.conversation_id, quarter_hour(message)), []).append(message)
    for slot, ((_, quarter), run) in enumerate(sorted(runs.items()), 1):
        for piece in pieces(quarter, run):
            yield piece.item("default", 0, slot)


def as_rows(found: Iterable[Message]) -> Iterator[wire.Item]:
    for number, message in enumerate(found):
        yield {
            "PK": f"CHAT#{message.conversation_id}",
            "SK": f"{message.timestamp.isoformat()}#{number}",
            "id": message.id,
            "role": message.role,
            "content": message.content,
            "user_id": message.user_id or "",
        }


def canned(found: Iterable[wire.Item]) -> list[bytes]:
    """Query's answers, as DynamoDB sends them: about a megabyte of items each."""
    answers: list[bytes] = []
    page: list[Any] = []
    size = 0
    for item in found:
        page.append(wire.encode_item(item))
        size += sum(len(str(value)) for value in item.values())
        if size > PAGE_BYTES:
            answers.append(_answer(page, last=False))
            page, size = [], 0
    answers.append(_answer(page, last=True))
    return answers


def _answer(page: list[Any], *, last: bool) -> bytes:
    body: dict[str, Any] = {"Items": page, "Count": len(page), "ScannedCount": len(page)}
    if not last:
        body["LastEvaluatedKey"] = {name: page[-1][name] for name in ("PK", "SK")}
    return json.dumps(body, default=lambda data: base64.b64encode(data).decode()).encode()


def session(answers: list[bytes]) -> Any:
    """A boto3 session whose Query answers these, in turn, without a network."""
    made: Any = cast("Any", boto3).Session("x", "x", region_name="us-east-1")
    turn = iter(answers)

    def answer(**_: Any) -> AWSResponse:
        body = next(turn)
        headers = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse("https://canned", 200, cast("Any", headers), cast("Any", _Raw(body)))

    made.events.register("before-send.dynamodb.Query", answer)
    return made


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def usual(answers: list[bytes]) -> int:
    """boto3's client, its deserializer, json, zlib at level 6."""
    client = session(answers).client("dynamodb")
    deserialize = TypeDeserializer().deserialize
    with gzip.open(io.BytesIO(), "wt", compresslevel=6) as file:
        count = 0
        for page in client.get_paginator("query").paginate(
            TableName="t",
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": {"S": "x"}},
        ):
            for item in page["Items"]:
                row = {name: deserialize(value) for name, value in item.items()}
                file.write(json.dumps(row) + "\n")
                count += 1
    return count


def usual_resource(answers: list[bytes]) -> int:
    """boto3's resource, json, zlib at level 6."""
    table = session(answers).resource("dynamodb").Table("t")
    asked: dict[str, Any] = {
        "KeyConditionExpression": "PK = :pk",
        "ExpressionAttributeValues": {":pk": "x"},
    }
    count = 0
    with gzip.open(io.BytesIO(), "wt", compresslevel=6) as file:
        while True:
            answer = table.query(**asked)
            for row in answer["Items"]:
                file.write(json.dumps(row) + "\n")
                count += 1
            if "LastEvaluatedKey" not in answer:
                return count
            asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def entries(answers: list[bytes]) -> Iterator[Entry]:
    table = DynamoTable("t", session(answers).client("dynamodb"))
    return map(Entry.of, items(table, "x"))


def archive(answers: list[bytes]) -> int:
    """The archive: payloads joined as they lie."""
    file, count = io.BytesIO(), 0
    for entry in entries(answers):
        file.write(entry.payload)
        count += entry.messages_count
    return count


def derived(format_name: str) -> Callable[[list[bytes]], int]:
    """A format for people, gzip-compressed as it is written."""

    def write(answers: list[bytes]) -> int:
        writer, compressor = writer_for(format_name, Options()), compressor_for("gzip")
        count = 0
        for entry in entries(answers):
            found = list(standing([entry]))
            head = Head(entry.place.conversation_id, entry.day, entry.day)
            for piece in writer.conversation(Conversation(head, found)):
                compressor.compress(piece)
            count += len(found)
        compressor.finish()
        return count

    return write


@dataclass(frozen=True)
class Variant:
    name: str
    run: Callable[[list[bytes]], int]
    answers: list[bytes]


def best(variants: list[Variant]) -> dict[str, float]:
    """Messages a second, the variants taken in turn so that a busy moment hits them alike."""
    rates: dict[str, float] = {}
    for _ in range(ROUNDS):
        for each in variants:
            started = time.perf_counter()
            count = each.run(each.answers)
            rate = count / (time.perf_counter() - started)
            rates[each.name] = max(rates.get(each.name, 0), rate)
    return rates


def main() -> int:
    found = list(messages())
    rows, ours = canned(as_rows(found)), canned(as_entries(found))
    variants = [
        Variant("resource + json + zlib 6", usual_resource, rows),
        Variant("client + json + zlib 6 (the usual way)", usual, rows),
        Variant("csv, gzip", derived("csv"), ours),
        Variant("jsonl, gzip", derived("jsonl"), ours),
        Variant("archive", archive, ours),
    ]
    rates = best(variants)
    floor = rates["client + json + zlib 6 (the usual way)"]
    sheet = Sheet("to a compressed file", "messages/s", "ratio")
    for name, rate in rates.items():
        sheet.add_row(name, f"{rate / 1000:,.0f} k", f"{rate / floor:.1f}")
    console = Console()
    console.print(f"{len(found):,} messages of {CONVERSATIONS:,} conversations")
    console.print(sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
