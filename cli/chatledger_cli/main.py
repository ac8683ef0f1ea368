"""The command: arguments in, exit status out."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from urllib.parse import urlsplit

import httpx

from chatledger_cli import keys
from chatledger_cli.answers import DOCUMENTS, Json
from chatledger_cli.api import Api, is_this_machine
from chatledger_cli.arguments import (
    URL,
    export_command,
    export_request,
    key_request,
    parser,
    statistics_query,
    undo_command,
)
from chatledger_cli.consent import ask_before_clearing
from chatledger_cli.errors import (
    FAILED,
    INTERRUPTED,
    WRONG_USAGE,
    CommandError,
    Refused,
    WrongUsage,
)
from chatledger_cli.export import dry_run, export
from chatledger_cli.logs import logs_answer, show_logs
from chatledger_cli.patience import Patience
from chatledger_cli.preview import preview_answer, show_preview
from chatledger_cli.restore import restore
from chatledger_cli.screen import Screen
from chatledger_cli.slice import slice_request
from chatledger_cli.stack import adopt_table
from chatledger_cli.statistics import show_statistics, statistics_answer
from chatledger_cli.undo import undo
from chatledger_cli.verify import verify
from chatledger_cli.wording import as_options

_KEY = re.compile(r"clk_[A-Za-z0-9_-]{20,200}")
# The service's codes for what the person gave.
_USAGE = {"invalid_request", "invalid_date_range", "invalid_cursor"}


def run() -> int:
    """The entry point of the installed command."""
    return main(sys.argv[1:], os.environ)


def main(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    screen: Screen | None = None,
    patience: Patience | None = None,
    transport: httpx.BaseTransport | None = None,
) -> int:
    """Gives the exit status; raises ``SystemExit`` as argparse does."""
    given = parser().parse_args(arguments)
    screen = screen or Screen()
    patience = patience or Patience()
    patience.waiting = screen.waiting
    try:
        _carry_out(given, environment, screen, patience, transport)
    except KeyboardInterrupt:
        screen.error(_interrupted(given))
        return INTERRUPTED
    except Refused as refused:
        screen.error(as_options(refused.message))
        return WRONG_USAGE if refused.code in _USAGE else FAILED
    except CommandError as error:
        screen.error(error.message)
        return error.exit_status
    except OSError as error:
        screen.error(f"{error}. The same command goes on where this one stopped.")
        return FAILED
    return 0


def _carry_out(
    given: argparse.Namespace,
    environment: Mapping[str, str],
    screen: Screen,
    patience: Patience,
    transport: httpx.BaseTransport | None,
) -> None:
    if given.command == "keys" and given.act == "bootstrap":
        request = {"name": given.name, "organization_id": given.organization or "default"}
        keys.bootstrap(screen, given.stack, given.region, request)
        return
    if given.command == "adopt-table":
        adopt_table(screen, given.stack, given.region)
        return
    if given.command == "verify":
        verify(screen, given.folder, given.public_key)
        return
    _check(given)
    # Of a key to make, the body names the organization.
    making = given.command == "keys" and given.act == "create"
    api = Api(
        given.url or environment.get("CHATLEDGER_URL") or URL,
        _key(given.key or environment.get("CHATLEDGER_KEY")),
        organization=None if making else given.organization,
        patience=patience,
        transport=transport,
    )
    _warn_of_plain_text(api.url, screen)
    try:
        _ask(given, api, screen)
    finally:
        api.close()


def _check(given: argparse.Namespace) -> None:
    """Raises ``WrongUsage`` where options need others, before anything is asked."""
    if given.command != "export":
        return
    if not (given.output or given.dry_run):
        raise WrongUsage("export needs --output DIR, a new or empty folder, or --dry-run.")
    if given.clear_on == "acknowledged" and given.format != "archive":
        raise WrongUsage(
            "--clear-on acknowledged needs --format archive: only an archive in your hands is a "
            "copy of all that is cleared. For another format, export that first."
        )
    if given.dataset == DOCUMENTS and not given.no_anonymize:
        raise WrongUsage(
            "--dataset documents needs --no-anonymize: embeddings tell of the text that they were "
            "made of and cannot be anonymized."
        )


def _ask(given: argparse.Namespace, api: Api, screen: Screen) -> None:
    match given.command, getattr(given, "act", None):
        case "export", _ if given.dry_run:
            dry_run(api, screen, export_request(given))
        case "export", _:
            _export(given, api, screen)
        case "undo", _:
            undo(api, screen, given.export_id, undo_command(given, given.export_id))
        case "restore", _:
            restore(api, screen, given.folder)
        case (("preview" | "statistics" | "summary"), _):
            _look(given, api, screen)
        case _, "create":
            keys.create(api, screen, key_request(given))
        case _, "list":
            keys.show(api, screen)
        case _:
            keys.revoke(api, screen, given.key_id)


def _export(given: argparse.Namespace, api: Api, screen: Screen) -> None:
    request = export_request(given)

    def agree() -> None:
        if not given.yes:
            ask_before_clearing(api, screen, request)

    export(api, screen, given.output, request, agree, partial(undo_command, given))


def _look(given: argparse.Namespace, api: Api, screen: Screen) -> None:
    """What only asks: its answer for a person, or as it is for a program."""
    show: Callable[[Screen, Json], None]
    with nullcontext() if given.json else screen.meter("Looking"):
        match given.command:
            case "preview":
                answer = preview_answer(api, slice_request(given))
                show = partial(show_preview, command=export_command(given))
            case "statistics":
                answer, show = statistics_answer(api, statistics_query(given)), show_statistics
            case _:
                answer, show = logs_answer(api), show_logs
    if given.json:
        screen.json(answer)
    else:
        show(screen, answer)


def _key(key: str | None) -> str:
    """Raises ``WrongUsage``, which never shows what was given."""
    if not key:
        raise WrongUsage("A key is needed: set CHATLEDGER_KEY (or give --key).")
    if not _KEY.fullmatch(key):
        raise WrongUsage("The key is none: clk_ and 20 or more of A-Z a-z 0-9 _ - are expected.")
    return key


def _warn_of_plain_text(url: str, screen: Screen) -> None:
    if urlsplit(url).scheme == "http" and not is_this_machine(url):
        screen.note("This address is not encrypted: the key can be read on the way. Use https.")


def _interrupted(given: argparse.Namespace) -> str:
    if given.command == "undo":
        return "Interrupted here. The undo goes on at the service; ask again to wait for it."
    if given.command not in {"export", "restore"} or getattr(given, "dry_run", False):
        return "Interrupted."
    if getattr(given, "clear", False) or getattr(given, "clear_on", None):
        return (
            "Interrupted here. What the service has begun goes on there; what it awaits to be "
            "acknowledged is not cleared. Give the same command again to go on."
        )
    return "Interrupted. Give the same command again to go on where it stopped."
