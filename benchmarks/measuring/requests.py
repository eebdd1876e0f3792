"""Requests built before the clock starts, so that sending them costs the load generator next to nothing."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import islice

from measuring.mix import Made


class Requests:
    """Whole HTTP/1.1 requests as bytes (about 1.1 KB a statement, kept in memory until `close`).

    statements: how many there are in all requests. scored: (request number, statement id in hex) of
    every scored statement.
    """

    def __init__(
        self,
        made: Iterator[Made],
        count: int,
        batch: int,
        credential: dict[str, str],
        path: str = "/xapi/statements",
    ) -> None:
        """Build requests of `batch` records (1: the record itself, else an array) until `count` are in."""
        login = base64.b64encode(f"{credential['key']}:{credential['secret']}".encode()).decode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\n"
            f"Authorization: Basic {login}\r\nX-Experience-API-Version: 1.0.3\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self.batch = batch
        self.statements = 0
        self.scored: list[tuple[int, str]] = []
        self.bytes: list[bytes] = []
        while self.statements < count and (group := list(islice(made, min(batch, count - self.statements)))):
            self.scored += [(len(self.bytes), one.source) for one in group if one.source]
            bodies = [one.body for one in group]
            body = bodies[0] if batch == 1 else b"[" + b",".join(bodies) + b"]"
            self.bytes.append(b"%s%d\r\n\r\n%s" % (head, len(body), body))
            self.statements += len(group)

    def close(self) -> None:
        """Give the memory back."""
        self.bytes = []
