"""Where exports are read from and written to."""

from dataclasses import dataclass

from chatledger.aws.kms import Signer
from chatledger.aws.s3 import Bucket
from chatledger.export.job import Home
from chatledger.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Exporter:
    """``archive`` is the bucket that is kept; who runs an export that clears nothing needs none.

    ``signer`` signs manifests: whoever finishes an export has one.
    """

    ledger: Ledger
    exports: Bucket
    archive: Bucket | None = None
    signer: Signer | None = None

    def bucket(self, home: Home) -> Bucket:
        """Raises ``LookupError`` where this exporter was given no such bucket."""
        found = self.exports if home == "exports" else self.archive
        if found is None:
            raise LookupError("an archive that is kept is written by the workflow only")
        return found

    @property
    def signs_with(self) -> Signer:
        """Raises ``LookupError`` where this exporter was given no signer."""
        if self.signer is None:
            raise LookupError("a manifest is signed by whoever finishes an export")
        return self.signer
