"""What a program map sees in a file: which records say something about a skill, and which it passes by."""

from __future__ import annotations

from collections import Counter
from typing import Any

from carrythrough.evidence.mapping import evidence_of_event, evidence_of_statement
from carrythrough.evidence.types import Channel
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.program.compile import Program
from carrythrough.program.types import ProgramMap
from carrythrough.xapi.admission import Admitted
from carrythrough.xapi.statement import Activity

UNSEEN_SHOWN = 8
DISTINCT_MAX = 50_000
"""Different (verb, activity) pairs that are counted apart; the rest is counted together."""
_KEY = b"\x00" * 32
"""Nobody sees the pseudonyms that are made here."""


class Coverage:
    """Counts what a map (and a roster, where there is one) makes of admitted records."""

    def __init__(self, program: ProgramMap, roster: Roster | None) -> None:
        self._program = Program(program)
        self._directory = RosterIndex(roster, _KEY) if roster is not None else None
        self._records = self._seen = 0
        self._evidence: Counter[tuple[str, str]] = Counter()
        self._unseen: Counter[tuple[str, str]] = Counter()
        self._people: set[str] = set()
        self._strangers: set[str] = set()

    def add(self, admitted: list[Any]) -> None:
        """Count admitted statements or events."""
        for item in admitted:
            self._records += 1
            if isinstance(item, Admitted):
                found = evidence_of_statement(self._program, item.statement, b"", item.t_ms, item.t_ms)
                what = (item.statement.verb.id, _about(item.statement.object))
                actor: Any = item.statement.actor
            else:
                found = evidence_of_event(self._program, item.event, b"", item.t_ms, item.t_ms)
                what = (item.event.kind, item.event.skill or item.event.activity or item.event.source)
                actor = item.event.actor
            if found:
                self._seen += 1
                self._evidence.update((e.skill, Channel(e.channel).name.lower()) for e in found)
                self._person(item, actor)
            else:
                self._unseen[what if len(self._unseen) < DISTINCT_MAX else ("others", "")] += 1

    def _person(self, item: Any, actor: Any) -> None:
        if self._directory is None:
            return
        employee = "" if isinstance(item, Admitted) else item.event.employee
        subject = (
            self._directory.subject_of_employee(employee)
            if employee
            else self._directory.subject_of_actor(actor)
        )
        (self._people if self._directory.person(subject) else self._strangers).add(subject)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts; people only when there is a roster."""
        skills: dict[str, dict[str, int]] = {skill: {} for skill in self._program.skills}
        for (skill, channel), number in sorted(self._evidence.items()):
            skills.setdefault(skill, {})[channel] = number
        return {
            "records": self._records,
            "seen": self._seen,
            "skills": skills,
            "unseen": [
                {"verb_or_kind": verb, "about": about, "records": number}
                for (verb, about), number in self._unseen.most_common(UNSEEN_SHOWN)
            ],
            "people": len(self._people) if self._directory is not None else None,
            "strangers": len(self._strangers) if self._directory is not None else None,
        }


def _about(target: Any) -> str:
    return str(target.id) if isinstance(target, Activity) else type(target).__name__
