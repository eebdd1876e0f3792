"""Proves that mail and invitations survive a server that talks without end, talks rubbish, or says nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from carrythrough.dispatch import build_adapters
from carrythrough.errors import TransientError
from carrythrough.testing.adapters import sample_action, sample_recipient

TIMEOUT_S = 0.5
SENT_BYTES_MAX = 8_000_000
"""What the sockets on both sides may swallow before the reader hangs up."""

Talk = Callable[[socket.socket, threading.Event], Iterator[bytes]]


def endless_lines(_: socket.socket, __: threading.Event) -> Iterator[bytes]:
    while True:
        yield b"220-welcome\r\n" * 5_000


def endless_line(_: socket.socket, __: threading.Event) -> Iterator[bytes]:
    while True:
        yield b"2" * 100_000


def slow_lines(_: socket.socket, closing: threading.Event) -> Iterator[bytes]:
    while not closing.wait(0.1):
        yield b"220-welcome\r\n"


def silence(_: socket.socket, closing: threading.Event) -> Iterator[bytes]:
    closing.wait(60)
    yield from ()


def rubbish(_: socket.socket, __: threading.Event) -> Iterator[bytes]:
    yield b"\x00\xff\xfe HTTP/1.1 200 OK\r\n\r\n"


def endless_refusal(connection: socket.socket, __: threading.Event) -> Iterator[bytes]:
    yield b"220 ready\r\n"
    connection.recv(1_000)
    while True:
        yield b"550-no\r\n" * 5_000


@pytest.mark.parametrize(
    "talk",
    [endless_lines, endless_line, slow_lines, silence, rubbish, endless_refusal],
    ids=lambda one: one.__name__,
)
@pytest.mark.parametrize("name", ["email", "calendar"])
def test_a_mail_server_that_misbehaves_is_left_and_tried_again(name: str, talk: Talk) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    closing = threading.Event()
    sent = [0]

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                for data in talk(connection, closing):
                    connection.sendall(data)
                    sent[0] += len(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    where = {"host": "127.0.0.1", "port": listener.getsockname()[1], "security": "plain"}
    table = {**where, "sender": "learning@example.com", "timeout_s": TIMEOUT_S}
    adapter = build_adapters({name: table})[name]
    began = time.monotonic()
    try:
        with pytest.raises(TransientError):
            adapter.send(sample_action(), sample_recipient(), sample_action().id)
        assert time.monotonic() - began < 6 * TIMEOUT_S + 2
        assert sent[0] < SENT_BYTES_MAX
    finally:
        closing.set()
        listener.close()
        thread.join(5)
    assert not thread.is_alive(), "the adapter did not hang up"
