"""Where an export's objects lie in the exports bucket."""

from urllib.parse import quote

from chatledger.identifiers import new_ulid


def folder(organization: str, export_id: str) -> str:
    # Dots as well: a client would fold a folder called ".." away.
    return f"exports/{quote(organization, safe='').replace('.', '%2E')}/{export_id}/"


def plan(organization: str, export_id: str) -> str:
    return f"{folder(organization, export_id)}plan.json"


def part_commit(organization: str, export_id: str, number: int) -> str:
    return f"{folder(organization, export_id)}parts/{number:05}.json"


def part_attempt(organization: str, export_id: str, number: int) -> str:
    """A new name for each attempt; the commit says which attempt is the part."""
    return f"{folder(organization, export_id)}parts/{number:05}-{new_ulid()}"


def file(organization: str, export_id: str, name: str) -> str:
    return f"{folder(organization, export_id)}files/{name}"
