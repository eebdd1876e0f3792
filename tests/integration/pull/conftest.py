"""A small real HTTP server that speaks the query resource of an LRS, and can misbehave on request."""

from __future__ import annotations

import base64
import datetime as dt
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

PROGRAM_MAP = """
map: pulled
version: 1
name: Read from a store
goals:
  - id: calm
    name: Calm callers
    kpis: [{id: csat, name: Satisfaction, unit: share, target: 0.8, noise_sd: 0.1, reliability: 0.3}]
skills: [{id: listening, name: Listening, kpis: [csat], target: 0.75}]
activities:
  - id: quiz
    name: Quiz
    match: {activity_prefix: "https://lms.example/quiz/"}
    evidence: [{skill: listening, channel: learn, outcome: score}]
"""


class FakeStore:
    """Statements with the times they were stored; `requests` are the parameters asked with.

    quirk: a function that gets the handler and the parameters of a request and may answer in its own
    way (returns True when it did).
    """

    def __init__(self) -> None:
        self.statements: list[dict[str, Any]] = []
        self.requests: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.quirk: Callable[[Any, dict[str, str]], bool] = lambda *_: False
        self.through = ""
        self.newest_first = False
        self.page_max = 100
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                store.serve(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}/xapi"

    def add(self, number: int, *, stored: str | None = None, **extra: Any) -> list[str]:
        """Add statements stored a second apart (all at `stored` where it is given); returns their ids."""
        ids = []
        for _ in range(number):
            at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=len(self.statements))
            text = stored or at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            ids.append(str(uuid.uuid4()))
            self.statements.append(
                {
                    "id": ids[-1],
                    "actor": {"mbox": f"mailto:p{len(self.statements) % 7}@example.org"},
                    "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                    "object": {"id": f"https://lms.example/quiz/{len(self.statements) % 5}"},
                    "result": {"score": {"scaled": 0.123456789}},
                    "timestamp": text,
                    "stored": text,
                    "authority": {"account": {"homePage": "https://lrs.example", "name": "store"}},
                    "version": "1.0.3",
                    **extra,
                }
            )
        return ids

    def serve(self, handler: Any) -> None:
        parameters = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        self.requests.append(parameters)
        self.headers.append(dict(handler.headers))
        if not self.quirk(handler, parameters):
            answer(handler, 200, self.result(parameters), self.through)

    def result(self, parameters: dict[str, str]) -> bytes:
        since, at = parameters.get("since", ""), int(parameters.get("at", "0"))
        found = [s for s in self.statements if s["stored"] > since]
        if "verb" in parameters:
            found = [s for s in found if s["verb"]["id"] == parameters["verb"]]
        found.sort(key=lambda s: str(s["stored"]), reverse=self.newest_first)
        size = min(int(parameters.get("limit", "0")) or self.page_max, self.page_max)
        more = ""
        if at + size < len(found):
            more = "/xapi/statements?" + urlencode(parameters | {"at": at + size})
        return json.dumps({"statements": found[at : at + size], "more": more}).encode()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(5)


def answer(handler: Any, status: int, body: bytes, through: str = "", **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    if through:
        handler.send_header("X-Experience-API-Consistent-Through", through)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def store() -> Iterator[FakeStore]:
    """Give a store to read from."""
    made = FakeStore()
    yield made
    made.close()


@pytest.fixture(name="answer", scope="session")
def answer_fixture() -> Callable[..., None]:
    """Give `answer(handler, status, body)`."""
    return answer


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Give the file of a program map that the statements of the store are about."""
    path = tmp_path / "map.yaml"
    path.write_text(PROGRAM_MAP, "utf-8")
    return path


@pytest.fixture(scope="session")
def basic() -> Callable[[str, str], str]:
    """Give a function that returns the header of Basic credentials."""
    return lambda key, secret: "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


@pytest.fixture(scope="session")
def stored_ids() -> Callable[[Any], list[str]]:
    """Give a function that returns the ids of all statements in a runtime's log, in order."""

    def read(runtime: Any) -> list[str]:
        reader = runtime.log.reader()
        rows = [row for row in reader.all() if row.kind == 1]
        reader.close()
        return [str(uuid.UUID(bytes=bytes(row.id))) for row in rows]

    return read


@pytest.fixture(scope="session")
def dribble() -> Callable[[Any], None]:
    """Give a function that answers a request one byte at a time, for longer than anybody should wait."""

    def run(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(100):
            try:
                handler.wfile.write(b" ")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    return run
