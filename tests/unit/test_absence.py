"""Absence fires with time: at the tick that passes it, once, whatever came late, was taken back or was imported."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from carrythrough.events.performance import PerformanceEvent
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.pipeline.effects import ActionRequested, Decision
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import VOIDED_VERB, Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.model import SHIPPED
from carrythrough.xapi.admission import decode_statement

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
NOON = int(dt.datetime(2026, 3, 3, 12, tzinfo=dt.UTC).timestamp() * 1000)
MAP = """
map: m
version: 1
name: M
skills: [{id: calm, name: Calm, target: 0.75}]
activities:
  - {id: quiz, name: Quiz, match: {activity: "https://x.example/q"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
  - {id: sim, name: Sim, match: {activity: "https://x.example/s"}, evidence: [{skill: calm, channel: practice, outcome: score}]}
events:
  - {id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}
  - {id: aid, match: {kind: job-aid-use}, evidence: [{skill: calm, channel: support}]}
reinforcement: [RULE]
policy: {per_day: 10, per_week: 50, cooldown_h: 72, quiet: {from: "00:00", to: "00:00"}, days_off: [], holdout: 0.0}
"""  # noqa: E501
ABSENT = "{unseen: [{channel: practice, days: 14}]}"


def in_force(when: str) -> InForce:
    rule = f"{{id: r, when: {when}, action: nudge, title: t, body: b, expires_h: 72, adapters: [console]}}"
    program = Program(load_program(MAP.replace("RULE", rule), "map.yaml"))
    return InForce(program, RosterIndex(Roster(people=()), b"k" * 32), SHIPPED)


class Life:
    """The log of one person; times are hours after NOON."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def did(self, kind: str, hours: float, *, count: int = 1, stored: float | None = None) -> None:
        for _ in range(count):
            body = {
                "actor": {"mbox": "mailto:ann@x.example"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                "object": {"id": f"https://x.example/{kind}"},
                "result": {"score": {"scaled": 1.0}},
            }
            self._add(Kind.STATEMENT, hours, decode_statement(msgspec.json.encode(body)), stored)

    def event(self, kind: str, hours: float, **members: Any) -> None:
        event = {"id": str(len(self.records)), "source": "s", "kind": kind, "time": "2026-03-03T12:00:00Z",
                 "actor": {"mbox": "mailto:ann@x.example"}, **members}  # fmt: skip
        self._add(Kind.EVENT, hours, msgspec.convert(event, PerformanceEvent), None)

    def void(self, number: int, hours: float) -> None:
        target = f"00000000-0000-0000-0000-{number:012x}"
        body = {
            "actor": {"mbox": "mailto:admin@x.example"},
            "verb": {"id": VOIDED_VERB},
            "object": {"objectType": "StatementRef", "id": target},
        }
        self._add(Kind.STATEMENT, hours, decode_statement(msgspec.json.encode(body)), None)

    def ticks(self, hours: float, to_hours: float, every_ms: int = HOUR_MS) -> None:
        for t_ms in range(NOON + round(hours * HOUR_MS), NOON + round(to_hours * HOUR_MS), every_ms):
            self._add(Kind.TICK, (t_ms - NOON) / HOUR_MS, None, None)

    def _add(self, kind: Kind, hours: float, content: object, stored: float | None) -> None:
        number, t_ms = len(self.records) + 1, NOON + round(hours * HOUR_MS)
        stored_ms = t_ms if stored is None else NOON + round(stored * HOUR_MS)
        self.records.append(Record(number, kind, stored_ms, number.to_bytes(16, "big"), t_ms, content))

    def actions(self, when: str = ABSENT) -> list[ActionRequested]:
        return [e for e in step(State(), self.records, in_force(when))[1] if isinstance(e, ActionRequested)]

    def hours(self, when: str = ABSENT) -> list[float]:
        return [(action.as_of_ms - NOON) / HOUR_MS for action in self.actions(when)]


def learnt() -> Life:
    life = Life()
    life.did("q", 0, count=8)
    life.did("s", 0, count=4)
    return life


DAYS_14 = 14 * 24.0


def test_absence_fires_at_the_first_tick_that_passes_it_and_says_so() -> None:
    life = learnt()
    life.ticks(1, DAYS_14 - 1)
    life.ticks(DAYS_14 - 1, DAYS_14 + 1, MINUTE_MS)
    (action,) = life.actions()
    assert action.as_of_ms == NOON + 14 * DAY_MS
    assert action.why == "There has been no practice for 14 days."
    assert action.rule == "r"


def test_a_minute_before_it_does_not() -> None:
    life = learnt()
    life.ticks(1, DAYS_14 - 1 / 60, MINUTE_MS * 7)
    assert life.actions() == []


@pytest.mark.parametrize("stored", [None, 13 * 24.0], ids=["as it happened", "late"])
def test_practice_puts_it_off(stored) -> None:
    life = learnt()
    life.ticks(1, 10 * 24.0)
    life.did("s", 10 * 24.0, stored=stored)
    life.ticks((stored or 10 * 24.0) + 1, 24 * 24.0 + 2)
    assert life.hours() == [24 * 24.0]


def test_what_is_no_practice_does_not_put_it_off() -> None:
    life = learnt()
    life.ticks(1, 10 * 24.0)
    life.did("q", 10 * 24.0)
    life.event("qa-result", 10 * 24.0, outcome={"met": True})
    life.event("job-aid-use", 10 * 24.0)
    life.ticks(10 * 24.0 + 1, DAYS_14 + 2)
    assert life.hours() == [DAYS_14]


def test_a_practice_that_is_taken_back_put_nothing_off() -> None:
    life = learnt()
    life.ticks(1, 10 * 24.0)
    life.did("s", 10 * 24.0)
    taken_back = len(life.records)
    life.ticks(10 * 24.0 + 1, 12 * 24.0)
    life.void(taken_back, 12 * 24.0)
    life.ticks(12 * 24.0 + 1, DAYS_14 + 2)
    assert life.hours() == [DAYS_14]


def test_what_never_was_counts_from_the_first_sign_of_the_skill() -> None:
    life = Life()
    for day in range(15):
        life.did("q", 24.0 * day)
        life.ticks(24.0 * day + 1, 24.0 * (day + 1))
    life.did("q", 24.0 * 15)
    assert life.hours() == [DAYS_14]


def test_where_nothing_ticked_for_days_it_fires_at_the_next_tick() -> None:
    life = learnt()
    life.ticks(1, 5 * 24.0)
    life.ticks(17 * 24.0, 17 * 24.0 + 3)
    assert life.hours() == [17 * 24.0]


def test_absence_of_imported_history_is_no_news_unless_it_begins_now() -> None:
    old, recent = Life(), Life()
    for life, days in ((old, 20), (recent, 8)):
        life.did("q", -24.0 * days, count=8, stored=0)
        life.did("s", -24.0 * days, count=4, stored=0)
        life.ticks(1, 24.0 * 7)
    assert old.actions() == []
    assert recent.hours() == [6 * 24.0]


def test_pushes_that_are_ignored_end() -> None:
    life = learnt()
    life.ticks(1, 60 * 24.0)
    hours = life.hours()
    assert hours[0] == DAYS_14
    assert len(hours) == 2
    assert hours[1] - hours[0] >= 72


def test_a_watched_channel_decides_at_once_although_no_score_moves() -> None:
    life = learnt()
    life.event("job-aid-use", 5)
    watched = "{seen: [{channel: support, days: 7}]}"
    (action,) = life.actions(watched)
    assert action.as_of_ms == NOON + 5 * HOUR_MS
    assert action.why == "There was 1 use of a job aid in the last 7 days."
    assert life.actions("{seen: [{channel: voice, days: 7}]}") == []


def test_a_watched_channel_of_long_ago_decides_nothing() -> None:
    life = Life()
    life.did("q", -24.0 * 4, count=8, stored=0)
    life.event("job-aid-use", -24.0 * 4)
    assert life.actions("{seen: [{channel: support, days: 7}]}") == []


def test_too_few_lately_fires_when_the_last_but_few_drops_out() -> None:
    life = Life()
    life.did("s", 0, count=4)
    life.did("q", 0, count=8)
    life.did("s", 48)
    life.ticks(49, 24.0 * 14)
    few = "{seen: [{channel: practice, days: 7, at_least: 0, at_most: 1}]}"
    actions = life.actions(few)
    assert actions[0].as_of_ms == NOON + 7 * DAY_MS
    assert actions[0].why == "There was only 1 practice in the last 7 days."


def test_two_failures_in_a_week_fire_at_the_second() -> None:
    life = learnt()
    failing = "{seen: [{channel: job, days: 7, at_least: 2, result: failure}]}"
    life.event("qa-result", 24, outcome={"met": False})
    life.event("qa-result", 48, outcome={"met": True})
    assert life.actions(failing) == []
    life.event("qa-result", 24 + 7 * 24 - 1, outcome={"met": False})
    assert life.hours(failing) == [24 + 7 * 24 - 1]


def test_two_failures_further_apart_do_not() -> None:
    life = learnt()
    life.event("qa-result", 24, outcome={"met": False})
    life.event("qa-result", 24 + 7 * 24, outcome={"met": False})
    assert life.actions("{seen: [{channel: job, days: 7, at_least: 2, result: failure}]}") == []


def test_the_log_of_decisions_names_the_condition() -> None:
    life = learnt()
    life.ticks(1, DAYS_14 + 2)
    decisions = [e for e in step(State(), life.records, in_force(ABSENT))[1] if isinstance(e, Decision)]
    assert [(d.rule, d.chosen, d.why) for d in decisions] == [
        ("r", "nudge", "There has been no practice for 14 days.")
    ]
