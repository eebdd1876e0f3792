"""A real server process with every xAPI resource, and a client that speaks both versions to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import sys
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
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
        data_dir=folder + "/data", program=folder + "/map.yaml", roster=folder + "/roster.yaml", port=0,
        metrics_port=0, log_level="error",
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
ROSTER = """
people:
  - id: e-1
    name: Ana Alvarez
    email: ana@example.org
    identifiers:
      - account: {homePage: "https://lms.example.org", name: "4711"}
      - openid: "https://ana.example.org/"
      - mbox_sha1sum: "0123456789012345678901234567890123456789"
"""
CREDENTIALS = {
    "lms": ("statements/write", "statements/read/mine", "state", "profile", "define"),
    "auditor": ("all/read",),
    "people": ("all/read", "people/read"),
    "writer": ("statements/write",),
    "scores": ("scores/read",),
}


class Reply(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def problem(self, code: str) -> dict[str, Any]:
        """Return the problem body, having checked its code and that it says all that a sender needs."""
        assert self.headers["content-type"] == "application/problem+json", self
        value: dict[str, Any] = self.json()
        assert value["code"] == code, value
        for name in ("title", "detail", "rule", "fix"):
            assert value[name], (name, value)
        return value


class Lrs:
    """The server process and a client of it; `version` is what requests say unless told otherwise."""

    def __init__(self, folder: Path) -> None:
        (folder / "map.yaml").write_text(MAP)
        (folder / "roster.yaml").write_text(ROSTER)
        (folder / "data").mkdir(mode=0o700)
        made = {name: new_credential(name, scopes) for name, scopes in CREDENTIALS.items()}
        stored = Credentials([credential for credential, _ in made.values()])
        (folder / "data" / "credentials.json").write_text(stored.to_file())
        self.login = {
            name: "Basic " + b64encode(f"{credential.key}:{secret}".encode()).decode()
            for name, (credential, secret) in made.items()
        }
        self.folder = folder
        command = [sys.executable, "-c", SERVER, str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(json.loads(self.process.stdout.readline())["url"].rpartition(":")[2])

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0
        assert self.process.stdout is not None
        self.process.stdout.close()

    def ask(
        self,
        method: str,
        resource: str,
        parameters: dict[str, Any] | str = "",
        body: Any = None,
        *,
        version: str | None = "1.0.3",
        who: str = "lms",
        mount: str = "/xapi",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Send one request. parameters: values that are no text are sent as JSON. body: the same."""
        sent = {"Authorization": self.login.get(who, who)} if who else {}
        if version is not None:
            sent["X-Experience-API-Version"] = version
        if body is not None and not isinstance(body, bytes):
            body, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        sent |= headers or {}
        if not isinstance(parameters, str):
            texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in parameters.items()}
            parameters = urlencode(texts)
        path = f"{mount}/{resource}" + (f"?{parameters}" if parameters else "")
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(link):
            link.request(method, path, body, sent)
            answer = link.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())


@pytest.fixture(scope="session")
def lrs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lrs]:
    server = Lrs(tmp_path_factory.mktemp("documents"))
    yield server
    server.stop()


@pytest.fixture(params=["1.0.3", "2.0.0"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Place(msgspec.Struct):
    """One address of a document, new to each test: the resource and its parameters."""

    resource: str
    id_name: str
    context: dict[str, Any]
    id: str = "one"

    def of(self, id_: str | None = None) -> dict[str, Any]:
        """Return the parameters of a document of this context."""
        return {**self.context, self.id_name: id_ or self.id}


def _place(resource: str) -> Place:
    fresh = uuid.uuid4().hex
    agent = {"account": {"homePage": "https://lms.example.org", "name": fresh}}
    activity = f"https://x.example/{fresh}"
    if resource == "activities/state":
        return Place(resource, "stateId", {"activityId": activity, "agent": agent})
    if resource == "agents/profile":
        return Place(resource, "profileId", {"agent": agent})
    return Place(resource, "profileId", {"activityId": activity})


RESOURCES = ("activities/state", "agents/profile", "activities/profile")


@pytest.fixture
def places() -> list[Place]:
    return [_place(resource) for resource in RESOURCES]


@pytest.fixture(params=RESOURCES)
def place(request: pytest.FixtureRequest) -> Place:
    return _place(str(request.param))


@pytest.fixture(params=["agents/profile", "activities/profile"])
def profile(request: pytest.FixtureRequest) -> Place:
    return _place(str(request.param))


@pytest.fixture
def state() -> Place:
    return _place("activities/state")


Ask = Callable[..., Reply]


@pytest.fixture
def ask(lrs: Lrs, version: str) -> Ask:
    """Give `lrs.ask` in the version of the test."""

    def send(*arguments: Any, **more: Any) -> Reply:
        return lrs.ask(*arguments, **{"version": version, **more})

    return send
