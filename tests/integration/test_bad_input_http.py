# ruff: noqa: E501 - one bad input a line reads better than a wrapped one
"""Proves that bad input costs a clear answer and nothing else: the whole product, in a process of its own.

Good statements go in first; then everything bad that a sender can do; then the process is killed
and started again on the same folder. Every bad input is answered in time with the status, the
rule and the place; memory stays flat; and what was accepted before is all still there.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

SERVER = """
import json, sys
from carrythrough.embedded.serve import serve
from carrythrough.settings import Settings
settings = Settings(data_dir=sys.argv[1], port=0, metrics_port=0, program=sys.argv[2], log_level="error")
serve(settings, on_ready=lambda info: print(json.dumps(info), flush=True))
"""
START_S = 30.0
ANSWER_S = 10.0
GROWTH_KB_MAX = 60_000
"""Memory may grow by this much over all bad inputs together: allocators keep some, one bomb would be 200 MB."""
MEGABYTE = 1 << 20


class Product:
    """A running server process on a data folder."""

    def __init__(self, folder: Path, program: Path) -> None:
        self._command = [sys.executable, "-c", SERVER, str(folder), str(program)]
        self.credentials: dict[str, str] = {}
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the server ended with {self.process.wait(START_S)}"
        info = json.loads(line)
        self.port = int(info["url"].rpartition(":")[2])
        for made in info["credentials"]:
            pair = f"{made['key']}:{made['secret']}".encode()
            self.credentials[made["name"]] = "Basic " + base64.b64encode(pair).decode()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def resident_kb(self) -> int:
        found = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        return int(found.stdout)

    def headers(self, **changes: str | None) -> dict[str, str]:
        sent: dict[str, str | None] = {
            "Authorization": self.credentials["lms"],
            "X-Experience-API-Version": "1.0.3",
            "Content-Type": "application/json",
        }
        sent.update({name.replace("_", "-"): value for name, value in changes.items()})
        return {name: value for name, value in sent.items() if value is not None}

    def post(
        self, body: bytes, path: str = "/xapi/statements", **changes: str | None
    ) -> tuple[int, Any, dict[str, str]]:
        """Send one POST on a connection of its own; return status, JSON body and headers."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        with contextlib.closing(link):
            link.request("POST", path, body, self.headers(**changes))
            answer = link.getresponse()
            text = answer.read()
            return (
                answer.status,
                json.loads(text) if text else None,
                {k.lower(): v for k, v in answer.getheaders()},
            )

    def raw_link(self, length: int) -> socket.socket:
        """Open a connection and send the head of a POST that announces `length` bytes."""
        link = socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_S)
        lines = ["POST /xapi/statements HTTP/1.1", "Host: test", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in self.headers().items()]
        link.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return link


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Product]:
    program = repository / "examples" / "tccc" / "program-map.yaml"
    running = Product(tmp_path_factory.mktemp("data"), program)
    yield running
    running.kill()


