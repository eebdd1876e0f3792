"""Corrections and retractions count by what was said, not by when it came.

Any permutation, duplication and batching of events that correct and retract each other gives the same
bytes as the events that an independent reading of the rules leaves standing.
"""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carrythrough.events.performance import PerformanceEvent, source_id
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.model import SHIPPED

HOUR = 3_600_000
NOW = 20_000 * 24 * HOUR
MAP = """
map: corrections
version: 1
name: Corrections
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 10, noise_sd: 2, reliability: 0.4}]}]
skills: [{id: calm, name: Staying calm, kpis: [k], job_aid_minutes: 60}]
"""
IN_FORCE = InForce(Program(load_program(MAP, "map.yaml")), RosterIndex(Roster(people=()), b"k" * 32), SHIPPED)
SOURCE = "crm"
COMMON = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def record(number: int, who: int, score: int, age_h: int, kind: str = "qa-result", **more: Any) -> Record:
    members: dict[str, Any] = {
        "id": str(number), "source": SOURCE, "kind": kind, "time": "2024-01-01T00:00:00Z", "skill": "calm",
        "employee": f"e-{who}", **more,
    }  # fmt: skip
    if kind == "qa-result":
        members["outcome"] = {"score": score / 4}
    content = msgspec.convert(members, PerformanceEvent)
    return Record(0, Kind.EVENT, 0, source_id(SOURCE, str(number)), NOW - age_h * HOUR, content)


@st.composite
def histories(draw: st.DrawFn) -> list[Record]:
    """Events of two people; some correct or retract others, or ones that never come, or each other in a ring."""
    count = draw(st.integers(1, 12))
    records = []
    for number in range(count):
        what = draw(st.sampled_from(["fact", "fact", "correction", "correction", "retraction"]))
        target = str(draw(st.integers(0, count)))
        if target == str(number):
            what = "fact"
        who, score, age = draw(st.integers(0, 1)), draw(st.integers(0, 4)), draw(st.integers(0, 3))
        if what == "fact":
            kind = draw(st.sampled_from(["qa-result", "qa-result", "job-aid-use", "opportunity"]))
            records.append(record(number, who, score, age, kind))
        elif what == "correction":
            revision = draw(st.integers(0, 2))
            records.append(record(number, who, score, age, corrects=target, revision=revision))
        else:
            records.append(record(number, who, score, age, "retraction", retracts=target))
    return records


def standing(records: list[Record]) -> list[Record]:
    """Return the events that count, by the rules read one by one to their end."""
    events: dict[str, Record] = {r.content.id: r for r in records}
    gone = {e.content.retracts for e in events.values() if e.content.retracts}
    corrections = [e for e in events.values() if e.content.corrects]
    for one in corrections:
        rivals = [e for e in corrections if e.content.corrects == one.content.corrects]
        if one is not max(rivals, key=lambda e: (e.content.revision, e.t_ms, e.id)):
            gone.add(one.content.id)
    while more := {e.content.id for e in corrections if e.content.corrects in gone} - gone:
        gone |= more
    replaced = {e.content.corrects for e in corrections}
    kept = [e for name, e in events.items() if name not in gone | replaced and not e.content.retracts]
    return [
        msgspec.structs.replace(e, content=msgspec.structs.replace(e.content, corrects="", revision=0))
        for e in kept
    ]


def placed(records: list[Record]) -> list[Record]:
    return [msgspec.structs.replace(r, position=i + 1, stored_ms=NOW + i) for i, r in enumerate(records)]


@given(histories(), st.data())
@COMMON
def test_what_stands_is_what_counts_in_any_order(records: list[Record], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(records))
    state, _ = step(State(), placed(shuffled), IN_FORCE)
    never, _ = step(State(), placed(standing(records)), IN_FORCE)
    assert state.evidence_bytes() == never.evidence_bytes()


@given(histories(), st.data())
@COMMON
def test_repeats_and_batches_change_nothing(records: list[Record], data: st.DataObject) -> None:
    repeats = data.draw(st.lists(st.sampled_from(records), max_size=6))
    log = placed(records + repeats)
    once, effects = step(State(), placed(records), IN_FORCE)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(log)), max_size=5)))
    state, pieces = State(), []
    for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
        state, more = step(state, log[start:end], IN_FORCE)
        pieces += more
    assert state.all_bytes() == once.all_bytes()
    assert pieces == effects


def test_a_correction_replaces_and_a_retraction_subtracts() -> None:
    first, second = record(1, 0, 0, 2), record(2, 0, 4, 1)
    correction = record(3, 0, 4, 2, corrects="1")
    retraction = record(4, 0, 0, 0, "retraction", retracts="1")

    def evidence(*records: Record) -> bytes:
        return step(State(), placed(list(records)), IN_FORCE)[0].evidence_bytes()

    # Stamped with the event's own id, so the bytes of sums are compared through events of that id.
    assert evidence(first, second, correction) == evidence(second, record(3, 0, 4, 2))
    assert evidence(first, second, correction) != evidence(first, second)
    assert evidence(first, second, correction, retraction) == evidence(second)
    assert evidence(retraction, correction, second, first) == evidence(second)


def test_the_last_revision_stands_whatever_came_last() -> None:
    fact = record(1, 0, 0, 2)
    old, new = record(2, 0, 1, 2, corrects="1", revision=1), record(3, 0, 3, 2, corrects="1", revision=2)
    wanted = step(State(), placed([record(3, 0, 3, 2)]), IN_FORCE)[0].evidence_bytes()
    for order in ([fact, old, new], [new, old, fact], [old, fact, new]):
        assert step(State(), placed(order), IN_FORCE)[0].evidence_bytes() == wanted


def test_another_source_takes_nothing_back() -> None:
    fact = record(1, 0, 4, 2)
    other = msgspec.structs.replace(
        record(2, 0, 0, 0, "retraction", retracts="1").content, source="elsewhere"
    )
    foreign = Record(0, Kind.EVENT, 0, source_id("elsewhere", "2"), NOW, other)
    state, _ = step(State(), placed([fact, foreign]), IN_FORCE)
    assert state.evidence_bytes() == step(State(), placed([fact]), IN_FORCE)[0].evidence_bytes()
