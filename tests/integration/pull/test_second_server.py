"""Proves the reading between two real servers of ours: everything once, through kill -9, attachments included."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest

PROGRAM = Path(sys.executable).with_name("carrythrough")
STATEMENTS = 700
VOIDED = "http://adlnet.gov/expapi/verbs/voided"


class Server:
    """A `carrythrough serve` on a folder; `start` and `kill` as often as wanted."""

    def __init__(self, folder: Path, program: Path, settings: str = "") -> None:
        folder.mkdir()
        self.folder = folder
        text = f'program = "{program}"\nport = 0\nmetrics_port = 0\nlog_level = "error"\ndata_dir = "data"\n'
        (folder / "carrythrough.toml").write_text(text + settings, "utf-8")
        self.secrets: dict[str, tuple[str, str]] = {}
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")
        }

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(PROGRAM), "serve", "--config", "carrythrough.toml", "--json"],
            cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        info = json.loads(self.process.stdout.readline())
        self.url = info["url"]
        self.secrets |= {made["name"]: (made["key"], made["secret"]) for made in info["credentials"]}

    def may_read(self) -> None:
        """Make a credential "auditor" that may read every statement."""
        command = [PROGRAM, "credentials", "add", "auditor", "--scope", "statements/read"]
        done = subprocess.run(
            [*map(str, command), "--data-dir", "data", "--json"],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        made = json.loads(done.stdout)
        self.secrets["auditor"] = (made["key"], made["secret"])

    def end(self, *, kill: bool = False) -> None:
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def ids(self) -> list[str]:
        path = self.folder / "data/log.sqlite"
        if not path.exists():
            return []
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            rows = list(connection.execute("SELECT id FROM log WHERE kind = 1 ORDER BY position"))
        finally:
            connection.close()
        return [str(uuid.UUID(bytes=bytes(row[0]))) for row in rows]


def statement(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.UUID(int=number, version=4)),
        "actor": {"mbox": f"mailto:p{number % 11}@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": f"https://lms.example/quiz/{number % 7}"},
        "result": {"score": {"scaled": (number % 100) / 100}},
        "timestamp": "2026-03-01T10:00:00Z",
        **changes,
    }


def with_attachment(number: int, data: bytes) -> tuple[dict[str, Any], bytes]:
    digest = hashlib.sha256(data).hexdigest()
    described = {
        "usageType": "https://x.example/certificate", "display": {"en": "Certificate"}, "contentType": "text/plain",
        "length": len(data), "sha2": digest,
    }  # fmt: skip
    found = statement(number, attachments=[described])
    body = (
        b"--frontier\r\nContent-Type: application/json\r\n\r\n" + json.dumps(found).encode()
        + b"\r\n--frontier\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n"
        + f"X-Experience-API-Hash: {digest}\r\n\r\n".encode() + data + b"\r\n--frontier--\r\n"
    )  # fmt: skip
    return found, body


@pytest.fixture
def source(tmp_path: Path, program: Path) -> Iterator[Server]:
    server = Server(tmp_path / "source", program)
    server.start()
    server.end()
    server.may_read()
    server.start()
    yield server
    server.end()


def post(server: Server, **request: Any) -> None:
    headers = {"X-Experience-API-Version": "1.0.3", **request.pop("headers", {})}
    answer = httpx.post(
        f"{server.url}/xapi/statements", auth=server.secrets["lms"], headers=headers, timeout=30, **request
    )
    assert answer.status_code == 200, answer.text


def test_a_server_reads_another_through_kill_9_and_has_everything_once(
    source: Server, tmp_path: Path, program: Path, wait_until: Callable[..., None]
) -> None:
    for start in range(1, STATEMENTS, 250):
        post(source, json=[statement(number) for number in range(start, min(start + 250, STATEMENTS + 1))])
    target = statement(5)["id"]
    post(
        source,
        json=statement(
            9001, verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": target}, result={}
        ),
    )
    signed, body = with_attachment(9002, b"well done\r\n\x00\xff")
    post(source, content=body, headers={"Content-Type": "multipart/mixed; boundary=frontier"})
    expected = [id_ for id_ in source.ids() if id_ != target]
    assert len(expected) == STATEMENTS + 1

    key, secret = source.secrets["auditor"]
    settings = (
        f'[pull.campus]\nendpoint = "{source.url}/xapi"\nkey = "{key}"\nsecret_env = "CAMPUS_SECRET"\n'
        "page = 4\nevery_s = 1\n"
    )
    reader = Server(tmp_path / "reader", program, settings)
    reader.environment["CAMPUS_SECRET"] = secret
    for share in (0.1, 0.4, 0.7):
        reader.start()
        wait_until(lambda part=share: len(reader.ids()) >= STATEMENTS * part, 60.0, "a part being read")
        reader.end(kill=True)
        assert len(reader.ids()) < STATEMENTS, "it was killed too late to prove anything"
    reader.may_read()
    reader.start()
    try:
        wait_until(lambda: len(reader.ids()) >= len(expected), 60.0, "everything being read")
        time.sleep(1.5)  # one more look, which must add nothing
        assert reader.ids() == expected, "lost or doubled"
        found = httpx.get(
            f"{reader.url}/xapi/statements",
            params={"statementId": signed["id"], "attachments": "true"},
            auth=reader.secrets["auditor"],
            headers={"X-Experience-API-Version": "1.0.3"},
        )
        assert b"well done\r\n\x00\xff" in found.content
        given = json.loads(found.content.split(b"\r\n\r\n", 1)[1].split(b"\r\n--", 1)[0])
        assert given["authority"]["account"]["name"] == "pull:campus"
        post(source, json=[statement(9100 + number) for number in range(5)])
        wait_until(lambda: len(reader.ids()) == len(expected) + 5, 20.0, "what is new being read")
    finally:
        reader.end()
