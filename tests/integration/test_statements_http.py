"""Proves what the intake endpoints answer, over real sockets of a real uvicorn server.

The store behind them is a small in-memory twin of the intake port, so that every answer of a store
(conflict, overload, a fault of ours) can be had at will. What the real store does is proved elsewhere.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import uvicorn

from carrythrough.errors import BugError, PermanentError, Problem, TransientError
from carrythrough.events.admission import EventLimits
from carrythrough.gateway.auth import Credentials, new_credential
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.gateway.performance import PerformanceEndpoint
from carrythrough.gateway.xapi.endpoint import StatementsEndpoint
from carrythrough.ports import Receipt
from carrythrough.xapi.admission import Limits, same_statement
from carrythrough.xapi.formats import uuid_text

LMS, LMS_SECRET = new_credential("lms", ("statements/write", "events/write"))
READER, READER_SECRET = new_credential("reader", ("scores/read",))
OTHER, OTHER_SECRET = new_credential("vr", ("all",))
LIMITS = GatewayLimits(
    statements=Limits(body_bytes_max=200_000, statements_per_request_max=500),
    events=EventLimits(body_bytes_max=200_000),
    body_seconds_max=0.6,
    records_in_flight_max=30,
    records_in_flight_per_credential_max=20,
    body_bytes_in_flight_max=1_000_000,
    thread_bytes_min=50_000,
)
ID_1 = "11111111-1111-4111-8111-111111111111"
ID_2 = "22222222-2222-4222-8222-222222222222"
EVENT = {
    "id": "crm-1",
    "source": "crm",
    "kind": "task-outcome",
    "employee": "e-017",
    "time": "2026-03-01T10:00:00Z",
    "activity": "call-closed",
    "outcome": {"met": True},
}


class MemoryIntake:
    """An intake that keeps everything in a dictionary, and does what a test tells it to."""

    def __init__(self) -> None:
        self.stored: dict[bytes, bytes] = {}
        self.minted = 0
        self.fails_with: Exception | None = None
        self.wait: asyncio.Event | None = None
        self.waiting = 0

    async def submit_statements(self, admitted: list[Any], credential: str) -> Receipt:
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


class Watcher:
    """A telemetry that remembers the codes of what was refused."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def refuse(self, problem: Problem) -> None:
        self.codes.append(problem.code)


class House:
    """A running server and what is inside it."""

    def __init__(self) -> None:
        self.intake = MemoryIntake()
        self.telemetry = Watcher()
        self.in_flight = InFlight(LIMITS)
        credentials = Credentials([LMS, READER, OTHER])
        common = (self.intake, credentials, LIMITS, lambda: 0, self.telemetry, self.in_flight)
        statements, events = StatementsEndpoint(*common), PerformanceEndpoint(*common)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await (events if scope["path"].startswith("/v1") else statements)(scope, receive, send)

        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        self.port: int = listener.getsockname()[1]
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", loop="uvloop", http="httptools"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.should_exit = True
        self.server.force_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()


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


@pytest.fixture(scope="module")
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


