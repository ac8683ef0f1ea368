"""Where exports are read from and written to."""

from collections.abc import Callable
from dataclasses import dataclass

from chatledger.aws.bucket import Bucket
from chatledger.aws.kms import Signer
from chatledger.documents.store import Library
from chatledger.export.job import Home
from chatledger.export.spec import Spec
from chatledger.ledger.ledger import Ledger
from chatledger.privacy.anonymizer import Anonymizer
from chatledger.privacy.pseudonyms import Pseudonyms, export_key


@dataclass(frozen=True, slots=True)
class Exporter:
    """``archive`` is the bucket that is kept; who runs an export that clears nothing needs none.

    ``signer`` signs manifests: whoever finishes an export has one. ``pseudonym_secret``: what the
    keys of pseudonyms are made of, asked for where a file is anonymized. ``documents`` is the
    bucket that has theirs.
    """

    ledger: Ledger
    exports: Bucket
    archive: Bucket | None = None
    signer: Signer | None = None
    pseudonym_secret: Callable[[], bytes] | None = None
    documents: Bucket | None = None

    def bucket(self, home: Home) -> Bucket:
        """Raises ``LookupError`` where this exporter was given no such bucket."""
        found = self.exports if home == "exports" else self.archive
        if found is None:
            raise LookupError("an archive that is kept is written by the workflow only")
        return found

    @property
    def library(self) -> Library:
        """Raises ``LookupError`` where this exporter was given no bucket of documents."""
        if self.documents is None:
            raise LookupError("documents are read by whoever writes a part")
        return Library(self.ledger, self.documents)

    @property
    def signs_with(self) -> Signer:
        """Raises ``LookupError`` where this exporter was given no signer."""
        if self.signer is None:
            raise LookupError("a manifest is signed by whoever finishes an export")
        return self.signer

    def anonymizer(self, spec: Spec) -> Anonymizer | None:
        """A fresh one with the export's own key; None where nothing is anonymized.

        Raises ``LookupError`` where this exporter was given no secret.
        """
        if not spec.options.anonymize:
            return None
        if self.pseudonym_secret is None or spec.pseudonyms_of is None:
            raise LookupError("pseudonyms need a secret, which whoever writes a part is given")
        return Anonymizer(Pseudonyms(export_key(self.pseudonym_secret(), spec.pseudonyms_of)))
