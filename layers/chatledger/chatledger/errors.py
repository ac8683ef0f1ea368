"""What can go wrong, in the words of the contract.

Each error carries a message that says what is wrong and what to do; ``STATUS`` maps the codes of
the contract to HTTP and lives only here.
"""

STATUS = {
    "invalid_request": 400,
    "invalid_date_range": 400,
    "invalid_cursor": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "gone": 410,
    "payload_too_large": 413,
    "idempotency_mismatch": 422,
    "rate_limited": 429,
    "internal_error": 500,
    "upstream_error": 502,
    "storage_error": 503,
}


class ChatledgerError(Exception):
    """An error a caller can act on: ``code`` is in ``STATUS``, ``retry_after`` in seconds."""

    code = "internal_error"

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        return STATUS[self.code]


class InvalidRequest(ChatledgerError):
    code = "invalid_request"


class InvalidDateRange(ChatledgerError):
    code = "invalid_date_range"


class InvalidCursor(ChatledgerError):
    code = "invalid_cursor"


class Unauthorized(ChatledgerError):
    code = "unauthorized"


class Forbidden(ChatledgerError):
    code = "forbidden"


class NotFound(ChatledgerError):
    code = "not_found"


class Conflict(ChatledgerError):
    code = "conflict"


class Gone(ChatledgerError):
    code = "gone"


class PayloadTooLarge(ChatledgerError):
    code = "payload_too_large"


class IdempotencyMismatch(ChatledgerError):
    code = "idempotency_mismatch"


class RateLimited(ChatledgerError):
    code = "rate_limited"


class StorageError(ChatledgerError):
    """The storage did not answer in time; what was asked may have happened. Repeating is safe."""

    code = "storage_error"

    def __init__(self, message: str = "", *, retry_after: int = 1) -> None:
        super().__init__(
            message or "The storage is busy or out of reach. Repeat the request; that is safe.",
            retry_after=retry_after,
        )
