"""Proves how Open edX is spoken to: the sign-in, the enrolment, and what each documented answer means."""

from __future__ import annotations

from typing import Any

import pytest

from carrythrough.dispatch import build_adapters
from carrythrough.errors import CarrythroughError, PermanentError, TransientError
from carrythrough.plugin import ThrottledError
from carrythrough.testing.adapters import sample_action, sample_recipient

DANA = sample_recipient()
SIGN_IN, ENROL = "/oauth2/access_token", "/api/bulk_enroll/v1/bulk_enroll/"
COURSE = "course-v1:Example+DE101+2026"
TOKEN = "eyJ0eXAi.of-the-robot.c2lnbmVk"


def send(table: dict[str, Any], recipient: Any = DANA, times: int = 1, **changes: Any) -> str:
    """Send one action directly, without a dispatcher; return the receipt."""
    adapter = build_adapters({"openedx": table})["openedx"]
    action = sample_action(**changes)
    try:
        return [adapter.send(action, recipient, action.id) for _ in range(times)][-1]
    finally:
        adapter.close()


def refused(table: dict[str, Any], **more: Any) -> CarrythroughError:
    with pytest.raises(CarrythroughError) as caught:
        send(table, **more)
    for secret in (table["client_secret"], TOKEN):
        assert secret not in str(caught.value)
    return caught.value


def test_the_client_signs_in_once_and_the_person_is_enrolled(learning: Any) -> None:
    assert send(learning.openedx(), times=2) == f"enrolled in {COURSE}"
    assert [one["path"] for one in learning.seen()] == [SIGN_IN, ENROL, ENROL]
    assert learning.seen()[-1]["message"] == {
        "action": "enroll",
        "courses": COURSE,
        "identifiers": "dana@example.org",
        "auto_enroll": True,
        "email_students": False,
    }


def test_somebody_without_an_account_is_enrolled_once_they_register(learning: Any) -> None:
    nobody = sample_recipient(email="new@example.org")
    assert send(learning.openedx(), recipient=nobody) == f"enrolled once they register in {COURSE}"
    assert send(learning.openedx(auto_enroll=False), recipient=nobody) == f"allowed to enrol in {COURSE}"


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/courses/course-v1:Example+DE102+2026/about", 2),
        ("/courses/course-v1%3AExample%2BDE102%2B2026", 2),
        ("/learning/course/course-v1:Example+DE102+2026/home", 2),
        ("/courses/course-v1:Example+DE102+2026,course-v1:Example+X+Y/about", 1),
        ("/courses/", 1),
        ("/dashboard", 1),
    ],
)
def test_a_link_to_a_course_of_this_site_names_it(learning: Any, path: str, number: int) -> None:
    send(learning.openedx(), link=learning.origin + path)
    assert learning.seen()[-1]["message"]["courses"] == f"course-v1:Example+DE10{number}+2026"
    send(learning.openedx(), link="https://learn.example.org" + path)
    assert learning.seen()[-1]["message"]["courses"] == COURSE, "a link elsewhere names nothing here"


def test_an_old_token_is_replaced_once(learning: Any) -> None:
    """edx-platform, JwtAuthentication: 401 for a token that ended."""
    learning.answer(401, {"detail": "Signature has expired."}, on=ENROL)
    assert send(learning.openedx()) == f"enrolled in {COURSE}"
    assert [one["path"] for one in learning.seen()] == [SIGN_IN, ENROL, SIGN_IN, ENROL]
    learning.answer(401, {"detail": "no"}, on=ENROL, times=9)
    assert isinstance(refused(learning.openedx()), TransientError)
    assert len(learning.seen()) == 8, "two tries, not nine"


def test_a_token_is_renewed_before_it_ends(learning: Any) -> None:
    short = {"access_token": TOKEN, "expires_in": 30, "token_type": "JWT"}
    learning.answer(200, short, on=SIGN_IN, times=2)
    send(learning.openedx(), times=2)
    assert [one["path"] for one in learning.seen()] == [SIGN_IN, ENROL, SIGN_IN, ENROL]


