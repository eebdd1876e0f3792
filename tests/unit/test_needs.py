"""Needs: scales, the latest answer of each respondent, the weighted discrepancy, and the order that it gives."""

from __future__ import annotations

import json

import pytest

from carrythrough.errors import PermanentError
from carrythrough.events.needs import share_of_scale
from carrythrough.events.performance import admit_events
from carrythrough.evidence.needs import UNANSWERED, NeedAnswer
from carrythrough.evidence.types import Y_ONE
from carrythrough.pipeline.needs import Need, View, combined, judged, latest, need_of
from carrythrough.pipeline.surveyed import most_pressing_first, reason
from carrythrough.program.types import Needs, Skill

DAY = 86_400_000
NOW = 1_790_000_000_000
CALM = Skill(id="calm", name="Calm", target=0.7)
SETTINGS = Needs()


def said(respondent: str, t_ms: int, *values: float | None, source: bytes = b"a" * 16) -> NeedAnswer:
    fixed = (UNANSWERED if value is None else round(value * Y_ONE) for value in values)
    return NeedAnswer(source, "calm", respondent, t_ms, *fixed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "scale", "share"), [(1, "1-5", 0.0), (3, "1-5", 0.5), (5, "1-5", 1.0), (0.25, "0-1", 0.25)]
)
def test_scales(value: float, scale: str, share: float) -> None:
    assert share_of_scale(value, scale) == share  # type: ignore[arg-type]


def test_priority_is_importance_times_what_is_missing() -> None:
    answers = latest([said("learner", NOW, 0.75, 0.25, 1.0)], NOW, SETTINGS)
    need = need_of(answers, CALM, 0.6, SETTINGS)
    assert (need.expected, need.actual, need.basis, need.expected_by) == (1.0, 0.6, "score", "survey")
    assert need.gap == pytest.approx(0.4)
    assert need.priority == pytest.approx(0.3)
    assert need.level == "medium"


def test_more_than_is_expected_is_no_need() -> None:
    need = need_of(latest([said("learner", NOW, 1.0, None, 0.5)], NOW, SETTINGS), CALM, 0.9, SETTINGS)
    assert need.gap == pytest.approx(-0.4)
    assert (need.priority, need.level) == (0.0, "low")


def test_without_a_score_confidence_stands_in_and_without_an_expectation_the_target() -> None:
    need = need_of(latest([said("learner", NOW, 1.0, 0.2, None)], NOW, SETTINGS), CALM, None, SETTINGS)
    assert need.actual == pytest.approx(0.2, abs=1e-4)
    assert need.basis == "stated"
    assert (need.expected, need.expected_by) == (0.7, "target")
    assert need.priority == pytest.approx(0.5, abs=1e-4)
    nothing = need_of(latest([said("learner", NOW, None, None, 0.5)], NOW, SETTINGS), CALM, None, SETTINGS)
    assert (nothing.actual, nothing.basis, nothing.priority, nothing.level) == (None, "", None, None)


def test_the_managers_share_counts_only_where_both_said_something() -> None:
    both = combined(View(0.2, 0.4, None), View(1.0, None, 0.6), 0.25)
    assert both.importance == pytest.approx(0.4)
    assert (both.confidence, both.expectation) == (0.4, 0.6)
    need = judged(View(0.2, 0.4, None), View(1.0, None, 0.6), both, 0.7, 0.5, "score", SETTINGS)
    apart = need.disagreement()
    assert apart.importance == pytest.approx(0.8)
    assert (apart.confidence, apart.expectation) == (None, None)


def test_the_latest_answer_of_each_counts_for_as_long_as_the_map_says() -> None:
    old = said("learner", NOW - 400 * DAY, 1.0, 1.0, 1.0)
    earlier, later = said("learner", NOW - 2 * DAY, 0.1, 0.1, 0.1), said("learner", NOW - DAY, 0.9, 0.9, 0.9)
    manager = said("manager", NOW - 300 * DAY, 0.5, None, None)
    assert latest([later, manager, old, earlier], NOW, SETTINGS) == {"learner": later, "manager": manager}
    twin = said("learner", NOW - DAY, 0.3, 0.3, 0.3, source=b"b" * 16)
    assert latest([twin, later], NOW, SETTINGS) == latest([later, twin], NOW, SETTINGS) == {"learner": twin}
    assert latest([old], NOW, SETTINGS) == {}


def need(priority: float | None, level: str | None = "high") -> Need:
    view = View(0.8, None, 0.9)
    return Need(View(), View(), view, 0.9, "survey", 0.2, "score", 0.7, priority, level)  # type: ignore[arg-type]


def test_the_most_pressing_skill_comes_first_and_ties_are_alphabetical() -> None:
    assert most_pressing_first(["c", "a", "b"], {}) == ["a", "b", "c"]
    assert most_pressing_first(["c", "a", "b"], {"c": need(0.5), "b": need(0.1), "x": need(1.0)}) == [
        "c",
        "b",
        "a",
    ]
    assert most_pressing_first(["b", "a"], {"a": need(0.4), "b": need(0.4)}) == ["a", "b"]
    assert most_pressing_first(["b", "a"], {"a": need(None), "b": need(None)}) == ["a", "b"]


def test_a_reason_names_importance_and_expectation_and_never_confidence() -> None:
    assert reason(need(0.5)) == (
        " The needs survey puts it among what matters most now (importance 80 of 100, 90 expected)."
    )
    assert reason(need(0.1, "low")) == reason(None) == ""


@pytest.mark.parametrize(
    ("respondent", "scale", "skills", "pointer"),
    [
        ("learner", "1-5", [{"skill": "calm", "importance": 0.5}], "/skills/0/importance"),
        ("learner", "0-1", [{"skill": "calm", "confidence": 3}], "/skills/0/confidence"),
        ("learner", "1-5", [{"skill": "calm"}], "/skills/0"),
        ("boss", "1-5", [{"skill": "calm", "importance": 3}], "/respondent"),
        ("learner", "1-5", [], "/skills"),
        (
            "learner",
            "1-5",
            [{"skill": "a", "importance": 2}, {"skill": "a", "importance": 3}],
            "/skills/1/skill",
        ),
        ("", "", None, ""),
    ],
)
def test_a_survey_that_says_nothing_or_lies_off_its_scale_is_refused_with_its_place(
    respondent: str, scale: str, skills: object, pointer: str
) -> None:
    event = {
        "id": "1",
        "source": "hr",
        "kind": "needs-survey",
        "employee": "e-1",
        "time": "2026-09-01T10:00:00Z",
    }
    needs = {"respondent": respondent, "scale": scale, "skills": skills}
    event |= {} if skills is None else {"needs": needs}
    with pytest.raises(PermanentError) as refused:
        admit_events(json.dumps(event).encode(), "application/json")
    assert refused.value.problem.where == "/needs" + pointer


def test_another_kind_with_answers_is_refused() -> None:
    needs = {"respondent": "learner", "scale": "0-1", "skills": [{"skill": "calm", "importance": 1}]}
    event = {
        "id": "1",
        "source": "hr",
        "kind": "self-report",
        "employee": "e",
        "time": "2026-09-01T10:00:00Z",
    }
    with pytest.raises(PermanentError) as refused:
        admit_events(json.dumps({**event, "needs": needs}).encode(), "application/json")
    assert refused.value.problem.where == "/needs"