def basic(key: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


HEADERS = {
    "Authorization": basic(LMS.key, LMS_SECRET),
    "X-Experience-API-Version": "1.0.3",
    "Content-Type": "application/json",
}


def connect(house: House) -> socket.socket:
    return socket.create_connection(("127.0.0.1", house.port), timeout=10)


def head(method: str, target: str, headers: dict[str, str | None]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: test"]
    lines += [f"{name}: {value}" for name, value in {**HEADERS, **headers}.items() if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def receive(link: socket.socket) -> Answer:
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
    house: House,
    body: bytes | Any = b"",
    method: str = "POST",
    target: str = "/xapi/statements",
    **headers: str | None,
) -> Answer:
    """Send one request on a connection of its own and return the answer."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("Content-Length", str(len(body)))
    with connect(house) as link:
        link.sendall(head(method, target, named) + body)
        answer = receive(link)
    if not target.startswith("/v1"):
        assert answer.headers["x-experience-api-version"] in {"1.0.3", "2.0.0"}
    return answer


def statement(id_: str | None = ID_1, **more: Any) -> dict[str, Any]:
    value = {
        "actor": {"mbox": "mailto:a@example.org"},
        "verb": {"id": "http://example.org/did"},
        "object": {"id": "http://example.org/it"},
        **more,
    }
    return value if id_ is None else {"id": id_, **value}


def test_one_statement(house: House):
    answer = ask(house, statement())
    assert answer.status == 200
    assert answer.json() == [ID_1]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-experience-api-version"] == "1.0.3"


def test_many_statements_are_answered_in_order_and_a_re_send_as_the_first_time(house: House):
    batch = [statement(ID_2), statement(ID_1), statement(None)]
    first = ask(house, batch)
    assert first.status == 200
    assert first.json()[:2] == [ID_2, ID_1]
    assert len(first.json()) == 3
    assert ask(house, batch[:2]).json() == [ID_2, ID_1]
    assert ask(house, []).json() == []


def test_another_content_under_a_known_id(house: House):
    assert ask(house, statement()).status == 200
    answer = ask(house, [statement(ID_2), statement(ID_1, result={"success": True})])
    assert answer.status == 409
    problem = answer.problem()
    assert problem["where"] == "/1"
    assert "/result" in problem["detail"]


def test_put(house: House):
    target = f"/xapi/statements?statementId={ID_1}"
    answer = ask(house, statement(None), "PUT", target)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["x-experience-api-version"] == "1.0.3"
    assert ask(house, statement(ID_1), "PUT", target).status == 204
    assert list(house.intake.stored) == [bytes.fromhex(ID_1.replace("-", ""))]


@pytest.mark.parametrize(
    ("query", "body", "code", "where"),
    [
        ("", statement(), "parameter-missing", "statementId"),
        ("?statementId=x", statement(), "parameter-invalid", "statementId"),
        ("?statementid=" + ID_1, statement(), "parameter-unknown", "statementid"),
        (f"?statementId={ID_1}&registration=x", statement(), "parameter-unknown", "registration"),
        (f"?statementId={ID_1}&statementId={ID_1}", statement(), "parameter-repeated", "statementId"),
        ("?statementId", statement(), "parameter-invalid", ""),
        (f"?statementId={ID_2}", statement(), "statement-id-mismatch", "/id"),
        (f"?statementId={ID_1}", [statement()], "type-wrong", ""),
        (f"?statementId={ID_1}", [], "type-wrong", ""),
    ],
)
def test_put_wants_one_statement_and_its_id(house: House, query: str, body: Any, code: str, where: str):
    answer = ask(house, body, "PUT", f"/xapi/statements{query}")
    assert answer.status == 400
    problem = answer.problem()
    assert (problem["code"], problem["where"]) == (code, where)
    assert not house.intake.stored


@pytest.mark.parametrize("query", ["?statementId=" + ID_1, "?method=PUT", "?x=1", "?x", "?%ff=1"])
def test_post_has_no_parameters(house: House, query: str):
    answer = ask(house, statement(), target=f"/xapi/statements{query}")
    assert answer.status == 400
    assert answer.problem()["code"] in {"parameter-unknown", "parameter-invalid"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods(house: House, method: str):
    answer = ask(house, b"", method, Content_Length=None) if method != "HEAD" else None
    if answer is None:
        with connect(house) as link:
            link.sendall(head("HEAD", "/xapi/statements", {"Content-Length": None}))
            assert link.recv(64).startswith(b"HTTP/1.1 405")
        return
    assert answer.status == 405
    assert answer.headers["allow"] == "POST, PUT"
    assert answer.problem()["code"] == "method-not-allowed"


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Basic", "Basic !!!", "Bearer x", basic(LMS.key, "wrong" * 8), basic("nobody", LMS_SECRET),
     basic(LMS.key, ""), "Basic " + base64.b64encode(LMS.key.encode()).decode(), basic(LMS.key, LMS_SECRET) + "x"],
)  # fmt: skip
def test_who_is_not_known(house: House, authorization: str | None):
    answer = ask(house, statement(), Authorization=authorization)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    problem = answer.problem()
    assert "statements/write" in problem["fix"]
    assert LMS_SECRET not in answer.body.decode()
    assert not house.intake.stored


def test_who_may_not_write(house: House):
    answer = ask(house, statement(), Authorization=basic(READER.key, READER_SECRET))
    assert answer.status == 403
    assert "statements/write" in answer.problem()["detail"]
    assert "www-authenticate" not in answer.headers
    assert ask(house, statement(), Authorization=basic(OTHER.key, OTHER_SECRET)).status == 200


@pytest.mark.parametrize(
    ("sent", "answered"),
    [("1.0", "1.0.3"), ("1.0.0", "1.0.3"), ("1.0.2", "1.0.3"), ("2.0.0", "2.0.0"), ("2.0", "2.0.0")],
)
def test_versions_that_are_spoken(house: House, sent: str, answered: str):
    answer = ask(house, statement(), X_Experience_API_Version=sent)
    assert answer.status == 200
    assert answer.headers["x-experience-api-version"] == answered


@pytest.mark.parametrize(
    "sent", [None, "", "0.9", "0.95", "1.0.", "1.1.0", "1.03", "2.1.0", "3.0.0", "latest", "1.0.3, 2.0.0"]
)
def test_versions_that_are_not(house: House, sent: str | None):
    answer = ask(house, statement(), X_Experience_API_Version=sent)
    assert answer.status == 400
    problem = answer.problem()
    assert (problem["code"], problem["where"]) == ("version-unsupported", "X-Experience-API-Version")
    assert answer.headers["x-experience-api-version"] == "1.0.3"


def test_the_version_decides_which_rules_hold(house: House):
    body = statement(timestamp="2026-03-01T10:00:00")
    assert ask(house, body).status == 200
    refused = ask(house, body, X_Experience_API_Version="2.0.0")
    assert refused.status == 400
    assert refused.problem()["where"] == "/timestamp"
    assert refused.headers["x-experience-api-version"] == "2.0.0"


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "multipart/mixed; boundary=x", "application/x-www-form-urlencoded"]
)
def test_other_kinds_of_bodies(house: House, content_type: str | None):
    answer = ask(house, statement(), Content_Type=content_type)
    assert answer.status == 415
    assert answer.problem()["where"] == "Content-Type"
    assert ask(house, statement(), Content_Type="Application/JSON; charset=utf-8").status == 200


def test_compressed_bodies(house: House):
    body = json.dumps([statement(ID_1)]).encode()
    assert ask(house, gzip.compress(body), Content_Encoding="gzip").json() == [ID_1]
    two_members = gzip.compress(body[:20]) + gzip.compress(body[20:])
    assert ask(house, two_members, Content_Encoding="GZIP").json() == [ID_1]
    for damaged in (gzip.compress(body)[:-9], body, b"", zlib.compress(body)):
        answer = ask(house, damaged, Content_Encoding="gzip")
        assert answer.status == 400
        assert answer.problem()["code"] == "gzip-damaged"
    answer = ask(house, body, Content_Encoding="br")
    assert answer.status == 415
    assert answer.problem()["where"] == "Content-Encoding"


def test_bodies_in_pieces(house: House):
    body = json.dumps([statement(ID_1), statement(ID_2)]).encode()
    with connect(house) as link:
        link.sendall(head("POST", "/xapi/statements", {"Transfer-Encoding": "chunked"}))
        for start in range(0, len(body), 50):
            piece = body[start : start + 50]
            link.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            time.sleep(0.001)
        link.sendall(b"0\r\n\r\n")
        assert receive(link).json() == [ID_1, ID_2]


def test_a_body_that_announces_too_much_is_refused_at_once_and_the_connection_goes_on(house: House):
    size = LIMITS.statements.body_bytes_max + 1
    with connect(house) as link:
        link.sendall(head("POST", "/xapi/statements", {"Content-Length": str(size)}))
        refused = receive(link)  # nothing of the body has been sent yet
        assert refused.status == 413
        assert "body_bytes_max" in refused.problem()["rule"]
        link.sendall(b" " * size)
        body = json.dumps(statement()).encode()
        link.sendall(head("POST", "/xapi/statements", {"Content-Length": str(len(body))}) + body)
        assert receive(link).json() == [ID_1]


def test_a_body_that_does_not_say_how_long_it_is_is_cut_off_at_the_limit(house: House):
    with connect(house) as link:
        link.sendall(head("POST", "/xapi/statements", {"Transfer-Encoding": "chunked"}))
        piece = b"%x\r\n%s\r\n" % (10_000, b" " * 10_000)
        for _ in range(21):
            link.sendall(piece)
        refused = receive(link)
        assert refused.status == 413
        assert refused.problem()["code"] == "body-too-large"


def test_a_body_that_inflates_beyond_the_limit(house: House):
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < LIMITS.statements.body_bytes_max
    answer = ask(house, bomb, Content_Encoding="gzip")
    assert answer.status == 413
    assert "after inflating" in answer.problem()["rule"]


def test_too_many_statements(house: House):
    answer = ask(house, [1] * 501)
    assert answer.status == 413
    assert "statements_per_request_max" in answer.problem()["rule"]


def test_large_bodies_are_admitted_in_a_thread(house: House):
    batch = [
        statement(f"{number:08x}-0000-4000-8000-000000000000", result={"response": "x" * 4_000})
        for number in range(20)
    ]
    assert len(json.dumps(batch)) > LIMITS.thread_bytes_min
    assert len(ask(house, batch).json()) == 20
    batch[7]["verb"] = {}
    assert ask(house, batch).problem()["where"] == "/7/verb"


def test_a_client_that_stops_half_way_is_sent_away(house: House):
    with connect(house) as link:
        link.sendall(head("POST", "/xapi/statements", {"Content-Length": "100"}) + b"{")
        begun = time.monotonic()
        answer = receive(link)
        assert answer.status == 408
        assert "body_seconds_max" in answer.problem()["rule"]
        assert 0.3 < time.monotonic() - begun < 5
        assert link.recv(1) == b""  # closed


def test_a_client_that_drips_is_sent_away_as_well(house: House):
    with connect(house) as link:
        link.sendall(head("POST", "/xapi/statements", {"Content-Length": "100000"}))
        begun = time.monotonic()
        link.settimeout(0.05)
        answer = b""
        while not answer and time.monotonic() - begun < 5:
            link.sendall(b" ")
            try:
                answer = link.recv(65536)
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408")
        assert time.monotonic() - begun < 3


def test_a_client_that_goes_away_leaves_nothing_behind(house: House):
    for shut in (lambda link: link.shutdown(socket.SHUT_WR), lambda link: link.close()):
        with connect(house) as link:
            link.sendall(head("POST", "/xapi/statements", {"Content-Length": "1000"}) + b'{"actor"')
            shut(link)
    time.sleep(0.1)
    assert ask(house, statement()).status == 200
    assert len(house.intake.stored) == 1
    assert not house.telemetry.codes


def test_overload_says_when_to_try_again(house: House):
    overloaded = Problem(code="intake-overloaded", status=503, title="Full", detail="d", rule="r", fix="f")
    house.intake.fails_with = TransientError(overloaded, retry_after_s=2.2)
    answer = ask(house, statement())
    assert answer.status == 503
    assert answer.headers["retry-after"] == "3"
    assert answer.problem()["code"] == "intake-overloaded"


def test_too_much_under_way(house: House, wait_until: Any):
    house.intake.wait = asyncio.Event()
    slow = [statement(f"{number:08x}-0000-4000-8000-000000000000") for number in range(20)]
    body = json.dumps(slow).encode()
    with connect(house) as link:
        link.sendall(head("POST", "/xapi/statements", {"Content-Length": str(len(body))}) + body)
        wait_until(lambda: house.intake.waiting, what="the first request waiting for the store")
        mine = ask(house, statement())
        assert mine.status == 429
        assert "records_in_flight_per_credential_max" in mine.problem()["rule"]
        assert mine.headers["retry-after"] == "1"
        theirs = ask(house, slow, Authorization=basic(OTHER.key, OTHER_SECRET))
        assert theirs.status == 503
        assert "records_in_flight_max" in theirs.problem()["rule"]
        house.server.servers[0].get_loop().call_soon_threadsafe(house.intake.wait.set)
        assert receive(link).status == 200
    house.intake.wait = None
    assert ask(house, statement()).status == 200


def test_too_many_bodies_at_once(house: House):
    links = []
    piece = b"%x\r\n%s\r\n" % (150_000, b" " * 150_000)
    try:
        for _ in range(8):
            link = connect(house)
            links.append(link)
            link.sendall(head("POST", "/xapi/statements", {"Transfer-Encoding": "chunked"}) + piece)
        answers = [receive(link) for link in links]
    finally:
        for link in links:
            link.close()
    statuses = sorted(answer.status for answer in answers)
    assert statuses[-1] == 503
    assert set(statuses) == {408, 503}
    assert all(answer.headers.get("retry-after") for answer in answers if answer.status == 503)


def test_a_fault_of_ours_says_so_and_tells_nothing(house: House, capsys: pytest.CaptureFixture[str]):
    house.intake.fails_with = RuntimeError("secret inside")
    answer = ask(house, statement())
    assert answer.status == 500
    assert answer.problem()["code"] == "internal-error"
    assert b"secret" not in answer.body
    house.intake.fails_with = BugError(
        Problem(code="commit-bug", status=500, title="t", detail="d", rule="r", fix="f")
    )
    assert ask(house, statement()).problem()["code"] == "commit-bug"
    house.intake.fails_with = None
    assert ask(house, statement()).status == 200
    capsys.readouterr()


def test_refusals_are_counted_by_code(house: House):
    ask(house, b"{")
    ask(house, statement("x"))
    assert house.telemetry.codes == ["json-malformed", "uuid-invalid"]


def test_performance_events(house: House):
    def post(body: Any, content_type: str = "application/json", **headers: str | None) -> Answer:
        return ask(house, body, target="/v1/performance-events", Content_Type=content_type, **headers)

    answer = post(EVENT)
    assert answer.status == 200
    assert answer.json()["accepted"] == 1
    assert answer.json()["known"] == 0
    assert post([EVENT, {**EVENT, "id": "crm-2"}]).json() == {
        "accepted": 1, "known": 1, "ids": [*answer.json()["ids"], post({**EVENT, "id": "crm-2"}).json()["ids"][0]],
    }  # fmt: skip
    lines = b"\n".join(json.dumps({**EVENT, "id": f"l-{n}"}).encode() for n in range(3))
    assert post(lines, "application/x-ndjson").json()["accepted"] == 3
    assert post(gzip.compress(lines), "application/x-ndjson", Content_Encoding="gzip").json()["known"] == 3
    assert post([]).json() == {"accepted": 0, "known": 0, "ids": []}


def test_performance_events_that_are_refused(house: House):
    def post(
        body: Any, method: str = "POST", target: str = "/v1/performance-events", **headers: str | None
    ) -> Answer:
        return ask(house, body, method, target, **headers)

    assert post(b"{").status == 400
    wrong = post([EVENT, {**EVENT, "id": "x", "kind": "rumour"}])
    assert wrong.status == 400
    assert wrong.problem()["where"].startswith("/1")
    assert post(EVENT, Content_Type="text/csv").status == 415
    assert post(EVENT, Authorization=basic(READER.key, READER_SECRET)).status == 403
    assert post(EVENT, Authorization=None).status == 401
    assert post(b"", "GET", Content_Length=None).status == 405
    assert post(EVENT, target="/v1/performance-events?x=1").problem()["code"] == "parameter-unknown"
    assert post(b" " * 200_001).status == 413
    assert not house.intake.stored
