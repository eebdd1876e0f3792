"""Proves that schemas/openapi.yaml is the API: its routes, methods, status codes and bodies are the app's.

The document is checked by the OpenAPI validator; its paths are compared with the routes of the
app; and a real server process is asked for everything that it describes, with good and with bad
requests: each status must be declared for that operation, each body must fit the declared schema.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft202012Validator, Registry
from openapi_spec_validator import validate

from carrythrough import __version__
from carrythrough.embedded.runtime import Embedded
from carrythrough.gateway.app import build_app
from carrythrough.gateway.auth import Credentials
from carrythrough.gateway.limits import GatewayLimits
from carrythrough.gateway.oauth_own import OwnTokens, new_key
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.gateway.scopes import SCOPES
from carrythrough.gateway.xapi.versions import LATEST_1_0, LATEST_2_0
from carrythrough.settings import Settings
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k], job_aid_minutes: 30}]
activities:
  - id: quiz
    name: Quiz
    match: {activity_prefix: "https://x.example/q/"}
    evidence: [{skill: calm, channel: learn, outcome: score}]
events: [{id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}]
reinforcement:
  - {id: use-it, when: {stage: unapplied}, action: nudge, title: Use it, body: Try it, link: "https://x.example/n"}
policy: {holdout: 0.0, quiet: {from: "00:00", to: "00:00"}, days_off: []}
"""
SERVER = """
import json, sys
from carrythrough.embedded.serve import serve
from carrythrough.settings import Settings
settings = Settings(data_dir=sys.argv[1], port=0, metrics_port=0, program=sys.argv[2], log_level="error")
serve(settings, on_ready=lambda info: print(json.dumps(info), flush=True))
"""
API = ("/v1/", "/xapi/", "/healthz", "/readyz", "/oauth/", "/.well-known/")
BASE = "https://carrythrough.invalid/schemas/"


@pytest.fixture(scope="session")
def document(repository: Path) -> dict[str, Any]:
    value = yaml.safe_load((repository / "schemas" / "openapi.yaml").read_text("utf-8"))
    assert isinstance(value, dict)
    return value


@pytest.fixture(scope="session")
def registry(document: dict[str, Any], repository: Path) -> Registry:
    event = json.loads((repository / "schemas" / "performance-event.schema.json").read_text("utf-8"))
    return Registry([(BASE + "openapi.yaml", document), (BASE + "performance-event.schema.json", event)])


def faults(registry: Registry, pointer: str, value: Any) -> list[str]:
    """Return what is wrong with a value by the schema at a pointer into the document."""
    schema = {"$ref": f"{BASE}openapi.yaml#{pointer}"}
    checker = Draft202012Validator(schema, registry=registry, validate_formats=True)
    return [f"{error.instance_path}: {error.message}" for error in checker.iter_errors(value)]


def test_the_document_is_valid(document: dict[str, Any], repository: Path):
    validate(document, base_uri=(repository / "schemas" / "openapi.yaml").as_uri())
    assert document["info"]["version"] == __version__


def test_it_names_the_scopes_and_versions(document: dict[str, Any]):
    words = document["components"]["securitySchemes"]["credential"]["description"]
    for scope in SCOPES:
        assert f"`{scope}`" in words
    assert document["components"]["headers"]["XapiVersion"]["schema"]["enum"] == [LATEST_1_0, LATEST_2_0]


