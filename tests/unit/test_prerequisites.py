"""A skill that requires another one is left alone while the other is not yet learnt: whole logs through `step`."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.roster import load_roster
from carrythrough.pipeline.effects import ActionRequested, Decision, Effect
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.model import SHIPPED
from carrythrough.xapi.admission import decode_statement

MAP = """
map: m
version: 1
name: M
skills:
  - {id: calm, name: Calm, target: 0.75, requires: listen}
  - {id: listen, name: Listen, target: 0.75}
activities:
  - {id: quiz, name: Quiz, match: {activity: "https://x.example/q"}, evidence: {skill: calm, channel: learn, outcome: score}}
  - {id: sim, name: Sim, match: {activity: "https://x.example/s"}, evidence: {skill: calm, channel: practice, outcome: score}}
  - {id: ear, name: Ear, match: {activity: "https://x.example/e"}, evidence: {skill: listen, channel: learn, outcome: score}}
reinforcement:
  - {id: use-it, when: {stage: unapplied}, action: nudge, title: t, body: b, link: "https://x.example/n"}
policy: {per_day: 1, per_week: 3, cooldown_h: 72, quiet: {from: "00:00", to: "00:00"}, days_off: [], holdout: 0.0}
"""  # noqa: E501
ROSTER = "people: [{id: e-1, email: ann@x.example}]"
START = int(dt.datetime(2026, 11, 17, 11, 0, tzinfo=dt.UTC).timestamp() * 1000)


def answers(records: list[Record], kind: str, at_ms: int, scaled: float, count: int = 8) -> None:
    for _ in range(count):
        body: dict[str, Any] = {
            "actor": {"mbox": "mailto:ann@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/{kind}"},
            "result": {"score": {"scaled": scaled}},
        }
        number = len(records) + 1
        statement = decode_statement(msgspec.json.encode(body))
        records.append(Record(number, Kind.STATEMENT, at_ms, number.to_bytes(16, "big"), at_ms, statement))


def ticks(records: list[Record], from_ms: int, to_ms: int) -> None:
    for at_ms in range(from_ms, to_ms, 3_600_000):
        number = len(records) + 1
        records.append(Record(number, Kind.TICK, at_ms, number.to_bytes(16, "big"), -1, None))


def run(records: list[Record], text: str = MAP) -> list[Effect]:
    program = Program(load_program(text, "map.yaml"))
    in_force = InForce(program, RosterIndex(load_roster(ROSTER, "r.yaml"), b"k" * 32), SHIPPED)
    return step(State(), records, in_force)[1]


def asked(effects: list[Effect]) -> list[tuple[str, int]]:
    return [(e.skill, e.as_of_ms) for e in effects if isinstance(e, ActionRequested)]


def life(listening: float | None) -> list[Record]:
    """Answers about listening first (None: none at all), then all that "unapplied" needs of the other skill."""
    records: list[Record] = []
    if listening is not None:
        answers(records, "e", START, listening)
    answers(records, "q", START + 1_000, 1.0)
    answers(records, "s", START + 2_000, 1.0)
    return records


def test_nothing_is_asked_while_what_comes_first_is_not_yet_learnt() -> None:
    effects = run(life(0.0))
    assert asked(effects) == []
    held = [e for e in effects if isinstance(e, Decision) and e.skill == "calm"]
    assert held
    assert all(e.chosen == "nothing" and e.suppressed_by == ("requires",) for e in held)
    free = MAP.replace(", requires: listen", "")
    assert [skill for skill, _ in asked(run(life(0.0), free))] == ["calm"]


def test_what_is_unknown_or_learnt_holds_nothing_back() -> None:
    for listening in (None, 1.0):
        assert ("calm" in dict(asked(run(life(listening))))) is True


def test_it_is_asked_once_what_comes_first_is_learnt() -> None:
    records = life(0.0)
    ticks(records, START + DAY_MS, START + 2 * DAY_MS)
    answers(records, "e", START + 2 * DAY_MS, 1.0, count=30)
    learnt_ms = records[-1].stored_ms
    ticks(records, learnt_ms + 60_000, learnt_ms + 3 * DAY_MS)
    times = dict(asked(run(records)))
    assert times.get("calm", 0) > learnt_ms
