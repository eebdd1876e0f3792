"""Proves how Moodle is spoken to: whom it enrols and writes to, and what each documented refusal means."""

from __future__ import annotations

from typing import Any

import pytest

from carrythrough.dispatch import build_adapters
from carrythrough.errors import CarrythroughError, PermanentError, TransientError
from carrythrough.plugin import ThrottledError
from carrythrough.testing.adapters import sample_action, sample_recipient

DANA = sample_recipient()
FIND, ENROL = "core_user_get_users_by_field", "enrol_manual_enrol_users"
WRITE = "core_message_send_instant_messages"


def send(table: dict[str, Any], recipient: Any = DANA, **changes: Any) -> str:
    """Send one action directly, without a dispatcher; return the receipt."""
    adapter = build_adapters({"moodle": table})["moodle"]
    action = sample_action(**changes)
    try:
        return adapter.send(action, recipient, action.id)
    finally:
        adapter.close()


def refused(table: dict[str, Any], **more: Any) -> CarrythroughError:
    with pytest.raises(CarrythroughError) as caught:
        send(table, **more)
    assert table["token"] not in str(caught.value)
    return caught.value


def test_the_person_is_enrolled_into_the_course_of_the_skill(learning: Any) -> None:
    assert send(learning.moodle()) == "user 7 enrolled in course 12"
    assert [one["name"] for one in learning.seen()] == [FIND, ENROL]
    [enrolment] = learning.took(ENROL)
    assert enrolment["message"]["enrolments[0][roleid]"] == "5"
    for one in learning.seen():
        assert one["path"] == "/moodle/webservice/rest/server.php", "the token belongs into the body"


@pytest.mark.parametrize(
    ("link", "course"),
    [
        ("{site}/course/view.php?id=13", "13"),
        ("{site}/course/view.php?id=13&section=2", "13"),
        ("{site}/mod/quiz/view.php?id=13", "12"),
        ("{site}/course/view.php?id=13%20OR%201", "12"),
        ("{site}/course/view.php?id=-1", "12"),
        ("https://moodle.example.org/moodle/course/view.php?id=13", "12"),
        ("//[", "12"),
    ],
)
def test_a_link_to_a_course_of_this_site_names_it(learning: Any, link: str, course: str) -> None:
    send(learning.moodle(), link=link.replace("{site}", f"{learning.origin}/moodle"))
    [enrolment] = learning.took(ENROL)
    assert enrolment["message"]["enrolments[0][courseid]"] == course


def test_an_action_without_a_course_is_refused_before_anything_is_asked(learning: Any) -> None:
    error = refused(learning.moodle(courses={}))
    assert isinstance(error, PermanentError)
    assert "`courses`" in error.problem.fix
    assert learning.seen() == []


def test_a_message_goes_out_after_the_enrolment_and_says_what_the_action_says(learning: Any) -> None:
    assert send(learning.moodle(message=True)) == "user 7 enrolled in course 12, message 55 to user 7"
    assert [one["name"] for one in learning.seen()] == [FIND, ENROL, WRITE]
    [message] = [one["message"] for one in learning.took(WRITE)]
    action = sample_action()
    for words in (action.title, action.body, action.link, action.why):
        assert words in message["messages[0][text]"]
    assert message["messages[0][textformat]"] == "2", "plain text, or a map could put markup before people"
    send(learning.moodle(message=True, courses={}))
    assert learning.seen()[-1]["name"] == WRITE, "without a course the message still goes out"


def test_a_failed_enrolment_sends_no_message(learning: Any) -> None:
    refused(learning.moodle(message=True, courses={"de-escalation": 99}))
    assert learning.took(WRITE) == []


def test_a_long_body_is_cut_to_what_moodle_takes_and_keeps_its_link(learning: Any) -> None:
    send(learning.moodle(message=True), body="ü" * 10_000)
    [message] = [one["message"]["messages[0][text]"] for one in learning.took(WRITE)]
    assert 3_900 < len(message.encode()) <= 4_096
    assert sample_action().link in message


@pytest.mark.parametrize("email", ["nobody@example.org", "twin@example.org", "left@example.org", ""])
def test_an_address_of_no_single_active_account_reaches_nobody(learning: Any, email: str) -> None:
    error = refused(learning.moodle(), recipient=sample_recipient(email=email))
    assert error.problem.code == "recipient-unreachable"
    assert learning.took(ENROL) == []
    assert email == "" or email not in str(error)


