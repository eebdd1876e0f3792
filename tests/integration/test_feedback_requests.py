"""A request for feedback brings its own form: whoever gets the message answers there, and the answer is evidence.

The link is put on as the message leaves; it is for one person about one other, and opens without an account.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from carrythrough.embedded.runtime import Embedded
from carrythrough.gateway.answer_links import AnswerLinks
from carrythrough.gateway.app import build_app
from carrythrough.gateway.auth import Credentials
from carrythrough.gateway.limits import GatewayLimits
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.pipeline.effects import ActionRequested
from carrythrough.settings import Settings

BASE = "https://learn.example"
MAP = """
map: m
version: 1
name: M
skills: [{id: calm, name: Calm}]
events: [{id: seen, match: {kind: observation}, evidence: [{skill: calm, channel: observed}]}]
"""
ROSTER = """
people:
  - {id: e-1, name: Ann Ek, manager: e-2, team: north}
  - {id: e-2, name: Bo Berg, team: north}
  - {id: e-3, name: Cy Dahl, team: north}
"""


@pytest.mark.parametrize(("to", "who"), [("manager", "e-2"), ("peer", "e-3")])
def test_whoever_is_asked_answers_on_a_form_of_their_own(tmp_path: Path, to: str, who: str) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "roster.yaml").write_text(ROSTER)
    settings = Settings(
        data_dir=str(tmp_path / "data"),
        program=str(tmp_path / "map.yaml"),
        roster=str(tmp_path / "roster.yaml"),
        shadow_learner=False,
    )
    runtime = Embedded(settings)
    runtime.start(deliver=False)
    try:
        assert runtime.caught_up()
        queries = runtime.queries
        subject, recipient = queries.subject("e-1"), queries.subject(who)
        assert subject
        assert recipient
        now_ms = runtime.clock.now_ms()
        action = ActionRequested(
            id="00000000-0000-0000-0000-000000000001", subject=subject, recipient=recipient, to=to, skill="calm",
            skill_name="Calm", action="feedback-request", rule="ask", stage="unapplied", score=None,
            as_of_ms=now_ms, expires_ms=now_ms + 3_600_000, title="T", body="B", link="", why="",
        )  # fmt: skip
        dressed = AnswerLinks(runtime.answer_links, BASE, lambda _: False).dressed(action, "email")
        assert (
            dressed.link
            == AnswerLinks(runtime.answer_links, BASE, lambda _: False).dressed(action, "email").link
        )
        app = build_app(runtime, Credentials([]), Sessions(), GatewayLimits())
        client = TestClient(app, base_url=BASE)
        path = urlsplit(dressed.link).path
        page = client.get(path)
        assert page.status_code == 200
        assert "Ann Ek" in page.text
        assert client.post(path, data={"answer": "met"}, headers={"origin": BASE}).status_code == 200
        assert runtime.caught_up()
        evidence = queries.explanation(subject, "calm", now_ms + 1)["evidence"]
        assert [one["channel"] for one in evidence] == ["observed"]
        assert evidence[0]["outcome"] == 1.0
    finally:
        runtime.stop()
