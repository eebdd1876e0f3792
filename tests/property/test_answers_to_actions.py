"""Answers to actions through the pipeline: never an outcome, the same in any order and batching, and obeyed.

Histories of job results, ticks and answers are folded with the answers in any order and some of them twice: no
score or stage differs from the history without them, what people want is the same, and nothing that somebody
answered away is sent to them afterwards.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.events.performance import admit_events
from carrythrough.evidence.types import Channel
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Person, Roster
from carrythrough.pipeline.delta import Delta
from carrythrough.pipeline.effects import ActionAnswered, ActionRequested, ScoreChanged, StageChanged
from carrythrough.pipeline.fold import Fold
from carrythrough.pipeline.plan import InForce, plan
from carrythrough.pipeline.records import Kind, Record
from carrythrough.pipeline.replying import wishes_of
from carrythrough.pipeline.step import State, batches, merged, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.model import SHIPPED

DAY = 86_400_000
NOW = 1_790_000_000_000
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 1}]}]
skills: [{id: calm, name: Calm, kpis: [k]}, {id: fix, name: Fix, kpis: [k]}]
events: [{id: any, match: {source: crm}, evidence: [{skill: calm, channel: job}, {skill: fix, channel: job}]}]
reinforcement: [{id: r, when: {score_below: 0.9, certainty: 0.5}, action: nudge, title: T, body: B, link: "https://x.example/", adapters: [console]}]
policy: {holdout: 0.0, choice: first, minimum_outcomes: 1, minimum_effective: 0.0, per_day: 10, per_week: 50, cooldown_h: 1, quiet: {from: "00:00", to: "00:00"}, days_off: []}
"""  # noqa: E501
PROGRAM = Program(load_program(MAP, "map.yaml"))
ROSTER = RosterIndex(Roster(people=(Person(id="e-1"), Person(id="e-2"))), b"k" * 32)
IN_FORCE = InForce(PROGRAM, ROSTER, SHIPPED)
SUBJECT = ROSTER.subject_of_employee("e-1")

ANSWERS: dict[str, dict[str, Any]] = {
    "done": {},
    "not-now": {"days": 5},
    "not-relevant": {"rule": "r"},
    "applied": {},
    "disagree": {"text": "no"},
    "unsubscribe": {"topic": "nudge"},
}


def admitted(position: int, stored_ms: int, document: dict[str, Any]) -> Record:
    [one] = admit_events(json.dumps(document).encode(), "application/json")
    return Record(position, Kind.EVENT, stored_ms, one.id, one.t_ms, one.event)


def record(position: int, day: int, entry: Any, number: int) -> Record:
    """Return the record of an entry, stored on a day; number: its identity, the same for a repeat."""
    kind, who, what = entry
    stored = NOW + day * DAY
    if kind == "tick":
        return Record(position, Kind.TICK, stored, b"", -1, None)
    time = "2026-09-21T20:00:00Z"
    made = {"id": str(number), "source": "crm", "time": time, "employee": who}
    if kind == "job":
        return admitted(position, stored, made | {"kind": "qa-result", "outcome": {"met": what}})
    answer, skill = what
    reply = {"action": f"a-{number}", "answer": answer} | ANSWERS[answer]
    more: dict[str, Any] = {"outcome": {"score": 1.0}} if answer == "applied" else {}
    return admitted(position, stored, made | {"kind": "action-answer", "skill": skill, "reply": reply} | more)


jobs = st.tuples(st.just("job"), st.sampled_from(("e-1", "e-2")), st.booleans())
ticks = st.tuples(st.just("tick"), st.none(), st.none())
said = st.tuples(
    st.just("said"),
    st.sampled_from(("e-1", "e-2")),
    st.tuples(st.sampled_from(sorted(ANSWERS)), st.sampled_from(("calm", "fix"))),
)


def scores(effects: list[Any]) -> list[bytes]:
    return [msgspec.json.encode(e) for e in effects if isinstance(e, ScoreChanged | StageChanged)]


