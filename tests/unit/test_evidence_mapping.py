"""Proves how statements become evidence: what is an outcome, how good it was, and what is mere exposure."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from carrythrough.evidence.mapping import (
    SKEW_MS_MAX,
    evidence_of_statement,
)
from carrythrough.evidence.types import (
    FLAG_CLAMPED,
    FLAG_STATED,
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
    """Return a program with one activity (prefix https://x/) of the skill "s"."""
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


@pytest.mark.parametrize(
    ("definition", "response"),
    [
        (Definition(interaction_type="choice"), "a"),
        (Definition(correct_responses_pattern=("a",)), "a"),
        (Definition(interaction_type="unheard-of", correct_responses_pattern=("a",)), "a"),
        (Definition(interaction_type="choice", correct_responses_pattern=("a",)), "a" * 5_000),
        (Definition(interaction_type="choice", correct_responses_pattern=("a",) * 101), "a"),
        (None, "a"),
    ],
)
def test_an_answer_that_cannot_be_marked_is_exposure(definition, response) -> None:
    assert outcome(program_of(), statement(definition=definition, response=response)) is None


def test_options_without_an_end_are_part_of_the_answer() -> None:
    definition = Definition(interaction_type="fill-in", correct_responses_pattern=("{braces",))
    assert outcome(program_of(), statement(definition=definition, response="{braces")) == 1.0


def test_one_statement_may_speak_of_several_skills() -> None:
    both = [{"skill": "s", "channel": "learn", "outcome": "score"}, {"skill": "t", "channel": "exposure"}]
    program = program_of(
        skills=[{"id": "s", "name": "S", "kpis": ["k"]}, {"id": "t", "name": "T"}],
        activities=[{"id": "a", "name": "A", "match": {"activity_prefix": "https://x/"}, "evidence": both}],
    )
    found = evidence_of_statement(program, statement(success=True), SOURCE, NOW, NOW)
    assert [(e.skill, e.channel, e.y) for e in found] == [
        ("s", Channel.LEARN, Y_ONE),
        ("t", Channel.EXPOSURE, 0),
    ]


def test_what_the_sender_marked_is_not_marked_again() -> None:
    definition = Definition(interaction_type="choice", correct_responses_pattern=("a",))
    assert outcome(program_of(), statement(definition=definition, response="a", success=False)) == 0.0


def test_an_opinion_of_the_course_or_a_skipped_question_states_no_confidence() -> None:
    course = program_of(evidence={"channel": "voice", "outcome": "none", "weight": 0})
    counted = one(course, statement(score=Score(raw=4.0, min=1.0, max=5.0)))
    assert (counted.channel, counted.y, counted.flags) == (Channel.VOICE, 0, 0)
    sure = program_of(evidence={"channel": "voice", "outcome": "none"})
    skipped = statement(score=Score(raw=0.0, min=0.0, max=5.0))
    skipped = msgspec.structs.replace(skipped, verb=Verb("http://id.tincanapi.com/verb/skipped"))
    assert one(sure, skipped).flags & FLAG_STATED == 0


@pytest.mark.parametrize("channel", ["exposure", "support", "voice"])
def test_channels_without_outcomes_carry_none(channel) -> None:
    program = program_of(evidence={"channel": channel, "outcome": "none"})
    e = one(program, statement(success=True, score=Score(scaled=1.0)))
    stated = Y_ONE if channel == "voice" else 0  # how sure somebody said to be: kept, and weighs nothing
    assert (e.channel, e.y, e.w, e.p_item) == (Channel[channel.upper()], stated, 0, 0)
    assert bool(e.flags & FLAG_STATED) == bool(stated)
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