@pytest.mark.parametrize(
    ("on", "status", "body", "kind"),
    [
        # RFC 6749, 5.2: what is wrong with the client.
        (SIGN_IN, 401, {"error": "invalid_client"}, TransientError),
        (SIGN_IN, 400, {"error": "unauthorized_client"}, TransientError),
        (SIGN_IN, 429, "", ThrottledError),
        (SIGN_IN, 404, "", PermanentError),
        (SIGN_IN, 500, "", TransientError),
        # BulkEnrollView: IsStaff, BulkEnrollmentSerializer, EnrollmentUserThrottle.
        (ENROL, 403, {"detail": "You do not have permission to perform this action."}, TransientError),
        (ENROL, 400, {"courses": ["Course key not valid: x"]}, PermanentError),
        (ENROL, 404, "", PermanentError),
        (ENROL, 429, {"detail": "Request was throttled."}, ThrottledError),
        (ENROL, 502, "", TransientError),
    ],
)
def test_a_status_is_final_or_tried_again(learning: Any, on: str, status: int, body: Any, kind: type) -> None:
    learning.answer(status, body, on=on)
    error = refused(learning.openedx())
    assert type(error) is kind
    assert str(status) in error.problem.detail


def test_a_result_without_an_enrolment_is_no_receipt(learning: Any) -> None:
    """students_update_enrollment: `invalidIdentifier` is about the person, `error` about the server."""
    for result, kind in (
        ({"identifier": "dana@example.org", "invalidIdentifier": True}, PermanentError),
        ({"identifier": "dana@example.org", "error": True}, TransientError),
        (
            {"identifier": "dana@example.org", "after": {"enrollment": False, "allowed": False}},
            TransientError,
        ),
    ):
        learning.answer(200, {"courses": {COURSE: {"results": [result]}}}, on=ENROL)
        error = refused(learning.openedx())
        assert type(error) is kind
        assert "dana@example.org" not in str(error)


@pytest.mark.parametrize(
    "answer",
    ["", "<html>", "[]", "7", "{}", '{"courses": []}', f'{{"courses": {{"{COURSE}": {{"results": []}}}}}}'],
)
@pytest.mark.parametrize("on", [SIGN_IN, ENROL])
def test_rubbish_in_place_of_an_answer_is_tried_again(learning: Any, on: str, answer: str) -> None:
    learning.answer(200, answer, on=on)
    assert type(refused(learning.openedx())) is TransientError


@pytest.mark.parametrize("token", ["a\r\nx-forged: 1", "two words", "ü", 7, None])
def test_a_token_that_is_none_never_becomes_a_header(learning: Any, token: Any) -> None:
    learning.answer(200, {"access_token": token, "expires_in": 3600}, on=SIGN_IN)
    refused(learning.openedx())
    assert [one["path"] for one in learning.seen()] == [SIGN_IN]


def test_a_token_that_is_echoed_does_not_show(learning: Any) -> None:
    learning.answer(400, f"you sent JWT {TOKEN}", on=ENROL)
    assert "you sent JWT ********" in refused(learning.openedx()).problem.detail


def test_who_or_what_is_missing_is_said_before_anything_is_asked(learning: Any) -> None:
    for email in ("", "a@example.org,b@example.org"):
        error = refused(learning.openedx(), recipient=sample_recipient(email=email))
        assert error.problem.code == "recipient-unreachable"
    assert "`courses`" in refused(learning.openedx(courses={})).problem.fix
    assert learning.seen() == []


def test_check_signs_in_and_finds_out_whether_the_client_may_enrol(learning: Any) -> None:
    adapter = build_adapters({"openedx": learning.openedx()})["openedx"]
    assert adapter.check().endswith("as carrythrough, which may enrol")
    learning.answer(403, "", on=ENROL)
    with pytest.raises(TransientError, match="may not enrol"):
        adapter.check()
    adapter.close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "http://learn.example.com"}, "https"),
        ({"client_secret": ""}, "client_secret"),
        ({"client_id": ""}, "client_id"),
        ({"courses": {"a": "Example/DE101/2026"}}, "courses"),
        ({"courses": {"a": "course-v1:a+b+c,course-v1:d+e+f"}}, "courses"),
    ],
)
def test_a_mistake_in_the_settings_names_its_key(changes: dict[str, Any], words: str) -> None:
    table = {"url": "https://learn.example.com", "client_id": "x", "client_secret": "y", **changes}
    with pytest.raises(PermanentError) as caught:
        build_adapters({"openedx": table})
    assert words in str(caught.value)
