"""A real server with the webhooks of docs/how-to/webhooks.md, and the senders that sign as the vendors document."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import http.client
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from standardwebhooks import Webhook

SERVER = """
import json, sys
from carrythrough.embedded.serve import serve
from carrythrough.settings import load_settings
serve(load_settings(None, {}, **json.loads(sys.argv[1])), on_ready=lambda info: print(json.dumps(info), flush=True))
"""
PROGRAM = """
map: hooks
version: 1
name: Hooks
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 10}]}]
skills:
  - {id: de-escalation, name: De-escalation, kpis: [k]}
  - {id: closing, name: Closing, kpis: [k]}
events:
  - {id: closed, match: {kind: task-outcome}, evidence: [{skill: closing, channel: job}]}
"""
ACCOUNTS = (
    ("https://acme.zendesk.com", "8447388090494"),
    ("https://app.hubspot.com", "userId:9186325"),
    ("https://acme.atlassian.net", "99:27935d01-92a7-4687-8272-a9b8d3b2ae2e"),
)
SECRET = "whsec_" + base64.b64encode(b"a secret of some length!").decode()


class Example(NamedTuple):
    """One section of the page: settings, the text of its mapping, and a body."""

    name: str
    settings: dict[str, Any]
    mapping: str
    body: bytes


class Reply(NamedTuple):
    status: int
    json: dict[str, Any]


def sections(page: str) -> Iterator[Example]:
    """Yield the examples of the page: sections with settings, a mapping and a body."""
    for section in page.split("\n## "):
        blocks = dict(re.findall(r"```(toml|yaml|json)\n(.*?)```", section, re.DOTALL))
        if len(blocks) == 3:
            [(name, settings)] = tomllib.loads(blocks["toml"])["webhooks"].items()
            yield Example(name, settings, blocks["yaml"], blocks["json"].encode())


class Sender:
    """Signs and posts as the vendors do; `now_s` is when it says that it sends."""

    def __init__(self, port: int, examples: dict[str, Example], reader: str, target: dict[str, str]) -> None:
        """target: the environment with which commands reach the server as a business system."""
        self._port = port
        self.target = target
        self._reader = reader
        self.examples = examples

    def headers(
        self, name: str, body: bytes, now_s: float | None = None, delivery: str = "d-1"
    ) -> dict[str, str]:
        """Return the headers with which a vendor proves a body, by its own documentation."""
        settings = self.examples[name].settings
        now = time.time() if now_s is None else now_s

        def mac(*parts: bytes) -> bytes:
            return hmac.new(SECRET.encode(), b"".join(parts), hashlib.sha256).digest()

        match settings["signature"]:
            case "zendesk":
                stamp = dt.datetime.fromtimestamp(now, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                signed = base64.b64encode(mac(stamp.encode(), body)).decode()
                return {
                    "X-Zendesk-Webhook-Signature": signed,
                    "X-Zendesk-Webhook-Signature-Timestamp": stamp,
                    "X-Zendesk-Webhook-Invocation-Id": delivery,
                }
            case "hubspot":
                stamp = str(int(now * 1000))
                signed = base64.b64encode(
                    mac(b"POST", settings["url"].encode(), body, stamp.encode())
                ).decode()
                return {"X-HubSpot-Signature-v3": signed, "X-HubSpot-Request-Timestamp": stamp}
            case "jira":
                return {
                    "X-Hub-Signature": f"sha256={mac(body).hex()}",
                    "X-Atlassian-Webhook-Identifier": delivery,
                }
            case "token":
                return {settings["header"]: SECRET}
            case _:
                moment = dt.datetime.fromtimestamp(int(now), dt.UTC)
                return {
                    "webhook-id": delivery,
                    "webhook-timestamp": str(int(now)),
                    "webhook-signature": Webhook(SECRET).sign(delivery, moment, body.decode()),
                }

    def post(self, name: str, body: bytes, headers: dict[str, str] | None = None, **signing: Any) -> Reply:
        """Post a body, signed unless headers are given."""
        headers = self.headers(name, body, **signing) if headers is None else headers
        return self._ask("POST", f"/v1/hooks/{name}", body, headers | {"Content-Type": "application/json"})

    def scores(self, employee: str) -> dict[str, Any]:
        """Return what the server says about a person."""
        return self._ask("GET", f"/v1/employees/{employee}/scores", b"", {"Authorization": self._reader}).json

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Reply(answer.status, json.loads(answer.read()))
        finally:
            connection.close()


@pytest.fixture(scope="session")
def examples(repository: Path) -> dict[str, Example]:
    """Give the examples of the page by name."""
    page = (repository / "docs" / "how-to" / "webhooks.md").read_text("utf-8")
    return {example.name: example for example in sections(page)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the server."""
    return tmp_path_factory.mktemp("hooks")


@pytest.fixture(scope="module")
def sender(folder: Path, examples: dict[str, Example]) -> Iterator[Sender]:
    """Give a sender to a running server with all examples as webhooks."""
    people = [
        {
            "id": "17",
            "email": "agent@example.org",
            "identifiers": [{"account": {"homePage": home, "name": name}} for home, name in ACCOUNTS],
        }
    ]
    (folder / "map.yaml").write_text(PROGRAM)
    (folder / "roster.json").write_text(json.dumps({"people": people}))
    webhooks = {}
    for name, example in examples.items():
        (folder / example.settings["mapping"]).write_text(example.mapping)
        webhooks[name] = example.settings | {"mapping": str(folder / example.settings["mapping"])}
    settings = {
        "data_dir": str(folder / "data"),
        "program": str(folder / "map.yaml"),
        "roster": str(folder / "roster.json"),
        "port": 0,
        "metrics_port": 0,
        "log_level": "error",
        "webhooks": webhooks,
    }
    secrets = {example.settings["secret_env"]: SECRET for example in examples.values()}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, json.dumps(settings)], stdout=subprocess.PIPE, env=os.environ | secrets
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, "the server did not start"
        info = json.loads(line)
        made = {each["name"]: each for each in info["credentials"]}
        pair = f"{made['reader']['key']}:{made['reader']['secret']}"
        reader = "Basic " + base64.b64encode(pair.encode()).decode()
        business = made["business"]
        target = {
            "CARRYTHROUGH_URL": info["url"],
            "CARRYTHROUGH_KEY": business["key"],
            "CARRYTHROUGH_SECRET": business["secret"],
        }
        yield Sender(int(info["url"].rsplit(":", 1)[1]), examples, reader, target)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@pytest.fixture
def command(repository: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give `command(*arguments, **environment)`: the program, run to its end."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "carrythrough.cli.main", *arguments],
            capture_output=True, text=True, timeout=60, env=os.environ | environment, check=False,
        )  # fmt: skip

    return run