def test_its_paths_and_methods_are_those_of_the_app(document: dict[str, Any], tmp_path: Path):
    (tmp_path / "map.yaml").write_text(MAP)
    runtime = Embedded(Settings(data_dir=str(tmp_path / "data"), program=str(tmp_path / "map.yaml")))
    try:
        gateway = build_app(runtime, Credentials([]), Sessions(), GatewayLimits(), OwnTokens(new_key()))
        found = {
            (getattr(route, "path", ""), method)
            for route in gateway.routes
            for method in (getattr(route, "methods", None) or ())
            if method != "HEAD"
        }
        for path, endpoint in gateway._intake.items():
            named = f"{path}{{token}}" if path.endswith("/") else path
            found |= {(named, method) for method in endpoint.methods}  # type: ignore[attr-defined]
    finally:
        runtime.stop()
    declared = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    # The second mount has the same resources as the first, and HEAD goes wherever GET does.
    second = {(path.replace("/xapi/2.0/", "/xapi/"), m) for path, m in found if path.startswith("/xapi/2.0/")}
    first = {(path, method) for path, method in found if path.startswith("/xapi/")} - {
        (path, method) for path, method in found if path.startswith("/xapi/2.0/")
    }
    assert first == second
    own = {(path, method) for path, method in found if path.startswith(API)} - {
        (path, method) for path, method in found if path.startswith("/xapi/2.0/")
    }
    assert declared == {(path, method) for path, method in own if method != "HEAD"}


def test_every_operation_says_who_may_and_what_it_answers(document: dict[str, Any]):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            place = f"{method} {path}"
            assert operation["operationId"], place
            assert operation["summary"], place
            if operation.get("security") == []:
                continue
            assert {"401", "403"} <= set(operation["responses"]), place
            assert "scope" in operation["description"] or "As POST" in operation["description"], place
            assert operation["description"].count("`") >= 2, place


def test_the_statement_schema_takes_what_is_admitted(registry: Registry, repository: Path):
    texts = [
        t for path in (repository / "tests" / "data").glob("*.jsonl") for t in path.read_bytes().splitlines()
    ]
    assert texts
    for text in texts:
        assert admit(text, Limits(), "1.0.3")
        assert not faults(registry, "/components/schemas/Statement", json.loads(text))


AGENT = {"mbox": "mailto:a@example.org"}
GOOD = {"actor": AGENT, "verb": {"id": "http://x.example/v"}, "object": {"id": "http://x.example/o"}}


@pytest.mark.parametrize(
    "change",
    [
        {"actor": {}},
        {"actor": {**AGENT, "openid": "https://x.example"}},
        {"actor": {"objectType": "Group"}},
        {"actor": {"objectType": "Group", "member": []}},
        {"actor": {**AGENT, "member": []}},
        {"verb": {"id": "v"}},
        {"object": AGENT},
        {"object": {"objectType": "StatementRef"}},
        {"object": {"id": "http://x.example/o", "definition": {"choices": []}}},
        {"result": {"score": {"scaled": 2}}},
        {"result": None},
        {"context": {"contextActivities": {"sibling": []}}},
        {"context": {"extensions": {"key": 1}}},
        {"mood": "good"},
    ],
)
def test_the_statement_schema_refuses_what_admission_refuses(registry: Registry, change: dict[str, Any]):
    assert not faults(registry, "/components/schemas/Statement", GOOD)
    assert faults(registry, "/components/schemas/Statement", {**GOOD, **change})
    with pytest.raises(Exception, match=r"rule: "):
        admit(json.dumps({**GOOD, **change}).encode(), Limits(), "1.0.3")


# ---- a real server -----------------------------------------------------------------------------------


class Live:
    """A server process with some employees in it."""

    def __init__(self, folder: Path, program: Path) -> None:
        command = [sys.executable, "-c", SERVER, str(folder), str(program)]
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


AN_HOUR_AGO = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))


def scored(number: int, scaled: float) -> dict[str, Any]:
    return {
        **GOOD,
        "id": f"{number:08x}-0000-4000-8000-000000000000",
        "object": {"id": f"https://x.example/q/{number}"},
        "result": {"score": {"scaled": scaled}},
        "timestamp": AN_HOUR_AGO,
    }


REGISTRATION = "6d2e4a0e-6b5e-4f0e-9d1f-0c8f8d8f1a2b"
CMI5 = "https://w3id.org/xapi/cmi5/context/"


