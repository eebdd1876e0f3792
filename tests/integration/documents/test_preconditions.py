"""Optimistic concurrency of documents: what each version demands of ETag, If-Match and If-None-Match."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

WRONG = '"1111111111111111111111111111111111111111"'


def etag(ask: Any, place: Any) -> str:
    tag = ask("GET", place.resource, place.of()).headers["etag"]
    assert isinstance(tag, str)
    return tag


@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b1")
@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b2")
@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b4")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.4.b1")
def test_every_get_has_an_etag_the_sha_1_of_its_contents_in_quotes(ask: Any, place: Any):
    ask("POST", place.resource, place.of(), {"a": 1})
    for parameters in (place.of(), place.context):
        answer = ask("GET", place.resource, parameters)
        assert answer.headers["etag"] == f'"{hashlib.sha1(answer.body).hexdigest()}"'
    person = ask("GET", "agents", {"agent": {"mbox": "mailto:x@x.example"}})
    activity = ask("GET", "activities", {"activityId": "https://x.example/a"})
    for answer in (person, activity, ask("GET", "about")):
        assert answer.headers["etag"] == f'"{hashlib.sha1(answer.body).hexdigest()}"'


@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b5")
@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b7")
@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b9")
@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b10")
@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b11")
@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b12")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.4.b2")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.4.b3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.4.b4")
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_if_match_lets_only_those_change_who_know_what_is_stored(ask: Any, place: Any, method: str):
    ask("POST", place.resource, place.of(), {"a": 1})
    right = etag(ask, place)
    body = None if method == "DELETE" else {"b": 2}
    for wrong in (WRONG, '"1234"', "1234", f"W/{right}", right.strip('"'), f'{WRONG}, "x"', ""):
        answer = ask(method, place.resource, place.of(), body, headers={"If-Match": wrong})
        assert answer.problem("precondition-failed")["status"] == 412
        assert right in answer.json()["detail"]
    assert ask("GET", place.resource, place.of()).json() == {"a": 1}
    assert ask(method, place.resource, place.of(), body, headers={"If-Match": right}).status == 204
    after = ask("GET", place.resource, place.of())
    assert {"PUT": {"b": 2}, "POST": {"a": 1, "b": 2}}.get(method) == (
        None if method == "DELETE" else after.json()
    )
    assert after.status == (404 if method == "DELETE" else 200)
    # The tag of what was there before is no good any more.
    assert ask(method, place.resource, place.of(), body, headers={"If-Match": right}).status == 412


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_if_match_takes_a_list_and_a_star_for_whatever_exists(ask: Any, place: Any, method: str):
    body: Any = None if method == "DELETE" else {}
    assert ask(method, place.resource, place.of(), body, headers={"If-Match": "*"}).status == 412
    ask("POST", place.resource, place.of(), {})
    several = f'{WRONG} , W/"x",{etag(ask, place)}'
    assert ask(method, place.resource, place.of(), body, headers={"If-Match": several}).status == 204
    ask("POST", place.resource, place.of(), {})
    assert ask(method, place.resource, place.of(), body, headers={"If-Match": "*"}).status == 204


@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b6")
@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b8")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.1.if-none-match")
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_if_none_match_star_stores_only_what_is_new(ask: Any, place: Any, method: str):
    headers = {"If-None-Match": "*"}
    assert ask(method, place.resource, place.of(), {"a": 1}, headers=headers).status == 204
    answer = ask(method, place.resource, place.of(), {"b": 2}, headers=headers)
    assert answer.problem("precondition-failed")["where"] == "If-None-Match"
    assert answer.status == 412
    assert ask("GET", place.resource, place.of()).json() == {"a": 1}


@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b13")
@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b14")
@pytest.mark.requirement("1.0.3", "Communication 3.1.s4.b15")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.4.b5")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.4.b6")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.4.b7")
def test_put_without_a_precondition_does_not_replace_a_document(ask: Any, place: Any, version: str):
    ask("POST", place.resource, place.of(), {"a": 1})
    answer = ask("PUT", place.resource, place.of(), {"b": 2})
    if (version, place.resource) == ("1.0.3", "activities/state"):
        # 3.1.s3: "The State Resource will permit PUT … requests without concurrency headers".
        assert answer.status == 204
        assert ask("GET", place.resource, place.of()).json() == {"b": 2}
        return
    problem = answer.problem("document-conflict")
    assert answer.status == 409
    assert "check the current state" in problem["fix"]
    assert "If-Match" in problem["fix"]
    assert etag(ask, place) in problem["detail"]
    assert ask("GET", place.resource, place.of()).json() == {"a": 1}


@pytest.mark.requirement("1.0.3", "Communication 3.1.s3")
@pytest.mark.requirement("1.0.3", "Communication 3.1.s3.b1")
def test_put_of_something_new_without_a_precondition(ask: Any, place: Any, version: str):
    answer = ask("PUT", place.resource, place.of(), {"a": 1})
    if version == "1.0.3" and place.resource != "activities/state":
        assert answer.problem("precondition-missing")["status"] == 400
        assert ask("GET", place.resource, place.of()).status == 404
    else:
        assert answer.status == 204


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_post_and_delete_need_no_precondition(ask: Any, place: Any, method: str):
    ask("POST", place.resource, place.of(), {"a": 1})
    assert ask(method, place.resource, place.of(), {} if method == "POST" else None).status == 204


def test_get_is_answered_304_to_those_who_have_the_document(ask: Any, place: Any):
    ask("POST", place.resource, place.of(), {"a": 1})
    tag = etag(ask, place)
    for header in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = ask("GET", place.resource, place.of(), headers={"If-None-Match": header})
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
        assert "content-length" not in answer.headers
    assert ask("GET", place.resource, place.of(), headers={"If-None-Match": WRONG}).status == 200
    assert ask("GET", place.resource, place.of(), headers={"If-Match": WRONG}).status == 412


def test_several_documents_are_not_deleted_on_the_strength_of_one_etag(ask: Any, state: Any):
    ask("POST", state.resource, state.of(), {"a": 1})
    answer = ask("DELETE", state.resource, state.context, headers={"If-Match": etag(ask, state)})
    assert answer.problem("precondition-failed")["status"] == 412
    assert ask("GET", state.resource, state.of()).status == 200


def test_no_increment_is_lost_between_clients_that_read_and_write(ask: Any, profile: Any):
    """Eight clients count to 100 together, each by GET and PUT with If-Match, over HTTP."""
    assert ask("POST", profile.resource, profile.of(), {"count": 0}).status == 204

    def increment(times: int) -> int:
        refused = 0
        for _ in range(times):
            while True:
                seen = ask("GET", profile.resource, profile.of())
                counted = {"count": seen.json()["count"] + 1}
                headers = {"If-Match": seen.headers["etag"]}
                status = ask("PUT", profile.resource, profile.of(), counted, headers=headers).status
                if status == 204:
                    break
                assert status == 412
                refused += 1
        return refused

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(increment, [13, 13, 12, 12, 13, 13, 12, 12]))
    assert ask("GET", profile.resource, profile.of()).json() == {"count": 100}


def test_one_of_many_creates_a_document(ask: Any, place: Any):
    def create(number: int) -> int:
        answer = ask("PUT", place.resource, place.of(), {"n": number}, headers={"If-None-Match": "*"})
        assert isinstance(answer.status, int)
        return answer.status

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(create, range(8))) == [204] + [412] * 7
