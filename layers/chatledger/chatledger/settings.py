"""The environment, read once and only here."""

import os
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Settings:
    """What template.yaml tells a function; the names there are the upper-case of these."""

    table_name: str
    exports_bucket: str
    archive_bucket: str
    ledger_shards: int
    signing_secret: str
    signing_key: str
    allow_anonymous: bool
    websocket_url: str
    export_state_machine: str
    restore_state_machine: str
    audit_lock_days: int
    pseudonym_secret: str
    history_days: int


@cache
def settings() -> Settings:
    """Raises ``KeyError`` with the variable's name where the template forgot one."""
    return Settings(
        table_name=os.environ["TABLE_NAME"],
        exports_bucket=os.environ["EXPORTS_BUCKET"],
        archive_bucket=os.environ["ARCHIVE_BUCKET"],
        ledger_shards=int(os.environ["LEDGER_SHARDS"]),
        signing_secret=os.environ["SIGNING_SECRET"],
        signing_key=os.environ["SIGNING_KEY"],
        allow_anonymous=os.environ["ALLOW_ANONYMOUS"] == "true",
        websocket_url=os.environ["WEBSOCKET_URL"],
        # Only who starts executions is told of them: the machines name the other functions.
        export_state_machine=os.environ.get("EXPORT_STATE_MACHINE", ""),
        restore_state_machine=os.environ.get("RESTORE_STATE_MACHINE", ""),
        # Of interest to the function that writes anchors.
        # Only who writes files for people is told.
        pseudonym_secret=os.environ.get("PSEUDONYM_SECRET", ""),
        # Only who lets go of what is older is told.
        history_days=int(os.environ.get("HISTORY_DAYS", "400")),
        audit_lock_days=int(os.environ.get("AUDIT_LOCK_DAYS", "0")),
    )
