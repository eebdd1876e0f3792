"""Proves that a real server answers as schemas/openapi.yaml says, with good requests and with bad ones.

Each status must be declared for its operation, and each body must fit the declared schema.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HOOK_BODY = b'{"id": "1", "agent": "e-017", "at": "2026-11-01T10:00:00Z"}'
FORM_LINK = b'{"form": "self-report", "employee": "e-900", "skill": "calm"}'
TOKEN = "Bearer a secret of some length"
Faults = Callable[[str, Any], list[str]]
AGENT = {"mbox": "mailto:a@example.org"}
GOOD = {"actor": AGENT, "verb": {"id": "http://x.example/v"}, "object": {"id": "http://x.example/o"}}


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
COURSE = json.loads((Path(__file__).parents[1] / "data" / "cmi5_course.json").read_text("utf-8"))
"""One cmi5 registration: launched, failed, passed, passed again, satisfied."""
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
SURVEY = json.dumps({
    "id": "needs-1", "source": "hr", "kind": "needs-survey", "actor": AGENT, "time": AN_HOUR_AGO,
    "needs": {"respondent": "learner", "scale": "1-5", "skills": [{"skill": "calm", "importance": 4, "confidence": 2}]},
}).encode()  # fmt: skip
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
CONTEST = b"""{"employee": "{reference}", "evidence": ["00000001-0000-4000-8000-000000000000"],
 "reason": "Somebody else sat at my desk"}"""
ORDER = b'{"order": "stop", "kind": "action", "names": ["nudge"], "reason": "The text is wrong"}'
RESTORE = CONTEST.replace(b'"reason"', b'"restore": true, "reason"')
ROSTER_IDS = {"GET": "p-1", "PUT": "p-2", "PATCH": "p-3", "DELETE": "p-4"}
"""A person for each method, so that the calls may come in any order."""
PUTS = json.dumps(
    {"changes": [{"change": "put", "person": {"id": id_, "team": "t"}} for id_ in ROSTER_IDS.values()]}
).encode()
PUT_EVENT = b"""{"specversion": "1.0", "id": "r-1", "source": "hr", "type": "io.carrythrough.roster.person.put",
 "data": {"id": "p-5", "manager": "p-9"}}"""
TAKEN = b'[{"change": "put", "person": {"id": "p-7", "aliases": ["p-1"]}}]'
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def live(
    tmp_path_factory: pytest.TempPathFactory, program_map: str, start_live: Callable[[Path, Path], Any]
) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "map.yaml").write_text(program_map)
    server = start_live(folder / "data", folder / "map.yaml")
    try:
        body = json.dumps([*COURSE, *(scored(number, 1.0) for number in range(8))]).encode()
        status, _, _ = server.ask("POST", "/xapi/statements", body, "lms")
        assert status == 200
        server.token = json.loads(server.ask("GET", "/xapi/statements?limit=1", b"", "lms")[2])[
            "more"
        ].rpartition("/")[2]
        assert server.token
        assert server.ask("POST", "/v1/performance-events", EVENTS, "business")[0] == 200
        assert server.ask("POST", "/v1/performance-events", SURVEY, "business")[0] == 200
        assert server.ask("POST", "/v1/performance-events", met_by("e-900"), "business")[0] == 200
        for path, query in DOCUMENTS.items():
            assert server.ask("POST", path + query, b"{}", "lms")[0] == 204
        assert server.ask("POST", "/v1/roster/changes", PUTS, "hr")[0] == 200
        deadline = time.monotonic() + 20
        while not server.subject and time.monotonic() < deadline:
            page = json.loads(server.ask("GET", "/v1/scores")[2])["scores"]
            server.subject = next((entry["subject"] for entry in page if entry["outcomes"] == 8), "")
            time.sleep(0.05)
        assert server.subject
        while not json.loads(server.ask("GET", "/v1/employees/e-900/badges")[2])["badges"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        [key] = json.loads(server.ask("GET", "/v1/badges/keys", b"", "")[2])["keys"]
        server.badge_key = key["kid"]
        yield server
    finally:
        server.stop()


def met_by(employee: str) -> bytes:
    """Return results of work that met the standard, enough to carry a skill through."""
    moment = dt.datetime.now(dt.UTC).isoformat()
    event = {
        "source": "met",
        "kind": "qa-result",
        "employee": employee,
        "time": moment,
        "outcome": {"met": True},
    }
    return json.dumps([event | {"id": f"{employee}-{number}"} for number in range(20)]).encode()


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
    ("/v1/hooks/{name}", "POST", "", HOOK_BODY, TOKEN, {}, 200),
    ("/v1/hooks/{name}", "POST", "", b"{}", TOKEN, {}, 202),
    ("/v1/hooks/{name}", "POST", "", b'{"at": "today"}', TOKEN, {}, 202),
    ("/v1/hooks/{name}", "POST", "", b"{", TOKEN, {}, 400),
    ("/v1/hooks/{name}", "POST", "", HOOK_BODY, "Bearer wrong", {}, 401),
    ("/v1/team-readings", "GET", "?limit=5", b"", "reader", {}, 200),
    ("/v1/team-readings", "GET", "?limit=x", b"", "reader", {}, 400),
    ("/v1/team-readings", "GET", "", b"", WRONG, {}, 401),
    ("/v1/team-readings", "GET", "", b"", "lms", {}, 403),
    ("/v1/waiting-events", "GET", "", b"", "reader", {}, 200),
    ("/v1/waiting-events", "GET", "?x=1", b"", "reader", {}, 400),
    ("/v1/waiting-events", "GET", "", b"", "lms", {}, 403),
    ("/v1/form-links", "POST", "", FORM_LINK, "business", {}, 201),
    ("/v1/form-links", "POST", "", b"{}", "business", {}, 400),
    ("/v1/form-links", "POST", "", FORM_LINK, WRONG, {}, 401),
    ("/v1/form-links", "POST", "", FORM_LINK, "lms", {}, 403),
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
    ("/v1/employees/{reference}/reviews", "GET", "", b"", "reader", {}, 200),
    ("/v1/employees/{reference}/reviews", "GET", "?x=1", b"", "reader", {}, 400),
    ("/v1/groups", "GET", "?by=role", b"", "reader", {}, 200),
    ("/v1/groups", "GET", "?by=shoe", b"", "reader", {}, 400),
    ("/v1/groups", "GET", "", b"", "lms", {}, 403),
    ("/v1/policy", "POST", "", ORDER, "steward", {}, 201),
    ("/v1/policy", "POST", "", ORDER.replace(b"stop", b"halt"), "steward", {}, 400),
    ("/v1/policy", "POST", "", ORDER.replace(b"stop", b"deny"), "steward", {}, 400),
    ("/v1/policy", "POST", "", ORDER.replace(b"nudge", b"shout"), "steward", {}, 404),
    ("/v1/policy", "POST", "", ORDER, WRONG, {}, 401),
    ("/v1/policy", "POST", "", ORDER, "reader", {}, 403),
    ("/v1/policy", "GET", "", b"", "steward", {}, 200),
    ("/v1/policy", "GET", "?x=1", b"", "steward", {}, 400),
    ("/v1/policy", "GET", "", b"", "lms", {}, 403),
    ("/v1/contests", "POST", "", CONTEST, "steward", {}, 201),
    ("/v1/contests", "POST", "", RESTORE, "steward", {}, 201),
    ("/v1/contests", "POST", "", CONTEST.replace(b"reason", b"season"), "steward", {}, 400),
    ("/v1/contests", "POST", "", CONTEST, WRONG, {}, 401),
    ("/v1/contests", "POST", "", CONTEST, "reader", {}, 403),
    ("/v1/contests", "POST", "", CONTEST.replace(b"00000001", b"99999999"), "steward", {}, 404),
    ("/v1/contests", "GET", "?subject={reference}&limit=1", b"", "reader", {}, 200),
    ("/v1/contest-requests", "GET", "?limit=1", b"", "reader", {}, 200),
    ("/v1/contest-requests", "GET", "?subject=x", b"", "reader", {}, 400),
    ("/v1/roster/people", "GET", "?team=t&limit=2", b"", "hr", {}, 200),
    ("/v1/roster/people", "GET", "?x=1", b"", "hr", {}, 400),
    ("/v1/roster/people", "GET", "", b"", WRONG, {}, 401),
    ("/v1/roster/people", "GET", "", b"", "reader", {}, 403),
    ("/v1/roster/people/{id}", "GET", "", b"", "hr", {}, 200),
    ("/v1/roster/people/{id}", "GET", "-nobody", b"", "hr", {}, 404),
    ("/v1/roster/people/{id}", "PUT", "", b'{"name": "Ann", "manager": "p-9"}', "hr", {}, 200),
    ("/v1/roster/people/{id}", "PUT", "-new", b"{}", "hr", {}, 201),
    ("/v1/roster/people/{id}", "PUT", "", b'{"nmae": "Ann"}', "hr", {}, 400),
    ("/v1/roster/people/{id}", "PUT", "", b"{}", "lms", {}, 403),
    ("/v1/roster/people/{id}", "PUT", "", b'{"aliases": ["p-1"]}', "hr", {}, 409),
    ("/v1/roster/people/{id}", "PUT", "", b"{}", "hr", {"If-Match": '"x"'}, 412),
    ("/v1/roster/people/{id}", "PUT", "", b"{}", "hr", {"Content-Type": "text/csv"}, 415),
    ("/v1/roster/people/{id}", "PATCH", "", b'{"role": "lead", "team": null}', "hr", {}, 200),
    ("/v1/roster/people/{id}", "PATCH", "", b'{"exit_date": "soon"}', "hr", {}, 400),
    ("/v1/roster/people/{id}", "PATCH", "-nobody", b"{}", "hr", {}, 404),
    ("/v1/roster/people/{id}", "PATCH", "", b'{"aliases": ["p-1"]}', "hr", {}, 409),
    ("/v1/roster/people/{id}", "DELETE", "-nobody", b"", "hr", {}, 404),
    ("/v1/roster/people/{id}", "DELETE", "", b"", "reader", {}, 403),
    ("/v1/roster/people/{id}", "DELETE", "", b"", "hr", {}, 204),
    ("/v1/roster/changes", "POST", "", PUTS.replace(b"p-", b"q-"), "hr", {}, 200),
    ("/v1/roster/changes", "POST", "", PUT_EVENT, "hr", {"Content-Type": "application/cloudevents+json"}, 200),
    ("/v1/roster/changes", "POST", "?each=true", TAKEN, "hr", {}, 200),
    ("/v1/roster/changes", "POST", "", TAKEN, "hr", {}, 409),
    ("/v1/roster/changes", "POST", "", b"[{}]", "hr", {}, 400),
    ("/v1/roster/changes", "POST", "?each=perhaps", TAKEN, "hr", {}, 400),
    ("/v1/roster/changes", "POST", "", TAKEN, "business", {}, 403),
    ("/v1/roster/unknown", "GET", "?limit=5", b"", "hr", {}, 200),
    ("/v1/roster/unknown", "GET", "?limit=x", b"", "hr", {}, 400),
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
    ("/v1/needs", "GET", "?by=role", b"", "reader", {}, 200),
    ("/v1/needs", "GET", "?by=shoe", b"", "reader", {}, 400),
    ("/v1/needs", "GET", "", b"", WRONG, {}, 401),
    ("/v1/needs", "GET", "", b"", "lms", {}, 403),
    ("/v1/uplift", "GET", "?worth=0.1", b"", "reader", {}, 200),
    ("/v1/uplift", "GET", "?worth=nan", b"", "reader", {}, 400),
    ("/v1/uplift", "GET", "?worths=0.1", b"", "reader", {}, 400),
    ("/v1/uplift", "GET", "", b"", WRONG, {}, 401),
    ("/v1/uplift", "GET", "", b"", "lms", {}, 403),
    ("/v1/employees/{reference}/needs", "GET", "", b"", "reader", {}, 200),
    ("/v1/employees/{reference}/needs", "GET", "?x=1", b"", "reader", {}, 400),
    ("/v1/employees/{reference}/needs", "GET", "", b"", "lms", {}, 403),
    ("/v1/employees/{reference}/badges", "GET", "", b"", "reader", {}, 200),
    ("/v1/employees/{reference}/badges", "GET", "?x=1", b"", "reader", {}, 400),
    ("/v1/employees/{reference}/badges", "GET", "", b"", WRONG, {}, 401),
    ("/v1/employees/{reference}/badges", "GET", "", b"", "lms", {}, 403),
    ("/v1/employees/{reference}/badges/{skill}", "GET", "", b"", "reader", {}, 200),
    ("/v1/employees/{reference}/badges/{skill}", "GET", "?name=perhaps", b"", "reader", {}, 400),
    ("/v1/badges/issuer", "GET", "", b"", "", {}, 200),
    ("/v1/badges/keys", "GET", "", b"", "", {}, 200),
    ("/v1/badges/keys/{key}", "GET", "", b"", "", {}, 200),
    ("/v1/badges/achievements/{skill}", "GET", "", b"", "", {}, 200),
    ("/v1/enriched", "GET", "?limit=5", b"", "reader", {}, 200),
    ("/v1/enriched", "GET", "?after=999999", b"", "reader", {}, 200),
    ("/v1/enriched", "GET", "?after=-1", b"", "reader", {}, 400),
    ("/v1/enriched", "GET", "", b"", WRONG, {}, 401),
    ("/v1/enriched", "GET", "", b"", "lms", {}, 403),
    ("/v1/enriched/stream", "GET", "", b"", "reader", {}, 200),
    ("/v1/enriched/stream", "GET", "?last-event-id=x", b"", "reader", {}, 400),
    ("/v1/enriched/stream", "GET", "", b"", "lms", {}, 403),
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
def test_each_answer_is_declared_and_fits(live: Any, document: dict[str, Any], faults: Faults, call: Call):
    path, method, query, body, credential, headers, status = call
    about = "e-900" if path.endswith("badges/{skill}") else live.subject
    target = (path + query).replace("{reference}", about).replace("{token}", live.token)
    target = target.replace("{skill}", "calm").replace("{key}", live.badge_key)
    target = target.replace("{registration}", REGISTRATION).replace("{name}", "crm")
    target = target.replace("{id}", ROSTER_IDS.get(method, ""))
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
        assert faults(pointer.replace("{", "%7B").replace("}", "%7D"), json.loads(text)) == []


def test_every_operation_was_asked_with_success(document: dict[str, Any]):
    asked = {(path, method) for path, method, _, _, _, _, status in CALLS if status < 300}
    assert asked == {(path, method.upper()) for path, item in document["paths"].items() for method in item}


def test_what_comes_over_the_stream_fits(live: Any, faults: Faults):
    link = http.client.HTTPConnection("127.0.0.1", live.port, timeout=10)
    with contextlib.closing(link):
        headers = {"Authorization": live.credentials["reader"], "Last-Event-ID": "0"}
        link.request("GET", "/v1/stream?types=score,stage,action,answer,decision", headers=headers)
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
                assert faults("/components/schemas/Effect", effect) == []
                seen[name] = seen.get(name, 0) + 1
    assert seen["score"] >= 1
    assert set(seen) <= {"score", "stage", "action", "answer", "decision"}
