"""Which conversations and messages a request speaks of.

Filters choose whole conversations; dates then choose messages of them. Counts and
``min_messages`` speak of the chosen messages; ``contains`` and ``ai_service`` ask the whole
conversation, so the answer does not depend on where the dates cut it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from chatledger.ledger import links
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from chatledger.timestamps import EVERYTHING, Range

# Above this, reading everything in order is quicker than looking each conversation up.
MAX_NAMED = 2_000


@dataclass(frozen=True, slots=True)
class Filters:
    """An empty set asks nothing; of several values in a set one has to match."""

    conversation_id: frozenset[str] = frozenset()
    user_id: frozenset[str] = frozenset()
    app_id: frozenset[str] = frozenset()
    ai_service: frozenset[str] = frozenset()
    status: frozenset[str] = frozenset()
    from_source: frozenset[str] = frozenset()
    min_messages: int = 1
    contains: str | None = None

    @property
    def asks_content(self) -> bool:
        return bool(self.ai_service or self.contains)

    @property
    def asks_messages(self) -> bool:
        """Whether a conversation's messages decide, and not its head alone."""
        return self.asks_content or self.min_messages > 1

    def named(self, ledger: Ledger, organization: str) -> frozenset[str] | None:
        """The conversations that can match at all, if that is a few; ``None``: it may be any."""
        if self.conversation_id:
            return self.conversation_id
        if not self.user_id:
            return None
        found = frozenset(
            conversation
            for user in self.user_id
            for conversation in islice(
                links.conversations_of(ledger.table, organization, user), MAX_NAMED + 1
            )
        )
        return found if len(found) <= MAX_NAMED else None

    def match_head(self, ledger: Ledger, organization: str, head: Head) -> bool:
        """What the head can answer; a user it does not know may be in the user links."""
        return (
            _among(head.conversation_id, self.conversation_id)
            and _among(head.about.get("app_id"), self.app_id)
            and _among(head.about.get("status"), self.status)
            and _among(head.about.get("from_source"), self.from_source)
            and self._match_user(ledger, organization, head)
        )

    def match_content(self, messages: Iterable[Message]) -> bool:
        """Whether some message names the service, and some message contains the text."""
        service, text = not self.ai_service, not self.contains
        needle = (self.contains or "").casefold()
        for message in messages:
            service = service or message.ai_service in self.ai_service
            text = text or needle in message.content.casefold()
            if service and text:
                return True
        return service and text

    def _match_user(self, ledger: Ledger, organization: str, head: Head) -> bool:
        if not self.user_id or self.user_id & head.users:
            return True
        return not head.knows_all_users and any(
            links.exists(ledger.table, organization, user, head.conversation_id)
            for user in self.user_id
        )


@dataclass(frozen=True, slots=True)
class Selection:
    within: Range = EVERYTHING
    filters: Filters = field(default_factory=Filters)


def _among(value: object, wanted: frozenset[str]) -> bool:
    return not wanted or value in wanted
