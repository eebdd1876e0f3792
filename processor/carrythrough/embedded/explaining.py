"""Explanations over the stored ledger: now, of an earlier event time, or as they were shown at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import apsw
import msgspec

from carrythrough.embedded.attribution import Then
from carrythrough.embedded.beside import beside, taken_back_now, taken_back_then
from carrythrough.embedded.database import select
from carrythrough.embedded.history import History, known_then
from carrythrough.embedded.marks import set_aside
from carrythrough.embedded.presenting import rfc3339, texts_of_times
from carrythrough.embedded.registrations import set_aside_evidence
from carrythrough.embedded.terms import Terms
from carrythrough.embedded.view import read_ledger
from carrythrough.evidence.types import Evidence
from carrythrough.pipeline.explain import explain
from carrythrough.pipeline.explain_baselines import baselines_part
from carrythrough.pipeline.explain_meaning import meaning_part
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.reviews import reviews_part
from carrythrough.program.types import Skill
from carrythrough.scoring.codec import decode_pair


class _Known(NamedTuple):
    """What there was to know: versions, evidence that counts, what is set aside and why, the time of reading."""

    in_force: InForce
    evidence: list[Evidence]
    beside: list[dict[str, Any]]
    read_ms: int


class Explainer:
    """Shares connection, terms and lock with `Queries`."""

    def __init__(
        self,
        connection: apsw.Connection,
        terms: Terms,
        lock: AbstractContextManager[Any],
        history: History,
        in_force: Callable[[], InForce],
        position: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._terms = terms
        self._lock = lock
        self._history = history
        self._in_force = in_force
        self._position = position

    def explanation(
        self, subject: str, skill_id: str, now_ms: int, *, at_ms: int | None, known_ms: int | None
    ) -> dict[str, Any] | None:
        """Explain one score; None for a skill that the map does not have.

        at_ms: as of this event time, with today's knowledge. known_ms: as it was shown at this time,
        from what the log held and the versions in force by then (now, for a time to come); the two
        together: what was then known of the earlier time.
        """
        with self._lock:
            known = (
                self._now(subject, skill_id, now_ms, at_ms)
                if known_ms is None
                else self._then(subject, skill_id, min(known_ms, now_ms), at_ms)
            )
        skill = known.in_force.program.skills.get(skill_id)
        if skill is None:
            return None
        read_ms = known.read_ms if at_ms is None else at_ms
        return {
            "subject": subject,
            "skill": skill.id,
            "skill_name": skill.name,
            "target": skill.target,
            "meaning": _meaning(subject, skill, known, at_ms),
            "known_at": None if known_ms is None else rfc3339(known_ms),
            **_explained(known, skill, read_ms, at_ms),
            "baselines": baselines_part(subject, skill, known.in_force),
            "set_aside": known.beside,
        }

    def _now(self, subject: str, skill_id: str, now_ms: int, at_ms: int | None) -> _Known:
        if self._in_force().directory.keeps_aside(subject):
            return _Known(self._in_force(), [], [], now_ms)
        number = self._number(subject)
        rows = [] if number is None else read_ledger(self._connection, self._terms, subject, number)
        asides = set_aside(self._connection, self._terms, number)
        return _Known(
            self._in_force(),
            [row.evidence for row in rows if not row.voided],
            beside(taken_back_now(rows), set_aside_evidence(rows, asides, skill_id, at_ms), skill_id, at_ms),
            max(now_ms, self._as_of_ms(number, skill_id)),
        )

    def _then(self, subject: str, skill_id: str, known_ms: int, at_ms: int | None) -> _Known:
        position = self._history.position_at(known_ms, self._position())
        in_force = self._history.in_force(position)
        if in_force.directory.keeps_aside(subject):
            return _Known(in_force, [], [], known_ms)
        then = Then(self._connection, self._terms, position, in_force.directory, self._history.names)
        rows, asides = then.rows(subject), then.asides(subject)
        standing = known_then(self._connection, rows, position)
        return _Known(
            in_force,
            [row.evidence for row in known_then(self._connection, rows, position, asides)],
            beside(
                taken_back_then(self._connection, rows, position),
                set_aside_evidence(
                    [row for row in standing if row.evidence.source in asides], asides, skill_id, at_ms
                ),
                skill_id,
                at_ms,
            ),
            known_ms,
        )

    def reviews(self, subject: str, now_ms: int) -> dict[str, Any]:
        """Return the knowledge items of one employee and when each is due again, skill by skill."""
        with self._lock:
            aside = self._in_force().directory.keeps_aside(subject)
            number = None if aside else self._number(subject)
            rows = [] if number is None else read_ledger(self._connection, self._terms, subject, number)
        counted = [row.evidence for row in rows if not row.voided]
        found: list[dict[str, Any]] = []
        for skill in self._in_force().program.map.skills:
            part: dict[str, Any] = reviews_part(counted, skill, now_ms)
            if part["items"]:
                for entry in part["schedules"]:
                    texts_of_times(entry)
                found.append({"skill": skill.id, "skill_name": skill.name, **part})
        return {"subject": subject, "as_of": rfc3339(now_ms), "skills": found}

    def _number(self, subject: str) -> int | None:
        rows = select(self._connection, "SELECT id FROM employee WHERE subject=?", (subject,))
        return int(rows[0][0]) if rows else None

    def _as_of_ms(self, number: int | None, skill_id: str) -> int:
        """Return up to when the log has moved a pair: a score is never read before that."""
        row = self._connection.execute(
            "SELECT state FROM pair WHERE employee=? AND skill=?", (number, self._terms.find(skill_id))
        ).fetchone()
        return 0 if row is None else decode_pair(bytes(row[0])).published.as_of_ms


def _meaning(subject: str, skill: Skill, known: _Known, at_ms: int | None) -> dict[str, Any]:
    counted = [e for e in known.evidence if at_ms is None or e.t_ms <= at_ms]
    found: dict[str, Any] = meaning_part(subject, skill, known.in_force, counted)
    for objective in found["objectives"]:
        last_ms = objective.pop("last_shown_ms")
        objective["last_shown"] = None if last_ms is None else rfc3339(last_ms)
    return found


def _explained(known: _Known, skill: Skill, read_ms: int, at_ms: int | None) -> dict[str, Any]:
    """Return the explanation as plain values, its times as RFC 3339."""
    counted = [e for e in known.evidence if at_ms is None or e.t_ms <= at_ms]
    found: dict[str, Any] = msgspec.to_builtins(explain(counted, skill, read_ms, known.in_force))
    texts_of_times(found)
    ahead = found["forecast"]
    if ahead is not None:
        for name in ("crosses", "thin"):
            time_ms = ahead.pop(name + "_ms")
            ahead[name] = rfc3339(time_ms) if time_ms else None
    curve = [] if ahead is None else ahead["curve"]
    schedules = found["reviews"]["schedules"]
    for part in (found["evidence"], found["job"]["evidence"], found["trajectory"], curve, schedules):
        for entry in part:
            texts_of_times(entry)
    return found
