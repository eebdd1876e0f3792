"""Proves forwarding between two real servers: attachments, versions, the loop guard with a pull, the commands."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from carrythrough.gateway.auth import Credentials, new_credential
from carrythrough.xapi.attachments import join
from carrythrough.xapi.query import AttachmentData

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: q, name: Q, match: {activity_prefix: "https://x.example/"}, evidence: [{skill: calm, channel: learn}]}
"""
SERVER = """
import json, sys
from pathlib import Path
from carrythrough.embedded.serve import serve
from carrythrough.settings import load_settings
serve(load_settings(Path(sys.argv[1]), {}), on_ready=lambda info: print(json.dumps(info), flush=True))
"""
PROGRAM = Path(sys.executable).parent / "carrythrough"


class Server:
    """A server process on a data folder, with a client that may do everything."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / name
        self.data = self.folder / "data"
        self.data.mkdir(parents=True)
        (self.folder / "map.yaml").write_text(MAP)
        credential, secret = new_credential("root", ("all",))
        (self.data / "credentials.json").write_text(Credentials([credential]).to_file())
        self.login = (credential.key, secret)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, more: str = "", **environment: str) -> Server:
        """Start, or start again with other settings."""
        self.stop()
        config = self.folder / "c.toml"
        config.write_text(
            f'data_dir = "{self.data}"\nprogram = "{self.folder}/map.yaml"\nport = 0\nmetrics_port = 0\n{more}'
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )
        assert self.process.stdout is not None
        info = json.loads(self.process.stdout.readline())
        self.metrics = str(info["metrics_url"])
        headers = {"X-Experience-API-Version": "1.0.3"}
        self.client = httpx.Client(
            base_url=info["url"] + "/xapi", auth=self.login, headers=headers, timeout=20
        )
        return self

    def stop(self) -> None:
        """Stop, if it runs."""
        if self.process is not None:
            self.client.close()
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(20) == 0
            self.process = None

    def section(self, kind: str, name: str, more: str = "") -> str:
        """Return the settings with which another server sends to this one, or reads from it."""
        url = str(self.client.base_url)
        return f'[{kind}.{name}]\nendpoint = "{url}"\nkey = "{self.login[0]}"\nsecret_env = "OTHER"\n{more}\n'

    def ids(self) -> set[str]:
        """Return the ids of all its statements."""
        answer = self.client.get("/statements", params={"limit": 500})
        assert answer.status_code == 200, answer.text
        return {one["id"] for one in answer.json()["statements"]}


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    a, b = Server(tmp_path, "a"), Server(tmp_path, "b")
    try:
        b.start()
        yield a, b
    finally:
        a.stop()
        b.stop()


def statement(**members: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:ann@x.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": "https://x.example/q/1"},
        "timestamp": "2026-01-01T00:00:00Z",
        **members,
    }


def wait_for(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def doctor(server: Server) -> dict[str, str]:
    """Return what `carrythrough doctor` finds, by the name of the check."""
    words = [str(PROGRAM), "doctor", "--config", str(server.folder / "c.toml"), "--json"]
    environment = {**os.environ, "OTHER": "x"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    return {one["name"]: one["status"] for one in json.loads(done.stdout)["checks"]}


def command(server: Server, *words: str) -> Any:
    """Run `carrythrough forward …` on the data folder and return what it prints as JSON."""
    done = subprocess.run(
        [str(PROGRAM), "forward", *words, "--data-dir", str(server.data)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return json.loads(done.stdout)


def test_attachments_travel_with_their_statement(servers: tuple[Server, Server]):
    a, b = servers
    a.start(b.section("forward", "b"), OTHER=b.login[1])
    data = b"\x00a picture\xff"
    sha2 = hashlib.sha256(data).hexdigest()
    one = statement(
        attachments=[
            {
                "usageType": "https://x.example/usage",
                "display": {"en": "picture"},
                "contentType": "image/png",
                "length": len(data),
                "sha2": sha2,
            }
        ]
    )
    body, kind = join(
        json.dumps(one).encode(), [AttachmentData(sha2=sha2, content_type="image/png", data=data)]
    )
    answer = a.client.post("/statements", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    wait_for(lambda: one["id"] in b.ids())
    got = b.client.get("/statements", params={"statementId": one["id"], "attachments": "true"})
    assert data in got.content


def test_what_was_pulled_from_a_store_is_not_sent_back_and_nothing_goes_round(
    servers: tuple[Server, Server],
):
    a, b = servers
    there = statement()
    assert b.client.post("/statements", json=there).status_code == 200
    sections = b.section("forward", "b") + b.section("pull", "b", "every_s = 1.0")
    a.start(sections, OTHER=b.login[1])
    here = statement()
    assert a.client.post("/statements", json=here).status_code == 200
    both = {here["id"], there["id"]}
    wait_for(lambda: a.ids() == both and b.ids() == both)
    time.sleep(2.5)  # two more looks of the pull: the answer of the other side must change nothing
    assert a.ids() == b.ids() == both
    (standing,) = command(a, "status", "--json")["targets"]
    assert standing["sent"] == 1
    assert standing["ahead"] == 0


def test_a_refused_statement_is_listed_shown_mended_and_replayed(servers: tuple[Server, Server]):
    a, b = servers
    a.start(b.section("forward", "b", 'version = "1.0.3"'), OTHER=b.login[1])
    good = [statement() for _ in range(7)]
    agents = [{"objectType": "contextAgent", "agent": {"mbox": "mailto:bo@x.example"}}]
    new = statement(context={"contextAgents": agents})
    version = {"X-Experience-API-Version": "2.0.0"}
    assert a.client.post("/statements", json=[*good, new], headers=version).status_code == 200
    wait_for(lambda: len(b.ids()) == 7)
    wait_for(lambda: bool(command(a, "deadletters", "--json")["statements"]))
    (letter,) = command(a, "deadletters", "--json")["statements"]
    assert letter["statement"] == new["id"]
    assert "contextAgents" in letter["reason"]
    assert command(a, "show", str(letter["entry"]))["text"] == new
    assert 'forward_dead_letters{target="b"} 1.0' in httpx.get(a.metrics).text
    assert doctor(a)["forward b"] == "warning"
    a.start(b.section("forward", "b"), OTHER=b.login[1])
    assert command(a, "replay", "--all", "--json") == {"replayed": 1}
    wait_for(lambda: new["id"] in b.ids())
    wait_for(lambda: command(a, "deadletters", "--json")["statements"] == [])
    assert doctor(a)["forward b"] == "ok"


def test_a_target_that_is_away_delays_nothing_and_gets_everything_later(servers: tuple[Server, Server]):
    a, b = servers
    section = b.section("forward", "b") + b.section("forward", "away").replace(
        str(b.client.base_url), "http://127.0.0.1:1/xapi"
    )
    a.start(section, OTHER=b.login[1])
    posted = [statement() for _ in range(30)]
    begun = time.monotonic()
    for one in posted:
        assert a.client.post("/statements", json=one).status_code == 200
    assert time.monotonic() - begun < 5
    wait_for(lambda: len(b.ids()) == 30)
    standings = {one["target"]: one for one in command(a, "status", "--json")["targets"]}
    assert standings["away"]["ahead"] >= 30
    assert "Connect" in standings["away"]["error"]
    assert standings["b"]["error"] == ""
