"""Proves what each scope of xAPI opens and what it does not, over the whole surface of a real server.

1.0.3 Communication 4.2 (table of scopes) and 3.2 (401 who is not known, 403 who may not).
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from carrythrough.gateway.auth import Credentials, new_credential
from carrythrough.gateway.scopes import LMS_SCOPES, SCOPES

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
from carrythrough.embedded.serve import serve
from carrythrough.settings import Settings
folder = sys.argv[1]
serve(
    Settings(data_dir=folder + "/data", program=folder + "/map.yaml", port=0, metrics_port=0, log_level="error"),
    on_ready=lambda info: print(json.dumps(info), flush=True),
)
"""
AGENT = json.dumps({"mbox": "mailto:ann@x.example"})
ACTIVITY = "https://x.example/q/1"
STATE = {"activityId": ACTIVITY, "agent": AGENT, "stateId": "s"}
REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "write statements": ("POST", "/statements", {"json": []}),
    "read statements": ("GET", "/statements", {}),
    "write state": ("PUT", "/activities/state", {"params": STATE, "content": b"1"}),
    "read state": ("GET", "/activities/state", {"params": STATE}),
    "delete state": ("DELETE", "/activities/state", {"params": {**STATE, "stateId": "other"}}),
    "write activity profile": (
        "POST",
        "/activities/profile",
        {"params": {"activityId": ACTIVITY, "profileId": "p"}, "json": {}},
    ),
    "read activity profile": (
        "GET",
        "/activities/profile",
        {"params": {"activityId": ACTIVITY, "profileId": "p"}},
    ),
    "write agent profile": (
        "POST",
        "/agents/profile",
        {"params": {"agent": AGENT, "profileId": "p"}, "json": {}},
    ),
    "read agent profile": ("GET", "/agents/profile", {"params": {"agent": AGENT, "profileId": "p"}}),
    "read activities": ("GET", "/activities", {"params": {"activityId": ACTIVITY}}),
    "read agents": ("GET", "/agents", {"params": {"agent": AGENT}}),
    "about": ("GET", "/about", {}),
}
DEFINITIONS = {"read activities", "read agents"}
ALLOWED = {
    "all": set(REQUESTS),
    "all/read": {name for name in REQUESTS if name.startswith("read")},
    "statements/read": {"read statements", *DEFINITIONS},
    "statements/read/mine": {"read statements", *DEFINITIONS},
    "statements/write": {"write statements"},
    "state": {"write state", "read state", "delete state", *DEFINITIONS},
    "profile": {
        "write activity profile", "read activity profile", "write agent profile", "read agent profile", *DEFINITIONS,
    },
    "define": set(),
    "events/write": set(),
    "scores/read": set(),
}  # fmt: skip


@pytest.fixture(scope="module")
def logins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Start a server and give clients: one for each scope, and some with several."""
    folder = tmp_path_factory.mktemp("scopes")
    (folder / "data").mkdir()
    (folder / "map.yaml").write_text(MAP)
    wanted = {scope.replace("/", "-"): (scope,) for scope in SCOPES}
    wanted |= {"lms": LMS_SCOPES, "vr": LMS_SCOPES, "plain": ("statements/write", "statements/read")}
    made = {name: new_credential(name, scopes) for name, scopes in wanted.items()}
    (folder / "data" / "credentials.json").write_text(Credentials(c for c, _ in made.values()).to_file())
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"] + "/xapi"
    headers = {"X-Experience-API-Version": "1.0.3"}
    clients = {
        name: httpx.Client(base_url=url, auth=(credential.key, secret), headers=headers, timeout=10)
        for name, (credential, secret) in made.items()
    }
    yield clients
    for client in clients.values():
        client.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize("scope", ALLOWED)
def test_a_scope_opens_what_the_table_says(logins: dict[str, httpx.Client], scope: str, request_name: str):
    method, path, given = REQUESTS[request_name]
    answer = logins[scope.replace("/", "-")].request(method, path, **given)
    if request_name in ALLOWED[scope] or request_name == "about":
        assert answer.status_code in {200, 204, 404}, answer.text
    else:
        assert answer.status_code == 403, answer.text
        assert answer.json()["code"] == "scope-missing"


@pytest.mark.parametrize("request_name", [name for name in REQUESTS if name != "about"])
def test_who_is_not_known_is_asked_who_it_is(logins: dict[str, httpx.Client], request_name: str):
    method, path, given = REQUESTS[request_name]
    client = logins["all"]
    for header in ("Basic bm9ib2R5Og==", "Bearer nothing", "Digest x", "Basic !"):
        answer = client.request(method, path, **given, auth=None, headers={"Authorization": header})
        assert answer.status_code == 401
        assert "Basic" in answer.headers["www-authenticate"]
        assert "Bearer" in answer.headers["www-authenticate"]
        assert answer.headers["x-experience-api-version"] == "1.0.3"


def send(client: httpx.Client, **members: Any) -> str:
    statement = {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:ann@x.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": ACTIVITY},
        **members,
    }
    assert client.post("/statements", json=statement).status_code == 200
    return str(statement["id"])


def test_mine_is_what_this_credential_stored(logins: dict[str, httpx.Client]):
    ours, theirs = send(logins["lms"]), send(logins["vr"])

    def seen(client: httpx.Client) -> set[str]:
        return {one["id"] for one in client.get("/statements").json()["statements"]} & {ours, theirs}

    deadline = time.monotonic() + 10
    while seen(logins["all"]) != {ours, theirs}:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert seen(logins["lms"]) == {ours}
    assert seen(logins["vr"]) == {theirs}
    assert seen(logins["plain"]) == {ours, theirs}
    assert seen(logins["all-read"]) == {ours, theirs}
    assert logins["lms"].get("/statements", params={"statementId": ours}).status_code == 200
    assert logins["lms"].get("/statements", params={"statementId": theirs}).status_code == 404
    assert logins["plain"].get("/statements", params={"statementId": theirs}).status_code == 200


def test_without_define_a_statement_is_kept_and_changes_nothing_that_is_known(
    logins: dict[str, httpx.Client],
):
    activity = f"https://x.example/{uuid.uuid4()}"
    objects = [{"id": activity, "definition": {"name": {"en": name}}} for name in ("Good", "Bad")]
    send(logins["lms"], object=objects[0])
    id_ = send(logins["plain"], object=objects[1])
    deadline = time.monotonic() + 10
    while True:
        kept = logins["plain"].get("/statements", params={"statementId": id_})
        known = logins["all"].get("/activities", params={"activityId": activity}).json()
        if kept.status_code == 200 and known.get("definition"):
            break
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert kept.json()["object"]["definition"]["name"]["en"] == "Bad"
    time.sleep(0.3)
    known = logins["all"].get("/activities", params={"activityId": activity}).json()
    assert known["definition"]["name"]["en"] == "Good"
