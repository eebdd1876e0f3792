"""Proves how Slack and Teams are spoken to: whom a message reaches, and what each documented refusal means."""

from __future__ import annotations

from typing import Any

import pytest

from carrythrough.dispatch import build_adapters
from carrythrough.errors import CarrythroughError, PermanentError, TransientError
from carrythrough.plugin import GoneError, ThrottledError
from carrythrough.testing.adapters import sample_action, sample_recipient

DANA = sample_recipient()


def send(name: str, table: dict[str, Any], recipient: Any = DANA, times: int = 1, **changes: Any) -> str:
    """Send one action directly, without a dispatcher; return the receipt."""
    adapter = build_adapters({name: table})[name]
    action = sample_action(**changes)
    try:
        return [adapter.send(action, recipient, action.id) for _ in range(times)][-1]
    finally:
        adapter.close()


def refused(name: str, table: dict[str, Any], **more: Any) -> CarrythroughError:
    with pytest.raises(CarrythroughError) as caught:
        send(name, table, **more)
    assert "xoxb-of-the-robot" not in str(caught.value)
    return caught.value


def test_slack_writes_to_the_person_and_looks_them_up_once(vendor: Any) -> None:
    receipt = send("slack", vendor.slack(), times=2)
    assert receipt == "posted as 1700000000.000100 in U0DANA"
    assert [one["path"] for one in vendor.seen()] == [
        "/api/users.lookupByEmail",
        "/api/chat.postMessage",
        "/api/chat.postMessage",
    ]
    message = vendor.messages()[-1]
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "actions", "context"]
    assert message["text"] == sample_action().title


def test_slack_writes_to_a_channel_where_one_is_set(vendor: Any) -> None:
    send("slack", vendor.slack(channel="C0LEARN"), recipient=None)
    assert [message["channel"] for message in vendor.messages()] == ["C0LEARN"]


def test_markup_of_a_program_map_calls_nobody_in_slack(vendor: Any) -> None:
    send("slack", vendor.slack(), title="<!channel> look", body="<!here|here> *now* <https://x|y>")
    kinds = [block["text"]["type"] for block in vendor.messages()[-1]["blocks"] if "text" in block]
    assert set(kinds) == {"plain_text"}


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        # docs.slack.dev, chat.postMessage and users.lookupByEmail, "Errors".
        ("msg_too_long", PermanentError),
        ("restricted_action", PermanentError),
        ("invalid_blocks", PermanentError),
        ("users_not_found", PermanentError),
        ("token_revoked", TransientError),
        ("missing_scope", TransientError),
        ("internal_error", TransientError),
        ("fatal_error", TransientError),
        ("service_unavailable", TransientError),
        ("ratelimited", ThrottledError),
        ("a_word_of_tomorrow", PermanentError),
    ],
)
def test_a_word_of_slack_is_final_or_tried_again(vendor: Any, word: str, kind: type) -> None:
    vendor.answer(200, {"ok": False, "error": word})
    error = refused("slack", vendor.slack())
    assert type(error) is kind
    assert word in error.problem.detail


def test_slack_asks_for_a_pause(vendor: Any) -> None:
    """docs.slack.dev, "Rate limits": HTTP 429 with Retry-After in seconds."""
    vendor.answer(429, {"ok": False, "error": "ratelimited"}, headers={"retry-after": "30"})
    error = refused("slack", vendor.slack())
    assert isinstance(error, ThrottledError)
    assert error.retry_after_s == 30.0


def test_a_channel_that_is_gone_disables_the_adapter_and_a_person_does_not(vendor: Any) -> None:
    assert isinstance(refused("slack", vendor.slack(channel="C0GONE")), GoneError)
    vendor.answer(200, {"ok": False, "error": "channel_not_found"}, times=2)
    assert not isinstance(refused("slack", vendor.slack()), GoneError)


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        # api.slack.com, "Improving error conditions for Incoming Webhooks".
        (400, "invalid_payload", PermanentError),
        (403, "action_prohibited", PermanentError),
        (404, "channel_not_found", PermanentError),
        (410, "channel_is_archived", GoneError),
        (500, "rollup_error", TransientError),
        (429, "rate_limited", ThrottledError),
    ],
)
def test_a_status_of_an_incoming_webhook_of_slack(vendor: Any, status: int, word: str, kind: type) -> None:
    vendor.answer(status, word)
    error = refused("slack", {"webhook": f"{vendor.origin}/services/T0/B0/of-the-robot"})
    assert type(error) is kind
    assert word in error.problem.detail
    assert "of-the-robot" not in str(error)


def test_a_recipient_without_email_is_refused_before_anything_is_asked(vendor: Any) -> None:
    nobody = sample_recipient(email="")
    for name, table in (("slack", vendor.slack()), ("teams", vendor.teams(mention=True))):
        assert refused(name, table, recipient=nobody).problem.code == "recipient-unreachable"
    assert vendor.seen() == []


