"""The signature of a manifest: a small JSON object beside it, and the key it is checked with.

What is signed is the root hash's 32 bytes, as the SHA-256 that ECDSA takes; so one signature
covers the archive's every byte. The public key travels with it, which lets a reader find any
damage; whose key it is, only a key says that came another way (``GET /signing-key``).
"""

import base64
import hashlib
import textwrap

import msgspec

from chatledger.aws.kms import ALGORITHM, Signer

NAME = "manifest.sig.json"
MEDIA_TYPE = "application/json"


class Signature(msgspec.Struct, frozen=True):
    """``key_id`` is SHA-256 of the public key's DER, in hex; the last two are base64 of DER."""

    algorithm: str
    key_id: str
    root_hash: str
    public_key: str
    signature: str


def sign(signer: Signer, root_hash: str) -> bytes:
    """The signature's object; raises ``StorageError``."""
    public_key = signer.public_key()
    return (
        msgspec.json.encode(
            Signature(
                algorithm=ALGORITHM,
                key_id=hashlib.sha256(public_key).hexdigest(),
                root_hash=root_hash,
                public_key=base64.b64encode(public_key).decode(),
                signature=base64.b64encode(signer.sign(bytes.fromhex(root_hash))).decode(),
            )
        )
        + b"\n"
    )


def is_signature_of(signer: Signer, data: bytes, root_hash: str) -> bool:
    """Whether this object is that signer's word for the root hash; raises ``StorageError``."""
    try:
        found = msgspec.json.decode(data, type=Signature)
        signature = base64.b64decode(found.signature, validate=True)
        key_id = hashlib.sha256(base64.b64decode(found.public_key, validate=True)).hexdigest()
    except (msgspec.MsgspecError, ValueError):
        return False
    said = (found.algorithm, found.key_id, found.root_hash)
    if said != (ALGORITHM, key_id, root_hash):
        return False
    return signer.is_signed(bytes.fromhex(root_hash), signature)


def key_answer(signer: Signer) -> dict[str, str]:
    """What ``GET /signing-key`` tells; raises ``StorageError``."""
    public_key = signer.public_key()
    body = "\n".join(textwrap.wrap(base64.b64encode(public_key).decode(), 64))
    return {
        "algorithm": ALGORITHM,
        "key_id": hashlib.sha256(public_key).hexdigest(),
        "public_key": f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n",
    }