def test_a_person_who_takes_no_messages_is_final(learning: Any) -> None:
    """core_message_send_instant_messages: msgid -1 and the reason in errormessage."""
    error = refused(
        learning.moodle(enrol=False, courses={}, message=True),
        recipient=sample_recipient(email="shy@example.org"),
    )
    assert isinstance(error, PermanentError)
    assert "can't send" in error.problem.detail


@pytest.mark.parametrize(
    ("code", "at", "kind"),
    [
        # docs.moodle.org, "Using web services", "Creating a web service client"; lang/en: webservice, error.
        ("invalidtoken", FIND, TransientError),
        ("accessexception", FIND, TransientError),
        ("servicenotavailable", FIND, TransientError),
        ("sitemaintenance", FIND, TransientError),
        ("upgraderunning", FIND, TransientError),
        ("dmlreadexception", ENROL, TransientError),
        ("nopermissions", FIND, TransientError),
        ("disabled", WRITE, TransientError),
        # enrol_manual_enrol_users: one course that takes nobody is no reason to hold the others back.
        ("nopermissions", ENROL, PermanentError),
        ("wsnoinstance", ENROL, PermanentError),
        ("wsusercannotassign", ENROL, PermanentError),
        ("wscannotenrol", ENROL, PermanentError),
        ("invalidrecord", ENROL, PermanentError),
        ("invalidparameter", FIND, PermanentError),
        ("acodeoftomorrow", FIND, PermanentError),
    ],
)
def test_an_error_code_is_final_or_tried_again(learning: Any, code: str, at: str, kind: type) -> None:
    body = {"exception": "moodle_exception", "errorcode": code, "message": "said so"}
    learning.answer(200, body, on=at)
    error = refused(learning.moodle(message=True))
    assert type(error) is kind
    assert code in error.problem.detail
    assert at in error.problem.detail


def test_statuses_of_the_web_server_before_moodle(learning: Any) -> None:
    learning.answer(403, "")
    error = refused(learning.moodle())
    assert isinstance(error, TransientError)
    assert "REST protocol" in error.problem.fix
    learning.answer(503, "maintenance", headers={"retry-after": "60"})
    assert isinstance(refused(learning.moodle()), ThrottledError)
    learning.answer(404, "no Moodle here")
    assert isinstance(refused(learning.moodle()), PermanentError)


@pytest.mark.parametrize("answer", ["<html>a proxy's page</html>", "", "{}", "7", '[{"id": "x"}]', "[[1]]"])
@pytest.mark.parametrize("at", [FIND, ENROL, WRITE])
def test_rubbish_in_place_of_an_answer_is_never_a_receipt(learning: Any, at: str, answer: str) -> None:
    learning.answer(200, answer, on=at)
    refused(learning.moodle(message=True))


def test_check_asks_who_the_token_is_and_what_it_may_call(learning: Any) -> None:
    adapter = build_adapters({"moodle": learning.moodle()})["moodle"]
    assert adapter.check() == "signed in to Example as carrythrough"
    learning.answer(200, {"sitename": "Example", "username": "robot", "functions": [{"name": FIND}]})
    with pytest.raises(TransientError, match="lacks enrol_manual_enrol_users"):
        adapter.check()
    learning.answer(200, "{}")
    with pytest.raises(TransientError, match="none of Moodle's"):
        adapter.check()
    adapter.close()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"token": "x"}, "url"),
        ({"url": "https://moodle.example.com"}, "token"),
        ({"url": "https://moodle.example.com", "token": ""}, "token"),
        ({"url": "http://moodle.example.com", "token": "x"}, "https"),
        ({"url": "https://moodle.example.com", "token": "x", "enrol": False}, "enrol"),
        ({"url": "https://moodle.example.com", "token": "x", "courses": {"a": 0}}, "courses"),
    ],
)
def test_a_mistake_in_the_settings_names_its_key(table: dict[str, Any], words: str) -> None:
    with pytest.raises(PermanentError) as caught:
        build_adapters({"moodle": table})
    assert words in str(caught.value)
