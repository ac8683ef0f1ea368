"""The command's arguments, and the request they make."""

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chatledger_cli.answers import Json

Parser = argparse.ArgumentParser
URL = "http://127.0.0.1:8080"

_FORMATS = (
    "jsonl, json, csv, xlsx, parquet, txt, ml, openai, sharegpt, alpaca, uiuc, anythingllm, "
    "conversation_logs, archive"
)
_ROLES = "reader, writer, admin, owner, operator"
# Options that become filters, a list each.
_FILTERS = {
    "conversation": ("conversation_id", "only this conversation"),
    "user": ("user_id", "conversations this user took part in"),
    "app": ("app_id", "conversations of this application"),
    "ai-service": ("ai_service", "conversations in which this AI service answered"),
    "status": ("status", "conversations of this status now"),
    "source": ("from_source", "conversations from this source"),
}


def parser() -> Parser:
    top = Parser(
        prog="chatledger",
        description="Exports, proofs, restores and keys of a Chatledger, over its HTTP API.",
        epilog="Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. A command that was "
        "interrupted goes on when it is given again.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"chatledger {version('chatledger')}")
    _service(top)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, words, fill in (
        ("export", "download a slice of the ledger, and clear it", _export),
        ("verify", "prove an exported archive, offline", _verify),
        ("restore", "put an exported archive back", _restore),
        ("keys", "make, list and revoke keys", _keys),
        ("adopt-table", "begin anew after a restored backup, on AWS", _adopt_table),
    ):
        fill(commands.add_parser(name, help=words, allow_abbrev=False))
    return top


def export_request(given: argparse.Namespace) -> Json:
    """The body of ``POST /exports``. What was not given is left to the service."""
    request: Json = {
        "format": given.format,
        "start_date": given.start,
        "end_date": given.end,
        "since": given.since,
        "name": given.name,
        "compression": given.compression,
        "clear_on": given.clear_on,
        "anonymize": False if given.no_anonymize else None,
        "include_metadata": False if given.no_metadata else None,
        "include_ip_addresses": given.include_ip_addresses or None,
        "clear": given.clear or bool(given.clear_on) or None,
        "filters": _filters(given) or None,
    }
    return {name: value for name, value in request.items() if value is not None}


def key_request(given: argparse.Namespace) -> Json:
    """The body of ``POST /keys``."""
    request: Json = {
        "role": given.role,
        "name": given.name,
        "organization_id": given.organization,
        "requests_per_minute": given.requests_per_minute,
    }
    return {name: value for name, value in request.items() if value is not None}


def _filters(given: argparse.Namespace) -> Json:
    lists = {field: getattr(given, field) for field, _ in _FILTERS.values()}
    filters: Json = {**lists, "min_messages": given.min_messages, "contains": given.contains}
    return {name: value for name, value in filters.items() if value is not None}


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
    add("-f", "--format", default="jsonl", help=f"{_FORMATS}; jsonl if left out")
    add("--start", metavar="TIME", help="from this date or time on")
    add("--end", metavar="TIME", help="up to this date or time, inclusive")
    add("--since", metavar="CURSOR", help="what came after an earlier export: its cursor, or last")
    add("--name", help="what you call this export, kept with it")
    add("--compression", metavar="C", help="none, gzip or zstd")
    add("--no-anonymize", action="store_true", help="names and content as they are")
    add("--no-metadata", action="store_true", help="without AI service and metadata")
    add("--include-ip-addresses", action="store_true", help="with messages' IP addresses")
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
    _filter_options(command)
    _service(command, default=argparse.SUPPRESS)


def _filter_options(command: Parser) -> None:
    group = command.add_argument_group(
        "filters", "each list option may be given several times: one of them must hold"
    )
    for option, (field, words) in _FILTERS.items():
        group.add_argument(f"--{option}", dest=field, action="append", metavar="X", help=words)
    group.add_argument(
        "--min-messages", type=int, metavar="N", help="conversations of at least so many messages"
    )
    group.add_argument("--contains", metavar="TEXT", help="conversations with this text")


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
