"""Teaches the engine that a read of one version of an object may be a read of a piece of it.

Of a named version the engine hands out all bytes whatever `Range` says, and it leaves out the
headers that a signed link asks for. It does both right where no version is named.
"""

# The type checker works without the engine's packages, which live in an environment of their own.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

from typing import Any

from ministack.services import s3

_engine_get_object = s3._get_object  # noqa: SLF001


def install() -> None:
    """The engine looks this one up anew for each request."""
    s3._get_object = _get_object  # noqa: SLF001


def _get_object(bucket: str, key: str, headers: dict[str, str], query: Any = None) -> Any:
    wanted = headers.get("range", "")
    if not wanted or not s3._qp(query or {}, "versionId", ""):  # noqa: SLF001
        return _with_overrides(_engine_get_object(bucket, key, headers, query), query)
    # A checksum of the whole object says nothing of a piece.
    asked = {name: value for name, value in headers.items() if name != "x-amz-checksum-mode"}
    status, answered, body = _engine_get_object(bucket, key, asked, query)
    if status != 200:
        return status, answered, body
    piece = s3._parse_range(wanted, len(body))  # noqa: SLF001
    if piece is None:
        headers = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
        return 416, headers, s3._xml_body(s3._range_error_xml(bucket, key))  # noqa: SLF001
    start, end = piece
    answered["Content-Length"] = str(end + 1 - start)
    answered["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
    return _with_overrides((206, answered, body[start : end + 1]), query)


def _with_overrides(answer: Any, query: Any) -> Any:
    status, headers, body = answer
    if status in {200, 206} and query:
        s3._apply_response_overrides(headers, query)  # noqa: SLF001
    return status, headers, body
