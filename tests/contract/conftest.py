"""What the tests of schemas/openapi.yaml share: the document, its schemas, and a small server."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft202012Validator, Registry

SERVER = """
import json, os, sys
from carrythrough.embedded.serve import serve
from carrythrough.gateway.webhook_settings import Webhook
from carrythrough.settings import Settings
os.environ["HOOK"] = "a secret of some length"
hooks = {"crm": Webhook(mapping=sys.argv[3], secret_env="HOOK", signature="token")}
settings = Settings(
    data_dir=sys.argv[1], port=0, metrics_port=0, program=sys.argv[2], roster=sys.argv[4], log_level="error",
    webhooks=hooks,
)
serve(settings, on_ready=lambda info: print(json.dumps(info), flush=True))
"""
HOOK = """
paths: {id: id, employee: agent, time: at}
constants: {kind: opportunity}
filters: [at]
"""
BASE = "https://carrythrough.invalid/schemas/"
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k], target: 0.6, job_aid_minutes: 30}]
activities:
  - id: quiz
    name: Quiz
    match: {activity_prefix: "https://x.example/q/"}
    evidence: [{skill: calm, channel: learn, outcome: score}]
events: [{id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}]
reinforcement:
  - {id: use-it, when: {stage: unapplied}, action: nudge, title: Use it, body: Try it, link: "https://x.example/n"}
  - {id: seen, when: {stage: carried-through}, action: recognition}
policy: {holdout: 0.0, quiet: {from: "00:00", to: "00:00"}, days_off: []}
"""


class Live:
    """A server process with some employees in it."""

    def __init__(self, folder: Path, program: Path) -> None:
        hook = program.with_name("hook.yaml")
        hook.write_text(HOOK)
        roster = program.with_name("roster.json")
        roster.write_text('{"people": [{"id": "e-900"}, {"id": "e-901", "email": "a@example.org"}]}')
        command = [sys.executable, "-c", SERVER, str(folder), str(program), str(hook), str(roster)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        info = json.loads(self.process.stdout.readline())
        self.port = int(info["url"].rpartition(":")[2])
        self.credentials = {
            made["name"]: "Basic " + base64.b64encode(f"{made['key']}:{made['secret']}".encode()).decode()
            for made in info["credentials"]
        }
        self.subject = ""
        self.token = ""
        self.badge_key = ""

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def ask(
        self, method: str, path: str, body: bytes = b"", credential: str = "reader", **headers: str
    ) -> tuple[int, str, bytes]:
        """Return status, media type and body of an answer."""
        sent = {
            "Authorization": self.credentials.get(credential, credential),
            "X-Experience-API-Version": "1.0.3",
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(link):
            link.request(method, path, body, {name: value for name, value in sent.items() if value})
            answer = link.getresponse()
            kind = answer.headers.get("content-type", "").partition(";")[0]
            text = b"" if kind == "text/event-stream" else answer.read()
            return answer.status, kind, text


@pytest.fixture(scope="session")
def start_live() -> type[Live]:
    """Give `start_live(data folder, path of the map)`: a server process; end it with `stop`."""
    return Live


@pytest.fixture(scope="session")
def program_map() -> str:
    return MAP


@pytest.fixture(scope="session")
def document(repository: Path) -> dict[str, Any]:
    value = yaml.safe_load((repository / "schemas" / "openapi.yaml").read_text("utf-8"))
    assert isinstance(value, dict)
    return value


@pytest.fixture(scope="session")
def registry(document: dict[str, Any], repository: Path) -> Registry:
    names = ("performance-event.schema.json", "enriched-statement.schema.json")
    parts = [(BASE + name, json.loads((repository / "schemas" / name).read_text("utf-8"))) for name in names]
    return Registry([(BASE + "openapi.yaml", document), *parts])


@pytest.fixture(scope="session")
def faults(registry: Registry) -> Callable[[str, Any], list[str]]:
    """Give `faults(pointer, value)`: what is wrong with a value by the schema at a pointer into the document."""

    def found(pointer: str, value: Any) -> list[str]:
        schema = {"$ref": f"{BASE}openapi.yaml#{pointer}"}
        checker = Draft202012Validator(schema, registry=registry, validate_formats=True)
        return [f"{error.instance_path}: {error.message}" for error in checker.iter_errors(value)]

    return found
