"""A subscriber of /v1/stream: when the score of which statement came out."""

from __future__ import annotations

import re
import socket
from bisect import bisect_left
from itertools import accumulate

_SOURCE = re.compile(rb'"source":"([0-9a-f]{32})"')
ANSWER_WAIT_S = 10.0


def subscribe(host: str, port: int, authorization: str) -> socket.socket:
    """Return a socket on which score effects arrive; raises RuntimeError when the stream is refused."""
    stream = socket.create_connection((host, port), timeout=ANSWER_WAIT_S)
    stream.sendall(
        f"GET /v1/stream?types=score HTTP/1.1\r\nHost: bench\r\nAuthorization: {authorization}\r\n\r\n".encode()
    )
    begun = b""
    while b"retry:" not in begun:
        part = stream.recv(65_536)
        begun += part
        if not part or (b"\r\n" in begun and begun[9:12] != b"200"):
            raise RuntimeError(f"the stream was refused: {begun[:500]!r}")
    stream.setblocking(False)
    return stream


def seen_at(chunks: list[tuple[float, bytes]]) -> dict[str, float]:
    """Return when the last score effect of each source had arrived, from (time, bytes) as received."""
    whole = b"".join(data for _, data in chunks)
    ends = list(accumulate(len(data) for _, data in chunks))
    return {match[1].decode(): chunks[bisect_left(ends, match.end())][0] for match in _SOURCE.finditer(whole)}
