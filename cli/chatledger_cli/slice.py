"""The options that say which slice of the ledger, and as what; the same for all who ask for one."""

import argparse
from collections.abc import Iterator
from typing import Any, TypeGuard

from chatledger_cli.answers import Json

FORMATS = (
    "jsonl, json, csv, xlsx, parquet, txt, ml, openai, sharegpt, alpaca, uiuc, anythingllm, "
    "conversation_logs, archive"
)
# Options that become filters, a list each.
FILTERS = {
    "conversation": ("conversation_id", "only this conversation"),
    "user": ("user_id", "conversations this user took part in"),
    "app": ("app_id", "conversations of this application"),
    "ai-service": ("ai_service", "conversations in which this AI service answered"),
    "status": ("status", "conversations of this status now"),
    "source": ("from_source", "conversations from this source"),
}


def slice_options(command: argparse.ArgumentParser) -> list[argparse.Action]:
    """Adds them, and answers which they are."""
    add = command.add_argument
    group = command.add_argument_group(
        "filters", "each list option may be given several times: one of them must hold"
    )
    return [
        add("-f", "--format", default="jsonl", help=f"{FORMATS}; jsonl if left out"),
        *range_options(command),
        add(
            "--since",
            metavar="CURSOR",
            help="what came after an earlier export: its cursor, or last",
        ),
        add("--name", help="what you call this export, kept with it"),
        add("--no-anonymize", action="store_true", help="names and content as they are"),
        add("--no-metadata", action="store_true", help="without AI service and metadata"),
        add("--include-ip-addresses", action="store_true", help="with messages' IP addresses"),
        *(
            group.add_argument(f"--{option}", dest=field, action="append", metavar="X", help=words)
            for option, (field, words) in FILTERS.items()
        ),
        group.add_argument(
            "--min-messages",
            type=int,
            metavar="N",
            help="conversations of at least so many messages",
        ),
        group.add_argument("--contains", metavar="TEXT", help="conversations with this text"),
    ]


def range_options(command: argparse.ArgumentParser) -> list[argparse.Action]:
    return [
        command.add_argument("--start", metavar="TIME", help="from this date or time on"),
        command.add_argument("--end", metavar="TIME", help="up to this date or time, inclusive"),
    ]


def slice_request(given: argparse.Namespace) -> Json:
    """As the body of a request has it. What was not given is left to the service."""
    return without_none(
        {
            "format": given.format,
            "start_date": given.start,
            "end_date": given.end,
            "since": given.since,
            "name": given.name,
            "anonymize": False if given.no_anonymize else None,
            "include_metadata": False if given.no_metadata else None,
            "include_ip_addresses": given.include_ip_addresses or None,
            "filters": _filters(given) or None,
        }
    )


def is_of_everything(request: Json) -> bool:
    """Whether no date, cursor or filter leaves anything out."""
    return not any(request.get(name) for name in ("start_date", "end_date", "since", "filters"))


def slice_again(given: argparse.Namespace) -> list[str]:
    """The same options once more, for another command."""
    actions = slice_options(argparse.ArgumentParser(add_help=False))
    return [word for action in actions for word in _again(action, getattr(given, action.dest))]


def without_none(request: Json) -> Json:
    return {name: value for name, value in request.items() if value is not None}


def _filters(given: argparse.Namespace) -> Json:
    lists = {field: getattr(given, field) for field, _ in FILTERS.values()}
    return without_none({**lists, "min_messages": given.min_messages, "contains": given.contains})


def _again(action: argparse.Action, value: Any) -> Iterator[str]:
    option = action.option_strings[-1]
    if value == action.default:
        return
    if value is True:
        yield option
        return
    values: list[str] = value if _is_list(value) else [str(value)]
    for each in values:
        # What begins with a dash would be taken for an option if it stood alone.
        yield from [f"{option}={each}"] if each.startswith("-") else [option, each]


def _is_list(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list)
