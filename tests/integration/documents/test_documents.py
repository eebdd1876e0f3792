"""Documents over HTTP, in both versions and on all three resources: stored exactly, merged, listed, deleted."""

from __future__ import annotations

import time
import uuid
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

NEW = {"If-None-Match": "*"}


@pytest.mark.requirement("1.0.3", "Communication 2.2.s3.table1.row1")
@pytest.mark.requirement("1.0.3", "Communication 2.2.s3.table1.row2")
@pytest.mark.requirement("1.0.3", "Communication 2.2.s3.table1.row3")
@pytest.mark.requirement("1.0.3", "Communication 2.2.s4.b2")
@pytest.mark.requirement("1.0.3", "Communication 2.3.s3")
@pytest.mark.requirement("1.0.3", "Communication 2.6.s3")
@pytest.mark.requirement("1.0.3", "Communication 2.7.s3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.2.put")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.2.get")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.2.delete")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.5.put")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.5.get")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.5.delete")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.6.put")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.6.get")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.6.delete")
def test_a_document_is_stored_fetched_and_deleted(ask: Any, place: Any):
    assert ask("GET", place.resource, place.of()).problem("document-not-found")["status"] == 404
    stored = ask("PUT", place.resource, place.of(), {"a": 1}, headers=NEW)
    assert (stored.status, stored.body) == (204, b"")
    found = ask("GET", place.resource, place.of())
    assert (found.status, found.json()) == (200, {"a": 1})
    assert ask("DELETE", place.resource, place.of()).status == 204
    assert ask("GET", place.resource, place.of()).status == 404
    assert ask("DELETE", place.resource, place.of()).status == 204  # what is gone is as good as deleted


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/octet-stream", bytes(range(256))),
        ("text/plain; charset=ISO-8859-1", "bögen".encode("latin-1")),
        ("application/json", b' {"a" : 1.0, "b": 12345678901234567890.10} \n'),
        ("application/json", b"{not json"),
        ("image/svg+xml", b"<svg/>"),
        ("text/html", b""),
    ],
)
@pytest.mark.requirement("1.0.3", "Communication 2.2.s2.table1.row3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.3.b1")
def test_bytes_and_media_type_come_back_exactly_as_sent(ask: Any, place: Any, media_type: str, data: bytes):
    headers = {**NEW, "Content-Type": media_type}
    assert ask("PUT", place.resource, place.of(), data, headers=headers).status == 204
    found = ask("GET", place.resource, place.of())
    assert (found.body, found.headers["content-type"]) == (data, media_type)
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in found.headers["content-security-policy"]


def test_a_document_without_a_media_type_is_untyped(ask: Any, state: Any):
    assert ask("PUT", state.resource, state.of(), b"x").status == 204
    assert ask("GET", state.resource, state.of()).headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("media_type", ["json", "text/", "a/b\tc", "a b/c"])
def test_what_is_no_media_type_is_refused(ask: Any, state: Any, media_type: str):
    answer = ask("PUT", state.resource, state.of(), b"x", headers={"Content-Type": media_type})
    assert answer.problem("header-invalid")["where"] == "Content-Type"


@pytest.mark.requirement("1.0.3", "Communication 2.2.s7.b1")
@pytest.mark.requirement("1.0.3", "Communication 2.2.s7.b2")
@pytest.mark.requirement("1.0.3", "Communication 2.2.s7.b3")
@pytest.mark.requirement("1.0.3", "Communication 2.2.s8.b2")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.2.post.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.2.post.b3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.5.post.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.5.post.b3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.6.post.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.6.post.b3")
def test_post_merges_the_top_level_only(ask: Any, place: Any):
    first = {"x": "foo", "y": {"deep": 1, "gone": 2}}
    assert ask("POST", place.resource, place.of(), first).status == 204
    assert ask("GET", place.resource, place.of()).json() == first
    merged = ask("POST", place.resource, place.of(), {"y": {"deep": 3}, "z": None})
    assert (merged.status, merged.body) == (204, b"")
    found = ask("GET", place.resource, place.of())
    assert found.json() == {"x": "foo", "y": {"deep": 3}, "z": None}
    assert found.headers["content-type"] == "application/json"


