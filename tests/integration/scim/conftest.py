"""A real server with HR credentials and a small roster from a file, for the tests of SCIM and the roster API."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from carrythrough.gateway.auth import Credentials, new_credential

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: q, name: Q, match: {activity_prefix: "https://x.example/"}, evidence: [{skill: calm, channel: learn}]}
"""
ROSTER = """id,name,email,team,time_zone,leave,opted_out
e-1,Ann Meier,ann@corp.example,North,Europe/Zurich,2026-07-06/2026-07-17,nudge
e-2,Bo Ek,bo@corp.example,North,,,
"""
SERVER = """
import json, sys
from carrythrough.embedded.serve import serve
from carrythrough.settings import Settings
folder = sys.argv[1]
serve(
    Settings(data_dir=folder + "/data", program=folder + "/map.yaml", roster=folder + "/hr.csv", port=0,
             metrics_port=0, log_level="debug"),
    on_ready=lambda info: print(json.dumps(info), flush=True),
)
"""


class Live:
    """A server process over a folder; `restart` kills it without warning."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "data").mkdir()
        (folder / "map.yaml").write_text(MAP)
        (folder / "hr.csv").write_text(ROSTER)
        wanted = {
            "hr": ("scim",),
            "reader": ("roster/read",),
            "writer": ("roster/write",),
            "lms": ("statements/write",),
        }
        wanted |= {"people": ("all/read", "people/read"), "nobody": ("scores/read",)}
        made = {name: new_credential(name, scopes) for name, scopes in wanted.items()}
        (folder / "data" / "credentials.json").write_text(Credentials(c for c, _ in made.values()).to_file())
        self.tokens = {name: f"{credential.key}.{secret}" for name, (credential, secret) in made.items()}
        self.logins = {name: (credential.key, secret) for name, (credential, secret) in made.items()}
        self.log = (folder / "server.log").open("ab")
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-c", SERVER, str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log)
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]

    def restart(self) -> None:
        self._end(signal.SIGKILL)
        self._start()

    def stop(self) -> None:
        self._end(signal.SIGTERM)
        self.log.close()

    def _end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def client(self, name: str, path: str = "", **headers: str) -> httpx.Client:
        sent = {"Authorization": f"Bearer {self.tokens[name]}"} | headers
        return httpx.Client(base_url=self.url + path, headers=sent, timeout=10)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Give a running server."""
    server = Live(tmp_path_factory.mktemp("scim"))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def scim(live: Any) -> Iterator[httpx.Client]:
    """Give a client of the SCIM endpoint with the bearer token that an identity provider has."""
    with live.client("hr", "/scim/v2", **{"Content-Type": "application/scim+json; charset=utf-8"}) as client:
        yield client
