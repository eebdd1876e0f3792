"""Proves that an action is one statement of our profile in a store, under one id, and what the store's answers mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carrythrough.dispatch import build_adapters
from carrythrough.errors import CarrythroughError, PermanentError, TransientError
from carrythrough.forward import profile
from carrythrough.plugin import ThrottledError
from carrythrough.testing.adapters import HOSTILE_TITLE, sample_action, sample_recipient
from carrythrough.xapi.admission import admit
from carrythrough.xapi.admitted import Limits
from carrythrough_adapters import lrs as under_test

DANA = sample_recipient()
PUT = "/xapi/statements"


def send(table: dict[str, Any], recipient: Any = DANA, **changes: Any) -> str:
    """Send one action directly, without a dispatcher; return the receipt."""
    adapter = build_adapters({"lrs": table})["lrs"]
    action = sample_action(**changes)
    try:
        return adapter.send(action, recipient, action.id)
    finally:
        adapter.close()


def refused(table: dict[str, Any], **more: Any) -> CarrythroughError:
    with pytest.raises(CarrythroughError) as caught:
        send(table, **more)
    for secret in ("pass-of-the-robot", "cm9ib3Q6cGFzcy1vZi10aGUtcm9ib3Q="):
        assert secret not in str(caught.value)
    return caught.value


def test_the_statement_is_one_of_our_profile_and_names_nobody(learning: Any, repository: Path) -> None:
    receipt = send(learning.lrs())
    [seen] = learning.seen()
    said = seen["message"]
    assert seen["status"] == 204
    assert seen["headers"]["x-experience-api-version"] == "1.0.3"
    assert seen["path"] == f"{PUT}?statementId={said['id']}"
    assert receipt.endswith(f"stored statement {said['id']}")
    assert said["actor"] == {
        "objectType": "Agent",
        "account": {"homePage": "https://carrythrough.example", "name": "a" * 26},
    }
    document = json.loads((repository / "schemas" / "xapi-profile.jsonld").read_text("utf-8"))
    [template] = [one for one in document["templates"] if one["id"].endswith(":template:was-sent")]
    assert said["verb"]["id"] == template["verb"]
    assert said["object"]["definition"]["type"] == template["objectActivityType"]
    others = said["context"]["contextActivities"]
    assert [one["definition"]["type"] for one in others["other"]] == template["contextOtherActivityType"]
    assert [one["definition"]["type"] for one in others["category"]] == template[
        "contextCategoryActivityType"
    ]
    assert said["context"]["platform"] == "Carrythrough"
    assert said["timestamp"].startswith("2023-11-14T22:13:20")
    assert "result" not in said
    [extension] = [one for one in document["concepts"] if one["id"] == under_test.ACTION_EXTENSION]
    assert set(said["context"]["extensions"][extension["id"]]) == {"kind", "rule", "to", "action"}
    for words in (DANA.email, DANA.name, sample_action().title, "0.42"):
        assert words not in json.dumps(said, ensure_ascii=False)


def test_its_names_are_those_of_the_profile() -> None:
    assert under_test.WAS_SENT == profile.WAS_SENT
    assert under_test.ACTION == profile.ACTION
    assert under_test.SKILL == profile.SKILL
    assert under_test.ACTION_EXTENSION == profile.ACTION_RULE
    assert under_test.PROFILE_TYPE == profile.PROFILE_TYPE


@pytest.mark.parametrize("name", ["Dana Ösper", "", HOSTILE_TITLE])
def test_our_own_admission_takes_the_statement(name: str, learning: Any) -> None:
    send(learning.lrs(identified=True), recipient=sample_recipient(name=name), skill_name=name)
    [seen] = learning.seen()
    assert seen["message"]["actor"]["mbox"] == "mailto:dana@example.org"
    admit(json.dumps(seen["message"]).encode(), Limits(), "1.0.3")


def test_a_repeat_is_the_same_statement(learning: Any) -> None:
    """Part 3 of xAPI 1.0.3, 2.1.1: the same statement by the same id again changes nothing and is no error."""
    for _ in range(2):
        send(learning.lrs())
    first, second = learning.seen()
    assert first["message"] == second["message"]
    assert [first["status"], second["status"]] == [204, 204]
    send(learning.lrs(), id="0b7c1f6e-5e43-9a0f-8f0e-2b6a5b1c9d11")
    assert learning.seen()[-1]["message"]["id"] != first["message"]["id"]


def test_a_conflict_with_the_same_action_counts_as_delivered(learning: Any) -> None:
    """Part 3 of xAPI 1.0.3, 2.1.1.s2: 409 where the stored statement does not match."""
    send(learning.lrs())
    assert "already" in send(learning.lrs(identified=True))
    assert [one["status"] for one in learning.seen()] == [204, 409, 200]


def test_a_conflict_with_something_else_is_refused(learning: Any) -> None:
    send(learning.lrs())
    adapter = build_adapters({"lrs": learning.lrs()})["lrs"]
    with pytest.raises(PermanentError, match="another statement"):
        adapter.send(sample_action("0b7c1f6e-5e43-9a0f-8f0e-2b6a5b1c9d11"), DANA, sample_action().id)


@pytest.mark.parametrize("answer", ["", "<html>", "[]", "7", '{"context": {"extensions": 1}}'])
def test_rubbish_in_place_of_the_stored_statement_is_no_receipt(learning: Any, answer: str) -> None:
    adapter: Any = build_adapters({"lrs": learning.lrs()})["lrs"]
    answers = iter([409, 200])
    poster = adapter._adapter._poster
    ask = poster.ask

    def asked(method: str, *more: Any) -> Any:
        learning.answer(next(answers), answer)
        return ask(method, *more)

    poster.ask = asked
    with pytest.raises(CarrythroughError):
        adapter.send(sample_action(), DANA, sample_action().id)
    assert [one["status"] for one in learning.seen()] == [409, 200]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        # xAPI 1.0.3, Part 3, 3.2 Error Codes.
        (400, PermanentError),
        (401, TransientError),
        (403, TransientError),
        (404, PermanentError),
        (413, PermanentError),
        (429, ThrottledError),
        (500, TransientError),
        (503, TransientError),
    ],
)
def test_what_a_status_means(learning: Any, status: int, kind: type) -> None:
    learning.answer(status, "you are Basic cm9ib3Q6cGFzcy1vZi10aGUtcm9ib3Q=")
    assert type(refused(learning.lrs())) is kind


def test_who_cannot_be_named_is_refused_where_names_are_wanted(learning: Any) -> None:
    for nobody in (None, sample_recipient(email=""), sample_recipient(email="a b@c\r\n")):
        assert (
            refused(learning.lrs(identified=True), recipient=nobody).problem.code == "recipient-unreachable"
        )
    assert learning.seen() == []


def test_check_finds_out_whether_the_store_knows_us(learning: Any) -> None:
    adapter = build_adapters({"lrs": learning.lrs()})["lrs"]
    assert adapter.check().endswith("as robot")
    learning.answer(403, "")
    assert "may not read" in adapter.check()
    learning.answer(200, "<html>")
    with pytest.raises(TransientError, match="as no store does"):
        adapter.check()
    stranger = build_adapters({"lrs": learning.lrs(password="another-one")})["lrs"]
    with pytest.raises(TransientError, match="401"):
        stranger.check()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"endpoint": "http://lrs.example.com/xapi"}, "https"),
        ({"user": "a:b"}, "colon"),
        ({"password": ""}, "password"),
        ({"home": "carrythrough"}, "home"),
        ({"version": "0.9"}, "version"),
    ],
)
def test_a_mistake_in_the_settings_names_its_key(changes: dict[str, Any], words: str) -> None:
    table = {
        "endpoint": "https://lrs.example.com/xapi",
        "user": "u",
        "password": "p",
        "home": "https://c.example",
    }
    with pytest.raises(PermanentError) as caught:
        build_adapters({"lrs": {**table, **changes}})
    assert words in str(caught.value)
