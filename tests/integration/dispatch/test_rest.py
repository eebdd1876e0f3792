"""Proves what the adapter `rest` sends: values stay inside their places, whatever a map or a roster says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.dispatch import build_adapters
from carrythrough.errors import CarrythroughError, PermanentError, TransientError
from carrythrough.plugin import GoneError, ThrottledError
from carrythrough.testing.adapters import HOSTILE_BODY, HOSTILE_TITLE, sample_action, sample_recipient
from carrythrough_adapters import rest_template

DANA = sample_recipient()
WHOLE = {
    "who": {"mail": "{email}", "name": "{name}"},
    "items": [{"course": "{skill}", "score": "{score}"}, 7, True],
    "text": "{title}: {body}",
    "set": "{{ {to} }}",
}


def send(table: dict[str, Any], recipient: Any = DANA, **changes: Any) -> str:
    """Send one action directly, without a dispatcher; return the receipt."""
    adapter = build_adapters({"rest": table})["rest"]
    action = sample_action(**changes)
    try:
        return adapter.send(action, recipient, action.id)
    finally:
        adapter.close()


def refused(table: dict[str, Any], **more: Any) -> CarrythroughError:
    with pytest.raises(CarrythroughError) as caught:
        send(table, **more)
    assert "key-of-the-robot" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_the_body_is_what_the_settings_lay_out(learning: Any, method: str) -> None:
    assert send(learning.rest(body=WHOLE, method=method)).startswith("HTTP 201 from http://127.0.0.1")
    [seen] = learning.seen()
    assert seen["method"] == method
    assert seen["message"] == {
        "who": {"mail": "dana@example.org", "name": "Dana Ösper"},
        "items": [{"course": "de-escalation", "score": 0.42}, 7, True],
        "text": f"{sample_action().title}: {sample_action().body}",
        "set": "{ employee }",
    }
    assert seen["headers"]["idempotency-key"] == sample_action().id
    assert seen["headers"]["x-api-key"] == "key-of-the-robot"
    assert seen["headers"]["content-type"] == "application/json"


def test_hostile_text_stays_inside_its_value(learning: Any) -> None:
    title = HOSTILE_TITLE + '", "admin": true, "x": "{email}'
    send(learning.rest(body=WHOLE), recipient=sample_recipient(name=title), title=title, body=HOSTILE_BODY)
    [seen] = learning.seen()
    assert list(seen["message"]) == list(WHOLE)
    assert seen["message"]["text"] == f"{title}: {HOSTILE_BODY}", (
        "not even a place inside of a value is filled"
    )
    assert seen["message"]["who"]["name"] == title
    assert "x-forged" not in seen["headers"]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("a@example.org", "/rest/users/a%40example.org/x"),
        ("../../admin?x=1#y", "/rest/users/..%2F..%2Fadmin%3Fx%3D1%23y/x"),
        ("a\r\nx-forged: 1", "/rest/users/a%0D%0Ax-forged%3A%201/x"),
    ],
)
def test_a_place_of_the_address_stays_one_part_of_it(learning: Any, value: str, path: str) -> None:
    url = learning.rest()["url"] + "/users/{email}/x"
    send(learning.rest(url=url), recipient=sample_recipient(email=value))
    assert [one["path"] for one in learning.seen()] == [path]


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_place_of_the_address_that_would_climb_is_refused(learning: Any, name: str) -> None:
    url = learning.rest()["url"] + "/users/{name}/x"
    assert isinstance(refused(learning.rest(url=url), recipient=sample_recipient(name=name)), PermanentError)
    assert learning.seen() == []


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())), st.text())
def test_any_text_without_places_is_sent_as_it_is(body: dict[str, Any], words: str) -> None:
    def escaped(one: Any) -> Any:
        if isinstance(one, str):
            return one.replace("{", "{{").replace("}", "}}")
        return [escaped(item) for item in one] if isinstance(one, list) else one

    template = {escaped(name): escaped(one) for name, one in body.items()}
    rest_template.check("body", template)
    assert rest_template.filled(template, {}) == body
    assert rest_template.filled("{title}", {"title": words}) == words


def test_nobody_is_named_unless_the_settings_ask(learning: Any) -> None:
    send(learning.rest())
    [seen] = learning.seen()
    assert DANA.email not in str(seen)
    assert DANA.name not in str(seen)
    error = refused(learning.rest(body=WHOLE), recipient=sample_recipient(email=""))
    assert error.problem.code == "recipient-unreachable"


@pytest.mark.parametrize(
    ("success", "status", "kind"),
    [
        ((), 204, None),
        ((200, 409), 409, None),
        ((200,), 202, PermanentError),
        ((200,), 500, TransientError),
        ((), 409, PermanentError),
        ((), 410, GoneError),
        ((), 429, ThrottledError),
        ((), 301, PermanentError),
        ((), 302, TransientError),
        ((), 503, TransientError),
    ],
)
def test_what_a_status_means(learning: Any, success: tuple[int, ...], status: int, kind: type | None) -> None:
    learning.answer(status, "said so", headers={"location": f"{learning.origin}/elsewhere"})
    if kind is None:
        assert send(learning.rest(success=list(success))).startswith(f"HTTP {status}")
    else:
        assert type(refused(learning.rest(success=list(success)))) is kind
    assert len(learning.seen()) == 1, "a redirect was followed"


def test_a_body_that_nobody_takes_is_refused_here(learning: Any) -> None:
    error = refused(learning.rest(), body="x" * 1_100_000)
    assert "1000000" in error.problem.detail
    assert learning.seen() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "http://lms.example.com/x"}, "https"),
        ({"url": "https://{email}/x"}, "host"),
        ({"url": "https://{email}.example.com"}, "host"),
        ({"url": "https://lms.example.com/{mail}"}, "{mail}"),
        ({"body": {"a": "{mail}"}}, "{mail}"),
        ({"body": {"a": "{title.__class__}"}}, "{title.__class__}"),
        ({"body": {"a": "{title!r}"}}, "title"),
        ({"body": {"a": "{score:100000000}"}}, "score"),
        ({"body": {"a": "{}"}}, "{}"),
        ({"body": {"a": "{title"}}, "brace"),
        ({"body": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": {"j": 1}}}}}}}}}}}, "levels"),
        ({"headers": {"x-a": "b\r\nx-c: d"}}, "x-a"),
        ({"headers": {"host": "b"}}, "host"),
        ({"headers": {"idempotency-key": "b"}}, "idempotency_header"),
        ({"success": [302]}, "redirect"),
        ({"method": "DELETE"}, "method"),
    ],
)
def test_a_mistake_in_the_settings_names_its_key(changes: dict[str, Any], words: str) -> None:
    table = {"url": "https://lms.example.com/x", "body": {"a": "{title}"}, **changes}
    with pytest.raises(PermanentError) as caught:
        build_adapters({"rest": table})
    assert words in str(caught.value)
