"""What answers about the service itself, and errors, hold."""

from typing import Literal

from pydantic import Field

from chatledger.models.answers.answer import TIME, Answer


class Health(Answer):
    """It is up."""

    status: Literal["ok"]
    version: str
    websocket_url: str | None = Field(description="Null: not available yet.")


class SigningKey(Answer):
    """The key that signs manifests; its private half is nowhere to be had."""

    algorithm: Literal["ECDSA_SHA_256"] = Field(description="On the curve P-256.")
    key_id: str = Field(description="SHA-256 of the public key's DER, in hexadecimal.")
    public_key: str = Field(description="PEM, a SubjectPublicKeyInfo.")


class ErrorDetail(Answer):
    """What went wrong, and what to do about it."""

    error: str = Field(description="In words, what to do included.")
    code: str = Field(description="For programs: one of a fixed list.")
    timestamp: str = Field(description=TIME)


class Error(Answer):
    """What went wrong, and what to do about it."""

    detail: ErrorDetail
    type: str = Field(description="urn:chatledger:error: and the code.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    request_id: str = Field(description="Name it when you report the error.")


class Problem(Answer):
    """The same for `Accept: application/problem+json` (RFC 9457)."""

    type: str = Field(description="urn:chatledger:error: and the code.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What went wrong, and what to do.")
    code: str = Field(description="For programs: one of a fixed list.")
    timestamp: str = Field(description=TIME)
    request_id: str = Field(description="Name it when you report the error.")
