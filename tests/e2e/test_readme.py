"""The README's commands, run as they stand against the deployed template."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Deployment

README = (Path(__file__).parents[2] / "README.md").read_text()


def examples() -> list[tuple[str, str]]:
    """Each command with the output shown under it."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, output = split(part)
            found.append((command, output))
    return found


def split(part: str) -> tuple[str, str]:
    """A command goes on over lines until its quotes are closed."""
    lines = part.splitlines()
    for end in range(1, len(lines) + 1):
        command = "\n".join(lines[:end])
        if command.count("'") % 2 == 0 and not command.endswith("\\"):
            return command, "\n".join(lines[end:])
    raise AssertionError(f"a quote in the README is not closed: {part}")


def matches(shown: Any, got: Any) -> bool:
    """Equal, where the README does not say "…": that stands for any value, or for more fields."""
    if shown == "…":
        return got is not None
    if isinstance(shown, dict) and isinstance(got, dict):
        more = "…" in shown
        names = shown.keys() - {"…"}
        return (more or names == got.keys()) and all(
            name in got and matches(shown[name], got[name]) for name in names
        )
    if isinstance(shown, list) and isinstance(got, list):
        return len(shown) == len(got) and all(map(matches, shown, got))
    return shown == got


def test_every_command_of_the_readme_gives_what_it_shows(deployment: Deployment, http: Any):
    # An organization of its own: what other tests stored is none of the README's.
    made = http.post(
        "/keys", json={"role": "owner", "name": "readme", "organization_id": "readme"}
    ).json()
    environment = {**os.environ, "URL": deployment.url, "KEY": made["key"]}
    commands = examples()
    assert len(commands) >= 12
    script = "\n".join(f"{command}\necho; echo '--8<--'" for command, _ in commands)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    outputs = [each.strip() for each in done.stdout.split("--8<--")][: len(commands)]
    for (command, shown), got in zip(commands, outputs, strict=True):
        assert same(shown, got), f"$ {command}\nshown: {shown}\ngot:   {got}"


def same(shown: str, got: str) -> bool:
    try:
        return matches(json.loads(shown), json.loads(got))
    except ValueError:
        return shown.split() == got.split()


@pytest.mark.parametrize("word", ["make run", "make test", "make build"])
def test_every_make_target_of_the_readme_exists(word: str):
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    assert word in README
    assert f"\n{word.split()[1]}:" in makefile
