"""Answer links in a running installation: on what is sent, answered once by whom they are for, and obeyed.

Looking changes nothing; what is forged, expired, replayed, for another purpose or from another page stores
nothing; an answer is an event of the log that a fold from the start finds again; who opts out is opted out at
the next decision and at the next try to send.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from carrythrough.embedded.database import connect
from carrythrough.embedded.people import RosterDirectory
from carrythrough.embedded.replies import Declined, replies_of
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError
from carrythrough.gateway.pages.answers import AnswerPages
from carrythrough.pipeline.effects import ActionRequested
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

START = 1_790_000_000_000
HOUR = 3_600_000
HOME = {"origin": "http://learn.example"}
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 1}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity: "https://x.example/q"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
reinforcement: [{id: learn, when: {stage: not-yet-learnt}, action: nudge, title: T, body: B, link: "https://x.example/", adapters: [file]}]
policy: {holdout: 0.0, choice: first, minimum_outcomes: 2, minimum_effective: 1.0, per_day: 10, per_week: 50, cooldown_h: 1, quiet: {from: "00:00", to: "00:00"}, days_off: []}
"""  # noqa: E501
ROSTER = "people: [{id: e-1, email: ann@x.example}, {id: e-2, email: bo@x.example, locale: de-CH}]"


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = START

    def now_ms(self) -> int:
        return self.ms


