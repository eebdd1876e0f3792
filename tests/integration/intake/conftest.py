"""A real uvicorn server with the intake endpoints, and a small in-memory twin of the intake port behind them.

So every answer of a store (conflict, overload, a fault of ours) can be had at will. What the real
store does is proved elsewhere.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
import uvicorn

from carrythrough.errors import PermanentError, Problem
from carrythrough.events.admission import EventLimits
from carrythrough.gateway.auth import Credential, Credentials, new_credential
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.gateway.performance import PerformanceEndpoint
from carrythrough.gateway.protocol import bounded_protocol
from carrythrough.gateway.xapi.exchange import Shared
from carrythrough.gateway.xapi.more import MoreTokens
from carrythrough.gateway.xapi.reading import StatementReading
from carrythrough.gateway.xapi.statements import StatementsEndpoint
from carrythrough.ports import Receipt
from carrythrough.xapi.admission import Limits, same_statement
from carrythrough.xapi.attachments import AttachmentLimits
from carrythrough.xapi.formats import uuid_text
from carrythrough.xapi.query import AttachmentData, StatementPage, StatementQuery

LMS, LMS_SECRET = new_credential("lms", ("statements/write", "events/write"))
READER, READER_SECRET = new_credential("reader", ("scores/read",))
OTHER, OTHER_SECRET = new_credential("vr", ("all",))
LIMITS = GatewayLimits(
    statements=Limits(body_bytes_max=200_000, statements_per_request_max=500),
    attachments=AttachmentLimits(multipart_bytes_max=200_000, parts_max=10),
    events=EventLimits(body_bytes_max=200_000),
    connections_max=40,
    head_bytes_max=20_000,
    head_seconds_max=0.6,
    body_seconds_max=0.6,
    records_in_flight_max=30,
    records_in_flight_per_credential_max=20,
    body_bytes_in_flight_max=1_000_000,
    thread_bytes_min=50_000,
)
STATEMENTS = "/xapi/statements"


def basic(credential: Credential, secret: str) -> str:
    """Return the Authorization header of a credential."""
    return "Basic " + base64.b64encode(f"{credential.key}:{secret}".encode()).decode()


class MemoryIntake:
    """An intake that keeps everything in a dictionary, and does what a test tells it to."""

    def __init__(self) -> None:
        self.stored: dict[bytes, bytes] = {}
        self.minted = 0
        self.fails_with: Exception | None = None
        self.wait: asyncio.Event | None = None
        self.waiting = 0

    async def submit_statements(
        self,
        admitted: list[Any],
        credential: str,
        version: str = "1.0.3",
        attachments: Any = (),
        lenient: bool = False,
    ) -> Receipt:
        return await self._submit(admitted)

    async def submit_events(self, events: list[Any], credential: str) -> Receipt:
        return await self._submit(events)

    async def _submit(self, items: list[Any]) -> Receipt:
        if self.fails_with is not None:
            raise self.fails_with
        if self.wait is not None:
            self.waiting += 1
            await self.wait.wait()
            self.waiting -= 1
        ids, known = [], []
        for number, item in enumerate(items):
            id_ = item.id or self._mint()
            if id_ in self.stored:
                difference = same_statement(self.stored[id_], item.raw)
                if difference:
                    raise PermanentError(_conflict(number, difference))
            known.append(id_ in self.stored)
            self.stored[id_] = item.raw
            ids.append(uuid_text(id_))
        return Receipt(ids=ids, known=known)

    def _mint(self) -> bytes:
        self.minted += 1
        return self.minted.to_bytes(16, "big")


def _conflict(number: int, difference: str) -> Problem:
    return Problem(
        code="statement-conflict", status=409, title="Conflict", detail=difference, where=f"/{number}",
        rule="Communication 2.1.2", fix="a new id",
    )  # fmt: skip


class NothingStored:
    """Stored statements of which there are none; what a real store gives out is proved elsewhere."""

    def statement(self, id_: bytes, *, voided: bool) -> None:
        return None

    def page(self, query: StatementQuery) -> StatementPage:
        return StatementPage(statements=[], more_after=0, up_to=0, consistent_through_ms=0)

    def attachments(self, sha2s: Iterable[str]) -> dict[str, AttachmentData]:
        return {}

    def activity(self, id_: str) -> None:
        return None

    def consistent_through_ms(self) -> int:
        return 0


class Watcher:
    """A telemetry that remembers the codes of what was refused."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def refuse(self, problem: Problem) -> None:
        self.codes.append(problem.code)


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def problem(self) -> Any:
        """Return the problem body, having checked that it says everything that a sender needs."""
        assert self.headers["content-type"] == "application/problem+json"
        value = self.json()
        assert value["status"] == self.status
        for name in ("code", "title", "detail", "rule", "fix"):
            assert value[name], name
        return value