def uuid_of(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def statement(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": uuid_of(number),
        "actor": {"account": {"homePage": "https://lms.example.org", "name": f"p{number % 7}"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/experienced"},
        "object": {"id": f"https://lms.example.org/page/{number}"},
        "timestamp": "2026-03-01T10:00:00Z",
        **more,
    }


def text_of(**more: Any) -> str:
    return json.dumps(statement(999_999, **more))


def with_response(raw: bytes) -> bytes:
    return text_of(result={"response": "HERE"}).encode().replace(b"HERE", raw)


def with_value(raw: bytes) -> bytes:
    return (
        text_of(result={"extensions": {"https://x.example.org/y": "HERE"}}).encode().replace(b'"HERE"', raw)
    )


class Bad(msgspec.Struct, frozen=True):
    """One bad input: what is sent, and what must be answered. where: None when it is not looked at."""

    body: Callable[[], bytes]
    status: int
    code: str
    where: str | None = None
    headers: dict[str, str | None] = {}


@cache
def bomb() -> bytes:
    """Return 200 kB that inflate to 200 MB."""
    deflater = zlib.compressobj(9, wbits=31)
    return b"".join(deflater.compress(b" " * MEGABYTE) for _ in range(200)) + deflater.flush()


BAD: dict[str, Bad] = {
    "nothing": Bad(bytes, 400, "body-empty"),
    "malformed": Bad(lambda: b'[{"actor":}]', 400, "json-malformed", ""),
    "cut off": Bad(lambda: text_of().encode()[:-9], 400, "json-malformed", ""),
    "binary": Bad(lambda: bytes(range(256)) * 40, 400, "json-not-unicode", ""),
    "a number": Bad(lambda: b"42", 400, "type-wrong", ""),
    "wrong types": Bad(lambda: text_of(verb=7).encode(), 400, "type-wrong", "/verb"),
    "text for a number": Bad(lambda: text_of(result={"score": {"scaled": "1"}}).encode(), 400, "type-wrong", "/result/score/scaled"),
    "null": Bad(lambda: text_of(result=None).encode(), 400, "property-null", "/result"),
    "unknown property": Bad(lambda: text_of(mood="good").encode(), 400, "property-unknown", "/mood"),
    "two identifiers": Bad(
        lambda: text_of(actor={"mbox": "mailto:a@x.org", "openid": "https://x.org"}).encode(), 400, "identifier-several", "/actor"),
    "1,000 deep": Bad(lambda: with_value(b"[" * 1_000 + b"]" * 1_000), 400, "json-too-deep"),
    "1,000,000 deep": Bad(lambda: b'{"a":' * 1_000_000, 400, "json-too-deep"),
    "duplicate keys": Bad(lambda: b'{"actor":{},' + text_of().encode()[1:], 400, "json-duplicate-key", "/actor"),
    "NaN": Bad(lambda: with_value(b"NaN"), 400, "json-not-finite"),
    "-Infinity": Bad(lambda: with_value(b"-Infinity"), 400, "json-not-finite"),
    "1e999": Bad(lambda: with_value(b"1e999"), 400, "json-number-range", "/result/extensions/https:~1~1x.example.org~1y"),
    "a million digits": Bad(lambda: with_value(b"9" * MEGABYTE)[: 2 * MEGABYTE], 413, "statement-too-large", ""),
    "lone surrogate": Bad(lambda: with_response(b"\\ud83d!"), 400, "json-not-unicode", "/result/response"),
    "lone surrogate in bytes": Bad(lambda: with_response(b"\xed\xa0\xbd"), 400, "json-not-unicode", ""),
    "NUL": Bad(lambda: with_response(b"\\u0000"), 400, "json-nul", "/result/response"),
    "NUL byte": Bad(lambda: with_response(b"\x00"), 400, "json-malformed", ""),
    "10 MB of spaces": Bad(lambda: b" " * (10 * MEGABYTE), 400, "body-empty"),
    "11 MB": Bad(lambda: b" " * (11 * MEGABYTE), 413, "body-too-large"),
    "gzip bomb": Bad(bomb, 413, "body-too-large", None, {"Content-Encoding": "gzip"}),
    "no gzip": Bad(lambda: text_of().encode(), 400, "gzip-damaged", None, {"Content-Encoding": "gzip"}),
    "other compression": Bad(lambda: b"x", 415, "encoding-unsupported", "Content-Encoding", {"Content-Encoding": "br"}),
    "100,000 small values": Bad(lambda: b"[" + b"1," * 99_999 + b"1]", 413, "too-many-statements"),
    "same id twice": Bad(f"[{text_of()},{text_of()}]".encode, 400, "statement-id-repeated", "/1/id"),
    "-00:00": Bad(lambda: text_of(timestamp="2026-03-01T10:00:00-00:00").encode(), 400, "timestamp-invalid", "/timestamp"),
    "unknown version": Bad(lambda: text_of().encode(), 400, "version-unsupported", None, {"X-Experience-API-Version": "1.1.0"}),
    "no version": Bad(lambda: text_of().encode(), 400, "version-unsupported", None, {"X-Experience-API-Version": None}),
    "a form": Bad(lambda: b"a=b", 400, "media-type-unsupported", "Content-Type", {"Content-Type": "application/x-www-form-urlencoded"}),
    "no credentials": Bad(lambda: text_of().encode(), 401, "credentials-missing-or-wrong", None, {"Authorization": None}),
    "wrong credentials": Bad(
        lambda: text_of().encode(), 401, "credentials-missing-or-wrong", None, {"Authorization": "Basic bG1zOndyb25n"}),
    "other content": Bad(lambda: json.dumps(statement(1, result={"success": True})).encode(), 409, "statement-conflict"),
}  # fmt: skip


def check(product: Product, bad: Bad) -> None:
    begun = time.monotonic()
    status, problem, headers = product.post(bad.body(), **bad.headers)
    assert time.monotonic() - begun < ANSWER_S
    assert status == bad.status, problem
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-experience-api-version"] == "1.0.3"
    assert problem["code"] == bad.code
    assert problem["status"] == bad.status
    assert problem["rule"]
    assert problem["fix"]
    if bad.where is not None:
        assert problem["where"] == bad.where


@pytest.fixture(scope="module")
def accepted(product: Product) -> list[dict[str, Any]]:
    """Statements that were accepted before anything bad came."""
    good = [statement(number) for number in range(200)]
    for start in range(0, len(good), 50):
        status, ids, _ = product.post(json.dumps(good[start : start + 50]).encode())
        assert status == 200
        assert ids == [one["id"] for one in good[start : start + 50]]
    return good


@pytest.mark.parametrize("name", BAD)
def test_each_bad_input_gets_a_clear_answer(product: Product, accepted: list[dict[str, Any]], name: str):
    check(product, BAD[name])
    status, ids, _ = product.post(json.dumps(accepted[0]).encode())
    assert (status, ids) == (200, [accepted[0]["id"]])


def test_half_closed_connections_cost_nothing(product: Product, accepted: list[dict[str, Any]]):
    links = [product.raw_link(1_000_000) for _ in range(60)]
    for number, link in enumerate(links):
        link.sendall(b"[" + b" " * 10_000)
        if number % 3 == 0:
            link.shutdown(socket.SHUT_WR)
        elif number % 3 == 1:
            link.close()
    begun = time.monotonic()
    assert product.post(json.dumps(accepted[1]).encode())[0] == 200
    assert time.monotonic() - begun < 2  # the others do not stand in the way
    for link in links:
        link.close()


@pytest.mark.slow
def test_memory_stays_flat_and_nothing_accepted_is_lost(product: Product, accepted: list[dict[str, Any]]):
    def everything_bad() -> None:
        with ThreadPoolExecutor(4) as together:
            list(together.map(lambda bad: check(product, bad), BAD.values()))

    everything_bad()  # what is loaded on first use is loaded now
    before_kb = product.resident_kb()
    for _ in range(3):
        everything_bad()
    after_kb = product.resident_kb()
    print(f"\nresident before {before_kb} kB, after {after_kb} kB")
    assert after_kb - before_kb < GROWTH_KB_MAX

    product.kill()
    product.start()
    status, ids, _ = product.post(json.dumps(accepted).encode())
    assert status == 200
    assert ids == [one["id"] for one in accepted]
    for one in accepted[::20]:  # each is known: other content under its id is refused
        status, problem, _ = product.post(json.dumps({**one, "result": {"success": False}}).encode())
        assert status == 409
        assert problem["code"] == "statement-conflict"
    assert product.post(text_of().encode())[0] == 200  # never stored by a request that was refused


def test_a_second_process_on_the_same_folder_is_refused(product: Product, accepted: list[dict[str, Any]]):
    second = subprocess.run(product._command, capture_output=True, text=True, timeout=START_S, check=False)
    assert second.returncode != 0
    assert second.stdout == ""
    assert "PermanentError" in second.stderr
    assert "one process at a time" in second.stderr
    assert product.post(json.dumps(accepted[2]).encode())[0] == 200
