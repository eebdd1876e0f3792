"""Proves that tests inside a map run through the real pipeline, pass when it does as expected, and say why not."""

from __future__ import annotations

import msgspec
import pytest

from carrythrough.pipeline.checking import Difference, check_tests
from carrythrough.program.load import load_program

MAP = """\
map: m
version: 1
name: M
skills: [{id: s, name: S}, {id: t, name: T}]
activities:
  - id: quiz
    name: Quiz
    match: {activity_prefix: "https://l.example/q/"}
    evidence: [{skill: s, channel: learn, outcome: score, item: activity}, {skill: t, channel: exposure}]
  - id: sim
    name: Simulation
    match: {activity_prefix: "https://l.example/sim/"}
    evidence: [{skill: s, channel: practice, outcome: success}]
events:
  - {id: seen, match: {kind: observation}, evidence: [{skill: s, channel: observed}]}
reinforcement:
  - {id: use-it, when: {stage: unapplied}, action: nudge, title: t, body: b, adapters: [console]}
policy: {holdout: 0.5, quiet: {from: "00:00", to: "23:59"}, days_off: [mon, tue, wed, thu, fri, sat, sun]}
tests:
"""
PASSED = "verb: http://adlnet.gov/expapi/verbs/passed"
LEARNT = (
    "{statement: {verb: http://adlnet.gov/expapi/verbs/answered, object: 'https://l.example/q/1', "
    "result: {score: {scaled: 1}}}, times: 12, days_ago: 20}"
)
PRACTISED = f"{{statement: {{{PASSED}, object: 'https://l.example/sim/1'}}, times: 12, days_ago: 19}}"


def checked(given: str, expect: str) -> list[Difference]:
    entry = f"  - {{id: one, name: One, given: [{given}], expect: {expect}}}\n"
    (result,) = check_tests(load_program(MAP + entry, "m.yaml"))
    return list(result.differences)


def test_evidence_with_outcome_channel_and_rule() -> None:
    answered = "{statement: {verb: http://adlnet.gov/expapi/verbs/answered, object: 'https://l.example/q/1', result: "
    given = answered + "{score: {raw: 3, max: 4}}}}"
    expected = (
        "[{skill: s, channel: learn, outcome: 0.75, by: quiz}, {skill: t, channel: exposure, by: quiz}]"
    )
    assert checked(given, f"{{evidence: {expected}}}") == []
    assert checked(given, "{}") == []
    missing = checked(given, "{evidence: [{skill: s, channel: learn, outcome: 0.75}]}")
    assert missing == [Difference("evidence", "", "exposure of t by quiz")]
    other = checked(given, expected.join(("{evidence: ", "}")).replace("0.75", "0.7"))
    assert other == [Difference("evidence", "learn 0.7 of s by quiz", "learn 0.75 of s by quiz")]


def test_nothing_expected_where_nothing_matches() -> None:
    given = f"{{statement: {{{PASSED}, object: 'https://elsewhere.example/1'}}}}"
    assert checked(given, "{evidence: []}") == []
    assert checked(given, "{evidence: [{skill: s, channel: learn}]}") == [
        Difference("evidence", "learn of s", "")
    ]


def test_stage_and_action_whatever_the_guards_say() -> None:
    given = f"{LEARNT}, {PRACTISED}"
    assert checked(given, "{stages: {s: unapplied}, actions: [use-it]}") == []
    assert checked(given, "{actions: []}") == [Difference("actions", "", "use-it acts")]
    assert checked(given, "{stages: {s: fading}}") == [Difference("stages", "s is fading", "s is unapplied")]


def test_one_outcome_is_not_enough() -> None:
    given = f"{{statement: {{{PASSED}, object: 'https://l.example/sim/1'}}}}"
    assert checked(given, "{stages: {s: not-enough-evidence, t: not-enough-evidence}, actions: []}") == []


def test_events_count_as_well() -> None:
    given = "{event: {kind: observation, outcome: {score: 0.5}, observer: {role: manager}}, times: 3}"
    expected = "{evidence: [{skill: s, channel: observed, outcome: 0.5, by: seen}]}"
    assert checked(given, expected) == []


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("{statement: {verb: passed, object: 'https://l.example/q/1'}}", "given/0/statement/verb/id"),
        (f"{{statement: {{{PASSED}}}}}", "given/0/statement"),
        ("{event: {kind: observation}}", "given/0/event"),
    ],
)
def test_a_record_that_is_none_is_named_with_its_place(given: str, place: str) -> None:
    (difference,) = checked(given, "{}")
    assert difference.about == "given"
    assert place in difference.found


def test_the_result_does_not_depend_on_the_order_of_what_is_given() -> None:
    entry = (
        "  - {{id: one, name: One, given: [{0}], expect: {{stages: {{s: unapplied}}, actions: [use-it]}}}}\n"
    )
    results = [
        check_tests(load_program(MAP + entry.format(given), "m.yaml"))
        for given in (f"{LEARNT}, {PRACTISED}", f"{PRACTISED}, {LEARNT}")
    ]
    assert msgspec.to_builtins(results[0]) == msgspec.to_builtins(results[1])
    assert results[0][0].differences == ()
