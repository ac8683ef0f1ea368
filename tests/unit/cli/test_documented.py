"""The command stands alone, and its page tells of all there is."""

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatledger_cli.arguments import parser

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/cli.md").read_text()
MODULES = sorted((ROOT / "cli").rglob("*.py"))
# All it is installed with; boto3 only where somebody asks for it.
OURS_AND_THEIRS = {"chatledger_cli", "cryptography", "httpx", "rich"}


def parsers(top: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield top
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from parsers(each)


def test_every_command_and_option_is_documented():
    found = list(parsers(parser()))
    options = {name for each in found for action in each._actions for name in action.option_strings}
    commands = {each.prog for each in found[1:]} - {"chatledger keys"}
    assert len(options) > 20
    missing = {name for name in options | commands if name not in PAGE}
    assert missing == {"-h", "--help", "--version"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_needs_nothing_that_is_not_installed_with_it(path: Path):
    named: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            named |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            named.add((node.module or "").split(".")[0])
    assert named - sys.stdlib_module_names <= OURS_AND_THEIRS
