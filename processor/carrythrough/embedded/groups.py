"""Scores of teams, roles, sites and the whole program, read at one time from everybody's state.

Reading everybody costs about 0.1 ms a skill and person, so an answer is kept for a minute.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from carrythrough.embedded.database import connect, select
from carrythrough.embedded.presenting import parts_of, rfc3339
from carrythrough.embedded.terms import Terms
from carrythrough.embedded.view import read_learners
from carrythrough.pipeline.plan import InForce
from carrythrough.scoring.groups import WHOLE, GroupScore, Key, Member, group_scores
from carrythrough.scoring.overall import interval_of, overall_of
from carrythrough.scoring.state import LearnerState

DIMENSIONS = ("team", "role", "site")
KEPT_MS = 60_000
"""How long an answer is given again, by the server's clock."""
PEOPLE_AT_ONCE = 400
OVERALL = ""
"""Name of the overall score among the skills."""


class Groups:
    """Answers with aggregates; safe to call from any thread."""

    def __init__(self, state: Path, in_force: Callable[[], InForce]) -> None:
        self._connection = connect(state, readonly=True)
        self._terms = Terms(self._connection)
        self._in_force = in_force
        self._lock = threading.Lock()
        self._kept: tuple[int, InForce, dict[str, dict[Key, GroupScore | str]]] | None = None

    def report(self, by: str, now_ms: int) -> dict[str, Any]:
        """Return the scores of the groups of one dimension ("team", "role" or "site") and of the program.

        What is hidden says why: "small", or "sibling" where it would give a small group away.
        """
        in_force = self._in_force()
        as_of_ms, scores = self._scores(in_force, now_ms)
        names = sorted({group for found in scores.values() for dimension, group in found if dimension == by})
        return {
            "by": by,
            "as_of": rfc3339(as_of_ms),
            "minimum": in_force.program.policy.minimum_group,
            "program": _group(in_force, scores, WHOLE),
            "groups": [{"group": name, **_group(in_force, scores, (by, name))} for name in names],
        }

    def _scores(self, in_force: InForce, now_ms: int) -> tuple[int, dict[str, dict[Key, GroupScore | str]]]:
        with self._lock:
            kept = self._kept
            if kept is None or not _same_reading(kept[1], in_force) or not 0 <= now_ms - kept[0] < KEPT_MS:
                kept = self._kept = (now_ms, in_force, self._read(in_force, now_ms))
            return kept[0], kept[2]

    def _read(self, in_force: InForce, now_ms: int) -> dict[str, dict[Key, GroupScore | str]]:
        members: dict[str, list[Member]] = {OVERALL: []}
        for subject, learner in self._everybody():
            if in_force.directory.keeps_aside(subject):
                continue
            person = in_force.directory.person(subject)
            groups = {name: "" if person is None else str(getattr(person, name)) for name in DIMENSIONS}
            parts = parts_of(in_force, subject, learner, now_ms)
            for skill, _, score in parts:
                one = overall_of([(1.0, score)])
                if one is not None:
                    members.setdefault(skill.id, []).append(Member(subject, groups, one.value, one.variance))
            whole = overall_of([(importance, score) for _, importance, score in parts])
            if whole is not None:
                members[OVERALL].append(Member(subject, groups, whole.value, whole.variance))
        return group_scores(members, in_force.program.policy.minimum_group, OVERALL)

    def _everybody(self) -> Iterator[tuple[str, LearnerState]]:
        after = 0
        while True:
            rows = select(
                self._connection,
                "SELECT id, subject FROM employee WHERE id > ? ORDER BY id LIMIT ?",
                (after, PEOPLE_AT_ONCE),
            )
            if not rows:
                return
            yield from read_learners(self._connection, self._terms, [row[1] for row in rows]).items()
            after = rows[-1][0]

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()


def _same_reading(a: InForce, b: InForce) -> bool:
    """Say whether scores are read alike. The roster may differ: an HR system changes it every few seconds."""
    return a.program is b.program and a.model is b.model


def _group(in_force: InForce, scores: dict[str, dict[Key, GroupScore | str]], key: Key) -> dict[str, Any]:
    skills = [
        {"skill": skill.id, "skill_name": skill.name, "target": skill.target, **_shown(scores, skill.id, key)}
        for skill in in_force.program.map.skills
        if key in scores.get(skill.id, {})
    ]
    known = [entry for entry in skills if entry["score"] is not None]
    return {
        "overall": _shown(scores, OVERALL, key),
        "weakest_skill": min(known, key=lambda entry: entry["score"])["skill"] if known else None,
        "skills": skills,
    }


def _shown(scores: dict[str, dict[Key, GroupScore | str]], name: str, key: Key) -> dict[str, Any]:
    found = scores.get(name, {}).get(key, "small")
    if isinstance(found, str):
        return {"score": None, "low": None, "high": None, "people": None, "hidden": found}
    low, high = interval_of(found.value, found.variance)
    return {
        "score": round(found.value, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "people": found.people,
        "hidden": None,
    }
