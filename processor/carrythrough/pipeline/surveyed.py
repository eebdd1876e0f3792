"""What needs surveys say where something is decided: which of a person's skills comes first, and why.

A survey decides nothing by itself and makes nobody eligible for anything. Where several skills of a person fall
due together, and caps let only some of them through, the most pressing one is asked about first; what is then
sent says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from carrythrough.evidence.needs import NeedAnswer
from carrythrough.identity.directory import RosterIndex
from carrythrough.pipeline.needs import Need, by_skill, latest, need_of
from carrythrough.pipeline.plan import InForce, Survey
from carrythrough.scoring.state import LearnerState

NAMED_FROM = "medium"
"""Needs from this level on are named among the reasons of an action."""


class SurveysView(Protocol):
    """What is asked of the state."""

    def surveys(self, subject: str, directory: RosterIndex) -> Sequence[NeedAnswer]:
        """Return the answers about somebody by a roster, in any order, voided ones left out."""
        ...

    def voided(self, source: bytes) -> bool:
        """Say whether a source was taken back."""
        ...


class Surveyed:
    """The answers of a state and of the batch that is being folded over it."""

    def __init__(
        self, view: SurveysView, in_force: InForce, added: list[Survey], voids: dict[bytes, int]
    ) -> None:
        """added, voids: those of this batch so far; they grow while it is folded."""
        self._view = view
        self._in_force = in_force
        self._added = added
        self._voids = voids

    def needs(self, subject: str, learner: LearnerState, now_ms: int) -> dict[str, Need]:
        """Return the needs of somebody by skill, against the scores as last published; {} for nearly everybody."""
        answers = [
            a for a in self._view.surveys(subject, self._in_force.directory) if a.source not in self._voids
        ]
        for survey in self._added:
            if survey.subject == subject:
                answers += [a for a in survey.answers if not self._is_void(a.source)]
        if not answers:
            return {}
        program, found = self._in_force.program, {}
        for skill, mine in by_skill(answers).items():
            if skill in program.skills:
                said = latest(mine, now_ms, program.map.needs)
                pair = learner.pairs.get(skill)
                score = None if pair is None or pair.published.score < 0 else pair.published.score / 10_000
                found[skill] = need_of(said, program.skills[skill], score, program.map.needs)
        return found

    def _is_void(self, source: bytes) -> bool:
        return source in self._voids or self._view.voided(source)


def most_pressing_first(skills: Iterable[str], needs: dict[str, Need]) -> list[str]:
    """Return skills by priority, the highest first; those of the same or of none in alphabetical order."""
    if not needs:
        return sorted(skills)

    def place(skill: str) -> tuple[float, str]:
        priority = needs[skill].priority if skill in needs else None
        return -(priority or 0.0), skill

    return sorted(skills, key=place)


def reason(need: Need | None) -> str:
    """Return the sentence that an action's reason ends with, "" where the survey does not call for it.

    It names importance and expectation only: how able somebody said to be is for themselves.
    """
    if need is None or need.level not in ("high", NAMED_FROM) or need.both.importance is None:
        return ""
    matters = f"importance {100 * need.both.importance:.0f} of 100"
    if need.expected_by == "survey":
        matters += f", {100 * need.expected:.0f} expected"
    return f" The needs survey puts it among what matters most now ({matters})."
