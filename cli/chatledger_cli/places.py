"""Where an entry says it belongs: conversation, day, quarter hour; and whether a message does."""

import json
import re
from dataclasses import dataclass

from chatledger_cli.manifest import Listed

_KEY = re.compile(r"([^#]*)#(([01]\d|2[0-3])(?:00|15|30|45))#(\d{11})(?:#(\d{2}))?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Place:
    """``order``: archives list entries by shard, conversation, day, quarter hour and slot."""

    conversation_id: str
    day: str
    quarter: str
    order: tuple[int, str, str, str]

    def __str__(self) -> str:
        time = f"{self.day} {self.quarter[:2]}:{self.quarter[2:]}"
        return f"conversation {self.conversation_id!r}, {time}"

    def holds(self, line: bytes) -> bool:
        """Whether the message on this line is of this conversation and quarter hour (UTC)."""
        try:
            message = json.loads(line)
            conversation, time = message["conversation_id"], message["timestamp"]
            day, hour, minute = time[:10], time[11:13], int(time[14:16])
        except (ValueError, TypeError, KeyError, RecursionError):
            return False
        quarter = f"{hour}{minute // 15 * 15:02}"
        mine = (self.conversation_id, self.day, self.quarter)
        return (conversation, day, quarter) == mine and time.endswith("Z")


def place_of(listed: Listed) -> Place | None:
    """None where the key is no entry's."""
    key = _KEY.fullmatch(listed.key)
    if key is None or not _DAY.fullmatch(listed.day):
        return None
    order = (listed.shard, key[1], listed.day, listed.key[len(key[1]) :])
    return Place(_unescaped(key[1]), listed.day, key[2], order)


def _unescaped(text: str) -> str:
    return re.sub("%([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)
