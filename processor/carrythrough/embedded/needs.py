"""Needs as REST and the pages show them: of one person, and of teams, roles, sites and the whole program.

Group figures are made from published means alone, each hidden where it would say too much about few people
(`scoring.groups`). The score beside them is the one that `/v1/groups` shows of the same group, so that the two
together tell nothing about those who did not answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from carrythrough.embedded.database import connect
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.presenting import rfc3339
from carrythrough.embedded.surveys import RESPONDENTS, all_answers, answers_about
from carrythrough.embedded.terms import Terms
from carrythrough.events.needs import ANSWERS
from carrythrough.evidence.needs import UNANSWERED, NeedAnswer
from carrythrough.evidence.types import Y_ONE
from carrythrough.pipeline.needs import (
    Need,
    View,
    actual_of,
    by_skill,
    combined,
    judged,
    latest,
    need_of,
)
from carrythrough.pipeline.plan import InForce
from carrythrough.program.types import Skill
from carrythrough.scoring.groups import SIBLING, WHOLE, GroupScore, Key, Member, group_scores

DIMENSIONS = ("team", "role", "site")
KEPT_MS = 60_000
"""How long the figures of groups are given again, by the server's clock."""
HISTORY_MAX = 20
"""Answers shown of one skill, newest first; older ones stay in the table."""
OVERALL = ""
"""No overall figure is made over skills, so none can give one away."""

_Means = dict[str, dict[Key, GroupScore | str]]


class _Shown(NamedTuple):
    """What may be shown of one respondent's answers in one group. hidden: why something is not, None for nothing."""

    view: View
    people: int | None
    hidden: str | None


class ScoreReads(Protocol):
    """What is asked about scores."""

    def employee_scores(self, subject: str, now_ms: int) -> dict[str, Any]:
        """Return the scores of one employee."""
        ...

    def groups(self, by: str, now_ms: int) -> dict[str, Any]:
        """Return the scores of the groups of a dimension and of the program."""
        ...


class NeedsReads:
    """Answers about needs; safe to call from any thread."""

    def __init__(
        self, state: Path, log: LogReader, in_force: Callable[[], InForce], scores: ScoreReads
    ) -> None:
        """log: of this object alone, which closes it."""
        self._connection = connect(state, readonly=True)
        self._log = log
        self._terms = Terms(self._connection)
        self._in_force = in_force
        self._scores = scores
        self._lock = threading.Lock()
        self._kept: tuple[int, InForce, _Means] | None = None

    def of_employee(self, subject: str, now_ms: int) -> dict[str, Any]:
        """Return the needs of one person, most pressing first, with the history of the answers."""
        in_force = self._in_force()
        with self._lock:
            rows = answers_about(self._connection, self._log, self._terms, subject, in_force.directory)
        shown = self._scores.employee_scores(subject, now_ms)
        scores = {entry["skill"]: entry for entry in shown["skills"]}
        found = []
        for skill_id, answers in by_skill(rows).items():
            skill = in_force.program.skills.get(skill_id)
            if skill is None:
                continue
            entry = scores.get(skill_id, {"score": None, "stage": None})
            need = need_of(
                latest(answers, now_ms, in_force.program.map.needs),
                skill,
                entry["score"],
                in_force.program.map.needs,
            )
            found.append(
                {
                    **_skill(skill, need),
                    "stage": entry["stage"],
                    "answered": _answered(answers),
                    "history": _history(answers),
                }
            )
        found.sort(key=_pressing)
        return {"subject": subject, "as_of": rfc3339(now_ms), "skills": found}

    def groups(self, by: str, now_ms: int) -> dict[str, Any]:
        """Return the needs of the groups of one dimension ("team", "role" or "site") and of the program.

        What is hidden is null; `hidden` says why of the answers as a whole.
        """
        in_force = self._in_force()
        as_of_ms, means = self._means(in_force, now_ms)
        scores = self._scores.groups(by, now_ms)
        by_group = {entry["group"]: entry for entry in scores["groups"]}
        names = sorted({group for found in means.values() for dimension, group in found if dimension == by})
        return {
            "by": by,
            "as_of": rfc3339(as_of_ms),
            "minimum": in_force.program.policy.minimum_group,
            "program": _group(in_force, means, WHOLE, scores["program"]),
            "groups": [
                {"group": name, **_group(in_force, means, (by, name), by_group.get(name))} for name in names
            ],
        }

    def _means(self, in_force: InForce, now_ms: int) -> tuple[int, _Means]:
        with self._lock:
            kept = self._kept
            # Not by the roster: an HR system changes it every few seconds, and a minute is soon enough for means.
            same = kept is not None and kept[1].program is in_force.program
            if kept is None or not same or not 0 <= now_ms - kept[0] < KEPT_MS:
                kept = self._kept = (now_ms, in_force, self._read(in_force, now_ms))
            return kept[0], kept[2]

    def _read(self, in_force: InForce, now_ms: int) -> _Means:
        people: dict[str, list[NeedAnswer]] = {}
        directory = in_force.directory
        for subject, answer in all_answers(self._connection, self._log, self._terms, directory):
            if subject and not directory.keeps_aside(subject):
                people.setdefault(subject, []).append(answer)
        members: dict[str, list[Member]] = {}
        for subject, rows in people.items():
            person = in_force.directory.person(subject)
            groups = {name: "" if person is None else str(getattr(person, name)) for name in DIMENSIONS}
            for skill, answers in by_skill(rows).items():
                said = latest(answers, now_ms, in_force.program.map.needs)
                for respondent, answer in said.items():
                    for name in ANSWERS:
                        value = getattr(answer, name)
                        if value != UNANSWERED:
                            member = Member(subject, groups, value / Y_ONE, 0.0)
                            members.setdefault(_variable(skill, respondent, name), []).append(member)
        return group_scores(members, in_force.program.policy.minimum_group, OVERALL)

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._connection.close()
        self._log.close()