@settings(max_examples=50, deadline=None)
@given(st.lists(said, max_size=8), st.lists(jobs, min_size=1, max_size=6), st.randoms())
def test_answers_in_any_order_and_twice_come_to_the_same(
    answers: list[Any], outcomes: list[Any], chance: Any
) -> None:
    given_ = list(enumerate([*outcomes, *answers]))
    other = given_ + [pair for pair in given_ if pair[1][0] == "said"][:3]
    chance.shuffle(other)
    states = []
    for order in (given_, other):
        state, effects = step(State(), [record(at + 1, 0, e, n) for at, (n, e) in enumerate(order)], IN_FORCE)
        answered = [e for e in effects if isinstance(e, ActionAnswered)]
        assert len({e.id for e in answered}) == len(answered)
        states.append(state)
    first, second = states
    assert first.evidence_bytes() == second.evidence_bytes()
    for employee in ("e-1", "e-2"):
        subject = ROSTER.subject_of_employee(employee)
        assert wishes_of(first.replies(subject)) == wishes_of(second.replies(subject))
    for row in first.rows.values():
        if row.evidence.rule == "action-answer":
            assert (row.evidence.channel, row.evidence.y, row.evidence.w) == (Channel.VOICE, 0, 0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(jobs, ticks, said), max_size=15), st.integers(1, 4))
def test_answers_move_no_score_are_obeyed_and_do_not_depend_on_batching(
    history: list[Any], width: int
) -> None:
    records = [record(n + 1, n, entry, n) for n, entry in enumerate(history)]
    whole, effects = step(State(), records, IN_FORCE)
    without = [r for r, entry in zip(records, history, strict=True) if entry[0] != "said"]
    _, bare = step(State(), without, IN_FORCE)
    job_rows = [r for r in whole.rows.values() if r.evidence.channel == Channel.JOB]
    assert len(job_rows) == 2 * sum(entry[0] == "job" for entry in history)
    assert {e.score for e in effects if isinstance(e, ScoreChanged) and e.source} == {
        e.score for e in bare if isinstance(e, ScoreChanged) and e.source
    }
    state, seen = State(), []
    for start in range(0, len(records), width):
        for batch in batches(records[start : start + width]):
            delta: Delta = Fold(state, IN_FORCE).run(plan(batch, IN_FORCE))
            state, seen = merged(state, delta), seen + delta.effects
    assert state.all_bytes() == whole.all_bytes()
    assert [msgspec.json.encode(e) for e in seen] == [msgspec.json.encode(e) for e in effects]
    assert obeyed(history, effects)


def obeyed(history: list[Any], effects: list[Any]) -> bool:
    """Say whether no push went to anybody after they answered it away (all rules here are "r", all nudges)."""
    for action in effects:
        if not isinstance(action, ActionRequested):
            continue
        day = (action.as_of_ms - NOW) // DAY
        for before, (kind, who, what) in enumerate(history[: day + 1]):
            if kind != "said" or ROSTER.subject_of_employee(who) != action.subject or before >= day:
                continue
            answer, skill = what
            if answer in ("not-relevant", "unsubscribe"):
                return False
            said_ms = admitted(1, NOW, {
                "id": "x", "source": "s", "time": "2026-09-21T20:00:00Z", "employee": who, "kind": "opportunity",
                "skill": skill,
            }).t_ms  # fmt: skip
            if answer == "not-now" and skill == action.skill and action.as_of_ms < said_ms + 5 * DAY:
                return False
    return True


def test_an_answer_clears_what_looked_ignored_and_carries_what_was_said() -> None:
    job = ("job", "e-1", False)
    records = [
        record(1, 0, job, 1),
        record(2, 2, ("tick", None, None), 2),
        record(3, 4, ("tick", None, None), 3),
    ]
    state, effects = step(State(), records, IN_FORCE)
    pushes = [e for e in effects if isinstance(e, ActionRequested) and e.skill == "calm"]
    assert pushes
    ignored = state.learners[SUBJECT].pairs["calm"].published.ignored
    assert ignored == len(pushes)
    after, effects = step(state, [record(4, 5, ("said", "e-1", ("done", "calm")), 4)], IN_FORCE)
    assert after.learners[SUBJECT].pairs["calm"].published.ignored == 0
    [answered] = [e for e in effects if isinstance(e, ActionAnswered)]
    assert (answered.answer, answered.action, answered.pushes) == ("done", "a-4", ignored)
