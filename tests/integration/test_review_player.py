"""The review player in a running installation: from the action to evidence of each question, once, by one person.

A review that was left goes on where it stopped; what is sent twice, by somebody else, or from elsewhere counts
nothing; answers are learn evidence whose item is the question, so that it is not due again at once.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from carrythrough.embedded.runtime import Embedded
from carrythrough.evidence.types import Channel
from carrythrough.gateway.pages.review import ReviewPages
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

START = 1_790_000_000_000
DAY = 86_400_000
HOME = {"origin": "http://learn.example"}
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 1}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity: "https://x.example/q"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
items:
  - {id: first, skill: calm, question: "What comes <b>first</b>?", choices: [say it back, answer at once], right: [say it back], explanation: So that they feel heard.}
  - {id: both, skill: calm, question: Which two?, choices: [one, two, three], right: [one, three]}
  - {id: word, skill: calm, question: Say it in a word., right: [Listen, listening]}
reinforcement: [{id: review, when: {stage: not-yet-learnt}, action: spaced-review, title: T, body: B, adapters: [file]}]
policy: {holdout: 0.0, minimum_outcomes: 2, minimum_effective: 1.0, per_day: 10, per_week: 50, cooldown_h: 1, quiet: {from: "00:00", to: "00:00"}, days_off: []}
"""  # noqa: E501
ROSTER = "people: [{id: e-1, email: ann@x.example}, {id: e-2, email: bo@x.example}]"


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = START

    def now_ms(self) -> int:
        return self.ms


class Here:
    """An installation on a clock of ours with the player over it."""

    def __init__(self, folder: Path) -> None:
        (folder / "map.yaml").write_text(MAP)
        (folder / "roster.yaml").write_text(ROSTER)
        self.sent = folder / "actions.jsonl"
        self.clock = HandClock()
        self.folder = folder / "data"
        self.runtime = Embedded(
            Settings(
                data_dir=str(self.folder),
                program=str(folder / "map.yaml"),
                roster=str(folder / "roster.yaml"),
                public_url="http://learn.example",
                adapters={"file": {"adapter": "file", "path": str(self.sent)}},
                shadow_learner=False,
            ),
            self.clock,
        )
        self.runtime.start()
        pages = ReviewPages(
            self.runtime.form_people,
            self.runtime,
            self.runtime.answer_links,
            self.runtime.review_desk,
            self.clock.now_ms,
        )
        self.client = TestClient(
            Starlette(routes=pages.routes()), base_url="http://learn.example", follow_redirects=False
        )
        self.number = 0

    def fails(self) -> None:
        for _ in range(2):
            self.number += 1
            statement = {
                "id": str(uuid.UUID(int=self.number)),
                "actor": {"mbox": "mailto:ann@x.example"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                "object": {"id": "https://x.example/q"},
                "result": {"score": {"scaled": 0.0}},
                "timestamp": dt.datetime.fromtimestamp(self.clock.ms / 1000, dt.UTC).isoformat(),
            }
            admitted = admit(json.dumps(statement).encode(), Limits(), "1.0.3")
            asyncio.run(self.runtime.submit_statements(admitted, "lms"))
        assert self.runtime.caught_up()

    def links(self) -> list[str]:
        if not self.sent.exists():
            return []
        return [urlsplit(json.loads(line)["link"]).path for line in self.sent.read_text().splitlines()]

    def evidence(self) -> dict[str, Any]:
        """Return the evidence of questions by item; the stored state is that of a fold from the start."""
        assert self.runtime.caught_up()
        whole = offline_fold(self.folder)
        assert compare(stored_state(self.folder), whole) == []
        found = [row.evidence for row in whole.rows.values() if row.evidence.item]
        assert len({e.item for e in found}) == len(found)
        return {e.item.rpartition(":")[2]: e for e in found}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    found = Here(tmp_path)
    yield found
    found.runtime.stop()


@pytest.fixture
def link(here: Here, wait_until: Callable[..., None]) -> str:
    here.fails()
    wait_until(here.links, what="a review in the file")
    assert here.links()[0].startswith("/review/")
    return here.links()[0]


def test_a_review_goes_question_by_question_and_counts_as_learning(here: Here, link: str) -> None:
    before = here.runtime.log.end
    shown = here.client.get(link)
    assert "Question 1 of 3" in shown.text
    assert "What comes &lt;b&gt;first&lt;/b&gt;?" in shown.text
    assert here.client.get(link).text == shown.text
    assert here.runtime.log.end == before
    right = here.client.post(link, data={"item": "first", "answer": "say it back"}, headers=HOME)
    assert "That is right." in right.text
    assert "So that they feel heard." in right.text
    assert "Question 2 of 3" in here.client.get(link).text
    wrong = here.client.post(link, data={"item": "both", "answer": ["one", "two"]}, headers=HOME)
    assert "That is not right." in wrong.text
    assert "one · three" in wrong.text
    written = here.client.post(link, data={"item": "word", "answer": "  LISTENING. "}, headers=HOME)
    assert "That is right." in written.text
    assert "3 of 3; 2 were right" in here.client.get(link).text
    found = here.evidence()
    assert {name: e.y > 0 for name, e in found.items()} == {"first": True, "both": False, "word": True}
    assert {e.channel for e in found.values()} == {Channel.LEARN}
    assert {e.rule for e in found.values()} == {"items-calm"}


def test_an_answer_counts_once_and_from_the_page_alone(here: Here, link: str) -> None:
    before = here.runtime.log.end
    answer = {"item": "first", "answer": "answer at once"}
    for headers in ({}, {"origin": "https://evil.example"}):
        assert here.client.post(link, data=answer, headers=headers).status_code == 403
    assert here.client.post(link, data={"item": "first"}, headers=HOME).status_code == 422
    assert (
        here.client.post(link, data={"item": "first", "answer": "rubbish"}, headers=HOME).status_code == 422
    )
    assert here.client.post(link, data={"item": "word", "answer": " "}, headers=HOME).status_code == 422
    assert here.client.post(link, data={"item": "gone", "answer": "x"}, headers=HOME).status_code == 303
    assert here.client.post(link[:-2] + "xx", data=answer, headers=HOME).status_code == 404
    assert here.client.post(link.replace("review", "answer"), data=answer, headers=HOME).status_code == 404
    assert here.runtime.log.end == before
    assert here.client.post(link, data=answer, headers=HOME).status_code == 200
    better = here.client.post(link, data={"item": "first", "answer": "say it back"}, headers=HOME)
    assert better.status_code == 303
    assert here.runtime.log.end == before + 1
    assert here.evidence()["first"].y == 0
    here.clock.ms += 72 * 3_600_000
    assert here.client.get(link).status_code == 410
    assert here.client.post(link, data={"item": "word", "answer": "x"}, headers=HOME).status_code == 410


def test_only_what_is_due_is_asked_again(here: Here, link: str, wait_until: Callable[..., None]) -> None:
    for item, answer in (("first", "say it back"), ("both", ["two"])):
        here.client.post(link, data={"item": item, "answer": answer}, headers=HOME)
    here.clock.ms += DAY
    here.fails()
    wait_until(lambda: len(here.links()) == 2, what="another review")
    second = here.client.get(here.links()[1]).text
    found = re.search(r"Question 1 of (\d)", second)
    assert found is not None
    # The lapse is due within the day, the question never asked comes after it; what was right is not due.
    assert found[1] == "2"
    assert 'value="both"' in second
