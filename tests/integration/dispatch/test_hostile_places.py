"""Proves that no adapter over HTTP trusts what answers: rubbish, redirects, endless answers, silence and echoes.

Each adapter meets each behaviour. Whatever happens, `send` ends soon with an error of the contract, reads a bounded
part of the answer, calls no address but the configured one, and shows no secret.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from carrythrough.dispatch import build_adapters
from carrythrough.errors import CarrythroughError, PermanentError, TransientError
from carrythrough.plugin import ThrottledError
from carrythrough.testing.adapters import sample_action, sample_recipient

TIMEOUT_S = 4.0
"""Of the adapters under test: nothing but silence comes near it."""
SILENT_S = 0.3
"""In its place where silence is the point."""
END_S = 3.0
"""By then a send has ended, with its few requests, on a busy machine."""
SENT_BYTES_MAX = 8_000_000
"""What the sockets on both sides may swallow of ten gigabytes before the reader hangs up."""
SECRET = "whsec_bmV3IHNlY3JldCBvZiB0aGUgcmVjZWl2ZXIsIDMyIGI="
RUBBISH = b"\x00\xff\xfe{[<html>" * 40


class Hostile:
    """A server of raw sockets: reads a request and does what the test says, on every path."""

    def __init__(self, act: Callable[[Hostile, socket.socket, bytes], None]) -> None:
        self.act = act
        self.requests = 0
        self.sent_bytes = 0
        self.closing = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            got = connection.recv(65_536)
            if got:
                self.requests += 1
                self.act(self, connection, got)

    def send(self, connection: socket.socket, data: bytes) -> None:
        connection.sendall(data)
        self.sent_bytes += len(data)

    def end(self) -> None:
        self.closing.set()
        self.listener.close()


def answer(status: str, body: bytes = b"", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body


def rubbish(place: Hostile, connection: socket.socket, _: bytes) -> None:
    place.send(connection, answer("200 OK", RUBBISH))


def no_http(place: Hostile, connection: socket.socket, _: bytes) -> None:
    place.send(connection, RUBBISH + b"\r\n\r\n")


def hang(place: Hostile, _connection: socket.socket, _: bytes) -> None:
    place.closing.wait(60)


def endless(status: str) -> Callable[[Hostile, socket.socket, bytes], None]:
    def act(place: Hostile, connection: socket.socket, _: bytes) -> None:
        place.send(connection, f"HTTP/1.1 {status}\r\ncontent-length: 10000000000\r\n\r\n".encode())
        for _megabyte in range(10_000):
            place.send(connection, b"[" * 1_000_000)

    return act


def endless_headers(place: Hostile, connection: socket.socket, _: bytes) -> None:
    place.send(connection, b"HTTP/1.1 200 OK\r\n")
    for number in range(10_000):
        place.send(connection, f"x-{number}: {'a' * 60_000}\r\n".encode())


def drip(place: Hostile, connection: socket.socket, _: bytes) -> None:
    place.send(connection, b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n")
    while not place.closing.wait(0.1):
        place.send(connection, b"[")


@pytest.fixture
def hostile() -> Iterator[Callable[..., Hostile]]:
    """Give a function that starts a server which acts as the test says."""
    made: list[Hostile] = []

    def start(act: Callable[[Hostile, socket.socket, bytes], None]) -> Hostile:
        made.append(Hostile(act))
        return made[-1]

    yield start
    for place in made:
        place.end()


SECRETS = (
    "0123456789abcdef-token",
    "pass-of-the-robot",
    "cm9ib3Q6cGFzcy1vZi10aGUtcm9ib3Q=",
    "bmV3IHNlY3JldCBvZ",
)
TABLES: dict[str, Callable[[str], dict[str, Any]]] = {
    "webhook": lambda at: {
        "url": f"{at}/hook",
        "secrets": [SECRET],
        "headers": {"authorization": SECRETS[0]},
    },
    "slack": lambda at: {"token": SECRETS[0], "api": f"{at}/api"},
    "teams": lambda at: {"url": f"{at}/workflows/{SECRETS[0]}"},
    "moodle": lambda at: {"url": at, "token": SECRETS[0], "message": True, "courses": {"de-escalation": 1}},
    "openedx": lambda at: {
        "url": at,
        "client_id": "robot",
        "client_secret": SECRETS[0],
        "courses": {"de-escalation": "course-v1:a+b+c"},
    },
    "rest": lambda at: {"url": f"{at}/x", "body": {"a": "{title}"}, "headers": {"authorization": SECRETS[0]}},
    "lrs": lambda at: {"endpoint": at, "user": "robot", "password": SECRETS[1], "home": "https://c.example"},
}
BY_STATUS = frozenset({"webhook", "teams", "rest", "lrs"})
"""For these a status of success is the whole answer, whatever the body says after it."""
every_adapter = pytest.mark.parametrize("name", list(TABLES))


def outcome(name: str, place: Hostile, timeout_s: float = TIMEOUT_S) -> CarrythroughError | str:
    """Send one action and return the receipt or the error, with everything that holds for every behaviour."""
    adapter = build_adapters({name: {**TABLES[name](place.origin), "timeout_s": timeout_s}})[name]
    began = time.monotonic()
    try:
        found: CarrythroughError | str = adapter.send(sample_action(), sample_recipient(), sample_action().id)
    except CarrythroughError as error:
        found = error
    finally:
        adapter.close()
    assert time.monotonic() - began < END_S
    assert place.sent_bytes < SENT_BYTES_MAX
    shown = str(found) + (found.problem.sentence() if isinstance(found, CarrythroughError) else "")
    assert not any(secret in shown for secret in SECRETS)
    assert shown.isprintable()
    assert len(shown) < 2_000
    return found


@every_adapter
def test_rubbish_for_an_answer(name: str, hostile: Any) -> None:
    found = outcome(name, hostile(rubbish))
    if name in BY_STATUS:
        assert isinstance(found, str)
    else:
        assert isinstance(found, TransientError)


@every_adapter
def test_an_answer_that_is_no_http(name: str, hostile: Any) -> None:
    assert isinstance(outcome(name, hostile(no_http)), TransientError)


@every_adapter
@pytest.mark.parametrize(
    ("status", "kind"), [("302 Found", TransientError), ("308 Permanent", PermanentError)]
)
def test_a_redirect_is_never_followed(name: str, status: str, kind: type, hostile: Any) -> None:
    trap = hostile(rubbish)
    place = hostile(
        lambda self, connection, _: self.send(
            connection, answer(status, headers=f"location: {trap.origin}/{'x' * 3_000}\r\n")
        )
    )
    assert isinstance(outcome(name, place), kind)
    assert trap.requests == 0
    assert place.requests == 1


@every_adapter
@pytest.mark.parametrize("status", ["200 OK", "500 Oops"])
def test_ten_gigabytes_for_an_answer(name: str, status: str, hostile: Any) -> None:
    found = outcome(name, hostile(endless(status)))
    if not (name in BY_STATUS and status == "200 OK"):
        assert isinstance(found, TransientError)


@every_adapter
def test_headers_without_end(name: str, hostile: Any) -> None:
    assert isinstance(outcome(name, hostile(endless_headers)), TransientError)


@every_adapter
def test_a_pause_of_centuries_is_asked_for(name: str, hostile: Any) -> None:
    found = outcome(
        name,
        hostile(
            lambda place, connection, _: place.send(
                connection, answer("429 Too Many", headers=f"retry-after: {'9' * 400}\r\n")
            )
        ),
    )
    assert isinstance(found, ThrottledError)
    assert found.retry_after_s <= 1e9, "the dispatcher bounds it further, and a float holds it"


@every_adapter
def test_silence_ends_with_the_timeout(name: str, hostile: Any) -> None:
    place = hostile(hang)
    assert isinstance(outcome(name, place, SILENT_S), TransientError)
    assert place.requests == 1


@every_adapter
def test_an_answer_that_drips_ends_with_the_timeout(name: str, hostile: Any) -> None:
    found = outcome(name, hostile(drip), SILENT_S)
    if name not in BY_STATUS:
        assert isinstance(found, TransientError)


@every_adapter
@pytest.mark.parametrize("part", ["line", "authorization", "body"])
@pytest.mark.parametrize("before", [0, 150, 185])
def test_an_echo_of_the_request_shows_no_secret_not_even_the_half_that_is_not_cut_off(
    name: str, part: str, before: int, hostile: Any
) -> None:
    def echo(place: Hostile, connection: socket.socket, got: bytes) -> None:
        head, _, body = got.decode().partition("\r\n\r\n")
        lines = head.split("\r\n")
        found = {"line": lines[0], "body": body}
        found["authorization"] = next((one for one in lines if one.lower().startswith("authorization")), "")
        place.send(connection, answer("400 Bad Request", b"x" * before + found[part].encode()))

    found = outcome(name, hostile(echo))
    assert isinstance(found, CarrythroughError)
    for secret in SECRETS:
        assert secret[:8] not in str(found.problem)
