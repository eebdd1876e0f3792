"""Requests about documents: each parameter checked and named when it is wrong, scopes, versions, alternate syntax."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

NEW = {"If-None-Match": "*"}
REGISTRATION = "00000001-0000-4000-8000-00000000000a"

BAD_ACTIVITIES = ["1", "true", '{"key":"value"}', "undefined", "", "/relative"]
BAD_AGENTS = [
    "1", "true", "not JSON", "undefined", "", '{"key":"value"}', "[]", '"mailto:a@x.example"', "{}",
    '{"mbox":"a@x.example"}', '{"mbox":null}', '{"account":{"name":"x"}}',
    '{"mbox":"mailto:a@x.example","openid":"https://x.example"}',
    '{"mbox":"mailto:a@x.example","mbox":"mailto:b@x.example"}',
    '{"objectType":"Group","mbox":"mailto:a@x.example"}', '{"objectType":"agent","mbox":"mailto:a@x.example"}',
    '{"objectType":"Person","mbox":["mailto:a@x.example"]}', '{"objectType":"Agent"', '{"mbox":"\\ud800"}',
    "[" * 5_000,
]  # fmt: skip
BAD_UUIDS = ["1", "true", "not UUID", "", "00000000-0000-0000-0000-00000000000"]
BAD_TIMES = ["1", "true", "not a timestamp", "", "2026-01-01", '{"key":"value"}', "2026-13-01T00:00:00Z"]
METHODS = ("PUT", "POST", "GET", "DELETE")


def refused(ask: Any, place: Any, parameters: dict[str, Any], name: str, methods: tuple[str, ...] = METHODS):
    for method in methods:
        body: Any = {} if method in {"PUT", "POST"} else None
        answer = ask(method, place.resource, parameters, body, headers=NEW if method == "PUT" else {})
        assert answer.status == 400, (method, answer)
        assert answer.json()["where"].startswith(name)
        assert answer.json()["fix"]


@pytest.mark.requirement("1.0.3", "Communication 2.3.s3.table1.row1")
@pytest.mark.requirement("1.0.3", "Communication 2.3.s3.table1.row2")
@pytest.mark.requirement("1.0.3", "Communication 2.3.s4.table1.row1")
@pytest.mark.requirement("1.0.3", "Communication 2.3.s4.table1.row2")
@pytest.mark.requirement("1.0.3", "Communication 2.3.s5.table1.row1")
@pytest.mark.requirement("1.0.3", "Communication 2.3.s5.table1.row2")
@pytest.mark.requirement("1.0.3", "Communication 2.6.s3.table1.row1")
@pytest.mark.requirement("1.0.3", "Communication 2.6.s4.table1.row1")
@pytest.mark.requirement("1.0.3", "Communication 2.7.s3.table1.row1")
@pytest.mark.requirement("1.0.3", "Communication 2.7.s4.table1.row1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.b2")
def test_activity_and_agent_are_required_and_checked_by_every_method(ask: Any, place: Any):
    for name in place.context:
        bad = BAD_ACTIVITIES if name == "activityId" else BAD_AGENTS
        without = place.of()
        del without[name]
        refused(ask, place, without, name)
        for value in bad:
            refused(ask, place, {**place.of(), name: value}, name, ("PUT", "GET"))
        for method in ("POST", "DELETE"):
            refused(ask, place, {**place.of(), name: bad[0]}, name, (method,))


@pytest.mark.requirement("1.0.3", "Communication 2.3.s3.table1.row4")
@pytest.mark.requirement("1.0.3", "Communication 2.6.s3.table1.row2")
@pytest.mark.requirement("1.0.3", "Communication 2.7.s3.table1.row2")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.b3")
def test_an_id_is_required_but_to_list_and_to_delete_states(ask: Any, place: Any):
    methods = ("PUT", "POST") if place.resource == "activities/state" else ("PUT", "POST", "DELETE")
    refused(ask, place, place.context, place.id_name, methods)


def test_a_registration_is_a_uuid_and_belongs_to_states(ask: Any, state: Any, profile: Any):
    for value in BAD_UUIDS:
        refused(ask, state, {**state.of(), "registration": value}, "registration")
    refused(ask, profile, {**profile.of(), "registration": REGISTRATION}, "registration")


def test_since_is_a_timestamp_and_belongs_to_get(ask: Any, place: Any):
    for value in BAD_TIMES:
        refused(ask, place, {**place.context, "since": value}, "since", ("GET",))
    fine = "2026-01-01T00:00:00Z"
    refused(ask, place, {**place.of(), "since": fine}, "since", ("PUT", "POST", "DELETE"))
    refused(ask, place, {**place.of(), "since": "not a timestamp"}, "since", ("GET",))


@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.2.get.since")
def test_since_beside_a_state_id_is_not_allowed_in_2_0(lrs: Any, state: Any, profile: Any):
    lrs.ask("PUT", state.resource, state.of(), {})
    lrs.ask("POST", profile.resource, profile.of(), {})
    since = {"since": "2026-01-01T00:00:00Z"}
    assert lrs.ask("GET", state.resource, {**state.of(), **since}).status == 200
    answer = lrs.ask("GET", state.resource, {**state.of(), **since}, version="2.0.0")
    assert answer.problem("parameter-misplaced")["where"] == "since"
    assert lrs.ask("GET", profile.resource, {**profile.of(), **since}, version="2.0.0").status == 200


def test_what_is_unknown_repeated_or_in_another_case_is_refused_by_name(ask: Any, place: Any):
    for name in ("foo", place.id_name.upper(), "ActivityId", "Agent", "stateID", "method"):
        refused(ask, place, {**place.of(), name: "x"}, name, ("PUT", "GET", "DELETE"))
    answer = ask("GET", place.resource, f"{place.id_name}=a&{place.id_name}=a")
    assert answer.problem("parameter-repeated")["where"] == place.id_name


def test_what_is_too_large_is_refused_by_the_name_of_its_limit(ask: Any, place: Any):
    answer = ask("PUT", place.resource, place.of(), b"x" * (10 << 20) + b"x", headers=NEW)
    assert "document_bytes_max" in answer.problem("document-too-large")["rule"]
    assert answer.status == 413
    answer = ask("GET", place.resource, place.of("x" * 5_000))
    assert "name_characters_max" in answer.problem("parameter-invalid")["rule"]


# ---- who may ----------------------------------------------------------------------------------------------


def test_scopes(lrs: Any, place: Any):
    def statuses(who: str) -> list[int]:
        return [
            lrs.ask("POST", place.resource, place.of(), {"a": 1}, who=who).status,
            lrs.ask("GET", place.resource, place.of(), who=who).status,
            lrs.ask("HEAD", place.resource, place.of(), who=who).status,
            lrs.ask("DELETE", place.resource, place.of(who), who=who).status,
        ]

    assert statuses("lms") == [204, 200, 200, 204]
    assert statuses("auditor") == [403, 200, 200, 403]
    assert statuses("writer") == statuses("scores") == [403] * 4
    assert statuses("") == statuses("Basic d3Jvbmc6d3Jvbmc=") == [401] * 4


def test_other_methods_are_answered_405_to_anybody(lrs: Any, place: Any):
    answer = lrs.ask("PATCH", place.resource, place.of(), who="")
    assert answer.problem("method-not-allowed")["status"] == 405
    assert answer.headers["allow"] == "PUT, POST, GET, HEAD, DELETE"


def test_the_version_decides_and_is_named_by_every_answer(lrs: Any, place: Any):
    for mount in ("/xapi", "/xapi/2.0"):
        for version in ("1.0.3", "2.0.0"):
            lrs.ask("GET", place.resource, place.of(), version=version, mount=mount)
            answer = lrs.ask("GET", place.resource, place.of(), version=None, mount=mount)
            assert (answer.status, answer.headers["x-experience-api-version"]) == (400, version)
    # A document has no version: what one client stored the other one finds.
    assert lrs.ask("POST", place.resource, place.of(), {"a": 1}).status == 204
    answer = lrs.ask("GET", place.resource, place.of(), version="2.0.0", mount="/xapi/2.0")
    assert (answer.json(), answer.headers["x-experience-api-version"]) == ({"a": 1}, "2.0.0")


def test_the_alternate_syntax_of_1_0_3_reaches_documents(lrs: Any, place: Any):
    def send(method: str, fields: dict[str, Any], **more: Any) -> Any:
        texts = {name: v if isinstance(v, str) else json.dumps(v) for name, v in fields.items()}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        form = urlencode(texts).encode()
        return lrs.ask("POST", place.resource, f"method={method}", form, headers=headers, **more)

    assert send("PUT", {**place.of(), "content": {"a": 1}, **NEW}).status == 204
    found = send("GET", place.of())
    assert (found.status, found.json()) == (200, {"a": 1})
    stale = send("PUT", {**place.of(), "content": {}, "If-Match": '"x"'})
    assert stale.problem("precondition-failed")["where"] == "If-Match"
    assert send("DELETE", {**place.of(), "If-Match": found.headers["etag"]}).status == 204
    assert send("GET", place.of(), version="2.0.0").status == 400


def test_a_media_type_with_a_line_break_cannot_become_a_header(lrs: Any, state: Any):
    fields = {**state.of(), "content": "x", "Content-Type": "text/plain\r\nX-Evil: 1"}
    form = urlencode({name: v if isinstance(v, str) else json.dumps(v) for name, v in fields.items()})
    answer = lrs.ask(
        "POST",
        state.resource,
        "method=PUT",
        form.encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.problem("header-invalid")["status"] == 400