@pytest.mark.parametrize("data", [b"1", b"true", b"abc", b""])
def test_a_first_post_of_any_other_media_type_stores_it(ask: Any, place: Any, data: bytes):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ask("POST", place.resource, place.of(), data, headers=headers).status == 204
    assert ask("GET", place.resource, place.of()).body == data


@pytest.mark.parametrize(
    ("stored", "stored_type", "posted", "posted_type"),
    [
        (b'{"a":1}', "application/json", b"abc", "text/plain"),
        (b'{"a":1}', "application/json", b'{"b":1}', "application/octet-stream"),
        (b'{"a":1}', "application/json", b'{"b":1}{', "application/json"),
        (b'{"a":1}', "application/json", b"[1]", "application/json"),
        (b'{"a":1}', "application/json", b'{"b":NaN}', "application/json"),
        (b'{"a":1}', "application/json", b'{"b":"\xff"}', "application/json"),
        (b'{"a":1}', "application/json", b'{"b":' + b"[" * 9999 + b"]" * 9999 + b"}", "application/json"),
        (b"abc", "text/plain", b'{"b":1}', "application/json"),
        (b"[1]", "application/json", b'{"b":1}', "application/json"),
        (b"{", "application/json", b'{"b":1}', "application/json"),
    ],
)
@pytest.mark.requirement("1.0.3", "Communication 2.2.s8.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.2.post.b2")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.5.post.b2")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.6.post.b2")
def test_only_json_objects_are_merged_and_nothing_is_changed(
    ask: Any, place: Any, stored: bytes, stored_type: str, posted: bytes, posted_type: str
):
    ask("PUT", place.resource, place.of(), stored, headers={**NEW, "Content-Type": stored_type})
    answer = ask("POST", place.resource, place.of(), posted, headers={"Content-Type": posted_type})
    assert answer.problem("document-not-mergeable")["status"] == 400
    found = ask("GET", place.resource, place.of())
    assert (found.body, found.headers["content-type"]) == (stored, stored_type)


def test_a_first_post_that_claims_to_be_json_is_a_json_object(ask: Any, place: Any):
    for data in (b'{"a":1}[', b"[]", b""):
        answer = ask(
            "POST",
            place.resource,
            place.of(),
            data,
            headers={"Content-Type": "application/json; charset=utf-8"},
        )
        answer.problem("document-not-mergeable")
    assert ask("GET", place.resource, place.of()).status == 404


@pytest.mark.requirement("1.0.3", "Communication 2.3.s4")
@pytest.mark.requirement("1.0.3", "Communication 2.3.s4.table1.row4")
@pytest.mark.requirement("1.0.3", "Communication 2.6.s4")
@pytest.mark.requirement("1.0.3", "Communication 2.6.s4.table1.row2")
@pytest.mark.requirement("1.0.3", "Communication 2.7.s4")
@pytest.mark.requirement("1.0.3", "Communication 2.7.s4.table1.row2")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.2.list")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.5.list")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.6.list")
def test_the_ids_of_a_context_are_listed_and_since_leaves_older_ones_out(ask: Any, place: Any):
    assert ask("GET", place.resource, place.context).json() == []
    for id_ in ("b", "a/ü b"):
        assert ask("POST", place.resource, place.of(id_), {}).status == 204
    time.sleep(0.02)
    now_ms = int(time.time() * 1000)
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ms // 1000)) + f".{now_ms % 1000:03}Z"
    for id_ in ("c", "b"):
        assert ask("POST", place.resource, place.of(id_), {}).status == 204
    assert ask("GET", place.resource, place.context).json() == ["a/ü b", "b", "c"]
    assert ask("GET", place.resource, {**place.context, "since": since}).json() == ["b", "c"]
    assert ask("GET", place.resource, {**place.context, "since": "2999-01-01T00:00:00+02:00"}).json() == []


