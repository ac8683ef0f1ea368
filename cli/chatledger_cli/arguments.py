"""The command's arguments, and the requests they make."""

import argparse
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chatledger_cli.answers import Json
from chatledger_cli.slice import (
    FILTERS,
    range_options,
    slice_again,
    slice_options,
    slice_request,
    without_none,
)

Parser = argparse.ArgumentParser
URL = "http://127.0.0.1:8080"

_ROLES = "reader, writer, admin, owner, operator"
# A value each where conversations are only counted; one conversation has no statistics.
_COUNTED = {option: each for option, each in FILTERS.items() if option != "conversation"}


def parser() -> Parser:
    top = Parser(
        prog="chatledger",
        description="Exports, previews, proofs, restores, keys of a Chatledger, over its HTTP API.",
        epilog="Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. A command that was "
        "interrupted goes on when it is given again.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"chatledger {version('chatledger')}")
    _service(top)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, words, fill in (
        ("export", "download a slice of the ledger, and clear it", _export),
        ("preview", "look at an export before it is made", _preview),
        ("statistics", "count conversations, and how they went", _statistics),
        ("summary", "which log files of conversations there are", _summary),
        ("verify", "prove an exported archive, offline", _verify),
        ("undo", "put back what an export cleared", _undo),
        ("restore", "put an exported archive back", _restore),
        ("keys", "make, list and revoke keys", _keys),
        ("adopt-table", "begin anew after a restored backup, on AWS", _adopt_table),
    ):
        fill(commands.add_parser(name, help=words, allow_abbrev=False))
    return top


def export_request(given: argparse.Namespace) -> Json:
    """The body of ``POST /exports``. What was not given is left to the service."""
    more: Json = {
        "dataset": given.dataset,
        "compression": given.compression,
        "clear_on": given.clear_on,
        "clear": given.clear or bool(given.clear_on) or None,
    }
    return slice_request(given) | without_none(more)


def export_command(given: argparse.Namespace) -> str:
    """What exports the slice that was given to another command; without the key."""
    words = ["chatledger", "export", *slice_again(given), *_service_again(given)]
    return shlex.join([*words, "--output", "DIR"])


def undo_command(given: argparse.Namespace, export_id: str) -> str:
    """What undoes the clear of an export at the place that was given; without the key."""
    return shlex.join(["chatledger", "undo", export_id, *_service_again(given)])


def key_request(given: argparse.Namespace) -> Json:
    """The body of ``POST /keys``."""
    return without_none(
        {
            "role": given.role,
            "name": given.name,
            "organization_id": given.organization,
            "requests_per_minute": given.requests_per_minute,
        }
    )


def statistics_query(given: argparse.Namespace) -> dict[str, str]:
    """The query of ``GET /statistics``."""
    fields = [field for field, _ in _COUNTED.values()]
    query = {field: getattr(given, field) for field in fields}
    return without_none({"start_date": given.start, "end_date": given.end, **query})


def _service_again(given: argparse.Namespace) -> list[str]:
    """The options once more that say which service, and whose ledger there."""
    return [
        word
        for option in ("url", "organization")
        if (value := getattr(given, option))
        for word in (f"--{option}", value)
    ]


def _service(command: Parser, **default: Any) -> None:
    """What every command that speaks to the service takes, before its name or after it."""
    group = command.add_argument_group("service")
    group.add_argument(
        "--url", help=f"the API's address; else CHATLEDGER_URL, else {URL}", **default
    )
    group.add_argument(
        "--key",
        help="the key; better CHATLEDGER_KEY, because others on this machine can see arguments",
        **default,
    )
    group.add_argument(
        "--organization",
        metavar="ORG",
        help="act in this one; for an operator's key",
        **default,
    )


def _export(command: Parser) -> None:
    command.description = (
        "Exports a slice of the ledger into a folder, which then holds the files and, of an "
        "archive, its manifest and the manifest's signature, and nothing else."
    )
    add = command.add_argument
    add("-o", "--output", type=Path, metavar="DIR", help="a new or empty folder")
    slice_options(command)
    add("--dataset", metavar="D", help="conversations, or documents (with --no-anonymize)")
    add("--compression", metavar="C", help="none, gzip or zstd")
    add("--dry-run", action="store_true", help="only count; needs no DIR")
    clear = command.add_argument_group("clear")
    clear.add_argument(
        "--clear",
        action="store_true",
        help="clear what was exported, once its archive is verified at the service",
    )
    clear.add_argument(
        "--clear-on",
        choices=("verified", "acknowledged"),
        help="acknowledged: only when DIR has it and it was checked here too; implies --clear",
    )
    clear.add_argument(
        *("-y", "--yes"), action="store_true", help="clear the whole ledger without a question"
    )
    _service(command, default=argparse.SUPPRESS)


def _preview(command: Parser) -> None:
    command.description = (
        "Shows how large an export would be, and its first conversations as it would write them. "
        "The options are those of export."
    )
    slice_options(command)
    _json(command)
    _service(command, default=argparse.SUPPRESS)


def _statistics(command: Parser) -> None:
    command.description = "Counts the conversations in which an AI answered, and how well it did."
    range_options(command)
    group = command.add_argument_group("filters", "all that is given must hold")
    for option, (field, words) in _COUNTED.items():
        group.add_argument(f"--{option}", dest=field, metavar="X", help=words)
    _json(command)
    _service(command, default=argparse.SUPPRESS)


def _summary(command: Parser) -> None:
    command.description = "Tells how many log files of conversations there are, and where."
    _json(command)
    _service(command, default=argparse.SUPPRESS)


def _json(command: Parser) -> None:
    command.add_argument("--json", action="store_true", help="the answer as it is, for programs")


def _verify(command: Parser) -> None:
    command.description = (
        "Goes through every byte of the archive in a folder, asking nobody: names each file and "
        "entry that is wrong, missing or extra and exits with 1, or prints the root hash."
    )
    command.add_argument("folder", type=Path, metavar="DIR", help="what an export wrote")
    command.add_argument(
        "--public-key",
        type=Path,
        metavar="FILE",
        help="the one key to trust, PEM or what GET /signing-key answers; else the archive's own",
    )


def _undo(command: Parser) -> None:
    command.description = (
        "Puts back what an export cleared: the same ids, in the same places. What was written "
        "since stays. To ask again is harmless."
    )
    command.add_argument("export_id", metavar="EXPORT_ID", help="as the export's summary names it")
    _service(command, default=argparse.SUPPRESS)


def _restore(command: Parser) -> None:
    command.description = (
        "Puts the archive in a folder back: the same ids, what is there already stays as it is."
    )
    command.add_argument("folder", type=Path, metavar="DIR", help="what an export wrote")
    _service(command, default=argparse.SUPPRESS)


def _adopt_table(command: Parser) -> None:
    command.description = (
        "After the table was restored from a backup: gives it a new epoch, so that cursors of "
        "before answer 410 instead of going on wrongly."
    )
    _stack(command)


def _stack(command: Parser) -> None:
    command.add_argument("--stack", required=True, help="the stack's name")
    command.add_argument("--region", help="the stack's region; else as AWS is configured here")


def _keys(command: Parser) -> None:
    acts = command.add_subparsers(dest="act", metavar="ACT", required=True)
    create = acts.add_parser("create", help="make a key; it is shown once", allow_abbrev=False)
    create.add_argument("--role", required=True, help=_ROLES)
    create.add_argument("--name", required=True, help="what you call it")
    create.add_argument("--requests-per-minute", type=int, metavar="N", help="100 if left out")
    _service(create, default=argparse.SUPPRESS)
    _service(
        acts.add_parser("list", help="the organization's keys", allow_abbrev=False),
        default=argparse.SUPPRESS,
    )
    revoke = acts.add_parser("revoke", help="make a key useless, at once", allow_abbrev=False)
    revoke.add_argument("key_id", metavar="KEY_ID")
    _service(revoke, default=argparse.SUPPRESS)
    first = acts.add_parser(
        "bootstrap",
        help="the first key of a stack on AWS, with AWS's own credentials",
        allow_abbrev=False,
    )
    _stack(first)
    first.add_argument(
        "--organization", metavar="ORG", default=argparse.SUPPRESS, help="default if left out"
    )
    first.add_argument("--name", default="first key", help="what you call it")
