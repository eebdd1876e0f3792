"""A Learning Record Store that does what a test tells it to, over real HTTP, and a lane that sends to it."""

from __future__ import annotations

import email
import http.server
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from carrythrough.embedded.forward_file import ForwardFile
from carrythrough.forward.items import Batch, Item
from carrythrough.forward.lane import Lane
from carrythrough.forward.remote import RemoteLrs
from carrythrough.forward.target import ForwardTarget
from carrythrough.xapi.query import AttachmentData

SECRET = "a-secret-that-shows-nowhere"


class Store:
    """Statements by id, as a store keeps them; `judge` may answer first with (status, headers, body)."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.batches: list[list[str]] = []
        self.headers: list[dict[str, str]] = []
        self.parts: list[bytes] = []
        self.judge: Callable[[list[dict[str, Any]]], tuple[int, dict[str, str], bytes] | None] = lambda _: (
            None
        )
        self.gives_out = True
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65_536  # an answer in one piece: two would wait for each other 40 ms

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                store.headers.append({name.lower(): value for name, value in self.headers.items()})
                self.answer(*store.post(store.statements(self.headers["content-type"], body)))

            def do_GET(self) -> None:
                found = store.kept.get(self.path.rpartition("statementId=")[2]) if store.gives_out else None
                self.answer(404 if found is None else 200, {}, json.dumps(found).encode())

            def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/xapi"

    def statements(self, kind: str, body: bytes) -> list[dict[str, Any]]:
        """Return the statements of a request; the data of attachments goes to `parts`."""
        if kind.startswith("multipart/"):
            message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
            payloads = [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
            body, *rest = (payload for payload in payloads if isinstance(payload, bytes))
            self.parts += rest
        return list(json.loads(body))

    def post(self, statements: list[dict[str, Any]]) -> tuple[int, dict[str, str], bytes]:
        """Keep a batch, all or nothing."""
        self.batches.append([one["id"] for one in statements])
        judged = self.judge(statements)
        if judged is not None:
            return judged
        for one in statements:
            if one["id"] in self.kept and self.kept[one["id"]] != one:
                return 409, {}, b"conflict"
        for one in statements:
            self.kept[one["id"]] = one
        return 200, {}, json.dumps([one["id"] for one in statements]).encode()

    def stop(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


class Shelf:
    """A feed over a list in memory."""

    name = "log"

    def __init__(self) -> None:
        self.items: list[Item] = []

    def add(self, count: int, attachments: tuple[AttachmentData, ...] = (), **members: Any) -> list[str]:
        """Add statements and return their ids."""
        ids = []
        for _ in range(count):
            id_ = str(uuid.uuid4())
            statement = {
                "id": id_,
                "actor": {"mbox": "mailto:ann@x.example"},
                "verb": {"id": "http://x.example/v"},
                "object": {"id": f"https://x.example/{len(self.items)}"},
                "timestamp": "2026-01-01T00:00:00Z",
                **members,
            }
            text = json.dumps(statement).encode()
            self.items.append(
                Item(key=len(self.items) + 1, id=id_, text=text, version="1.0.3", attachments=attachments)
            )
            ids.append(id_)
        return ids

    def next(self, after: int, limit: int) -> Batch:
        """Return the next part."""
        part = self.items[after : after + limit]
        return Batch(items=part, last=after + len(part))

    def item(self, key: int) -> Item | None:
        """Return one."""
        return self.items[key - 1]

    def end(self) -> int:
        """Return the last place."""
        return len(self.items)


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.ms = 1_763_769_600_000

    def now_ms(self) -> int:
        """Return the time."""
        return self.ms


class Seen:
    """A watcher that adds up."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.standings: dict[str, tuple[int, int, float]] = {}
        self.dead = 0

    def forwarded(self, target: str, result: str, count: int) -> None:
        """Add."""
        self.counts[result] = self.counts.get(result, 0) + count

    def forward_standing(self, target: str, feed: str, position: int, lag: int, failing_s: float) -> None:
        """Keep."""
        self.standings[feed] = (position, lag, failing_s)

    def forward_dead(self, target: str, count: int) -> None:
        """Keep."""
        self.dead = count


class Rig:
    """A lane to the store, turned by hand."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.shelf, self.clock, self.seen = Shelf(), Hand(), Seen()
        self.settings: dict[str, Any] = {"timeout_s": 2.0}
        self.open()

    def open(self) -> None:
        """Make the lane anew over the same files, as a restart does."""
        target = ForwardTarget(endpoint=self.url, key="k", **self.settings)
        self.file = ForwardFile(self.folder)
        remote = RemoteLrs(target, SECRET)
        self.lane = Lane("b", target, remote, [self.shelf], self.file, lambda _: None, self.clock, self.seen)

    def drain(self) -> None:
        """Turn until nothing more can be sent at once."""
        for _ in range(1_000):
            if not self.lane.turn():
                return
        raise AssertionError("it never came to rest")

    def close(self) -> None:
        """Close everything."""
        self.lane.join()
        self.file.close()


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.stop()


@pytest.fixture
def rig(tmp_path: Path, store: Store) -> Iterator[Rig]:
    made = Rig(tmp_path, store.url)
    yield made
    made.close()
