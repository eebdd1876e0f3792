"""Reading a request's body: bounded in bytes, in time, and while inflating.

Nothing is held beyond the limit: a body that says it is too long is refused before its first
byte, one that does not say is cut off where it passes the limit, and a compressed one where its
inflated size does.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.limits import InFlight
from carrythrough.gateway.problems import Receive

INFLATE_STEP_BYTES = 256 << 10
"""Inflated bytes made at once, so that the limit is seen before a bomb has gone off."""

_GZIP_WINDOW = 31


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete; nobody reads an answer."""


async def read_body(
    receive: Receive,
    headers: Mapping[bytes, bytes],
    in_flight: InFlight,
    *,
    bytes_max: int,
    seconds_max: float,
) -> bytes:
    """Return the body, inflated when its Content-Encoding is gzip.

    Raises PermanentError: 413 (too long), 415 (another encoding), 408 (too slow), 400 (gzip that
    does not inflate); TransientError 503 when too many bodies are held; ClientGoneError.
    """
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in {b"identity", b"gzip", b"x-gzip"}:
        raise PermanentError(_encoding(encoding))
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > bytes_max:
        raise PermanentError(_too_long(f"the request announces {int(declared)} bytes", bytes_max))
    sink = _Inflated(bytes_max) if encoding != b"identity" else _Plain(bytes_max)
    held = 0
    try:
        async with asyncio.timeout(seconds_max):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                chunk = message.get("body", b"")
                last = not message.get("more_body", False)
                if last and not held and encoding == b"identity":
                    # The usual case: the body came whole, and nothing has to be kept or joined.
                    if len(chunk) > bytes_max:
                        raise PermanentError(_too_long("the body is longer", bytes_max))
                    return bytes(chunk)
                grown = sink.add(chunk)
                in_flight.hold_bytes(grown)
                held += grown
                if last:
                    return sink.whole()
    except TimeoutError:
        raise PermanentError(_too_slow(seconds_max)) from None
    finally:
        in_flight.release_bytes(held)


class _Plain:
    """Chunks of a body as they come."""

    def __init__(self, bytes_max: int) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._bytes_max = bytes_max

    def add(self, chunk: bytes) -> int:
        """Take a chunk; return by how many bytes the body has grown."""
        self._size += len(chunk)
        if self._size > self._bytes_max:
            raise PermanentError(_too_long(f"{self._size} bytes have come", self._bytes_max))
        self._chunks.append(chunk)
        return len(chunk)

    def whole(self) -> bytes:
        """Return the body."""
        return b"".join(self._chunks)


class _Inflated(_Plain):
    """Chunks of a gzip body, inflated step by step as they come."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(bytes_max)
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)

    def add(self, chunk: bytes) -> int:
        """Inflate a chunk; return by how many bytes the body has grown."""
        grown = 0
        waiting = chunk
        try:
            while waiting:
                if self._inflater.eof:  # another member follows the first
                    self._inflater = zlib.decompressobj(_GZIP_WINDOW)
                grown += super().add(self._inflater.decompress(waiting, INFLATE_STEP_BYTES))
                waiting = self._inflater.unconsumed_tail or self._inflater.unused_data
        except zlib.error as error:
            raise PermanentError(_not_gzip(str(error))) from None
        return grown

    def whole(self) -> bytes:
        """Return the inflated body; refuses one that ends inside a member."""
        if not self._inflater.eof:
            raise PermanentError(_not_gzip("it ends too early"))
        return super().whole()


def _too_long(detail: str, bytes_max: int) -> Problem:
    return Problem(
        code="body-too-large",
        status=413,
        title="The request is too large",
        detail=detail,
        where="Content-Length",
        rule=f"Limit body_bytes_max = {bytes_max} (after inflating)",
        fix="send the records in several requests",
    )


def _too_slow(seconds_max: float) -> Problem:
    return Problem(
        code="body-too-slow",
        status=408,
        title="The request did not arrive in time",
        detail="the rest of the body did not come",
        rule=f"Limit body_seconds_max = {seconds_max:g}",
        fix="send the whole body at once, or less of it in each request",
    )


def _encoding(encoding: bytes) -> Problem:
    return Problem(
        code="encoding-unsupported",
        status=415,
        title="The body is compressed in a way that is not read here",
        detail=f"Content-Encoding is {encoding.decode('latin-1')[:80]}",
        where="Content-Encoding",
        rule="RFC 9110, 8.4: identity and gzip are read",
        fix="compress with gzip, or send the body as it is",
    )


def _not_gzip(detail: str) -> Problem:
    return Problem(
        code="gzip-damaged",
        status=400,
        title="The body does not inflate",
        detail=f"Content-Encoding says gzip: {detail}",
        where="Content-Encoding",
        rule="RFC 1952",
        fix="compress the whole body once, or leave Content-Encoding out",
    )
