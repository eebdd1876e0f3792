"""Proves that what a cmi5 registration counts depends on the set of its statements alone.

Whatever the order of arrival, the batches, the repeats and the voids: the same bytes, and the rule of the
specification computed in a second, plainer way gives the same set aside.
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carrythrough.evidence.cmi5 import MARKS_MAX
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import SUPERSEDED, VOIDED, VOIDED_VERB, Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.model import SHIPPED
from carrythrough.xapi.admission import decode_statement

NOW = 1_700_000_000_000
CMI5 = "https://w3id.org/xapi/cmi5/context/"
MAP = """
map: cmi5
version: 1
name: cmi5
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 10, noise_sd: 2, reliability: 0.4}]}]
skills: [{id: calm, name: Calm, kpis: [k]}, {id: fix, name: Fix, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/au/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
  - {id: done, name: Done, match: {activity: ["https://x.example/au/1"], verb: ["http://adlnet.gov/expapi/verbs/completed"]}, evidence: [{skill: fix, channel: practice, outcome: completion}]}
policy: {holdout: 0.0}
"""  # noqa: E501
IN_FORCE = InForce(Program(load_program(MAP, "map.yaml")), RosterIndex(Roster(people=()), b"k" * 32), SHIPPED)
ADL, W3ID = "http://adlnet.gov/expapi/verbs/", "https://w3id.org/xapi/adl/verbs/"

SHAPE = st.fixed_dictionaries(
    {
        "verb": st.sampled_from(
            [
                "passed",
                "failed",
                "passed",
                "failed",
                "completed",
                "launched",
                "abandoned",
                "waived",
                "initialized",
            ]
        ),
        "unit": st.integers(0, 1),
        "session": st.integers(0, 2),
        "at": st.integers(0, 6),
        "scaled": st.sampled_from([None, 0.2, 0.6, 0.9]),
        "mastery": st.sampled_from([None, None, 0.5, 0.8]),
        "mode": st.sampled_from(["Normal", "Normal", "Normal", "Review"]),
        "defined": st.sampled_from([True, True, True, False]),
        "lies": st.sampled_from([False, False, False, True]),
    }
)


def statement(number: int, shape: dict[str, Any]) -> Record:
    verb = shape["verb"]
    extensions: dict[str, Any] = {CMI5 + "extensions/sessionid": f"s{shape['session']}"}
    if shape["mastery"] is not None and verb in ("launched", "passed", "failed"):
        extensions[CMI5 + "extensions/masteryscore"] = shape["mastery"]
    if verb == "launched":
        extensions |= {CMI5 + "extensions/launchmode": shape["mode"], CMI5 + "extensions/moveon": "Passed"}
    result: dict[str, Any] = {}
    if verb in ("passed", "failed"):
        result["success"] = (verb == "passed") != shape["lies"]
        if shape["scaled"] is not None:
            result["score"] = {"scaled": shape["scaled"]}
    elif verb == "completed":
        result["completion"] = not shape["lies"]
    body = {
        "actor": {"account": {"homePage": "https://lms.example", "name": "ada"}},
        "verb": {"id": (W3ID if verb in ("abandoned", "waived") else ADL) + verb},
        "object": {"id": f"https://x.example/au/{shape['unit']}"},
        "result": result,
        "context": {
            "registration": "6d2e4a0e-6b5e-4f0e-9d1f-0c8f8d8f1a2b",
            "contextActivities": {"category": [{"id": CMI5 + "categories/cmi5"}] if shape["defined"] else []},
            "extensions": extensions,
        },
    }
    content = decode_statement(msgspec.json.encode(body))
    return Record(
        0, Kind.STATEMENT, 0, number.to_bytes(16, "big"), NOW - 10_000 + shape["at"] * 1000, content
    )


def void(number: int, target: int) -> Record:
    body = {
        "actor": {"mbox": "mailto:admin@x.example"},
        "verb": {"id": VOIDED_VERB},
        "object": {"objectType": "StatementRef", "id": str(uuid.UUID(int=target))},
    }
    content = decode_statement(msgspec.json.encode(body))
    return Record(0, Kind.STATEMENT, 0, number.to_bytes(16, "big"), NOW, content)


@st.composite
def registrations(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[Record]]:
    shapes = draw(st.lists(SHAPE, min_size=1, max_size=12))
    targets = draw(st.lists(st.integers(1, len(shapes)), max_size=3, unique=True))
    records = [statement(n, shape) for n, shape in enumerate(shapes, 1)]
    for number, shape in enumerate(shapes, 1):
        shape["number"], shape["void"] = number, number in targets
    return shapes, records + [void(100 + target, target) for target in targets]


def placed(records: list[Record]) -> list[Record]:
    return [msgspec.structs.replace(r, position=i, stored_ms=NOW) for i, r in enumerate(records, 1)]


def aside_by_the_book(shapes: list[dict[str, Any]]) -> set[int]:
    """Apply the rules one after another to the statements in the order of (timestamp, id)."""
    aside: set[int] = set()
    real = [s for s in shapes if s["defined"] and not s["void"]]
    for unit in (0, 1):
        mine = sorted((s for s in real if s["unit"] == unit), key=lambda s: (s["at"], s["number"]))
        launches = [s for s in mine if s["verb"] == "launched"]
        passed = completed = False
        for s in mine:
            if s["verb"] not in ("passed", "failed", "completed"):
                continue
            launch = [one for one in launches if one["session"] == s["session"]][:1]
            earlier = [one for one in launches if (one["at"], one["number"]) < (s["at"], s["number"])][-1:]
            mastery = s["mastery"]
            if mastery is None and (launch or earlier):
                mastery = (launch or earlier)[0]["mastery"]
            ends = [
                one["at"] for one in mine if one["verb"] == "abandoned" and one["session"] == s["session"]
            ]
            wrong_score = (
                mastery is not None
                and s["scaled"] is not None
                and s["verb"] != "completed"
                and (s["scaled"] >= mastery) != (s["verb"] == "passed")
            )
            bad = (
                bool(launch and launch[0]["mode"] == "Review")
                or bool(ends and s["at"] > ends[0])
                or s["lies"]
            )
            again = completed if s["verb"] == "completed" else passed
            if bad or wrong_score or again:
                aside.add(s["number"])
            elif s["verb"] == "passed":
                passed = True
            elif s["verb"] == "completed":
                completed = True
    return aside


COMMON = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def standing(state: State) -> dict[tuple[Any, ...], int]:
    return {key: row.voided for key, row in state.rows.items()}


@given(registrations(), st.data())
@COMMON
def test_any_order_and_any_batches_give_the_same(
    drawn: tuple[list[dict[str, Any]], list[Record]], data: st.DataObject
) -> None:
    _, records = drawn
    shuffled = data.draw(st.permutations(records))
    one, _ = step(State(), placed(records), IN_FORCE)
    other = State()
    log = placed(shuffled + data.draw(st.lists(st.sampled_from(records), max_size=3)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(log)), max_size=5)))
    for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
        other, _ = step(other, log[start:end], IN_FORCE)
    assert one.evidence_bytes() == other.evidence_bytes()
    assert standing(one) == standing(other)


@given(registrations(), st.data())
@COMMON
def test_batches_change_neither_state_nor_effects(
    drawn: tuple[list[dict[str, Any]], list[Record]], data: st.DataObject
) -> None:
    _, records = drawn
    log = placed(data.draw(st.permutations(records)))
    whole, effects = step(State(), log, IN_FORCE)
    cut = data.draw(st.integers(0, len(log)))
    half, first = step(State(), log[:cut], IN_FORCE)
    both, second = step(half, log[cut:], IN_FORCE)
    assert both.all_bytes() == whole.all_bytes()
    assert first + second == effects


@given(registrations())
@COMMON
def test_what_stands_aside_is_what_the_specification_says(
    drawn: tuple[list[dict[str, Any]], list[Record]],
) -> None:
    shapes, records = drawn
    state, _ = step(State(), placed(records), IN_FORCE)
    aside = {int.from_bytes(key[3], "big") for key, row in state.rows.items() if row.voided & SUPERSEDED}
    evidence = {int.from_bytes(key[3], "big") for key in state.rows}
    assert aside == aside_by_the_book(shapes) & evidence
    silent = {
        s["number"] for s in shapes if s["defined"] and s["verb"] in ("launched", "abandoned", "waived")
    }
    assert not silent & evidence


def test_a_sender_in_a_loop_does_not_slow_everybody_down() -> None:
    shape = {"verb": "failed", "unit": 0, "session": 0, "at": 1, "scaled": None, "mastery": None,
             "mode": "Normal", "defined": True, "lies": False}  # fmt: skip
    records = placed([statement(number, shape) for number in range(1, MARKS_MAX + 21)])
    state, _ = step(State(), records, IN_FORCE)
    (marks,) = state.units.values()
    assert len(marks) == MARKS_MAX
    assert sum(row.voided == SUPERSEDED for row in state.rows.values()) == 20
    again, _ = step(state, placed(records[-5:]), IN_FORCE)
    assert again.evidence_bytes() == state.evidence_bytes()


@given(registrations())
@COMMON
def test_the_state_is_that_of_what_counts_alone(drawn: tuple[list[dict[str, Any]], list[Record]]) -> None:
    """A log with only the statements that count, none of them cmi5-defined, gives the same evidence."""
    _, records = drawn
    state, _ = step(State(), placed(records), IN_FORCE)
    counted = {key[3] for key, row in state.rows.items() if not row.voided & (SUPERSEDED | VOIDED)}
    plain = []
    for record in records:
        if record.id in counted:
            context = msgspec.structs.replace(record.content.context, context_activities=None)
            content = msgspec.structs.replace(record.content, context=context)
            plain.append(msgspec.structs.replace(record, content=content))
    alone, _ = step(State(), placed(plain), IN_FORCE)
    assert alone.evidence_bytes() == state.evidence_bytes()
