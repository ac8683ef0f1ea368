"""What the service says of a request's fields and routes, said of what makes them here."""

import re

from chatledger_cli.slice import FILTERS

_FILTERS = {field: f"--{option}" for option, (field, _) in FILTERS.items()} | {
    "min_messages": "--min-messages",
    "contains": "--contains",
}
_FIELDS = _FILTERS | {
    "start_date": "--start",
    "end_date": "--end",
    "since": "--since",
    "name": "--name",
    "format": "--format",
    "compression": "--compression",
    "dataset": "--dataset",
    "anonymize": "--no-anonymize",
    "include_metadata": "--no-metadata",
    "include_ip_addresses": "--include-ip-addresses",
    "clear": "--clear",
    "clear_on": "--clear-on",
    "dry_run": "--dry-run",
    "role": "--role",
    "requests_per_minute": "--requests-per-minute",
    "organization_id": "--organization",
}
_ROUTES = {
    "GET /keys lists": "`chatledger keys list` shows",
    "POST /imports": "`chatledger restore`",
}


def _any_of(names: list[str]) -> str:
    return f"({'|'.join(sorted(names, key=len, reverse=True))})"


# A field that is a word of English too is one only where it stands as one.
_WORDS = _any_of([name for name in _FIELDS if "_" not in name])
_PLACES = (
    re.compile(rf"\bfilters\.{_any_of([*_FILTERS])}(?:\.\d+)?\b"),
    re.compile(rf"\b[Tt]he filter {_any_of([*_FILTERS])}\b"),
    re.compile(rf'"{_WORDS}": (?:true|false)'),
    re.compile(rf"(?<![\w'\"./-]){_any_of([name for name in _FIELDS if '_' in name])}\b"),
    re.compile(rf"(?:^|(?<=\. )){_WORDS}(?:\.\d+)?(?=:| must | says | already | is about | \")"),
    re.compile(rf"(?<=leave ){_WORDS}(?= out\b)"),
    re.compile(rf"(?<=with ){_WORDS}(?= it would\b)"),
    re.compile(rf"(?<=without ){_WORDS}(?=[:.,])"),
    re.compile(rf"(?<=send ){_WORDS}(?= )"),
    re.compile(rf"(?<=send )its {_WORDS}(?= too\b)"),
)


def as_options(message: str) -> str:
    """A complaint of the service; what it does not know stays as it is."""
    for place in _PLACES:
        message = place.sub(lambda found: _FIELDS[found[1]], message)
    for route, command in _ROUTES.items():
        message = message.replace(route, command)
    return message
