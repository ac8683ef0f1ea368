"""`make run`: Chatledger on this machine, with sample conversations, until Ctrl-C."""

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

from rich.markup import escape

from local import sample
from local.deploy import DeployError
from local.engine import EngineError
from local.installation import Installation, InstallationError
from local.sample import Loaded, RequestFailed
from local.screen import Screen
from local.settings import ROOT, Settings, SettingsError, read_settings

_FAILURES = (SettingsError, EngineError, DeployError, InstallationError, RequestFailed)


class Stopped(BaseException):
    """Somebody asked us to stop."""


def main() -> int:
    """Gives the exit status: 0 after a graceful stop, 1 where something did not come up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    screen = Screen()
    try:
        run(read_settings(os.environ), screen)
    except Stopped:
        pass
    except _FAILURES as failure:
        screen.error(escape(str(failure)))
        return 1
    screen.line("\nStopped. The data is kept; [bold]make run[/] goes on with it.")
    return 0


def run(settings: Settings, screen: Screen) -> None:
    """Brings everything up, says so, and waits. Leaves by ``Stopped``."""
    installation = Installation(settings)
    try:
        with screen.step("Starting the local AWS engine", "Local AWS engine"):
            installation.start()
        with screen.step("Deploying template.yaml", "template.yaml deployed"):
            installation.deploy()
            key = installation.first_key()
        loaded, job = _sample(installation, key, screen) if settings.sample else (None, None)
        installation.announce()
        _summary(screen, settings, key, loaded, job)
        threading.Event().wait()
    finally:
        # From here on the state is being saved: a second Ctrl-C must not cut that short.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        installation.stop()


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def _sample(
    installation: Installation, key: str, screen: Screen
) -> tuple[Loaded | None, dict[str, Any]]:
    """Loads the sample, the first time only, and exports it each time: links do not last."""
    mark = installation.settings.data / "sample-is-loaded"
    loaded, bodies = None, sample.chats()
    with sample.client(installation.url, key) as http:
        if not mark.exists():
            with screen.bar("Loading sample conversations", len(bodies)) as advance:
                loaded = sample.load(http, bodies, advance)
            screen.done(f"{loaded.conversations} sample conversations posted", loaded.seconds)
            mark.touch()
        with screen.step("Exporting them", "Exported as CSV"):
            job = sample.export(http, bodies)
    return loaded, job


def _summary(
    screen: Screen, settings: Settings, key: str, loaded: Loaded | None, job: dict[str, Any] | None
) -> None:
    screen.rule("Chatledger is ready")
    if loaded is not None:
        rate = loaded.messages / loaded.seconds
        screen.facts([("Loaded", f"{_counted(loaded)} ({rate:,.0f} messages a second)")])
    if job is not None:
        file, counts = job["files"][0], job["counts"]
        size = f"{file['bytes'] / 1e6:.1f} MB"
        amount = f"{counts['conversations']:,} conversations, {counts['messages']:,} messages"
        screen.facts([("Export", f"{amount}, {size}: {file['name']}")])
        screen.line()
        screen.line("  [cyan]Download[/], for the next 15 minutes:")
        screen.line(f"  {escape(file['url'])}")
    screen.line()
    pages = [("Start page", f"{settings.url}/"), ("Docs", f"{settings.url}/docs")]
    screen.facts([("API", settings.url), *pages, ("Key", escape(key))])
    screen.line()
    screen.line("  [cyan]Try[/], with this key of an operator, who may do everything:")
    screen.line(f"  export URL={settings.url} KEY={escape(key)}")
    screen.line('  curl "$URL/chats?limit=2" -H "Authorization: Bearer $KEY"')
    screen.line()
    data = settings.data
    where = data.relative_to(ROOT) if data.is_relative_to(ROOT) else data
    screen.line(f"  [bold]Ctrl-C[/] stops it and keeps the data, in {escape(str(where))}")


def _counted(loaded: Loaded) -> str:
    return f"{loaded.conversations:,} conversations, {loaded.messages:,} messages"


if __name__ == "__main__":
    sys.exit(main())
