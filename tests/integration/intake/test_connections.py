"""Proves that connections and the heads of requests are bounded, before anybody has said who they are."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

STATEMENT = json.dumps(
    {
        "id": "11111111-1111-4111-8111-111111111111",
        "actor": {"mbox": "mailto:a@example.org"},
        "verb": {"id": "http://example.org/did"},
        "object": {"id": "http://example.org/it"},
    }
).encode()
LINE = b"x-filler: " + b"a" * 1_000 + b"\r\n"


def pour(link: socket.socket, parts: Iterator[bytes]) -> None:
    """Send until the other side has had enough."""
    with contextlib.suppress(OSError):
        for part in parts:
            link.sendall(part)


@pytest.mark.parametrize(
    ("start", "filler"),
    [
        (b"POST /xapi/statements HTTP/1.1\r\n", LINE),
        (b"POST /xapi/statements HTTP/1.1\r\nx-filler: ", b"a" * 1_000),
        (b"POST /", b"a" * 1_000),
        (b"", b"A" * 1_000),
    ],
    ids=["many headers", "one header", "address", "method"],
)
def test_a_head_without_end(house: Any, start: bytes, filler: bytes):
    with house.connect() as link:
        pour(link, iter([start, *([filler] * 40)]))
        answer = house.receive(link)
    assert answer.status in {431, 400}
    assert answer.problem()["code"] in {"head-too-large", "http-malformed"}
    assert house.ask(STATEMENT).status == 200


def test_trailers_and_chunk_extensions_without_end(house: Any):
    for endless in (b"0\r\n" + LINE * 100, b"1;" + b"x" * 100_000):
        with house.connect() as link:
            pour(link, iter([house.head(Transfer_Encoding="chunked"), endless]))
            link.settimeout(5)
            with contextlib.suppress(ConnectionError):
                assert b"200 OK" not in link.recv(65536)
    assert house.ask(STATEMENT).status == 200


def test_large_heads_within_the_limit_and_long_bodies_are_fine(house: Any):
    with house.connect() as link:
        for _ in range(5):  # a connection that goes on is counted anew for each request
            link.sendall(house.head(X_Filler="a" * 15_000, Content_Length=str(len(STATEMENT))) + STATEMENT)
            assert house.receive(link).status == 200
    spaced = STATEMENT + b" " * 150_000
    assert house.ask(spaced).status == 200


def test_a_connection_that_says_nothing_is_closed(house: Any):
    for said in (b"", b"POST /xapi/statements HTTP/1.1\r\nHost: x\r\n"):
        with house.connect() as link:
            link.sendall(said)
            begun = time.monotonic()
            answer = house.receive(link)
            assert answer.status == 408
            assert "head_seconds_max" in answer.problem()["rule"]
            assert 0.4 < time.monotonic() - begun < 5


def test_a_head_that_drips_in_on_a_used_connection_is_closed(house: Any):
    with house.connect() as link:
        link.sendall(house.head(Content_Length=str(len(STATEMENT))) + STATEMENT)
        assert house.receive(link).status == 200
        link.sendall(b"GET /xapi/statements HTTP/1.1\r\nX-Filler: ")
        link.settimeout(0.05)
        begun, answer = time.monotonic(), b""
        while not answer and time.monotonic() - begun < 5:
            with contextlib.suppress(OSError):
                link.sendall(b"a")
                answer = link.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408")
        assert time.monotonic() - begun < 3


def test_what_is_no_http(house: Any):
    with house.connect() as link:
        link.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        answer = house.receive(link)
    assert answer.status == 400
    assert answer.problem()["code"] == "http-malformed"


def test_too_many_connections(house: Any):
    links: list[socket.socket] = []
    try:
        links += [house.connect() for _ in range(house.limits.connections_max + 5)]
        time.sleep(0.1)
        answer = house.receive(links[-1])
        assert answer.status == 503
        assert "connections_max" in answer.problem()["rule"]
        assert answer.headers["retry-after"] == "1"
    finally:
        for link in links:
            link.close()
    time.sleep(0.1)
    assert house.ask(STATEMENT).status == 200