class Here:
    """An installation on a clock of ours, its adapter a file, and the answer pages over it."""

    def __init__(self, folder: Path) -> None:
        (folder / "map.yaml").write_text(MAP)
        (folder / "roster.yaml").write_text(ROSTER)
        self.sent = folder / "actions.jsonl"
        self.clock = HandClock()
        self.settings = Settings(
            data_dir=str(folder / "data"),
            program=str(folder / "map.yaml"),
            roster=str(folder / "roster.yaml"),
            public_url="http://learn.example/",
            adapters={"file": {"adapter": "file", "path": str(self.sent)}},
            shadow_learner=False,
        )
        self.runtime = Embedded(self.settings, self.clock)
        self.runtime.start()
        pages = AnswerPages(
            self.runtime.form_people, self.runtime, self.runtime.answer_links, self.clock.now_ms
        )
        self.client = TestClient(Starlette(routes=pages.routes()), base_url="http://learn.example")
        self.number = 0

    def fails(self, email: str = "ann@x.example") -> None:
        """Post two failed answers, which a nudge follows."""
        for _ in range(2):
            self.number += 1
            moment = dt.datetime.fromtimestamp(self.clock.ms / 1000, dt.UTC).isoformat()
            statement = {
                "id": str(uuid.UUID(int=self.number)),
                "actor": {"mbox": f"mailto:{email}"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                "object": {"id": "https://x.example/q"},
                "result": {"score": {"scaled": 0.0}},
                "timestamp": moment,
            }
            admitted = admit(json.dumps(statement).encode(), Limits(), "1.0.3")
            asyncio.run(self.runtime.submit_statements(admitted, "lms"))
        assert self.runtime.caught_up()

    def actions(self) -> list[dict[str, Any]]:
        if not self.sent.exists():
            return []
        return [json.loads(line) for line in self.sent.read_text().splitlines()]

    def subject(self, employee: str = "e-1") -> str:
        found = self.runtime.queries.subject(employee)
        assert found is not None
        return found

    def replies(self) -> list[Any]:
        """Return the answers that e-1 gave, as stored; the stored state is that of a fold from the start."""
        assert self.runtime.caught_up()
        connection = connect(self.runtime.state.path, readonly=True)
        try:
            found = list(replies_of(connection, self.subject()))
        finally:
            connection.close()
        folder = Path(self.settings.data_dir)
        whole = offline_fold(folder)
        assert compare(stored_state(folder), whole) == []
        assert sorted(found, key=str) == sorted(whole.replies(self.subject()), key=str)
        return found

    def outbox(self) -> list[tuple[str, bytes]]:
        connection = connect(self.runtime.state.path, readonly=True)
        try:
            rows = list(connection.execute("SELECT status, body FROM outbox ORDER BY entry"))
        finally:
            connection.close()
        return [(str(status), bytes(body)) for status, body in rows]

    def events(self) -> int:
        return self.runtime.log.end


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    found = Here(tmp_path)
    yield found
    found.runtime.stop()


@pytest.fixture
def action(here: Here, wait_until: Callable[..., None]) -> dict[str, Any]:
    here.fails()
    wait_until(here.actions, what="an action in the file")
    return here.actions()[0]


def path(url: str) -> str:
    assert url.startswith("http://learn.example/")
    return urlsplit(url).path


def test_looking_changes_nothing_and_one_answer_counts(here: Here, action: dict[str, Any]) -> None:
    link, before = path(action["answer_link"]), here.events()
    for query in ("", "?a=done", "?a=applied", "?a=<script>"):
        shown = here.client.get(link + query)
        assert shown.status_code == 200
        assert "<script>" not in shown.text.replace('<script src="/static/theme.js"></script>', "")
    assert 'value="applied" id="choice-applied" required checked' in here.client.get(f"{link}?a=applied").text
    assert here.client.head(link).status_code == 200
    assert here.events() == before
    first = here.client.post(
        link, data={"answer": "applied", "went": "3", "text": "It\r\nhelped\x07."}, headers=HOME
    )
    assert first.status_code == 200
    assert "Thank you" in first.text
    assert here.events() == before + 1
    again = here.client.post(link, data={"answer": "not-relevant"}, headers=HOME)
    assert "answered before" in again.text
    assert here.events() == before + 1
    [stored] = here.replies()
    assert (stored.answer, stored.action, stored.went) == ("applied", action["id"], 0.75)


def test_what_is_forged_expired_replayed_or_from_elsewhere_stores_nothing(
    here: Here, action: dict[str, Any]
) -> None:
    link, stop, before = path(action["answer_link"]), path(action["unsubscribe_link"]), here.events()
    good = {"answer": "done"}
    payload, _, signature = link.removeprefix("/answer/").partition(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims[2]["by"] = here.subject("e-2")
    turned = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    for forged in (
        f"/answer/{turned}.{signature}",
        link[:-2] + ("AA" if not link.endswith("AA") else "BB"),
        "/answer/" + stop.removeprefix("/unsubscribe/"),
        "/unsubscribe/" + link.removeprefix("/answer/"),
        "/answer/x",
        "/answer/.",
    ):
        assert here.client.get(forged).status_code == 404
        assert here.client.post(forged, data=good, headers=HOME).status_code == 404
    for headers in ({}, {"origin": "https://evil.example"}, {"origin": "null"}):
        assert here.client.post(link, data=good, headers=headers).status_code == 403
    assert here.client.post(link, data={"answer": "unsubscribe"}, headers=HOME).status_code == 422
    assert here.client.post(link, data={}, headers=HOME).status_code == 422
    assert here.client.post(link, data=good | {"text": "x" * 20_000}, headers=HOME).status_code == 413
    many = "&".join(f"f{n}=1" for n in range(50))
    assert here.client.post(link, content=many, headers=HOME).status_code == 413
    here.clock.ms += 72 * HOUR  # the end of the action
    assert here.client.get(link).status_code == 410
    expired = here.client.post(link, data=good, headers=HOME)
    assert expired.status_code == 410
    assert "expired" in expired.text
    here.clock.ms = START - 400 * 24 * HOUR  # a clock that jumps back opens it again, and the log goes on
    assert here.client.get(link).status_code == 200
    assert here.events() == before
    assert here.client.post(link, data=good, headers=HOME).status_code == 200
    [stored] = here.replies()
    assert stored.answer == "done"


def test_one_click_opts_out_and_nothing_more_leaves(here: Here, action: dict[str, Any]) -> None:
    stop, before = path(action["unsubscribe_link"]), here.events()
    assert here.client.get(stop).status_code == 200
    assert here.events() == before
    # RFC 8058, 3.2: the mail program posts this body, without cookies and without an Origin of ours.
    bare = {"content-type": "application/x-www-form-urlencoded"}
    for _ in range(2):
        answer = here.client.post(stop, content="List-Unsubscribe=One-Click", headers=bare)
        assert answer.status_code == 200
    assert here.events() == before + 1
    assert [r.topic for r in here.replies()] == ["file"]
    declined = Declined(here.runtime.state.path)
    directory = RosterDirectory(lambda: here.runtime.fold.in_force.directory, declined.topics)
    recipient = directory.recipient(here.subject())
    declined.close()
    assert recipient is not None
    assert "file" in recipient.opted_out
    here.clock.ms += 2 * HOUR
    here.fails()
    assert len(here.outbox()) == 1
    assert len(here.actions()) == 1


def test_an_answer_silences_what_it_says_and_no_more(here: Here, wait_until: Callable[..., None]) -> None:
    for email in ("ann@x.example", "bo@x.example"):
        here.fails(email)
    wait_until(lambda: len(here.actions()) == 2, what="an action for each")
    mine = next(a for a in here.actions() if a["recipient"] == here.subject())
    german = next(a for a in here.actions() if a["recipient"] == here.subject("e-2"))
    shown = here.client.get(path(german["answer_link"])).text
    assert '<html lang="de">' in shown
    assert "Nicht jetzt" in shown
    posted = here.client.post(path(mine["answer_link"]), data={"answer": "not-relevant"}, headers=HOME)
    assert posted.status_code == 200
    assert [(r.answer, r.rule) for r in here.replies()] == [("not-relevant", "learn")]
    here.clock.ms += 2 * HOUR
    for email in ("ann@x.example", "bo@x.example"):
        here.fails(email)
    wait_until(lambda: len(here.actions()) == 3, what="another action for the other one")
    assert [a["recipient"] for a in here.actions()].count(here.subject()) == 1


def test_an_action_has_the_same_links_at_every_try(
    here: Here, action: dict[str, Any], wait_until: Callable[..., None]
) -> None:
    wait_until(lambda: here.outbox()[0][0] == "delivered", what="the receipt in the outbox")
    [(_, body)] = here.outbox()
    stored = msgspec.json.decode(body, type=ActionRequested)
    assert stored.answer_link == ""
    assert b"answer_link" not in body
    twice = [here.runtime.dispatcher.dress(stored, "file") for _ in range(2)]
    assert twice[0] == twice[1]
    assert twice[0].answer_link == action["answer_link"]


def test_a_disagreement_is_seen_and_settled_once(here: Here, action: dict[str, Any]) -> None:
    link, contests = path(action["answer_link"]), here.runtime.contests
    said = {"answer": "disagree", "text": "That was my colleague."}
    assert here.client.post(link, data=said, headers=HOME).status_code == 200
    # It does not take the place of an answer.
    assert "Thank you" in here.client.post(link, data={"answer": "done"}, headers=HOME).text
    assert {r.answer for r in here.replies()} == {"disagree", "done"}
    [request] = contests.requests()["requests"]
    assert (request["text"], request["settled"], request["subject"]) == (said["text"], None, here.subject())
    explained = here.runtime.queries.explanation(here.subject(), "calm", here.clock.ms)
    assert explained is not None
    evidence = [str(uuid.UUID(int=1))]

    def settle(employee: str, found: list[str], name: str) -> dict[str, Any]:
        return contests.contest(employee, found, by="steward", reason="looked", restore=False, request=name)

    for employee, found, name, code in (
        ("e-2", [], request["id"], "request-unknown"),
        ("e-1", [], "f" * 32, "request-unknown"),
        ("e-1", [], "nonsense", "request-unknown"),
        ("e-1", [], "", "contest-empty"),
    ):
        with pytest.raises(PermanentError) as refused:
            settle(employee, found, name)
        assert refused.value.problem.code == code
    settle("e-1", evidence, request["id"])
    assert here.runtime.caught_up()
    [request] = contests.requests()["requests"]
    assert (request["settled"]["by"], request["settled"]["evidence"]) == ("steward", 1)
    with pytest.raises(PermanentError) as refused:
        settle("e-1", [], request["id"])
    assert refused.value.problem.code == "request-settled"
