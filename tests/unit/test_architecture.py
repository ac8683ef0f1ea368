"""Data flows one way: functions -> api and verbs -> models, formats, ledger -> aws."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "chatledger" / "chatledger"
MODULES = sorted(PACKAGE.rglob("*.py"))
HANDLERS = sorted((ROOT / "functions").rglob("app.py"))

# Each package may import those after its colon (and itself, and the plain modules at the top).
MAY_IMPORT = {
    "aws": set(),
    "ledger": {"aws"},
    "models": set(),
    "formats": {"ledger"},
    "audit": {"aws", "ledger"},
    "privacy": {"ledger", "formats"},
    "access": {"aws", "ledger", "models", "audit"},
    "chats": {"aws", "ledger", "models"},
    "jobs": {"aws", "ledger"},
    "documents": {"aws", "ledger", "models", "formats", "audit"},
    "export": {"aws", "ledger", "models", "formats", "jobs", "audit", "privacy", "documents"},
    "preview": {"aws", "ledger", "models", "formats", "export", "audit"},
    "clear": {"aws", "ledger", "models", "formats", "jobs", "export", "audit"},
    "restore": {"aws", "ledger", "models", "formats", "jobs", "export", "audit"},
    "endings": {"aws", "ledger", "models", "jobs", "export", "clear", "restore", "audit"},
    "api": {"aws", "ledger", "models", "access", "jobs", "audit"},
}


def imports(path: Path) -> set[str]:
    """Every module that the file names in an import, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def package_of(module: str) -> str | None:
    """``aws`` for ``chatledger.aws.s3``; None for a plain module at the top."""
    parts = module.split(".")
    inner = len(parts) > 1 and (PACKAGE / parts[1]).is_dir()
    return parts[1] if parts[0] == "chatledger" and inner else None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_lies_below_it(path: Path):
    own = path.relative_to(PACKAGE).parts[0] if path.parent != PACKAGE else None
    named = {package_of(module) for module in imports(path)} - {None, own}
    if own:
        assert named <= MAY_IMPORT[own]
    else:
        assert named <= {"ledger"}, "plain modules stand under everything but the ledger"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_aws_modules_know_boto3(path: Path):
    named = {module.split(".")[0] for module in imports(path)}
    assert path.parent.name == "aws" or not named & {"boto3", "botocore"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_settings_reads_the_environment(path: Path):
    assert path.name == "settings.py" or "os.environ" not in path.read_text()


@pytest.mark.parametrize("path", HANDLERS, ids=lambda path: path.parent.name)
def test_a_handler_is_thin_and_stands_alone(path: Path):
    assert not any(module.startswith("functions") for module in imports(path))
    assert not {"boto3", "botocore"} & {module.split(".")[0] for module in imports(path)}
    code = [line for line in path.read_text().splitlines() if line.strip()]
    assert len(code) <= 80, "a handler only wires a route to a verb"
    assert [each.name for each in path.parent.glob("*.py")] == ["app.py"]


def test_no_package_is_a_drawer_for_anything():
    names = {path.stem for path in MODULES} | {path.parent.name for path in MODULES}
    assert not names & {"utils", "helpers", "common", "manager", "misc"}
