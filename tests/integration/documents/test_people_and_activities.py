"""The resources that tell what is known: Agents, Activities and About, in both versions."""

from __future__ import annotations

import sys
import uuid
from typing import Any

import pytest

AGENT = {"account": {"homePage": "https://lms.example.org", "name": "4711"}, "name": "A. Alvarez"}


@pytest.mark.requirement("1.0.3", "Communication 2.4.s2")
@pytest.mark.requirement("1.0.3", "Communication 2.4.s3.b3")
@pytest.mark.requirement("1.0.3", "Communication 2.4.s5.table1.row1")
@pytest.mark.requirement("1.0.3", "Communication 2.4.s5.table1.row2")
@pytest.mark.requirement("1.0.3", "Communication 2.4.s5.table1.row3")
@pytest.mark.requirement("1.0.3", "Communication 2.4.s5.table1.row4")
@pytest.mark.requirement("1.0.3", "Communication 2.4.s5.table1.row5")
@pytest.mark.requirement("1.0.3", "Communication 2.4.s5.table1.row6")
@pytest.mark.requirement("1.0.3", "Communication 2.4.s6.b1")
@pytest.mark.requirement("1.0.3", "Communication 2.4.s6.b2")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.3.get")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.3.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.3.b2")
@pytest.mark.parametrize(
    "identifier",
    [
        {"mbox": "mailto:nobody@x.example"},
        {"mbox_sha1sum": "a" * 40},
        {"openid": "https://nobody.x.example/"},
        {"account": {"homePage": "https://x.example", "name": "nobody"}},
    ],
    ids=lambda identifier: next(iter(identifier)),
)
def test_an_agent_is_answered_as_a_person_with_what_was_asked(ask: Any, identifier: dict[str, Any]):
    answer = ask("GET", "agents", {"agent": {"objectType": "Agent", "name": "N", **identifier}})
    assert answer.status == 200
    name, value = next(iter(identifier.items()))
    assert answer.json() == {"objectType": "Person", "name": ["N"], name: [value]}
    assert ask("GET", "agents", {"agent": identifier}).json() == {"objectType": "Person", name: [value]}


@pytest.mark.requirement("1.0.3", "Communication 2.4.s3.b1")
def test_other_identifiers_are_told_only_to_those_who_may_see_people(ask: Any):
    for who in ("lms", "auditor"):
        person = ask("GET", "agents", {"agent": AGENT}, who=who).json()
        assert person == {"objectType": "Person", "name": ["A. Alvarez"], "account": [AGENT["account"]]}
    assert ask("GET", "agents", {"agent": AGENT}, who="people").json() == {
        "objectType": "Person",
        "name": ["A. Alvarez", "Ana Alvarez"],
        "mbox": ["mailto:ana@example.org"],
        "mbox_sha1sum": ["0123456789012345678901234567890123456789"],
        "openid": ["https://ana.example.org/"],
        "account": [AGENT["account"]],
    }


@pytest.mark.requirement("1.0.3", "Communication 2.4.s2.table1.row1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.3.agent")
@pytest.mark.parametrize(
    "agent",
    ["", "1", "not JSON", "{}", '{"objectType":"Agent","name":"x"}', '{"objectType":"Group","member":[]}'],
)
def test_what_is_no_agent_is_refused(ask: Any, agent: str):
    answer = ask("GET", "agents", {"agent": agent})
    assert answer.status == 400
    assert answer.json()["where"].startswith("agent")
    assert ask("GET", "agents").problem("parameter-missing")["where"] == "agent"
    assert ask("GET", "agents", {"agent": AGENT, "x": "1"}).problem("parameter-unknown")["where"] == "x"


@pytest.mark.requirement("1.0.3", "Communication 2.5.s2.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.4.b1")
def test_an_activity_that_nobody_described_is_one_all_the_same(ask: Any):
    id_ = f"https://x.example/never-seen/{uuid.uuid4()}"
    answer = ask("GET", "activities", {"activityId": id_})
    assert (answer.status, answer.json()) == (200, {"objectType": "Activity", "id": id_})


@pytest.mark.requirement("1.0.3", "Communication 2.5.s1.table1.row1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.4.activityId")
def test_an_activity_is_named_by_an_iri(ask: Any):
    assert ask("GET", "activities").problem("parameter-missing")["where"] == "activityId"
    for value in ("1", "true", '{"key":"value"}', ""):
        answer = ask("GET", "activities", {"activityId": value})
        assert answer.problem("parameter-invalid")["where"] == "activityId"


