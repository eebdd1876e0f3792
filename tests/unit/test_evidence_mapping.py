"""Proves how statements and events become evidence: what counts, how much, and what never does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from carrythrough.events.types import EventOutcome, Observer, PerformanceEvent
from carrythrough.evidence.mapping import (
    P_ITEM_DEFAULT,
    SKEW_MS_MAX,
    evidence_of_event,
    evidence_of_statement,
)
from carrythrough.evidence.types import (
    FLAG_ASSISTED,
    FLAG_CLAMPED,
    FLAG_OPPORTUNITY_ONLY,
    W_ONE,
    Y_ONE,
    Channel,
    Evidence,
)
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.xapi.statement import Activity, Agent, Definition, Result, Score, Statement, Verb

ADL = "http://adlnet.gov/expapi/verbs/"
SOURCE = b"0123456789abcdef"
NOW = 1_790_000_000_000


def program_of(**changes: Any) -> Program:
    """Return a program with one activity (prefix https://x/) and one event rule of the skill "s"."""
    evidence = {"skill": "s", "channel": "learn", "outcome": "score"} | changes.pop("evidence", {})
    kpi = {"id": "k", "name": "K", "target": 10.0, "noise_sd": 2.0, "reliability": 0.25} | changes.pop(
        "kpi", {}
    )
    document = {
        "map": "m",
        "version": 7,
        "name": "M",
        "goals": [{"id": "g", "name": "G", "kpis": [kpi]}],
        "skills": [{"id": "s", "name": "S", "kpis": ["k"], "job_aid_minutes": 30}],
        "activities": [
            {"id": "a", "name": "A", "match": {"activity_prefix": "https://x/"}, "evidence": [evidence]}
        ],
    } | changes
    return Program(load_program(msgspec.json.encode(document).decode(), "m.json"))


def statement(verb: str = "answered", definition: Definition | None = None, **result: Any) -> Statement:
    return Statement(
        actor=Agent(mbox="mailto:a@b.c"),
        verb=Verb(ADL + verb),
        object=Activity("https://x/1", definition),
        result=Result(**result) if result else None,
    )


def one(program: Program, st: Statement, event_ms: int = NOW, stored_ms: int = NOW) -> Evidence:
    (evidence,) = evidence_of_statement(program, st, SOURCE, event_ms, stored_ms)
    return evidence


def outcome(program: Program, st: Statement) -> float | None:
    """Return the outcome as a share, None when the statement is mere exposure."""
    e = one(program, st)
    if e.channel == Channel.EXPOSURE:
        assert (e.y, e.w, e.p_item, e.item) == (0, 0, 0, "")
        return None
    assert e.channel == Channel.LEARN
    return e.y / Y_ONE


@pytest.mark.parametrize(
    ("score", "share"),
    [
        (Score(scaled=0.75), 0.75),
        (Score(scaled=1.0), 1.0),
        (Score(scaled=-0.4), 0.0),
        (Score(scaled=1.5), 1.0),
        (Score(scaled=0.5, raw=9, min=0, max=10), 0.5),
        (Score(raw=3, min=1, max=5), 0.5),
        (Score(raw=-3, min=-5, max=5), 0.2),
        (Score(raw=8, max=10), 0.8),
        (Score(raw=12, min=0, max=10), 1.0),
        (Score(raw=-1, max=10), 0.0),
        (Score(raw=8), None),
        (Score(raw=8, min=0), None),
        (Score(raw=8, min=8, max=8), None),
        (Score(raw=1, max=0), None),
        (Score(min=0, max=10), None),
        (Score(raw=1e308, min=-1e308, max=1e308), None),
    ],
)
def test_a_score_is_a_share_of_what_could_be_reached(score, share) -> None:
    found = outcome(program_of(), statement(score=score))
    assert found == (None if share is None else pytest.approx(share, abs=1 / Y_ONE))


@pytest.mark.parametrize(
    ("verb", "result", "share"),
    [
        ("answered", {"success": True}, 1.0),
        ("answered", {"success": False}, 0.0),
        ("passed", {}, 1.0),
        ("failed", {}, 0.0),
        ("passed", {"score": Score(scaled=0.9)}, 0.9),
        ("failed", {"success": True}, 1.0),
        ("answered", {"score": Score(raw=8), "success": False}, 0.0),
        ("answered", {"score": Score(scaled=0.0), "success": True}, 1.0),
        ("answered", {"score": Score(scaled=0.0), "success": False}, 0.0),
        ("answered", {"score": Score(scaled=0.3), "success": True}, 0.3),
        ("completed", {}, None),
        ("completed", {"completion": True}, None),
        ("initialized", {}, None),
        ("answered", {"response": "b"}, None),
        ("answered", {"duration": "PT3S"}, None),
    ],
)
def test_score_falls_back_on_success_and_never_on_completion(verb, result, share) -> None:
    assert outcome(program_of(), statement(verb, **result)) == (
        None if share is None else pytest.approx(share, abs=1 / Y_ONE)
    )


@pytest.mark.parametrize(
    ("verb", "result", "share"),
    [
        ("answered", {"success": True, "score": Score(scaled=0.2)}, 1.0),
        ("failed", {"score": Score(scaled=0.9)}, 0.0),
        ("answered", {"score": Score(scaled=0.25)}, 0.25),
        ("completed", {"completion": True}, None),
    ],
)
def test_success_prefers_the_word_to_the_number(verb, result, share) -> None:
    program = program_of(evidence={"outcome": "success"})
    assert outcome(program, statement(verb, **result)) == share


@pytest.mark.parametrize(
    ("verb", "result", "share"),
    [
        ("completed", {}, 1.0),
        ("completed", {"completion": False}, 0.0),
        ("answered", {"completion": True}, 1.0),
        ("answered", {"success": True}, None),
        ("answered", {"score": Score(scaled=1.0)}, None),
    ],
)
def test_completion_counts_only_where_the_map_asks_for_it(verb, result, share) -> None:
    program = program_of(evidence={"outcome": "completion"})
    assert outcome(program, statement(verb, **result)) == share


def test_outcome_none_is_exposure_whatever_was_scored() -> None:
    program = program_of(evidence={"outcome": "none"})
    assert outcome(program, statement(success=True, score=Score(scaled=1.0))) is None


def test_weight_zero_is_exposure() -> None:
    assert outcome(program_of(evidence={"weight": 0}), statement(success=True)) is None


def test_everything_of_an_outcome_is_stamped() -> None:
    program = program_of(
        evidence={"channel": "practice", "weight": 2.0, "item": "activity", "difficulty": 0.25}
    )
    assert one(program, statement(score=Score(scaled=0.5))) == Evidence(
        source=SOURCE,
        skill="s",
        channel=Channel.PRACTICE,
        t_ms=NOW,
        y=Y_ONE // 2,
        w=2 * W_ONE,
        p_item=Y_ONE // 4,
        item="https://x/1",
        rule="a",
        map_version=7,
    )


def test_an_opinion_is_voice_even_where_the_map_asks_for_a_score() -> None:
    likert = Definition(type="http://adlnet.gov/expapi/activities/cmi.interaction", interaction_type="likert")
    e = one(program_of(), statement(definition=likert, score=Score(raw=5, min=1, max=5), response="likert_5"))
    assert (e.channel, e.y, e.w) == (Channel.VOICE, 0, 0)


@pytest.mark.parametrize(
    ("kind", "pattern", "response", "right"),
    [
        ("true-false", ("true",), "true", True),
        ("true-false", ("true",), "false", False),
        ("choice", ("golf[,]tetris",), "tetris[,]golf", True),
        ("choice", ("golf[,]tetris",), "golf", False),
        ("choice", ("a", "b"), "b", True),
        ("sequencing", ("tim[,]mike",), "mike[,]tim", False),
        ("matching", ("ben[.]3[,]chris[.]2",), "chris[.]2[,]ben[.]3", True),
        ("numeric", ("4[:]",), "5", True),
        ("numeric", ("[:]4",), "5", False),
        ("numeric", ("4.0",), "4", True),
        ("numeric", ("4",), "four", False),
        ("fill-in", ("Bob's your uncle",), "bob's your uncle", True),
        ("fill-in", ("{case_matters=true}Bob",), "bob", False),
        ("fill-in", ("{case_matters=true}{lang=en}Bob",), "Bob", True),
        ("fill-in", ("{order_matters=false}a[,]b",), "b[,]a", True),
        ("fill-in", ("a[,]b",), "b[,]a", False),
        ("long-fill-in", ("{lang=en}x",), "{lang=en}X", True),
        ("performance", ("pong[.]1:[,]dg[.]:10",), "pong[.]1:[,]dg[.]:10", True),
    ],
)
def test_an_unmarked_answer_is_marked_by_its_pattern(kind, pattern, response, right) -> None:
    definition = Definition(interaction_type=kind, correct_responses_pattern=pattern)
    assert outcome(program_of(), statement(definition=definition, response=response)) == float(right)


def test_what_the_sender_marked_is_not_marked_again() -> None:
    definition = Definition(interaction_type="choice", correct_responses_pattern=("a",))
    assert outcome(program_of(), statement(definition=definition, response="a", success=False)) == 0.0


@pytest.mark.parametrize("channel", ["exposure", "support", "voice"])
def test_channels_without_outcomes_carry_none(channel) -> None:
    program = program_of(evidence={"channel": channel, "outcome": "none"})
    e = one(program, statement(success=True, score=Score(scaled=1.0)))
    assert (e.channel, e.y, e.w) == (Channel[channel.upper()], 0, 0)
    assert e.window_s == (1800 if channel == "support" else 0)


def test_a_time_in_the_future_is_clamped_and_flagged() -> None:
    program, st = program_of(), statement(success=True)
    assert one(program, st, NOW + SKEW_MS_MAX).t_ms == NOW + SKEW_MS_MAX
    assert one(program, st, NOW + SKEW_MS_MAX).flags == 0
    late = one(program, st, NOW + SKEW_MS_MAX + 1)
    assert (late.t_ms, late.flags) == (NOW, FLAG_CLAMPED)
    assert one(program, st, NOW - 10**12).t_ms == NOW - 10**12
    assert one(program, st, -1).t_ms == NOW


def test_an_unmapped_statement_says_nothing() -> None:
    other = msgspec.structs.replace(statement(success=True), object=Activity("https://elsewhere/1"))
    assert evidence_of_statement(program_of(), other, SOURCE, NOW, NOW) == ()


# Performance events


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
        ("self-report", Channel.VOICE, 0, 0),
        ("opportunity", Channel.JOB, FLAG_OPPORTUNITY_ONLY, 0),
    ],
)
def test_kinds_that_are_no_outcomes_never_carry_one(kind, channel, flags, window_s) -> None:
    more = {"outcome": EventOutcome(score=1.0)} if kind == "self-report" else {}
    e = event_evidence(program_of(), event(kind, **more))
    assert (e.channel, e.y, e.w, e.p_item, e.flags, e.window_s) == (channel, 0, 0, 0, flags, window_s)


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
