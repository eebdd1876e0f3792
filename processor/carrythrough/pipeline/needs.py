"""Needs: what matters and is expected, against what is; priorities of one person and of groups.

The priority of a skill is importance × discrepancy, the weighted discrepancy of Borich's needs assessment model
(A needs assessment model for conducting follow-up studies, Journal of Teacher Education 31(3), 1980, 39-42):
what is expected less what is, never below 0, weighted by how much it matters. What is, is the transfer score;
only where there is none yet it is what respondents say they can do, and is then called "stated". Of a group it is
the product of the means, as in Borich: mean importance × (mean expectation − mean score).

Answers never enter a score: they are kept in a table of their own and read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from carrythrough.events.needs import ANSWERS, RespondentName
from carrythrough.evidence.needs import UNANSWERED, NeedAnswer
from carrythrough.evidence.types import Y_ONE
from carrythrough.program.types import DAY_MS, Needs, Skill

Level = Literal["high", "medium", "low"]
RESPONDENTS: tuple[RespondentName, ...] = ("learner", "manager")


class View(NamedTuple):
    """Importance, confidence and expectation, each 0..1 or None where nobody said."""

    importance: float | None = None
    confidence: float | None = None
    expectation: float | None = None


class Need(NamedTuple):
    """One skill of one person. learner, manager: their latest answers. both: the two combined by the map's share.

    expected: 0..1, the combined expectation, else the target of the skill. actual: 0..1; basis says of
    what: "score", "stated" (confidence) or "" for nothing known. gap: expected − actual, −1..1.
    priority: 0..1, None while importance or what is there is not known.
    """

    learner: View
    manager: View
    both: View
    expected: float
    expected_by: Literal["survey", "target"]
    actual: float | None
    basis: Literal["score", "stated", ""]
    gap: float | None
    priority: float | None
    level: Level | None

    def disagreement(self) -> View:
        """Return what the manager said less what the learner said."""
        return View(*(_difference(m, n) for m, n in zip(self.manager, self.learner, strict=True)))


def latest(answers: Iterable[NeedAnswer], now_ms: int, settings: Needs) -> dict[RespondentName, NeedAnswer]:
    """Return the latest answer of each respondent about one skill: by (event time, source), none older than valid_days.

    answers: of one person about one skill, in any order.
    """
    oldest = now_ms - settings.valid_days * DAY_MS
    found: dict[RespondentName, NeedAnswer] = {}
    for answer in answers:
        if answer.t_ms < oldest:
            continue
        best = found.get(answer.respondent)
        if best is None or (answer.t_ms, answer.source) > (best.t_ms, best.source):
            found[answer.respondent] = answer
    return found


def need_of(
    said: Mapping[RespondentName, NeedAnswer], skill: Skill, score: float | None, settings: Needs
) -> Need:
    """Return the need of one person for one skill from the latest answers. score: the transfer score, where shown."""
    learner, manager = (_view(said.get(name)) for name in RESPONDENTS)
    both = combined(learner, manager, settings.manager_share)
    actual, basis = actual_of(score, both.confidence)
    return judged(learner, manager, both, skill.target, actual, basis, settings)


def actual_of(
    score: float | None, confidence: float | None
) -> tuple[float | None, Literal["score", "stated", ""]]:
    """Return what is there and what says so."""
    if score is not None:
        return score, "score"
    return (None, "") if confidence is None else (confidence, "stated")


def judged(
    learner: View,
    manager: View,
    both: View,
    target: float,
    actual: float | None,
    basis: Literal["score", "stated", ""],
    settings: Needs,
) -> Need:
    """Return the need with its gap, priority and level. target: stands in for an expectation that nobody stated."""
    expected = target if both.expectation is None else both.expectation
    gap = None if actual is None else expected - actual
    priority = None if gap is None or both.importance is None else both.importance * max(0.0, gap)
    return Need(
        learner=learner,
        manager=manager,
        both=both,
        expected=expected,
        expected_by="target" if both.expectation is None else "survey",
        actual=actual,
        basis=basis,
        gap=gap,
        priority=priority,
        level=level_of(priority, settings),
    )


def combined(learner: View, manager: View, manager_share: float) -> View:
    """Return both views as one: (1 − share)·learner + share·manager where both said something, else who did."""
    return View(
        *(
            m if n is None else n if m is None else (1.0 - manager_share) * n + manager_share * m
            for n, m in zip(learner, manager, strict=True)
        )
    )


def level_of(priority: float | None, settings: Needs) -> Level | None:
    """Return how pressing a priority is by the bounds of the map."""
    if priority is None:
        return None
    return (
        "high" if priority >= settings.high_from else "medium" if priority >= settings.medium_from else "low"
    )


def by_skill(answers: Iterable[NeedAnswer]) -> dict[str, list[NeedAnswer]]:
    """Return answers by skill, skills in alphabetical order."""
    found: dict[str, list[NeedAnswer]] = {}
    for answer in answers:
        found.setdefault(answer.skill, []).append(answer)
    return dict(sorted(found.items()))


def _view(answer: NeedAnswer | None) -> View:
    if answer is None:
        return View()
    values = (getattr(answer, name) for name in ANSWERS)
    return View(*(None if value == UNANSWERED else value / Y_ONE for value in values))


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
