"""What anonymizing an export costs: the same one as it is and anonymized, in turns of one run.

    PYTHONPATH=layers/chatledger .venv/bin/python -m benchmarks.anonymize

From canned answers of Query, as ``read_path`` has them, to a compressed file. Each conversation has
a user with a name and an id. The texts are those of chitchat-dataset: once its short messages, and
once a dozen of them in one, as long as an AI's answers are, each fourth with numbers and dates and
each tenth with an e-mail address and a telephone number.
"""

import sys
import uuid
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby, islice

import msgspec
from rich.console import Console
from rich.table import Table as Sheet

from benchmarks.read_path import Variant, as_entries, best, canned, entries, messages
from chatledger.formats import writer_for
from chatledger.formats.compression import compressor_for
from chatledger.formats.writer import Conversation, Options
from chatledger.ledger.entries import Entry
from chatledger.ledger.heads import Head
from chatledger.ledger.standing import standing
from chatledger.messages import Message
from chatledger.privacy.anonymizer import Anonymizer
from chatledger.privacy.pseudonyms import Pseudonyms, export_key

FORMATS = ("csv", "jsonl")
JOINED = 12
NUMBERS = "In 2024, at 12:30:45:\n1. version 3.11.7 - 1,299.00 EUR\n2. order 1234567\n"
PERSONAL = "Write to jo.doe@mail.example or call +1 212 555 0143. "


def short() -> Iterator[Message]:
    for number, message in enumerate(messages()):
        made = uuid.uuid5(uuid.NAMESPACE_OID, str(number))
        yield msgspec.structs.replace(message, id=str(made))


def long() -> Iterator[Message]:
    """Of as many bytes, within conversations."""
    said = short()
    number = 0
    while run := list(islice(said, JOINED)):
        added = (NUMBERS if number % 4 == 0 else "") + (PERSONAL if number % 10 == 0 else "")
        text = added + " ".join(each.content for each in run)
        yield msgspec.structs.replace(run[0], content=text)
        number += 1


def write(name: str, anonymizer: Anonymizer | None, answers: list[bytes]) -> int:
    """Answers how many messages there were."""
    options = Options(anonymize=anonymizer is not None)
    writer, compressor = writer_for(name, options), compressor_for("gzip")
    count = 0
    for conversation_id, run in groupby(entries(answers), _conversation_id):
        found = list(standing(list(run)))
        about = {"user_id": found[0].user_id, "user_name": "Ada Lovelace", "title": "A chat"}
        conversation = Conversation(Head(conversation_id, "", "", about), found)
        if anonymizer:
            conversation = anonymizer.conversation(conversation)
        for piece in writer.conversation(conversation):
            compressor.compress(piece)
        count += len(found)
    compressor.finish()
    return count


def _conversation_id(entry: Entry) -> str:
    return entry.place.conversation_id


def anonymizer() -> Anonymizer:
    return Anonymizer(Pseudonyms(export_key(b"of a benchmark", "exp_1")))


def main() -> int:
    console = Console()
    sheet = Sheet("", "as it is, messages/s", "anonymized", "MB/s of text", "ratio")
    for name, found in (("short", list(short())), ("long", list(long()))):
        size = sum(len(each.content.encode()) for each in found)
        console.print(f"{name}: {len(found):,} messages of {size / len(found):.0f} bytes")
        rates = best(list(variants(found)))
        for each in FORMATS:
            plain, without = rates[each], rates[f"{each} anonymized"]
            text = without * size / len(found) / 1e6
            sheet.add_row(
                f"{name}, {each}", k(plain), k(without), f"{text:.1f}", f"{without / plain:.2f}"
            )
    console.print(sheet)
    return 0


def variants(found: Iterable[Message]) -> Iterator[Variant]:
    answers = canned(as_entries(found))
    for each in FORMATS:
        yield Variant(each, partial(write, each, None), answers)
        yield Variant(f"{each} anonymized", partial(write, each, anonymizer()), answers)


def k(rate: float) -> str:
    return f"{rate / 1000:,.0f} k"


if __name__ == "__main__":
    sys.exit(main())
