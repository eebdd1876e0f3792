"""Proves that a state folded into in place is the state that `step` returns as a value, tick by tick, void by void."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.events.performance import PerformanceEvent
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.pipeline.live import LiveState
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import VOIDED_VERB, Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.codec import encode_learner
from carrythrough.scoring.model import SHIPPED
from carrythrough.xapi.admission import decode_statement

DAY = 86_400_000
BEGIN = 20_000 * DAY
MAP = """
map: live
version: 1
name: Live
skills: [{id: calm, name: Calm}, {id: fix, name: Fix}]
activities:
  - id: quiz
    name: Quiz
    match: {activity_prefix: "https://x.example/quiz/"}
    evidence:
      - {skill: calm, channel: learn, outcome: score, item: activity}
      - {skill: fix, channel: practice, outcome: score}
events:
  - {id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}
  - {id: aid, match: {kind: job-aid-use}, evidence: [{skill: calm, channel: support}]}
reinforcement:
  - {id: use-it, when: {stage: unapplied}, action: nudge, title: t, body: b, adapters: [console]}
  - {id: let-go, when: {stage: applied-with-support}, action: fade-job-aid, title: t, body: b, adapters: [console]}
"""
IN_FORCE = InForce(Program(load_program(MAP, "m.yaml")), RosterIndex(Roster(people=()), b"k" * 32), SHIPPED)


def record(number: int, at_ms: int, chance: random.Random) -> Record:
    who, key = chance.randint(1, 2), number.to_bytes(16, "big")
    kind = chance.choice(["quiz", "quiz", "quiz", "qa-result", "job-aid-use", "void", "tick", "tick"])
    if kind == "tick":
        return Record(number, Kind.TICK, at_ms, b"", -1, None)
    if kind in ("quiz", "void"):
        body: dict[str, object] = {
            "actor": {"mbox": f"mailto:p{who}@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/quiz/{number % 3}"},
            "result": {"score": {"scaled": chance.choice([0.0, 0.5, 1.0])}},
        }
        if kind == "void":
            target = f"{chance.randint(1, number):032x}"
            uuid = "-".join((target[:8], target[8:12], target[12:16], target[16:20], target[20:]))
            body |= {"verb": {"id": VOIDED_VERB}, "object": {"objectType": "StatementRef", "id": uuid}}
            del body["result"]
        return Record(number, Kind.STATEMENT, at_ms, key, at_ms, decode_statement(msgspec.json.encode(body)))
    members = {"id": str(number), "source": "s", "kind": kind, "time": "2024-01-01T00:00:00Z"}
    event = members | {"actor": {"mbox": f"mailto:p{who}@x.example"}}
    if kind == "qa-result":
        event["outcome"] = {"met": chance.random() < 0.7}  # type: ignore[assignment]
    return Record(number, Kind.EVENT, at_ms, key, at_ms, msgspec.convert(event, PerformanceEvent))


@given(seed=st.integers(0, 2**32), count=st.integers(1, 120))
@settings(max_examples=40)
def test_a_live_state_is_the_state_of_step(seed: int, count: int) -> None:
    chance = random.Random(seed)
    at_ms, records = BEGIN, []
    for number in range(1, count + 1):
        at_ms += chance.choice([60_000, 3_600_000, DAY, 9 * DAY])
        records.append(record(number, at_ms, chance))
    state, effects = step(State(), records, IN_FORCE)
    live, found = LiveState(), []
    while records:
        size = chance.randint(1, 20)
        found += live.fold(records[:size], IN_FORCE)
        records = records[size:]
    assert found == effects
    assert {s: encode_learner(x) for s, x in live.learners.items()} == {
        s: encode_learner(x) for s, x in state.learners.items()
    }
    assert live.rows == state.rows
    assert live.voids == state.voids