def of_registration(number: int, verb: str, scaled: float | None = None) -> dict[str, Any]:
    """Return a cmi5-defined statement; "satisfied" is about the course."""
    extensions = {CMI5 + "extensions/sessionid": "s-1"}
    if verb == "launched":
        extensions |= {CMI5 + "extensions/moveon": "Passed", CMI5 + "extensions/masteryscore": 0.5}
    category = [{"id": CMI5 + "categories/cmi5"}, {"id": CMI5 + "categories/moveon"}]
    root = "https://w3id.org/xapi/adl/verbs/" if verb == "satisfied" else "http://adlnet.gov/expapi/verbs/"
    return {
        "id": f"{number:08x}-0000-4000-8000-00000000c315",
        "actor": AGENT,
        "verb": {"id": root + verb},
        "object": {"id": "https://x.example/" + ("course" if verb == "satisfied" else "au/1")},
        "timestamp": f"2026-03-01T10:00:0{number}Z",
        **({} if scaled is None else {"result": {"score": {"scaled": scaled}}}),
        "context": {
            "registration": REGISTRATION,
            "contextActivities": {"category": category},
            "extensions": extensions,
        },
    }


COURSE = [
    of_registration(1, "launched"),
    of_registration(2, "failed", 0.2),
    of_registration(3, "passed", 0.9),
    of_registration(4, "passed", 0.95),
    of_registration(5, "satisfied"),
]
EVENT = {
    "id": "1",
    "source": "qa",
    "kind": "qa-result",
    "employee": "e-1",
    "time": "2026-03-01T10:00:00Z",
    "outcome": {"met": True},
}


STATEMENT = json.dumps(scored(0, 1.0)).encode()
OTHER = json.dumps(scored(0, 0.0)).encode()
ID_0 = "00000000-0000-4000-8000-000000000000"
EVENTS = json.dumps([EVENT]).encode()
CLOUD_EVENT = json.dumps(
    {
        "specversion": "1.0",
        "id": "2",
        "source": "qa",
        "type": "org.carrythrough.performance",
        "data": {**EVENT, "id": "2"},
    }
).encode()
WRONG = "Basic bG1zOndyb25n"
STATE = "?activityId=http://x.example/o&agent=%7B%22mbox%22:%22mailto:a@example.org%22%7D&stateId=s"
AGENT_PROFILE = "?agent=%7B%22mbox%22:%22mailto:a@example.org%22%7D&profileId=p"
DOCUMENTS = {
    "/xapi/activities/state": STATE,
    "/xapi/activities/profile": "?activityId=http://x.example/o&profileId=p",
    "/xapi/agents/profile": AGENT_PROFILE,
}
CONTEST = json.dumps(
    {
        "employee": "{reference}",
        "evidence": ["00000001-0000-4000-8000-000000000000"],
        "reason": "Somebody else sat at my desk",
    }
).encode()
RESTORE = CONTEST.replace(b'"reason"', b'"restore": true, "reason"')
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "map.yaml").write_text(MAP)
    server = Live(folder / "data", folder / "map.yaml")
    try:
        body = json.dumps([*COURSE, *(scored(number, 1.0) for number in range(8))]).encode()
        status, _, _ = server.ask("POST", "/xapi/statements", body, "lms")
        assert status == 200
        server.token = json.loads(server.ask("GET", "/xapi/statements?limit=1", b"", "lms")[2])[
            "more"
        ].rpartition("/")[2]
        assert server.token
        assert server.ask("POST", "/v1/performance-events", EVENTS, "business")[0] == 200
        for path, query in DOCUMENTS.items():
            assert server.ask("POST", path + query, b"{}", "lms")[0] == 204
        deadline = time.monotonic() + 20
        while not server.subject and time.monotonic() < deadline:
            page = json.loads(server.ask("GET", "/v1/scores")[2])["scores"]
            server.subject = next((entry["subject"] for entry in page if entry["outcomes"] == 8), "")
            time.sleep(0.05)
        assert server.subject
        yield server
    finally:
        server.stop()