def _variable(skill: str, respondent: str, name: str) -> str:
    return f"{skill}/{respondent}/{name}"


def _group(in_force: InForce, means: _Means, key: Key, scores: dict[str, Any] | None) -> dict[str, Any]:
    known = {entry["skill"]: entry for entry in (scores or {"skills": []})["skills"]}
    settings, found = in_force.program.map.needs, []
    for skill in in_force.program.map.skills:
        shown = {r: _shown(means, skill.id, r, key) for r in RESPONDENTS}
        if not any(view.people or view.hidden for view in shown.values()):
            continue
        learner, manager = shown["learner"].view, shown["manager"].view
        both = combined(learner, manager, settings.manager_share)
        actual, basis = _actual(known.get(skill.id), both.confidence)
        need = judged(learner, manager, both, skill.target, actual, basis, settings)
        hidden = next((view.hidden for view in shown.values() if view.hidden), None)
        found.append(
            {
                **_skill(skill, need),
                "people": {r: view.people for r, view in shown.items()},
                "hidden": hidden if all(value is None for value in both) else None,
            }
        )
    found.sort(key=_pressing)
    return {"skills": found}


def _actual(
    entry: dict[str, Any] | None, confidence: float | None
) -> tuple[float | None, Literal["score", "stated", ""]]:
    """Return what is there in a group and what says so; a score hidden for others' sake is not replaced by opinion."""
    if entry is not None and entry["hidden"] == SIBLING:
        return None, ""
    return actual_of(None if entry is None else entry["score"], confidence)


def _shown(means: _Means, skill: str, respondent: str, key: Key) -> _Shown:
    """Return the means of one group and respondent; a hidden one is None."""
    found = [means.get(_variable(skill, respondent, name), {}).get(key) for name in ANSWERS]
    given = [entry for entry in found if isinstance(entry, GroupScore)]
    reasons = [entry for entry in found if isinstance(entry, str)]
    values = (entry.value if isinstance(entry, GroupScore) else None for entry in found)
    people = max((entry.people for entry in given), default=None)
    return _Shown(View(*values), people, reasons[0] if reasons else None)


def _skill(skill: Skill, need: Need) -> dict[str, Any]:
    """Return one need as plain values, shares rounded to 4 digits."""
    return {
        "skill": skill.id,
        "skill_name": skill.name,
        "importance": _round(need.both.importance),
        "expected": _round(need.expected),
        "expected_by": need.expected_by,
        "actual": _round(need.actual),
        "actual_by": need.basis or None,
        "gap": _round(need.gap),
        "priority": _round(need.priority),
        "level": need.level,
        "learner": _plain(need.learner),
        "manager": _plain(need.manager),
        "disagreement": _plain(need.disagreement()),
    }


def _plain(view: View) -> dict[str, float | None]:
    return {name: _round(value) for name, value in zip(ANSWERS, view, strict=True)}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _answered(answers: Sequence[NeedAnswer]) -> dict[str, str | None]:
    """Return when each respondent answered last."""
    newest = {r: max((a.t_ms for a in answers if a.respondent == r), default=None) for r in RESPONDENTS}
    return {r: None if t_ms is None else rfc3339(t_ms) for r, t_ms in newest.items()}


def _history(answers: Sequence[NeedAnswer]) -> list[dict[str, Any]]:
    newest = sorted(answers, key=lambda a: (a.t_ms, a.source, a.respondent), reverse=True)[:HISTORY_MAX]
    return [
        {
            "time": rfc3339(answer.t_ms),
            "respondent": answer.respondent,
            "source": answer.source.hex(),
            **{name: _share(getattr(answer, name)) for name in ANSWERS},
        }
        for answer in newest
    ]


def _share(value: int) -> float | None:
    return None if value == UNANSWERED else round(value / Y_ONE, 4)


def _pressing(entry: dict[str, Any]) -> tuple[float, str]:
    """Return the order of needs: the highest priority first, those without one last."""
    priority = entry["priority"]
    return (1.0 if priority is None else -priority, entry["skill"])
