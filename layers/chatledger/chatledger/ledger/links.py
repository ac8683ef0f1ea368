"""User links: which conversations a user took part in.

A link's days are the conversation's as they were when it was written; the head has today's.
"""

from collections.abc import Iterable, Iterator

from chatledger.aws.table import Table, Update, items
from chatledger.ledger import keys
from chatledger.ledger.heads import Head


def write(table: Table, organization: str, user_id: str, head: Head) -> None:
    key = keys.link(organization, user_id, head.conversation_id)
    table.update(Update(key, put={"first_day": head.first_day, "last_day": head.last_day}))


def conversations_of(table: Table, organization: str, user_id: str) -> Iterator[str]:
    """The ids of the conversations the user took part in."""
    for item in items(table, keys.links(organization, user_id)):
        yield keys.unescape(str(item["SK"]))


def existing(
    table: Table, organization: str, pairs: Iterable[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Which of these (user, conversation) took part in each other."""
    wanted = {keys.link(organization, *pair): pair for pair in pairs}
    return {wanted[key] for key in table.get_many(list(wanted))}


def exists(table: Table, organization: str, user_id: str, conversation_id: str) -> bool:
    return table.get(keys.link(organization, user_id, conversation_id)) is not None
