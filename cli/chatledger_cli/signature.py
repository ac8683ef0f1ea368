"""The signature of a manifest: whose word it is that the archive has this root hash."""

import base64
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from chatledger_cli.errors import WrongUsage

NAME = "manifest.sig.json"
_ALGORITHM = "ECDSA_SHA_256"
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class _Signature:
    algorithm: str
    key_id: str
    root_hash: str
    public_key: str
    signature: str


@dataclass(frozen=True)
class Signed:
    """``wrong``: why it proves nothing, None where it holds. ``key_id``: whose it says it is."""

    key_id: str | None
    wrong: str | None = None


def check_signature(path: Path, root_hash: str, pinned: bytes | None) -> Signed:
    """``pinned``: DER of the one public key to trust; else the one that came with it."""
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES)
    try:
        fields = json.loads(data)
        found = _Signature(**fields)
        key = base64.b64decode(found.public_key, validate=True)
        signature = base64.b64decode(found.signature, validate=True)
    except (ValueError, TypeError, RecursionError):
        return Signed(None, "it is no signature, or it is damaged")
    # Bits that decoding would pass over count as well: it must be written exactly so.
    if json.dumps(asdict(found), separators=(",", ":")).encode() + b"\n" != data:
        return Signed(None, "it is damaged")
    key_id = hashlib.sha256(key).hexdigest()
    wrong = _wrong(found, key_id, root_hash)
    if not wrong and pinned is not None and key != pinned:
        wrong = f"it was signed with another key ({key_id}) than the one given"
    if not wrong and not _holds(pinned or key, signature, bytes.fromhex(root_hash)):
        wrong = "it was not made with its key over this manifest"
    return Signed(key_id, wrong)


def read_public_key(path: Path) -> bytes:
    """DER of a PEM file, or of the answer of ``GET /signing-key``; raises ``WrongUsage``."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - slow to import

    try:
        text = path.read_bytes()
        if text.lstrip().startswith(b"{"):
            text = str(json.loads(text)["public_key"]).encode()
        key = serialization.load_pem_public_key(text)
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise WrongUsage(
            f"{path} is no public key in PEM, nor what /signing-key answers."
        ) from None
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _wrong(found: _Signature, key_id: str, root_hash: str) -> str | None:
    if found.algorithm != _ALGORITHM:
        return f"it says another algorithm than {_ALGORITHM}"
    if found.key_id != key_id:
        return "its key is not the one it names"
    return None if found.root_hash == root_hash else "it is of another manifest"


def _holds(key: bytes, signature: bytes, digest: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed  # noqa: PLC0415

    try:
        public = serialization.load_der_public_key(key)
        if not isinstance(public, ec.EllipticCurvePublicKey):
            return False
        public.verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