@pytest.mark.parametrize("resource", ["agents", "activities"])
def test_agents_and_activities_are_read_by_those_who_read_anything_of_xapi(lrs: Any, resource: str):
    parameters = {"agent": AGENT} if resource == "agents" else {"activityId": "https://x.example/a"}
    answers = {
        who: lrs.ask("GET", resource, parameters, who=who).status for who in ("lms", "auditor", "people")
    }
    assert set(answers.values()) == {200}
    assert lrs.ask("GET", resource, parameters, who="scores").status == 403
    assert lrs.ask("GET", resource, parameters, who="").status == 401
    for method in ("PUT", "POST", "DELETE"):
        answer = lrs.ask(method, resource, parameters, who="")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    head = lrs.ask("HEAD", resource, parameters)
    assert (head.status, head.body) == (200, b"")


ONE = ["1.0.0", "1.0.1", "1.0.2", "1.0.3"]


@pytest.mark.requirement("1.0.3", "Communication 2.8.s4")
@pytest.mark.requirement("1.0.3", "Communication 2.8.s5.b1")
@pytest.mark.requirement("1.0.3", "Communication 2.8.s5.b2")
@pytest.mark.requirement("1.0.3", "Communication 2.8.s5.b3")
@pytest.mark.requirement("1.0.3", "Communication 2.8.s5.b4")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.7.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.7.b2")
@pytest.mark.parametrize(
    ("version", "mount", "versions"),
    [
        ("1.0.1", "/xapi", ONE),
        ("1.0", "/xapi/2.0", ONE),
        ("2.0.0", "/xapi", [*ONE, "2.0.0"]),
        (None, "/xapi", ONE),
        (None, "/xapi/2.0", [*ONE, "2.0.0"]),
        ("0.95", "/xapi", ONE),
        ("nonsense", "/xapi/2.0", [*ONE, "2.0.0"]),
    ],
)
def test_about_tells_anybody_the_versions(lrs: Any, version: str | None, mount: str, versions: list[str]):
    for who in ("", "Basic d3Jvbmc6d3Jvbmc=", "lms"):
        answer = lrs.ask("GET", "about", version=version, mount=mount, who=who)
        assert (answer.status, answer.json()) == (200, {"version": versions})
        assert answer.headers["x-experience-api-version"] == versions[-1]
    assert lrs.ask("HEAD", "about", version=version, who="").status == 200


def test_about_takes_no_parameter(ask: Any):
    assert ask("GET", "about", {"x": "1"}).problem("parameter-unknown")["where"] == "x"


@pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="tincan 1.0.0 imports a module that Python 3.13 removed"
)
def test_the_tincan_package_reads_about_and_keeps_documents(lrs: Any):
    remote_lrs = pytest.importorskip("tincan.remote_lrs", reason="pip install tincan (the extra lrs)")
    from tincan import Activity, Agent
    from tincan.documents import AgentProfileDocument, StateDocument

    client = remote_lrs.RemoteLRS(endpoint=f"http://127.0.0.1:{lrs.port}/xapi/", auth=lrs.login["lms"])
    about = client.about()
    assert about.success
    assert about.content.version == ONE
    ana, course = Agent(mbox="mailto:tincan@x.example"), Activity(id="https://x.example/tincan")
    bookmark = StateDocument(
        activity=course, agent=ana, id="bookmark", content=bytearray(b"page 7"), content_type="text/plain"
    )
    assert client.save_state(bookmark).success
    assert client.retrieve_state_ids(course, ana).content == ["bookmark"]
    found = client.retrieve_state(course, ana, "bookmark")
    assert bytes(found.content.content) == b"page 7"
    page = AgentProfileDocument(agent=ana, id="page", content=bytearray(b"1"), content_type="text/plain")
    saved = client.save_agent_profile(page)
    assert not saved.success  # it sends no If-None-Match for what is new
    assert client.clear_state(course, ana).success
    assert client.retrieve_state_ids(course, ana).content == []


@pytest.mark.requirement("1.0.3", "Communication 2.5.s1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.4.get")
def test_an_activity_is_answered_with_all_that_statements_said_of_it(ask: Any):
    id_ = f"https://x.example/described/{uuid.uuid4()}"
    definition = {
        "name": {"en-US": "example meeting"},
        "type": "http://adlnet.gov/expapi/activities/meeting",
        "extensions": {"https://x.example/room": 4},
    }
    one = {
        "actor": AGENT,
        "verb": {"id": "https://x.example/v"},
        "object": {"objectType": "Activity", "id": id_},
    }
    described = {**one, "object": {**one["object"], "definition": definition}}
    assert ask("POST", "statements", body=[described]).status == 200
    assert ask("GET", "activities", {"activityId": id_}).json() == described["object"]
    french = {**one, "object": {**one["object"], "definition": {"name": {"fr-FR": "réunion"}}}}
    assert ask("POST", "statements", body=[one, french]).status == 200
    found = ask("GET", "activities", {"activityId": id_}).json()
    assert found["definition"]["name"] == {"en-US": "example meeting", "fr-FR": "réunion"}
    assert found["definition"]["extensions"] == definition["extensions"]
