"""A real server process with the statement resource at both mounts, and a client that speaks both versions."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import signal
import subprocess
import sys
import uuid
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from carrythrough.gateway.auth import Credentials, new_credential

SERVER = """
import json, sys
from carrythrough.embedded.serve import serve
from carrythrough.settings import Settings
folder = sys.argv[1]
serve(
    Settings(
        data_dir=folder + "/data", program=folder + "/map.yaml", port=0, metrics_port=0, log_level="error",
        authority_home="https://lrs.example.org",
    ),
    on_ready=lambda info: print(json.dumps(info), flush=True),
)
"""
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"},
     evidence: [{skill: calm, channel: learn, outcome: score}]}
"""
CREDENTIALS = {
    "lms": ("statements/write", "statements/read/mine", "define"),
    "auditor": ("statements/read",),
    "all": ("all",),
    "writer": ("statements/write",),
    "scores": ("scores/read",),
}
MOUNTS = {"1.0.3": "/xapi", "2.0.0": "/xapi/2.0"}
BOUNDARY = "a-boundary"
SIGNATURE = "http://adlnet.gov/expapi/attachments/signature"


class Reply(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def refused(self, code: str, status: int = 400) -> dict[str, Any]:
        """Return the problem, having checked its code and that it says all that a sender needs."""
        assert self.status == status, self
        assert self.headers["content-type"] == "application/problem+json", self
        value: dict[str, Any] = self.json()
        assert value["code"] == code, value
        for name in ("title", "detail", "rule", "fix"):
            assert value[name], (name, value)
        return value


class Part(msgspec.Struct):
    """A part of a multipart answer."""

    headers: dict[str, str]
    content: bytes


class Lrs:
    """The server process and a client of it."""

    def __init__(self, folder: Path) -> None:
        (folder / "map.yaml").write_text(MAP)
        (folder / "data").mkdir(mode=0o700)
        made = {name: new_credential(name, scopes) for name, scopes in CREDENTIALS.items()}
        stored = Credentials([credential for credential, _ in made.values()])
        (folder / "data" / "credentials.json").write_text(stored.to_file())
        self.login = {
            name: "Basic " + b64encode(f"{credential.key}:{secret}".encode()).decode()
            for name, (credential, secret) in made.items()
        }
        command = [sys.executable, "-c", SERVER, str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(json.loads(self.process.stdout.readline())["url"].rpartition(":")[2])

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0
        assert self.process.stdout is not None
        self.process.stdout.close()

    def send(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        """Send one request as it is, on a connection of its own."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(link):
            link.request(method, target, body, headers)
            answer = link.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())


class Client:
    """Speaks one version at one mount; `path` is that of the statement resource."""

    def __init__(self, lrs: Lrs, version: str, mount: str) -> None:
        self.lrs, self.version, self.mount = lrs, version, mount
        self.path = f"{mount}/statements"

    def ask(
        self,
        method: str = "GET",
        query: dict[str, Any] | str = "",
        body: Any = None,
        *,
        who: str = "all",
        target: str | None = None,
        **headers: str | None,
    ) -> Reply:
        """Send one request. query: values that are no text are sent as JSON. headers: None leaves one out."""
        named: dict[str, str | None] = {
            "Authorization": self.lrs.login.get(who) if who else None,
            "X-Experience-API-Version": self.version,
        }
        if body is not None and not isinstance(body, bytes):
            body, named["Content-Type"] = json.dumps(body).encode(), "application/json"
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        if not isinstance(query, str):
            query = urlencode({k: v if isinstance(v, str) else json.dumps(v) for k, v in query.items()})
        target = target or self.path + (f"?{query}" if query else "")
        return self.lrs.send(method, target, body, {k: v for k, v in named.items() if v is not None})

    def store(self, *statements: dict[str, Any], who: str = "all") -> list[str]:
        """Store statements and return their ids."""
        reply = self.ask("POST", body=list(statements), who=who)
        assert reply.status == 200, reply
        ids: list[str] = reply.json()
        return ids

    def one(self, id_: str, **query: Any) -> dict[str, Any]:
        """Return the statement with an id."""
        reply = self.ask(query={"statementId": id_, **query})
        assert reply.status == 200, reply
        value: dict[str, Any] = reply.json()
        return value

    def found(self, *, who: str = "all", **query: Any) -> list[str]:
        """Return the ids that a query finds, all pages of it."""
        reply = self.ask(query=query, who=who)
        ids: list[str] = []
        while True:
            assert reply.status == 200, reply
            page = reply.json()
            assert set(page) == {"statements", "more"}
            ids += [statement["id"] for statement in page["statements"]]
            if not page["more"]:
                return ids
            reply = self.ask(target=page["more"], who=who)

    def send_parts(
        self, statements: Any, *data: bytes, method: str = "POST", query: str = "", who: str = "all"
    ) -> Reply:
        """Send statements with attachments."""
        body = multipart(statements, data)
        return self.ask(method, query, body, who=who, Content_Type=f"multipart/mixed; boundary={BOUNDARY}")


def multipart(statements: Any, data: Sequence[bytes]) -> bytes:
    text = f"--{BOUNDARY}\r\nContent-Type: application/json\r\n\r\n{json.dumps(statements)}\r\n".encode()
    for one in data:
        head = (
            f"--{BOUNDARY}\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n"
            f"X-Experience-API-Hash: {hashlib.sha256(one).hexdigest()}\r\n\r\n"
        )
        text += head.encode() + one + b"\r\n"
    return text + f"--{BOUNDARY}--\r\n".encode()


class Kit:
    """What tests make statements of; everything is new to each test that asks for it."""

    boundary = BOUNDARY
    signature = SIGNATURE

    def __init__(self) -> None:
        self.fresh = uuid.uuid4().hex

    @staticmethod
    def uuid() -> str:
        return str(uuid.uuid4())

    def iri(self, name: str) -> str:
        return f"https://x.example/{self.fresh}/{name}"

    def agent(self, name: str = "ana") -> dict[str, Any]:
        return {"account": {"homePage": "https://lms.example.org", "name": f"{name}-{self.fresh}"}}

    def statement(self, **more: Any) -> dict[str, Any]:
        return {
            "id": self.uuid(),
            "actor": self.agent(),
            "verb": {"id": self.iri("verb")},
            "object": {"id": self.iri("activity")},
            **more,
        }

    def voiding(self, id_: str) -> dict[str, Any]:
        verb = {"id": "http://adlnet.gov/expapi/verbs/voided"}
        return self.statement(verb=verb, object={"objectType": "StatementRef", "id": id_})

    @staticmethod
    def attachment(data: bytes, **more: Any) -> dict[str, Any]:
        return {
            "usageType": "https://x.example/usage",
            "display": {"en": "A file"},
            "contentType": "text/plain",
            "length": len(data),
            "sha2": hashlib.sha256(data).hexdigest(),
            **more,
        }

    @staticmethod
    def parts(reply: Reply) -> list[Part]:
        """Return the parts of a multipart answer."""
        kind, _, boundary = reply.headers["content-type"].partition("; boundary=")
        assert kind == "multipart/mixed"
        line = f"--{boundary}".encode()
        assert reply.body.startswith(line + b"\r\n")
        assert reply.body.endswith(line + b"--\r\n")
        found = []
        for text in reply.body.split(line)[1:-1]:
            head, _, content = text.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            rows = (row.partition(": ") for row in head.decode().split("\r\n"))
            found.append(
                Part({name.lower(): value for name, _, value in rows}, content.removesuffix(b"\r\n"))
            )
        return found


@pytest.fixture(scope="session")
def lrs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lrs]:
    server = Lrs(tmp_path_factory.mktemp("statements"))
    yield server
    server.stop()


@pytest.fixture(params=MOUNTS)
def xapi(request: pytest.FixtureRequest, lrs: Lrs) -> Client:
    """Give a client of each version at its own mount."""
    return Client(lrs, request.param, MOUNTS[request.param])


@pytest.fixture
def client(lrs: Lrs) -> Any:
    """Give `client(version, mount)`."""
    return lambda version, mount: Client(lrs, version, mount)


@pytest.fixture
def kit() -> Kit:
    return Kit()
