"""Proves what holds for all evidence, whatever was sent and whatever the map says."""

from __future__ import annotations

import math
from typing import get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.events.types import EventKind, EventOutcome, Observer, PerformanceEvent
from carrythrough.evidence.mapping import SKEW_MS_MAX, evidence_of_event, evidence_of_statement
from carrythrough.evidence.outcome import CMI5_PROGRESS, VIDEO_PROGRESS, share_of
from carrythrough.evidence.standard import normal_cdf, outcome_of_reading
from carrythrough.evidence.types import FLAG_OPPORTUNITY_ONLY, FLAG_STATED, W_ONE, Y_ONE, Channel, Evidence
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.program.types import ChannelName, Kpi, OutcomeName
from carrythrough.xapi.statement import Activity, Agent, Definition, Result, Score, Statement, Verb

NOW = 1_790_000_000_000
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
MAYBE = st.one_of(st.none(), NUMBERS)
SCORES = st.builds(Score, scaled=MAYBE, raw=MAYBE, min=MAYBE, max=MAYBE)
VERBS = st.sampled_from(["passed", "failed", "completed", "answered"]).map(
    "http://adlnet.gov/expapi/verbs/".__add__
)
DEFINITIONS = st.builds(
    Definition,
    interaction_type=st.sampled_from([None, "likert", "choice", "numeric", "fill-in", "matching", "other"]),
    correct_responses_pattern=st.one_of(st.none(), st.lists(st.text(max_size=8), max_size=2).map(tuple)),
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.integers(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("01"), inner, max_size=2)
    ),
    max_leaves=4,
)
EXTENSIONS = st.dictionaries(
    st.sampled_from(["https://x/how-well", "https://x/item", CMI5_PROGRESS, VIDEO_PROGRESS]), ANYTHING
)
RESULTS = st.builds(
    Result,
    extensions=st.one_of(st.none(), EXTENSIONS),
    score=st.one_of(st.none(), SCORES),
    success=st.one_of(st.none(), st.booleans()),
    completion=st.one_of(st.none(), st.booleans()),
    response=st.one_of(st.none(), st.text(max_size=8)),
)
STATEMENTS = st.builds(
    Statement,
    actor=st.just(Agent(mbox="mailto:a@b.c")),
    verb=st.builds(Verb, VERBS),
    object=st.builds(Activity, st.just("https://x/1"), st.one_of(st.none(), DEFINITIONS)),
    result=st.one_of(st.none(), RESULTS),
)
TIMES = st.integers(min_value=-1, max_value=NOW * 2)
OUTCOME_CHANNELS = ("learn", "practice", "job", "observed")


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw a program whose activity and event rule match everything that is drawn here."""
    channel = draw(st.sampled_from(get_args(ChannelName)))
    outcomes = get_args(OutcomeName) if channel in OUTCOME_CHANNELS else ("none",)
    share = st.floats(0, 1)
    evidence = {"skill": "s", "channel": channel, "outcome": draw(st.sampled_from(outcomes)),
                "weight": draw(st.floats(0, 8)), "difficulty": draw(share)}  # fmt: skip
    if evidence["outcome"] == "extension":
        scale = draw(st.lists(NUMBERS, min_size=2, max_size=2, unique=True))
        evidence["extension"] = {"iri": "https://x/how-well", "worst": scale[0], "best": scale[1]}
    if draw(st.booleans()) and channel in ("learn", "practice"):
        evidence |= {"item": "extension", "item_extension": {"iri": "https://x/item", "path": ["0"]}}
    document = {
        "map": "m", "version": 1, "name": "M",
        "goals": [{"id": "g", "name": "G", "kpis": [{
            "id": "k", "name": "K", "target": draw(MAYBE), "noise_sd": abs(draw(NUMBERS)),
            "direction": draw(st.sampled_from(["up", "down"])), "reliability": draw(share),
            "grain": draw(st.sampled_from(["individual", "team"]))}]}],
        "skills": [{"id": "s", "name": "S", "kpis": ["k"]}, {"id": "t", "name": "T"}],
        "activities": [{"id": "a", "name": "A", "match": {"activity_prefix": "https://x/"}, "evidence": [
            evidence]}],
        "events": [{"id": "e", "match": {"source": "crm"}, "evidence": [
            {"skill": "s", "channel": draw(st.sampled_from(["job", "observed", "support", "voice"])),
             "weight": draw(st.floats(0, 8))}]}],
    }  # fmt: skip
    return Program(load_program(msgspec.json.encode(document).decode(), "m.json"))


EVENTS = st.builds(
    PerformanceEvent,
    id=st.just("1"),
    source=st.just("crm"),
    kind=st.sampled_from(get_args(EventKind)),
    time=st.just("2026-11-01T10:00:00Z"),
    employee=st.just("e"),
    skill=st.sampled_from(["", "s", "t", "unknown"]),
    kpi=st.sampled_from(["", "k", "unknown"]),
    outcome=st.one_of(
        st.none(),
        st.builds(EventOutcome, met=st.booleans()),
        st.builds(EventOutcome, score=st.floats(0, 1)),
        st.builds(EventOutcome, value=NUMBERS),
    ),
    assisted=st.booleans(),
    observer=st.one_of(st.none(), st.builds(Observer, role=st.sampled_from(["manager", "peer"]))),
    grain=st.sampled_from(["individual", "team"]),
    minutes_of_support=st.one_of(st.none(), st.floats(0, 1e9)),
)


def check(found: tuple[Evidence, ...], event_ms: int) -> None:
    assert len({e.skill for e in found}) == len(found), "one piece of evidence a skill"
    for e in found:
        assert e.skill in ("s", "t")
        assert 0 <= e.y <= Y_ONE
        assert 0 <= e.w <= 8 * W_ONE
        assert 0 <= e.p_item <= Y_ONE
        assert e.t_ms <= NOW + SKEW_MS_MAX
        assert e.t_ms in (event_ms, NOW)
        if e.channel >= Channel.EXPOSURE or e.flags & FLAG_OPPORTUNITY_ONLY:
            assert e.w == e.p_item == 0
            assert e.y == 0 or e.flags & FLAG_STATED
            assert e.channel == Channel.VOICE or not e.flags & FLAG_STATED
        else:
            assert e.w > 0, "an outcome that weighs nothing is none"
        assert bool(e.window_s) == (e.channel == Channel.SUPPORT)


@given(programs(), STATEMENTS, TIMES)
def test_evidence_of_statements_is_always_sound(program, statement, event_ms) -> None:
    found = evidence_of_statement(program, statement, b"0" * 16, event_ms, NOW)
    assert len(found) == 1
    check(found, event_ms)
    obj = statement.object
    if (
        isinstance(obj, Activity)
        and obj.definition is not None
        and obj.definition.interaction_type == "likert"
    ):
        assert found[0].channel >= Channel.EXPOSURE


@given(programs(), EVENTS, TIMES)
def test_evidence_of_events_is_always_sound(program, event, event_ms) -> None:
    found = evidence_of_event(program, event, b"0" * 16, event_ms, NOW)
    check(found, event_ms)
    if event.grain == "team":
        assert not found
    if event.kind in ("self-report", "job-aid-use"):
        assert all(e.channel >= Channel.EXPOSURE for e in found)


@given(SCORES)
def test_a_share_is_in_range_or_absent(score) -> None:
    share = share_of(score)
    assert share is None or 0 <= share <= Y_ONE


@given(st.floats(-10, 10))
def test_the_normal_distribution_is_that_of_the_library(z) -> None:
    expected = 0.5 * math.erfc(-z / math.sqrt(2))
    assert abs(normal_cdf(z) - expected) < (1e-10 if abs(z) < 4.5 else 1e-5)


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0, 20), st.sampled_from(["up", "down"]))
def test_a_better_reading_never_gives_a_worse_outcome(a, b, noise_sd, direction) -> None:
    kpi = Kpi(id="k", name="K", target=0.0, noise_sd=noise_sd, direction=direction)
    worse, better = sorted((a, b), reverse=direction == "down")
    low, high = outcome_of_reading(kpi, worse), outcome_of_reading(kpi, better)
    assert low is not None
    assert high is not None
    assert low <= high
