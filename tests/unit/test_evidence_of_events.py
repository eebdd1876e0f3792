"""Proves how performance events become evidence: weight by who says it, standards, and what never counts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from carrythrough.events.types import EventOutcome, Observer, PerformanceEvent
from carrythrough.evidence.mapping import P_ITEM_DEFAULT, evidence_of_event
from carrythrough.evidence.types import (
    FLAG_ASSISTED,
    FLAG_CLAMPED,
    FLAG_OPPORTUNITY_ONLY,
    FLAG_STATED,
    W_ONE,
    Y_ONE,
    Channel,
    Evidence,
)
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program

SOURCE = b"0123456789abcdef"
NOW = 1_790_000_000_000


def program_of(**changes: Any) -> Program:
    """Return a program with the skill "s" and the KPI "k"; nothing maps events but their own skill."""
    kpi = {"id": "k", "name": "K", "target": 10.0, "noise_sd": 2.0, "reliability": 0.25}
    document = {
        "map": "m",
        "version": 7,
        "name": "M",
        "goals": [{"id": "g", "name": "G", "kpis": [kpi | changes.pop("kpi", {})]}],
        "skills": [{"id": "s", "name": "S", "kpis": ["k"], "job_aid_minutes": 30}],
    } | changes
    return Program(load_program(msgspec.json.encode(document).decode(), "m.json"))


def event(kind: str = "qa-result", skill: str = "s", **more: Any) -> PerformanceEvent:
    return PerformanceEvent(
        id="1", source="crm", kind=kind, time="2026-11-01T10:00:00Z", employee="e-1", skill=skill, **more
    )


def event_evidence(program: Program, ev: PerformanceEvent) -> Evidence:
    (evidence,) = evidence_of_event(program, ev, SOURCE, NOW, NOW)
    return evidence


MET = EventOutcome(met=True)


@pytest.mark.parametrize(
    ("ev", "channel", "y", "w"),
    [
        (event("qa-result", outcome=MET), Channel.JOB, 1.0, 1.0),
        (event("task-outcome", outcome=EventOutcome(met=False)), Channel.JOB, 0.0, 1.0),
        (event("task-outcome", outcome=EventOutcome(score=0.8)), Channel.JOB, 0.8, 1.0),
        (event("observation", outcome=MET, observer=Observer(role="manager")), Channel.OBSERVED, 1.0, 0.5),
        (event("observation", outcome=MET, observer=Observer(role="peer")), Channel.OBSERVED, 1.0, 0.3),
        (event("observation", outcome=MET), Channel.OBSERVED, 1.0, 0.3),
        (event("kpi-reading", kpi="k", outcome=EventOutcome(value=10.0)), Channel.JOB, 0.5, 0.25),
        (event("kpi-reading", kpi="k", outcome=EventOutcome(value=12.0)), Channel.JOB, 0.8413447, 0.25),
        (event("kpi-reading", kpi="k", outcome=EventOutcome(value=99.0)), Channel.JOB, 1.0, 0.25),
        (event("kpi-reading", kpi="unknown", outcome=MET), Channel.JOB, 1.0, 0.3),
        (event("task-outcome", kpi="k", outcome=EventOutcome(value=8.0)), Channel.JOB, 0.1586553, 1.0),
    ],
)
def test_outcomes_weigh_what_they_should(ev, channel, y, w) -> None:
    e = event_evidence(program_of(), ev)
    assert e.channel == channel
    assert e.y / Y_ONE == pytest.approx(y, abs=1 / Y_ONE)
    assert e.w == round(w * W_ONE)
    assert (e.flags, e.p_item, e.rule, e.map_version) == (0, P_ITEM_DEFAULT, ev.kind, 7)


@pytest.mark.parametrize(
    ("kpi", "value", "share"),
    [
        ({"direction": "down"}, 8.0, 0.8413447),
        ({"direction": "down", "noise_sd": 0.0}, 10.0, 1.0),
        ({"noise_sd": 0.0}, 9.999, 0.0),
        ({"noise_sd": 0.0}, 10.0, 1.0),
    ],
)
def test_a_reading_is_held_against_the_standard(kpi, value, share) -> None:
    e = event_evidence(program_of(kpi=kpi), event("kpi-reading", kpi="k", outcome=EventOutcome(value=value)))
    assert e.y / Y_ONE == pytest.approx(share, abs=1 / Y_ONE)


def test_a_reading_without_target_is_a_chance_without_outcome() -> None:
    program = program_of(kpi={"target": None})
    e = event_evidence(program, event("kpi-reading", kpi="k", outcome=EventOutcome(value=1.0)))
    assert (e.channel, e.y, e.w, e.flags) == (Channel.JOB, 0, 0, FLAG_OPPORTUNITY_ONLY)


@pytest.mark.parametrize(
    ("program", "ev"),
    [
        (program_of(), event("qa-result", outcome=MET, grain="team")),
        (program_of(kpi={"grain": "team"}), event("kpi-reading", kpi="k", outcome=EventOutcome(value=99.0))),
        (program_of(), event("qa-result", skill="unknown", outcome=MET)),
        (program_of(), event("qa-result", skill="", outcome=MET)),
    ],
)
def test_what_is_not_about_a_person_and_a_known_skill_says_nothing(program, ev) -> None:
    assert evidence_of_event(program, ev, SOURCE, NOW, NOW) == ()


@pytest.mark.parametrize(
    ("kind", "channel", "flags", "window_s"),
    [
        ("job-aid-use", Channel.SUPPORT, 0, 1800),
        ("self-report", Channel.VOICE, FLAG_STATED, 0),
        ("opportunity", Channel.JOB, FLAG_OPPORTUNITY_ONLY, 0),
    ],
)
def test_kinds_that_are_no_outcomes_never_carry_one(kind, channel, flags, window_s) -> None:
    more = {"outcome": EventOutcome(score=1.0)} if kind == "self-report" else {}
    e = event_evidence(program_of(), event(kind, **more))
    assert (e.channel, e.w, e.p_item, e.flags, e.window_s) == (channel, 0, 0, flags, window_s)
    assert e.y == (Y_ONE if flags & FLAG_STATED else 0)  # how sure they said to be, which weighs nothing


def test_the_kind_overrules_the_channel_of_the_map() -> None:
    rule = {"id": "r", "match": {"source": "crm"}, "evidence": [{"skill": "s", "channel": "job"}]}
    program = program_of(events=[rule])
    assert event_evidence(program, event("self-report", outcome=MET)).channel == Channel.VOICE
    assert event_evidence(program, event("observation", outcome=MET)).channel == Channel.OBSERVED
    assert event_evidence(program, event("job-aid-use")).channel == Channel.SUPPORT


@pytest.mark.parametrize(
    ("more", "assisted"),
    [
        ({}, False),
        ({"assisted": True}, True),
        ({"minutes_of_support": 30}, True),
        ({"minutes_of_support": 30.5}, False),
    ],
)
def test_help_at_hand_is_flagged(more, assisted) -> None:
    e = event_evidence(program_of(), event("task-outcome", outcome=MET, **more))
    assert e.flags == (FLAG_ASSISTED if assisted else 0)


def test_rules_name_skills_for_events_that_do_not() -> None:
    program = program_of(
        skills=[{"id": "s", "name": "S", "kpis": ["k"]}, {"id": "t", "name": "T"}],
        events=[
            {"id": "r1", "match": {"kind": "qa-result", "activity": "call"},
             "evidence": [{"skill": "s"}, {"skill": "t", "channel": "observed", "weight": 0.5}]},
            {"id": "r2", "match": {"kind": "qa-result"}, "evidence": [{"skill": "s", "weight": 4}]},
        ],
    )  # fmt: skip
    both = evidence_of_event(program, event(skill="", activity="call", outcome=MET), SOURCE, NOW, NOW)
    assert [(e.skill, e.rule, e.channel, e.w) for e in both] == [
        ("s", "r1", Channel.JOB, W_ONE),
        ("t", "r1", Channel.OBSERVED, W_ONE // 2),
    ]
    (other,) = evidence_of_event(program, event(skill="", activity="mail", outcome=MET), SOURCE, NOW, NOW)
    assert (other.rule, other.w) == ("r2", 4 * W_ONE)
    (named,) = evidence_of_event(program, event(skill="t", activity="call", outcome=MET), SOURCE, NOW, NOW)
    assert (named.skill, named.rule) == ("t", "r1")
    (default,) = evidence_of_event(program, event(skill="t", activity="mail", outcome=MET), SOURCE, NOW, NOW)
    assert (default.skill, default.rule, default.channel) == ("t", "qa-result", Channel.JOB)


def test_event_times_are_clamped_like_statement_times() -> None:
    (e,) = evidence_of_event(program_of(), event(outcome=MET), SOURCE, NOW + 10**12, NOW)
    assert (e.t_ms, e.flags) == (NOW, FLAG_CLAMPED)
