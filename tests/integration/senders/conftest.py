"""One running server for all senders: a strict and a lenient credential, a roster, a map of their activities."""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from carrythrough.gateway.auth import Credentials, new_credential
from carrythrough.gateway.scopes import LMS_SCOPES

PROGRAM = Path(sys.executable).with_name("carrythrough")
MAP = """
map: senders
version: 1
name: Everybody who sends
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills:
  - {id: moodle, name: Moodle quizzes, kpis: [k]}
  - {id: edx, name: Open edX problems, kpis: [k]}
  - {id: forwarded, name: Forwarded, kpis: [k]}
  - {id: cmi5, name: A cmi5 unit, kpis: [k]}
  - {id: video, name: LinkedIn courses, kpis: [k]}
  - {id: storyline, name: Storyline courses, kpis: [k]}
  - {id: vr, name: Headset, kpis: [k]}
activities:
  - {id: a1, name: A, match: {activity_prefix: "https://moodle.example/"}, evidence: [{skill: moodle, channel: learn, outcome: score}]}
  - {id: a2, name: A, match: {activity_prefix: "https://edx.example/"}, evidence: [{skill: edx, channel: learn, outcome: score}]}
  - {id: a3, name: A, match: {activity_prefix: "https://other.example/"}, evidence: [{skill: forwarded, channel: learn, outcome: score}]}
  - {id: a4, name: A, match: {activity_prefix: "https://au.example/"}, evidence: [{skill: cmi5, channel: learn, outcome: score}]}
  - {id: a5, name: A, match: {activity_prefix: "urn:li:"}, evidence: [{skill: video, channel: exposure}]}
  - {id: a6, name: A, match: {activity_prefix: "urn:articulate:"}, evidence: [{skill: storyline, channel: learn, outcome: score}]}
  - {id: a7, name: A, match: {activity_prefix: "https://vr.example/"}, evidence: [{skill: vr, channel: practice, outcome: score}]}
policy: {holdout: 0.0}
"""  # noqa: E501
PEOPLE = ("ada", "ben", "cleo", "dan", "eva", "finn", "gil", "hana", "ivo", "jo")


class House:
    """The server; `ask` speaks for "strict", "vr" (lenient) or "reader"."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        data = folder / "data"
        data.mkdir()
        (folder / "map.yaml").write_text(MAP, "utf-8")
        people = [
            {
                "id": name,
                "name": name.title(),
                "email": f"{name}@corp.example",
                "identifiers": [{"account": {"homePage": "https://lms.example", "name": name}}],
            }
            for name in PEOPLE
        ]
        (folder / "roster.json").write_text(json.dumps({"people": people}), "utf-8")
        made = {
            "strict": new_credential("strict", LMS_SCOPES),
            "vr": new_credential("vr", LMS_SCOPES, mode="lenient"),
            "reader": new_credential("reader", ("scores/read", "statements/read", "learner/read")),
        }
        (data / "credentials.json").write_text(
            Credentials([one for one, _ in made.values()]).to_file(), "utf-8"
        )
        self.keys = {name: (credential.key, secret) for name, (credential, secret) in made.items()}
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}
        self.process = subprocess.Popen(
            [str(PROGRAM), "serve", "--json", "--data-dir", "data", "--program", "map.yaml", "--roster",
             "roster.json", "--port", "0", "--metrics-port", "0", "--log-level", "error"],
            cwd=folder, env=clean, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        info = json.loads(self.process.stdout.readline())
        self.port = int(info["url"].rpartition(":")[2])

    def basic(self, who: str) -> str:
        return "Basic " + base64.b64encode(":".join(self.keys[who]).encode()).decode()

    def ask(
        self, method: str, target: str, body: Any = None, who: str = "strict", **headers: str | None
    ) -> tuple[int, Any, dict[str, str]]:
        """Return status, decoded body and headers. A header of None is left out."""
        sent = {
            "Authorization": self.basic(who) if who else None,
            "X-Experience-API-Version": "1.0.3",
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        link.request(method, target, data, {name: value for name, value in sent.items() if value is not None})
        answer = link.getresponse()
        text = answer.read()
        link.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        kind = found.get("content-type", "").partition(";")[0]
        return answer.status, json.loads(text) if text and kind.endswith("json") else text, found

    def post(self, body: Any, who: str = "strict", **headers: str | None) -> tuple[int, Any, dict[str, str]]:
        return self.ask("POST", "/xapi/statements", body, who, **headers)

    def stored(self, id_: str) -> dict[str, Any]:
        """Return a statement as it is given out."""
        target = "/xapi/statements?" + urlencode({"statementId": id_, "format": "exact"})
        status, found, _ = self.ask("GET", target, who="reader")
        assert status == 200, found
        assert isinstance(found, dict)
        return found

    def summary(self) -> dict[str, Any]:
        """Return the numbers once everything is scored."""
        deadline = time.monotonic() + 15
        while True:
            found = self.ask("GET", "/v1/summary", who="reader")[1]
            if found["lag_records"] == 0 or time.monotonic() > deadline:
                assert found["lag_records"] == 0
                return dict(found)
            time.sleep(0.02)

    def evidence(self, employee: str, skill: str) -> list[dict[str, Any]]:
        """Return the evidence of one employee for one skill, oldest first."""
        self.summary()
        target = f"/v1/employees/{quote(employee)}/explanation?skill={skill}"
        status, found, _ = self.ask("GET", target, who="reader")
        if status == 404:
            return []
        pieces: list[dict[str, Any]] = found["evidence"]
        return pieces[::-1]

    def outcomes(self, employee: str, skill: str) -> list[float | None]:
        """Return the outcomes of one employee for one skill, oldest first; None for what carries none."""
        found = [piece["outcome"] for piece in self.evidence(employee, skill)]
        return [None if value is None else round(value, 3) for value in found]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give the running server; each test sends in the name of a person of its own."""
    running = House(tmp_path_factory.mktemp("senders"))
    yield running
    running.stop()


@pytest.fixture
def count(house: House) -> Callable[[], int]:
    """Give a function that returns how many statements were stored since the test began."""
    before = house.summary()["statements"]
    return lambda: int(house.summary()["statements"]) - before
