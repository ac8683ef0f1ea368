"""A signing key in memory: a real pair on P-256, the same one in every test."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

_KEY = ec.generate_private_key(ec.SECP256R1())
_HOW = ec.ECDSA(Prehashed(hashes.SHA256()))


class MemorySigner:
    """``key``: another pair, for what somebody else signed."""

    def __init__(self, key: ec.EllipticCurvePrivateKey = _KEY) -> None:
        self._key = key

    def sign(self, digest: bytes) -> bytes:
        return self._key.sign(digest, _HOW)

    def is_signed(self, digest: bytes, signature: bytes) -> bool:
        try:
            self._key.public_key().verify(signature, digest, _HOW)
        except InvalidSignature:
            return False
        return True

    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )


def stranger() -> MemorySigner:
    return MemorySigner(ec.generate_private_key(ec.SECP256R1()))
