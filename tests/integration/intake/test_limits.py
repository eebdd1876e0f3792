"""Proves that every bound of the intake holds, says its name, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time
from typing import Any

import pytest

from carrythrough.errors import BugError, Problem, TransientError

ID_1 = "11111111-1111-4111-8111-111111111111"
ID_2 = "22222222-2222-4222-8222-222222222222"


def statement(id_: str | None = ID_1, **more: Any) -> dict[str, Any]:
    value = {
        "actor": {"mbox": "mailto:a@example.org"},
        "verb": {"id": "http://example.org/did"},
        "object": {"id": "http://example.org/it"},
        **more,
    }
    return value if id_ is None else {"id": id_, **value}


def test_a_body_that_announces_too_much_is_refused_at_once_and_the_connection_goes_on(house: Any):
    size = house.limits.statements.body_bytes_max + 1
    with house.connect() as link:
        link.sendall(house.head(Content_Length=str(size)))
        refused = house.receive(link)  # nothing of the body has been sent yet
        assert refused.status == 413
        assert "body_bytes_max" in refused.problem()["rule"]
        link.sendall(b" " * size)
        body = json.dumps(statement()).encode()
        link.sendall(house.head(Content_Length=str(len(body))) + body)
        assert house.receive(link).json() == [ID_1]


def test_a_body_that_does_not_say_how_long_it_is_is_cut_off_at_the_limit(house: Any):
    with house.connect() as link:
        link.sendall(house.head(Transfer_Encoding="chunked"))
        piece = b"%x\r\n%s\r\n" % (10_000, b" " * 10_000)
        for _ in range(21):
            link.sendall(piece)
        refused = house.receive(link)
        assert refused.status == 413
        assert refused.problem()["code"] == "body-too-large"


def test_a_body_that_inflates_beyond_the_limit(house: Any):
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < house.limits.statements.body_bytes_max
    answer = house.ask(bomb, Content_Encoding="gzip")
    assert answer.status == 413
    assert "after inflating" in answer.problem()["rule"]


def test_too_many_statements(house: Any):
    answer = house.ask([1] * 501)
    assert answer.status == 413
    assert "statements_per_request_max" in answer.problem()["rule"]


def test_large_bodies_are_admitted_in_a_thread(house: Any):
    batch = [
        statement(f"{number:08x}-0000-4000-8000-000000000000", result={"response": "x" * 4_000})
        for number in range(20)
    ]
    assert len(json.dumps(batch)) > house.limits.thread_bytes_min
    assert len(house.ask(batch).json()) == 20
    batch[7]["verb"] = {}
    assert house.ask(batch).problem()["where"] == "/7/verb"


def test_a_client_that_stops_half_way_is_sent_away(house: Any):
    with house.connect() as link:
        link.sendall(house.head(Content_Length="100") + b"{")
        begun = time.monotonic()
        answer = house.receive(link)
        assert answer.status == 408
        assert "body_seconds_max" in answer.problem()["rule"]
        assert 0.3 < time.monotonic() - begun < 5
        assert link.recv(1) == b""  # closed


def test_a_client_that_drips_is_sent_away_as_well(house: Any):
    with house.connect() as link:
        link.sendall(house.head(Content_Length="100000"))
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


def test_a_client_that_goes_away_leaves_nothing_behind(house: Any):
    for shut in (lambda link: link.shutdown(socket.SHUT_WR), lambda link: link.close()):
        with house.connect() as link:
            link.sendall(house.head(Content_Length="1000") + b'{"actor"')
            shut(link)
    time.sleep(0.1)
    assert house.ask(statement()).status == 200
    assert len(house.intake.stored) == 1
    assert not house.telemetry.codes


def test_overload_says_when_to_try_again(house: Any):
    overloaded = Problem(code="intake-overloaded", status=503, title="Full", detail="d", rule="r", fix="f")
    house.intake.fails_with = TransientError(overloaded, retry_after_s=2.2)
    answer = house.ask(statement())
    assert answer.status == 503
    assert answer.headers["retry-after"] == "3"
    assert answer.problem()["code"] == "intake-overloaded"


def test_too_much_under_way(house: Any, wait_until: Any):
    house.intake.wait = asyncio.Event()
    slow = [statement(f"{number:08x}-0000-4000-8000-000000000000") for number in range(20)]
    body = json.dumps(slow).encode()
    with house.connect() as link:
        link.sendall(house.head(Content_Length=str(len(body))) + body)
        wait_until(lambda: house.intake.waiting, what="the first request waiting for the store")
        mine = house.ask(statement())
        assert mine.status == 429
        assert "records_in_flight_per_credential_max" in mine.problem()["rule"]
        assert mine.headers["retry-after"] == "1"
        theirs = house.ask(slow, Authorization=house.other)
        assert theirs.status == 503
        assert "records_in_flight_max" in theirs.problem()["rule"]
        house.server.servers[0].get_loop().call_soon_threadsafe(house.intake.wait.set)
        assert house.receive(link).status == 200
    house.intake.wait = None
    assert house.ask(statement()).status == 200


def test_too_many_bodies_at_once(house: Any):
    links = []
    piece = b"%x\r\n%s\r\n" % (150_000, b" " * 150_000)
    try:
        for _ in range(8):
            link = house.connect()
            links.append(link)
            link.sendall(house.head(Transfer_Encoding="chunked") + piece)
        answers = [house.receive(link) for link in links]
    finally:
        for link in links:
            link.close()
    statuses = sorted(answer.status for answer in answers)
    assert statuses[-1] == 503
    assert set(statuses) == {408, 503}
    assert all(answer.headers.get("retry-after") for answer in answers if answer.status == 503)


def test_a_fault_of_ours_says_so_and_tells_nothing(house: Any, capsys: pytest.CaptureFixture[str]):
    house.intake.fails_with = RuntimeError("secret inside")
    answer = house.ask(statement())
    assert answer.status == 500
    assert answer.problem()["code"] == "internal-error"
    assert b"secret" not in answer.body
    house.intake.fails_with = BugError(
        Problem(code="commit-bug", status=500, title="t", detail="d", rule="r", fix="f")
    )
    assert house.ask(statement()).problem()["code"] == "commit-bug"
    house.intake.fails_with = None
    assert house.ask(statement()).status == 200
    capsys.readouterr()


def test_refusals_are_counted_by_code(house: Any):
    house.ask(b"{")
    house.ask(statement("x"))
    assert house.telemetry.codes == ["json-malformed", "uuid-invalid"]