Call = tuple[str, str, str, bytes, str, dict[str, str], int]
CALLS: list[Call] = [
    # path as documented, method, query, body, credential, headers, status
    ("/xapi/statements", "POST", "", STATEMENT, "lms", {}, 200),
    ("/xapi/statements", "POST", "", b"[" + STATEMENT + b"]", "lms", {"X-Experience-API-Version": "2.0.0"}, 200),
    ("/xapi/statements", "POST", "", b"{", "lms", {}, 400),
    ("/xapi/statements", "POST", "?x=1", STATEMENT, "lms", {}, 400),
    ("/xapi/statements", "POST", "", STATEMENT, WRONG, {}, 401),
    ("/xapi/statements", "POST", "", STATEMENT, "reader", {}, 403),
    ("/xapi/statements", "POST", "", OTHER, "lms", {}, 409),
    ("/xapi/statements", "POST", "", b" " * (11 << 20), "lms", {}, 413),
    ("/xapi/statements", "POST", "", STATEMENT, "lms", {"Content-Type": "text/plain"}, 400),
    ("/xapi/statements", "POST", "", STATEMENT, "lms", {"Content-Encoding": "br"}, 415),
    ("/xapi/statements", "GET", "?limit=3", b"", "lms", {}, 200),
    ("/xapi/statements", "GET", "?limit=3&format=ids&ascending=true", b"", "lms",
     {"X-Experience-API-Version": "2.0.0"}, 200),
    ("/xapi/statements", "GET", f"?statementId={ID_0}", b"", "lms", {}, 200),
    ("/xapi/statements", "GET", f"?voidedStatementId={ID_0}", b"", "lms", {}, 404),
    ("/xapi/statements", "GET", "?limit=x", b"", "lms", {}, 400),
    ("/xapi/statements", "GET", "", b"", WRONG, {}, 401),
    ("/xapi/statements", "GET", "", b"", "business", {}, 403),
    ("/xapi/statements/more/{token}", "GET", "", b"", "lms", {}, 200),
    ("/xapi/statements/more/{token}", "GET", "x", b"", "lms", {}, 400),
    ("/xapi/statements/more/{token}", "GET", "", b"", "", {}, 401),
    ("/xapi/statements", "PUT", f"?statementId={ID_0}", STATEMENT, "lms", {}, 204),
    ("/xapi/statements", "PUT", "", STATEMENT, "lms", {}, 400),
    ("/xapi/statements", "PUT", f"?statementId={ID_0}", OTHER, "lms", {}, 409),
    ("/xapi/activities", "GET", "?activityId=http://x.example/o", b"", "lms", {}, 200),
    ("/xapi/activities", "GET", "", b"", "lms", {}, 400),
    ("/xapi/agents", "GET", AGENT_PROFILE.partition("&")[0], b"", "lms", {}, 200),
    ("/xapi/agents", "GET", "?agent=1", b"", "lms", {}, 400),
    ("/xapi/about", "GET", "", b"", "", {}, 200),
    *[
        call
        for path, query in DOCUMENTS.items()
        for call in (
            (path, "PUT", query + "-new", b"{}", "lms", {"If-None-Match": "*"}, 204),
            (path, "PUT", query, b"{}", "lms", {"X-Experience-API-Version": "2.0.0"}, 409),
            (path, "PUT", query, b"{}", "lms", {"If-Match": '"x"'}, 412),
            (path, "PUT", query, b" " * (11 << 20), "lms", {}, 413),
            (path, "POST", query + "-posted", b'{"a": 1}', "lms", {}, 204),
            (path, "POST", query, b"[]", "lms", {}, 400),
            (path, "GET", query, b"", "lms", {}, 200),
            (path, "GET", query.rpartition("&")[0], b"", "lms", {}, 200),
            (path, "GET", query + "-nothing", b"", "lms", {}, 404),
            (path, "GET", query, b"", WRONG, {}, 401),
            (path, "GET", query, b"", "reader", {}, 403),
            (path, "DELETE", query, b"", "lms", {"If-Match": '"x"'}, 412),
            (path, "DELETE", query + "-gone", b"", "lms", {}, 204),
        )
    ],
    ("/v1/performance-events", "POST", "", EVENTS, "business", {}, 200),
    ("/v1/performance-events", "POST", "", EVENTS[1:-1], "business", {"Content-Type": "application/x-ndjson"}, 200),
    ("/v1/performance-events", "POST", "", CLOUD_EVENT, "business",
     {"Content-Type": "application/cloudevents+json"}, 200),
    ("/v1/performance-events", "POST", "", b"[" + CLOUD_EVENT + b"]", "business",
     {"Content-Type": "application/cloudevents-batch+json"}, 200),
    ("/v1/performance-events", "POST", "", b"[{}]", "business", {}, 400),
    ("/v1/performance-events", "POST", "", EVENTS, "", {}, 401),
    ("/v1/performance-events", "POST", "", EVENTS, "lms", {}, 403),
    ("/v1/performance-events", "POST", "", EVENTS.replace(b"true", b"false"), "business", {}, 409),
    ("/v1/performance-events", "POST", "", EVENTS, "business", {"Content-Type": "text/csv"}, 415),
    ("/v1/employees/{reference}/scores", "GET", "", b"", "reader", {}, 200),
    ("/v1/employees/{reference}/scores", "GET", "?x=1", b"", "reader", {}, 400),
    ("/v1/employees/{reference}/scores", "GET", "", b"", "lms", {}, 403),
    ("/v1/employees/{reference}/registrations", "GET", "", b"", "reader", {}, 200),
    ("/v1/employees/{reference}/registrations", "GET", "?x=1", b"", "reader", {}, 400),
    ("/v1/registrations/{registration}", "GET", "", b"", "reader", {}, 200),
    ("/v1/registrations/{registration}", "GET", "x", b"", "reader", {}, 400),
    ("/v1/registrations/{registration}", "GET", "", b"", WRONG, {}, 401),
    ("/v1/registrations/{registration}", "GET", "", b"", "lms", {}, 403),
    ("/v1/employees/{reference}/explanation", "GET", "?skill=calm", b"", "reader", {}, 200),
    ("/v1/employees/{reference}/explanation", "GET", "?skill=calm&at=2026-01-01T00:00:00Z", b"", "reader", {}, 200),
    ("/v1/employees/{reference}/explanation", "GET", "", b"", "reader", {}, 400),
    ("/v1/employees/{reference}/explanation", "GET", "?skill=nothing", b"", "reader", {}, 404),
    ("/v1/employees/{reference}/explanation", "GET", "?skill=calm&as_known_at=2999-01-01T00:00:00Z", b"",
     "reader", {}, 200),
    ("/v1/employees/{reference}/explanation", "GET", "?skill=calm&as_known_at=yesterday", b"", "reader", {}, 400),
    ("/v1/employees/{reference}/explanation", "GET", "?skill=calm&as_known_at=2001-01-01T00:00:00Z", b"",
     "reader", {}, 404),
    ("/v1/groups", "GET", "?by=role", b"", "reader", {}, 200),
    ("/v1/groups", "GET", "?by=shoe", b"", "reader", {}, 400),
    ("/v1/groups", "GET", "", b"", "lms", {}, 403),
    ("/v1/contests", "POST", "", CONTEST, "steward", {}, 201),
    ("/v1/contests", "POST", "", RESTORE, "steward", {}, 201),
    ("/v1/contests", "POST", "", CONTEST.replace(b"reason", b"season"), "steward", {}, 400),
    ("/v1/contests", "POST", "", CONTEST, WRONG, {}, 401),
    ("/v1/contests", "POST", "", CONTEST, "reader", {}, 403),
    ("/v1/contests", "POST", "", CONTEST.replace(b"00000001", b"99999999"), "steward", {}, 404),
    ("/v1/contests", "GET", "?subject={reference}&limit=1", b"", "reader", {}, 200),
    ("/v1/contests", "GET", "?limit=x", b"", "reader", {}, 400),
    ("/v1/contests", "GET", "?subject=nobody", b"", "reader", {}, 404),
    ("/v1/scores", "GET", "?limit=1", b"", "reader", {}, 200),
    ("/v1/scores", "GET", "?skill=calm&stage=fading&team=x", b"", "reader", {}, 200),
    ("/v1/scores", "GET", "?limit=0", b"", "reader", {}, 400),
    ("/v1/scores", "GET", "", b"", "", {}, 401),
    ("/v1/actions", "GET", "", b"", "reader", {}, 200),
    ("/v1/actions", "GET", "?subject=nobody", b"", "reader", {}, 404),
    ("/v1/dead-letters", "GET", "", b"", "reader", {}, 200),
    ("/v1/quarantine", "GET", "", b"", "reader", {}, 200),
    ("/v1/stream", "GET", "", b"", "reader", {}, 200),
    ("/v1/stream", "GET", "?types=gossip", b"", "reader", {}, 400),
    ("/v1/stream", "GET", "", b"", "lms", {}, 403),
    ("/v1/summary", "GET", "", b"", "reader", {}, 200),
    ("/v1/summary", "GET", "", b"", WRONG, {}, 401),
    ("/oauth/token", "POST", "", b"grant_type=client_credentials", "lms", FORM, 200),
    ("/oauth/token", "POST", "", b"grant_type=password", "lms", FORM, 400),
    ("/oauth/token", "POST", "", b"grant_type=client_credentials", WRONG, FORM, 401),
    ("/oauth/token", "POST", "", b"x" * 20_000, "lms", FORM, 413),
    ("/.well-known/oauth-authorization-server", "GET", "", b"", "", {}, 200),
    ("/healthz", "GET", "", b"", "", {}, 200),
    ("/readyz", "GET", "", b"", "", {}, 200),
]  # fmt: skip