class House:
    """A running server, what is inside it, and a client for it.

    `lms` may write, `reader` may not, `other` is a second sender; their Authorization headers.
    """

    limits = LIMITS
    lms = basic(LMS, LMS_SECRET)
    lms_secret = LMS_SECRET
    lms_key = LMS.key
    reader = basic(READER, READER_SECRET)
    other = basic(OTHER, OTHER_SECRET)

    def __init__(self) -> None:
        self.intake = MemoryIntake()
        self.telemetry = Watcher()
        self.in_flight = InFlight(LIMITS)
        credentials = Credentials([LMS, READER, OTHER])
        common = (self.intake, credentials, LIMITS, lambda: 0, self.telemetry, self.in_flight)
        shared = Shared(
            mount="/xapi",
            default_version="1.0.3",
            credentials=credentials,
            limits=LIMITS,
            telemetry=self.telemetry,
            in_flight=self.in_flight,
            now_ms=lambda: 0,
        )
        reading = StatementReading(
            NothingStored(), MoreTokens(b"k" * 32), "https://lrs.example.org", LIMITS.attachments
        )
        statements = StatementsEndpoint(shared, self.intake, reading)
        events = PerformanceEndpoint(*common)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await (events if scope["path"].startswith("/v1") else statements)(scope, receive, send)

        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        self.port: int = listener.getsockname()[1]
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            loop="uvloop",
            http=bounded_protocol(LIMITS),
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.should_exit = True
        self.server.force_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def head(self, method: str = "POST", target: str = STATEMENTS, **headers: str | None) -> bytes:
        """Return the head of a request; None leaves a header out."""
        named: dict[str, str | None] = {
            "Authorization": basic(LMS, LMS_SECRET),
            "X-Experience-API-Version": "1.0.3",
            "Content-Type": "application/json",
        }
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {target} HTTP/1.1", "Host: test"]
        lines += [f"{name}: {value}" for name, value in named.items() if value is not None]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def receive(self, link: socket.socket) -> Answer:
        """Read one answer from a connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = link.recv(65536)
            assert chunk, f"closed after {data!r}"
            data += chunk
        top, _, body = data.partition(b"\r\n\r\n")
        status, *fields = top.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        length = int(headers.get("content-length", "0"))
        while len(body) < length:
            chunk = link.recv(65536)
            assert chunk
            body += chunk
        return Answer(int(status.split()[1]), headers, body)

    def ask(
        self, body: bytes | Any = b"", method: str = "POST", target: str = STATEMENTS, **headers: str | None
    ) -> Answer:
        """Send one request on a connection of its own and return the answer."""
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers.setdefault("Content_Length", str(len(body)))
        with self.connect() as link:
            link.sendall(self.head(method, target, **headers) + body)
            answer = self.receive(link)
        if not target.startswith("/v1"):
            assert answer.headers["x-experience-api-version"] in {"1.0.3", "2.0.0"}
        return answer


@pytest.fixture(scope="package")
def running() -> Iterator[House]:
    house = House()
    yield house
    house.close()


@pytest.fixture
def house(running: House) -> Iterator[House]:
    running.intake.stored.clear()
    running.intake.fails_with = None
    running.telemetry.codes.clear()
    yield running
    deadline = time.monotonic() + 5
    while (running.in_flight.records or running.in_flight.body_bytes) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert running.in_flight.records == 0
    assert running.in_flight.body_bytes == 0
