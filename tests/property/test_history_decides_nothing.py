"""History of any age updates scores and decides nothing: whatever its order, however long its import takes.

Years of evidence in several skills are folded at one time of the log, with a tick each minute while they come in
and for most of a day after, so that every timer which they set and which is due by then fires. There is a rule for
every stage and action, nobody is held back by a guard, and yet nothing may be asked for. New evidence then does
ask, and so does time once it has passed by itself: so it is history that decided nothing, not a map without rules.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.events.types import EventOutcome, PerformanceEvent, source_id
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Person, Roster
from carrythrough.pipeline.effects import ActionRequested, Decision, Effect, ScoreChanged
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.reinforcement.stage import Stage
from carrythrough.scoring.model import SHIPPED
from carrythrough.xapi.statement import Activity, Agent, Result, Score, Statement, Verb

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_790_000_000_000
EXPIRES_H = 72
SKILLS = ("calm", "fix", "sell")
STAGES = [stage.text for stage in Stage if stage not in (Stage.UNKNOWN, Stage.NOT_ENOUGH_EVIDENCE)]
ACTIONS = ("spaced-review", "nudge", "fade-job-aid")
RULES = "".join(
    f"  - {{id: {stage}, when: {{stage: {stage}}}, action: {ACTIONS[number % 3]}, title: T, body: B,"
    f' link: "https://x.example/{stage}", expires_h: {EXPIRES_H}}}\n'
    for number, stage in enumerate(STAGES)
)
MAP = f"""
map: m
version: 1
name: M
goals: [{{id: g, name: G, kpis: [{{id: k, name: K}}]}}]
skills:
{"".join(f"  - {{id: {skill}, name: {skill}, kpis: [k], opportunity_days: 7}}{chr(10)}" for skill in SKILLS)}
activities:
{
    "".join(
        f'  - {{id: {kind}-{skill}, name: N, match: {{activity_prefix: "https://x.example/{kind}/{skill}/"}},'
        f" evidence: [{{skill: {skill}, channel: {channel}, outcome: {outcome}}}]}}{chr(10)}"
        for skill in SKILLS
        for kind, channel, outcome in (
            ("q", "learn", "score"),
            ("s", "practice", "score"),
            ("a", "support", "none"),
        )
    )
}
events:
{
    "".join(
        f"  - {{id: job-{s}, match: {{kind: qa-result, activity: {s}}}, evidence: [{{skill: {s}, channel: job}}]}}{chr(10)}"
        for s in SKILLS
    )
}
reinforcement:
{RULES}
policy: {{per_day: 10, per_week: 50, cooldown_h: 0, quiet: {{from: "00:00", to: "00:00"}}, days_off: [], holdout: 0.0,
  minimum_outcomes: 2, minimum_effective: 0.0}}
"""  # noqa: E501
IN_FORCE = InForce(
    Program(load_program(MAP, "map.yaml")),
    RosterIndex(Roster(people=(Person(id="e-1", email="ann@x.example"),)), b"k" * 32),
    SHIPPED,
)
ANN = Agent(mbox="mailto:ann@x.example")
ANSWERED = Verb("http://adlnet.gov/expapi/verbs/answered")

pieces = st.tuples(
    st.sampled_from(("q", "s", "a", "job")),
    st.sampled_from(SKILLS),
    st.sampled_from((0.0, 0.3, 0.7, 1.0)),
    st.integers(EXPIRES_H + 1, 3 * 365 * 24),
)
"""(kind, skill, how well, hours before now)."""


def record(position: int, piece: tuple[str, str, float, int], stored_ms: int, now_ms: int = NOW) -> Record:
    """Return the log record of a piece of evidence."""
    kind, skill, value, hours = piece
    t_ms = now_ms - hours * HOUR
    if kind == "job":
        event = PerformanceEvent(
            id=str(position),
            source="qa",
            kind="qa-result",
            time="",
            employee="e-1",
            activity=skill,
            outcome=EventOutcome(score=value),
        )
        return Record(position, Kind.EVENT, stored_ms, source_id("qa", str(position)), t_ms, event)
    statement = Statement(
        actor=ANN,
        verb=ANSWERED,
        object=Activity(f"https://x.example/{kind}/{skill}/{position}"),
        result=Result(score=Score(scaled=value)),
    )
    return Record(position, Kind.STATEMENT, stored_ms, uuid.UUID(int=position).bytes, t_ms, statement)


def ticks(position: int, from_ms: int, to_ms: int, every_ms: int) -> list[Record]:
    times = range(from_ms, to_ms, every_ms)
    return [Record(position + n, Kind.TICK, ms, b"", -1, None) for n, ms in enumerate(times)]


def imported(history: list[Any], minutes: int) -> tuple[State, list[Effect], int, int]:
    """Fold a history that takes so many minutes to come in, ticks between; returns position and time of its end."""
    records: list[Record] = []
    stored = NOW
    for number, piece in enumerate(history):
        due = NOW + number * minutes * MINUTE // max(len(history), 1)
        records += ticks(len(records) + 1, stored + MINUTE, due, MINUTE)
        stored = max(stored, due)
        records.append(record(len(records) + 1, piece, stored))
    state, effects = step(State(), records, IN_FORCE)
    return state, effects, len(records), stored


def asked_for(effects: list[Effect]) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, ActionRequested | Decision)]


@settings(max_examples=120)
@given(st.lists(pieces, min_size=1, max_size=40), st.sampled_from((0, 5, 45)))
def test_an_import_and_the_timers_it_sets_ask_for_nothing(history: list[Any], minutes: int) -> None:
    state, effects, position, stored = imported(history, minutes)
    assert asked_for(effects) == []
    after = [
        *ticks(position + 1, stored + MINUTE, stored + 40 * MINUTE, MINUTE),
        *ticks(position + 1_000, stored + HOUR, stored + 23 * HOUR, HOUR),
    ]
    state, effects = step(state, after, IN_FORCE)
    assert asked_for(effects) == []


@pytest.mark.parametrize("hours", [0, EXPIRES_H - 1])
def test_new_evidence_asks_right_after(hours: int) -> None:
    history = [("q", "calm", 1.0, 24 * day) for day in range(30, 800, 20)]
    state, effects, position, stored = imported(history, 0)
    assert any(isinstance(effect, ScoreChanged) and effect.score is not None for effect in effects)
    assert asked_for(effects) == []
    _, effects = step(state, [record(position + 1, ("q", "calm", 0.0, hours), stored, stored)], IN_FORCE)
    assert [type(effect) for effect in asked_for(effects)] == [Decision, ActionRequested]


def test_time_that_passes_after_the_import_asks_when_it_changes_a_stage() -> None:
    history = [(kind, "calm", 1.0, 24 * day) for day in range(4, 40) for kind in ("q", "s", "job")]
    state, effects, position, stored = imported(history, 0)
    [before] = {effect.stage for effect in effects[-3:] if isinstance(effect, ScoreChanged)}
    _, effects = step(state, ticks(position + 1, stored + HOUR, stored + 90 * DAY, 6 * HOUR), IN_FORCE)
    asked = asked_for(effects)
    assert asked, "a stage that changes now is news, whatever the age of the evidence"
    assert all(effect.stage != before for effect in asked if isinstance(effect, ActionRequested))