@pytest.mark.parametrize("answer", ["<html>a proxy's page</html>", "", [1], {"ok": "yes"}])
def test_rubbish_in_place_of_slacks_answer_is_never_a_receipt(vendor: Any, answer: Any) -> None:
    vendor.answer(200, answer)
    refused("slack", vendor.slack(channel="C0LEARN"))


def test_check_asks_slack_who_the_token_is(vendor: Any) -> None:
    adapter = build_adapters({"slack": vendor.slack()})["slack"]
    assert adapter.check() == "signed in to Example as carrythrough"
    adapter.close()
    assert refused("slack", vendor.slack(token="xoxb-wrong")).problem.fix.startswith("mend the token")


def test_teams_shows_a_card_with_a_mention_and_names_nobody_else(vendor: Any) -> None:
    send("teams", vendor.teams(mention=True))
    [message] = vendor.messages()
    card = message["attachments"][0]["content"]
    assert card["msteams"]["entities"][0]["mentioned"]["id"] == DANA.email
    assert card["actions"][0]["url"] == sample_action().link
    assert message["carrythrough"] == {"id": sample_action().id, "action": "nudge", "skill": "de-escalation"}
    send("teams", vendor.teams())
    assert DANA.email not in str(vendor.messages()[-1])
    assert DANA.name not in str(vendor.messages()[-1])


def test_markup_of_a_program_map_is_text_in_teams(vendor: Any) -> None:
    send("teams", vendor.teams(), body="# big\n<at>Everybody</at> [x](javascript:1) *b*")
    text = vendor.messages()[-1]["attachments"][0]["content"]["body"][1]["text"]
    assert "<at>" not in text
    assert "\\[x\\]" in text


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        # learn.microsoft.com, "Create and send messages": 413 size, 429 rate; Logic Apps: 401 signature, 404 gone.
        (413, PermanentError),
        (401, PermanentError),
        (404, PermanentError),
        (429, ThrottledError),
        (500, TransientError),
        (502, TransientError),
    ],
)
def test_a_status_of_a_workflow(vendor: Any, status: int, kind: type) -> None:
    vendor.answer(status, {"error": {"code": "X"}})
    assert type(refused("teams", vendor.teams())) is kind


def test_a_message_over_the_limit_of_teams_is_refused_here(vendor: Any) -> None:
    error = refused("teams", vendor.teams(), link="https://learn.example.org/" + "x" * 30_000)
    assert "28000" in error.problem.detail
    assert vendor.seen() == []


@pytest.mark.parametrize(
    ("name", "table", "words"),
    [
        ("slack", {}, "token"),
        ("slack", {"token": "x", "webhook": "https://hooks.slack.com/services/T/B/x"}, "not both"),
        ("slack", {"webhook": "https://hooks.slack.com/services/T/B/x", "channel": "C1"}, "channel"),
        ("slack", {"webhook": "http://hooks.slack.com/services/T/B/x"}, "https"),
        ("teams", {"url": "workflow"}, "https"),
        ("teams", {}, "url"),
    ],
)
def test_a_mistake_in_the_settings_names_its_key(name: str, table: dict[str, Any], words: str) -> None:
    with pytest.raises(PermanentError) as caught:
        build_adapters({name: {"adapter": name, **table}})
    assert words in str(caught.value)


ANSWER = "https://learn.example.com/answer/abc.def"
OWN = {
    "answer_link": ANSWER,
    "unsubscribe_link": "https://learn.example.com/unsubscribe/abc.def",
    "link": "https://learn.example.com/review/abc.def",
}


def test_a_person_can_answer_by_a_button(vendor: Any) -> None:
    send("slack", vendor.slack(), **OWN)
    [actions] = [block for block in vendor.messages()[-1]["blocks"] if block["type"] == "actions"]
    assert [button["url"] for button in actions["elements"]] == [
        OWN["link"],
        *(f"{ANSWER}?a={name}" for name in ("done", "not-now", "not-relevant", "applied", "disagree")),
    ]
    send("teams", vendor.teams(include_contact=True), **OWN)
    card = vendor.messages()[-1]["attachments"][0]["content"]
    assert [action["title"] for action in card["actions"]][:2] == ["Open", "Done"]
    assert len(card["actions"]) == 6


def test_where_others_read_nobody_can_answer_for_the_person(vendor: Any) -> None:
    send("slack", vendor.slack(channel="C0LEARN"), recipient=None, **OWN)
    send("teams", vendor.teams(), **OWN)
    send(
        "slack",
        vendor.slack(channel="C0LEARN"),
        recipient=None,
        **OWN | {"link": "https://learn.example.com/x"},
    )
    slack, teams, mapped = vendor.messages()[-3:]
    for message in (slack, teams):
        assert "learn.example.com" not in str(message)
    assert "https://learn.example.com/x" in str(mapped)
