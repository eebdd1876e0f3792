"""The policy of a running installation: requests reach managers once, orders stop and resume, blasts wait for approval.

Everything goes through the log: after each story the log is folded again in memory and must give the same state.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from carrythrough.cli.main import main
from carrythrough.embedded.referring import Referrer
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError
from carrythrough.pipeline.records import Kind
from carrythrough.reinforcement.posteriors import Cell, PolicyVersion, Posteriors
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
  - {id: sim, name: Sim, match: {activity_prefix: "https://x.example/s/"}, evidence: [{skill: calm, channel: practice, outcome: score}]}
reinforcement:
  - {id: ask, when: {stage: unapplied}, action: RULE, to: TO, title: "T", body: "B", link: "https://x.example/l"}
policy: {quiet: {from: "00:00", to: "00:00"}, days_off: [], holdout: 0.0, blast: BLAST, manager_per_week: 2, per_day: 2, per_week: 9}
"""  # noqa: E501


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.ms = int(dt.datetime(2026, 11, 17, 11, tzinfo=dt.UTC).timestamp() * 1000)

    def now_ms(self) -> int:
        return self.ms


class Place:
    """An installation in a folder with a clock of its own, restarted at will."""

    def __init__(self, folder: Path, people: int, to: str = "employee", blast: int = 200) -> None:
        action = "nudge"
        text = MAP.replace("RULE", action).replace("TO", to).replace("BLAST", str(blast))
        (folder / "map.yaml").write_text(text)
        roster = [{"id": "boss", "team": "B"}] + [
            {"id": f"e-{n}", "email": f"p{n}@x.example", "manager": "boss", "team": "A"}
            for n in range(people)
        ]
        (folder / "roster.json").write_text(json.dumps({"people": roster}))
        self.folder, self.clock, self.people = folder, Clock(), people
        self.running: Embedded | None = None

    def text(self, more: str) -> None:
        """Add settings to the policy of the map."""
        path = self.folder / "map.yaml"
        path.write_text(path.read_text().replace("policy: {", f"policy: {{{more}, "))

    def start(self) -> Embedded:
        settings = Settings(
            data_dir=str(self.folder / "data"),
            program=str(self.folder / "map.yaml"),
            roster=str(self.folder / "roster.json"),
        )
        self.running = Embedded(settings, self.clock)
        self.running.start(deliver=False)
        self.settle()
        return self.running

    def stop(self) -> None:
        if self.running is not None:
            self.running.stop()
            self.running = None

    def learn(self) -> None:
        assert self.running is not None
        time = dt.datetime.fromtimestamp(self.clock.ms / 1000, dt.UTC).isoformat()
        made = [
            {
                "id": str(uuid.uuid4()),
                "timestamp": time,
                "actor": {"mbox": f"mailto:p{n}@x.example"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                "object": {"id": f"https://x.example/{kind}/{k}"},
                "result": {"score": {"scaled": 1.0}},
            }
            for n in range(self.people)
            for kind in "qs"
            for k in range(8)
        ]
        admitted = admit(json.dumps(made).encode(), Limits(), "1.0.3")
        asyncio.run(self.running.submit_statements(admitted, "test"))
        self.settle()

    def tick(self, minutes: int) -> None:
        assert self.running is not None
        self.clock.ms += minutes * 60_000
        self.running.tick()
        self.settle()
        while self.running.fold.due_left:
            self.running.tick()
            self.settle()

    def settle(self) -> None:
        """Wait until everything is folded and no request is on its way."""
        assert self.running is not None
        for _ in range(1000):
            assert self.running.caught_up()
            if not self.rows("SELECT 1 FROM referral"):
                return
            self.running.policy.referrer.notify()
            self.running.caught_up(0.01)
        raise AssertionError("requests do not arrive")

    def rows(self, statement: str) -> list[Any]:
        connection = apsw.Connection(str(self.folder / "data" / "state.sqlite"), apsw.SQLITE_OPEN_READONLY)
        try:
            return list(connection.execute(statement))
        finally:
            connection.close()

    def effects(self, kind: str) -> list[dict[str, Any]]:
        found = self.rows(f"SELECT body FROM effect WHERE kind='{kind}' ORDER BY seq")
        return [json.loads(bytes(body)) for (body,) in found]

    def held(self) -> list[str]:
        return [name for one in self.effects("decision") for name in one["suppressed_by"]]

    def replays(self) -> None:
        self.stop()
        data = self.folder / "data"
        assert compare(offline_fold(data), stored_state(data)) == []


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    made: list[Place] = []

    def make(*arguments: Any, **named: Any) -> Place:
        made.append(Place(tmp_path, *arguments, **named))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_a_manager_gets_requests_under_their_own_caps_and_each_once(place: Callable[..., Place]) -> None:
    site = place(5, to="manager")
    site.start()
    site.learn()
    actions = site.effects("action")
    assert len(site.effects("referral")) == 5
    assert len(actions) == 2, "two a day at most, whoever they are about"
    boss = {action["recipient"] for action in actions}
    assert len(boss) == 1
    assert {action["subject"] for action in actions}.isdisjoint(boss)
    assert all(action["score"] is None and action["to"] == "manager" for action in actions)
    assert {"daily-cap", "manager-load"} <= set(site.held())
    site.stop()
    site.start()
    assert len(site.effects("action")) == 2
    for _ in range(10):
        site.tick(12 * 60)
    assert len(site.effects("action")) == 2, "two a week, and what waited has expired"
    site.replays()


def test_a_request_that_a_stop_kept_from_the_log_is_appended_after_the_next_start(
    place: Callable[..., Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = place(1, to="manager")
    site.start()
    turn = Referrer._turn
    monkeypatch.setattr(Referrer, "_turn", lambda _: False)
    monkeypatch.setattr(site, "settle", lambda: site.running and site.running.caught_up())
    site.learn()
    assert [len(site.effects(kind)) for kind in ("referral", "action")] == [1, 0]
    site.stop()
    monkeypatch.setattr(Referrer, "_turn", turn)
    monkeypatch.undo()
    running = site.start()
    assert len(site.effects("action")) == 1
    assert len(list(running.log.reader().of_kind(Kind.REFERRAL, 0, 1 << 40))) == 1
    site.replays()


def test_a_rule_that_would_reach_too_many_waits_and_an_approval_lets_it_go(
    place: Callable[..., Place],
) -> None:
    site = place(12, blast=3)
    running = site.start()
    site.learn()
    assert len(site.effects("action")) == 3
    assert site.held().count("held-for-approval") == 9
    [waiting] = running.policy.waiting()
    assert (waiting["rule"], waiting["decisions"]) == ("ask", 9)
    site.tick(90)
    assert len(site.effects("action")) == 3, "time alone lets nothing go"
    running.policy.order("approve", "rule", ["ask"], by="ann", reason="checked")
    site.tick(61)
    assert len(site.effects("action")) == 12
    assert running.policy.waiting() == []
    site.replays()


def test_a_denial_drops_what_waits_for_good(place: Callable[..., Place]) -> None:
    site = place(6, blast=2)
    running = site.start()
    site.learn()
    running.policy.order("deny", "rule", ["ask"], by="ann", reason="a faulty feed")
    for _ in range(4):
        site.tick(61)
    assert len(site.effects("action")) == 2
    assert site.held().count("denied") == 4
    site.replays()


@pytest.mark.parametrize(
    ("kind", "names"),
    [("team", ["A"]), ("person", ["e-0"]), ("action", ["nudge"]), ("rule", ["ask"]), ("everything", [])],
)
def test_what_is_stopped_gets_nothing_until_it_is_resumed(
    place: Callable[..., Place], kind: Any, names: list[str]
) -> None:
    site = place(1)
    running = site.start()
    running.policy.order("stop", kind, names, by="ann", reason="wait")
    site.learn()
    assert site.effects("action") == []
    assert site.held() == ["kill-switch"]
    found = running.policy.order("resume", kind, names, by="ann", reason="go on")
    assert not any(
        found["orders"].get(name) for name in ("people", "teams", "actions", "rules", "everything")
    )
    site.clock.ms += 1000
    site.learn()
    assert len(site.effects("action")) == 1
    site.replays()


def test_a_name_that_nothing_has_is_refused(place: Callable[..., Place]) -> None:
    running = place(1).start()
    for kind in ("person", "team", "adapter", "action", "rule"):
        with pytest.raises(PermanentError) as refused:
            running.policy.order("stop", kind, ["nobody"], by="ann", reason="x")  # type: ignore[arg-type]
        assert refused.value.problem.code == "order-name-unknown"
    assert running.log.reader().last(Kind.ORDERS, 1 << 40) is None


def test_posteriors_come_into_force_at_their_place_in_the_log(place: Callable[..., Place]) -> None:
    site = place(20)
    site.text("choice: learnt, nothing: 0.1")
    running = site.start()
    harmful = Posteriors(name="p-2", prior=Cell(-0.5, 0.01))
    running.policy.activate(PolicyVersion(posteriors=harmful, by="ann"))
    site.learn()
    assert running.fold.in_force.posteriors == harmful
    assert all(one["policy"] == "m@1 p-2" for one in site.effects("decision") if one.get("randomised"))
    assert len(site.effects("action")) < 10
    site.stop()
    assert site.start().policy.shown()["posteriors"] == "p-2"
    site.replays()


def test_learning_shows_what_it_found_and_comes_into_force_only_on_request(
    place: Callable[..., Place], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = place(40)
    site.text("choice: learnt, nothing: 0.4")
    site.start()
    site.learn()
    site.clock.ms += 20 * 60_000
    site.learn()
    site.tick(3 * 24 * 60)
    assert site.running is not None
    assert site.running.policy.learner.turn() == "", "too few decisions to learn from unasked"
    monkeypatch.setattr("carrythrough.embedded.policy_learning.LEAST", 1)
    unasked = site.running.policy.learner.turn()
    assert unasked.startswith("learnt-")
    site.settle()
    assert site.running.fold.in_force.posteriors.name == unasked
    assert site.running.policy.learner.turn() == "", "the same decisions teach nothing new"
    monkeypatch.undo()
    site.stop()
    folder = str(site.folder / "data")
    capsys.readouterr()
    assert main(["policy", "learn", "--json", "--data-dir", folder]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["in_force"] == shown["learnt"] == unasked
    assert shown["decisions"] >= 30
    assert shown["practised"] > 0.9
    assert main(["policy", "learn", "--activate", "--data-dir", folder]) == 1
    assert "200 are asked for" in capsys.readouterr().err
    assert main(["policy", "learn", "--activate", "--anyway", "--data-dir", folder]) == 0
    assert main(["policy", "show", "--data-dir", folder]) == 0
    assert shown["learnt"] in capsys.readouterr().out
    site.replays()
