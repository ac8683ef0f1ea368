"""Where exports are read from and written to."""

from dataclasses import dataclass

from chatledger.aws.s3 import Bucket
from chatledger.export.job import Home
from chatledger.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Exporter:
    """``archive`` is the bucket that is kept; who runs an export that clears nothing needs none."""

    ledger: Ledger
    exports: Bucket
    archive: Bucket | None = None

    def bucket(self, home: Home) -> Bucket:
        """Raises ``LookupError`` where this exporter was given no such bucket."""
        found = self.exports if home == "exports" else self.archive
        if found is None:
            raise LookupError("an archive that is kept is written by the workflow only")
        return found