@pytest.mark.parametrize(
    "call", CALLS, ids=[f"{c[1]} {c[0]} {c[6]} {number}" for number, c in enumerate(CALLS)]
)
def test_each_answer_is_declared_and_fits(
    live: Live, document: dict[str, Any], registry: Registry, call: Call
):
    path, method, query, body, credential, headers, status = call
    target = (path + query).replace("{reference}", live.subject).replace("{token}", live.token)
    target = target.replace("{registration}", REGISTRATION)
    body = body.replace(b"{reference}", live.subject.encode())
    answered, kind, text = live.ask(method, target, body, credential, **headers)
    assert answered == status, text[:500]
    responses = document["paths"][path][method.lower()]["responses"]
    assert str(status) in responses
    pointer = f"/paths/{path.replace('/', '~1')}/{method.lower()}/responses/{status}"
    response = responses[str(status)]
    if "$ref" in response:
        pointer = response["$ref"].removeprefix("#")
        response = document["components"]["responses"][pointer.rpartition("/")[2]]
    if status == 204:
        assert text == b""
        return
    assert kind in response["content"]
    if kind != "text/event-stream":
        pointer += f"/content/{kind.replace('/', '~1')}/schema"
        assert faults(registry, pointer.replace("{", "%7B").replace("}", "%7D"), json.loads(text)) == []


def test_every_operation_was_asked_with_success(document: dict[str, Any]):
    asked = {(path, method) for path, method, _, _, _, _, status in CALLS if status < 300}
    assert asked == {(path, method.upper()) for path, item in document["paths"].items() for method in item}


def test_what_comes_over_the_stream_fits(live: Live, registry: Registry):
    link = http.client.HTTPConnection("127.0.0.1", live.port, timeout=10)
    with contextlib.closing(link):
        headers = {"Authorization": live.credentials["reader"], "Last-Event-ID": "0"}
        link.request("GET", "/v1/stream?types=score,stage,action,decision", headers=headers)
        answer = link.getresponse()
        assert answer.status == 200
        seen: dict[str, int] = {}
        name = ""
        while sum(seen.values()) < 8:
            line = answer.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                effect = json.loads(line.removeprefix("data: "))
                assert effect["type"] == name
                assert faults(registry, "/components/schemas/Effect", effect) == []
                seen[name] = seen.get(name, 0) + 1
    assert seen["score"] >= 1
    assert set(seen) <= {"score", "stage", "action", "decision"}