@pytest.mark.requirement("1.0.3", "Communication 2.2.s6.b1")
@pytest.mark.requirement("1.0.3", "Communication 2.2.s6.b2")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.2.get.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.5.get.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.6.get.b1")
def test_last_modified_is_the_time_of_the_last_write(ask: Any, places: Any):
    def last_modified(place: Any, parameters: dict[str, Any]) -> float:
        header = ask("GET", place.resource, parameters).headers["last-modified"]
        assert header.endswith(" GMT")
        return parsedate_to_datetime(header).timestamp()

    before = int(time.time())
    for place in places:
        ask("POST", place.resource, place.of("old"), {})
    old = [last_modified(place, place.of("old")) for place in places]
    assert before <= min(old) <= max(old) <= time.time()
    time.sleep(max(0.0, max(old) + 1.01 - time.time()))
    for place, at in zip(places, old, strict=True):
        ask("POST", place.resource, place.of("new"), {})
        assert last_modified(place, place.of("old")) == at
        assert last_modified(place, place.of("new")) > at
        assert last_modified(place, place.context) == last_modified(place, place.of("new"))


def test_head_has_the_headers_of_get_and_no_body(ask: Any, place: Any):
    ask("POST", place.resource, place.of(), {"a": 1})
    for parameters in (place.of(), place.context):
        get, head = (ask(method, place.resource, parameters) for method in ("GET", "HEAD"))
        assert (head.status, head.body) == (200, b"")
        for name in ("etag", "last-modified", "content-type", "content-length", "x-experience-api-version"):
            assert head.headers[name] == get.headers[name]


# ---- what a state's address is made of ---------------------------------------------------------------------


def with_registration(state: Any, number: int) -> dict[str, Any]:
    return {**state.of(), "registration": f"0000000{number}-0000-4000-8000-00000000000a"}


@pytest.mark.requirement("1.0.3", "Communication 2.3.s3.table1.row3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.2.registration")
def test_a_registration_is_part_of_a_states_address(ask: Any, state: Any):
    assert ask("PUT", state.resource, state.of(), {"r": 0}).status == 204
    for number in (1, 2):
        assert ask("PUT", state.resource, with_registration(state, number), {"r": number}).status == 204
    assert ask("GET", state.resource, state.of()).json() == {"r": 0}
    upper = {**with_registration(state, 2)}
    upper["registration"] = upper["registration"].upper()
    assert ask("GET", state.resource, upper).json() == {"r": 2}


@pytest.mark.requirement("1.0.3", "Communication 2.3.s2")
@pytest.mark.requirement("1.0.3", "Communication 2.3.s5")
@pytest.mark.requirement("1.0.3", "Communication 2.3.s5.table1.row3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.2.delete-all")
def test_delete_without_an_id_deletes_the_states_of_the_context(ask: Any, state: Any):
    other = {**state.of(), "activityId": state.context["activityId"] + "/other"}
    places = [state.of(), state.of("two"), with_registration(state, 1), with_registration(state, 2), other]
    for parameters in places:
        assert ask("POST", state.resource, parameters, {}).status == 204
    first = {**with_registration(state, 1)}
    del first["stateId"]
    assert ask("DELETE", state.resource, first).status == 204
    assert [ask("GET", state.resource, p).status for p in places] == [200, 200, 404, 200, 200]
    assert ask("DELETE", state.resource, state.context).status == 204
    assert [ask("GET", state.resource, p).status for p in places] == [404, 404, 404, 404, 200]
    assert ask("GET", state.resource, state.context).json() == []


def test_listing_without_a_registration_names_each_id_of_all_registrations_once(ask: Any, state: Any):
    for parameters in (
        state.of(),
        with_registration(state, 1),
        {**with_registration(state, 2), "stateId": "b"},
    ):
        ask("POST", state.resource, parameters, {})
    assert ask("GET", state.resource, state.context).json() == ["b", "one"]
    second = {**state.context, "registration": with_registration(state, 2)["registration"]}
    assert ask("GET", state.resource, second).json() == ["b"]


def test_an_agent_is_its_identifier_and_nothing_else(ask: Any, state: Any):
    fresh = uuid.uuid4().hex
    place = {**state.of(), "agent": {"mbox": f"mailto:{fresh}@x.example"}}
    assert ask("PUT", state.resource, place, {"who": fresh}).status == 204
    same = {"objectType": "Agent", "name": "Somebody", "mbox": f"mailto:{fresh.upper()}@X.example"}
    assert ask("GET", state.resource, {**place, "agent": same}).json() == {"who": fresh}
    other = {"openid": f"mailto:{fresh}@x.example"}
    assert ask("GET", state.resource, {**place, "agent": other}).status == 404
