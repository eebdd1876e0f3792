"""What a program map sees in a file, and whom a roster knows of those that evidence is about."""

from __future__ import annotations

from collections import Counter
from typing import Any

from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.pipeline.coverage import MapCoverage
from carrythrough.program.types import ProgramMap
from carrythrough.xapi.admission import Admitted

UNSEEN_SHOWN = 8
_KEY = b"\x00" * 32
"""Nobody sees the pseudonyms that are made here."""


class Coverage:
    """Counts what a map (and a roster, where there is one) makes of admitted records."""

    def __init__(self, program: ProgramMap, roster: Roster | None) -> None:
        self._map = MapCoverage(program)
        self._directory = RosterIndex(roster, _KEY) if roster is not None else None
        self._people: set[str] = set()
        self._strangers: set[str] = set()

    def add(self, admitted: list[Any]) -> None:
        """Count admitted statements or events."""
        for item in admitted:
            if isinstance(item, Admitted):
                if self._map.add_statement(item.statement, item.t_ms):
                    self._person("", item.statement.actor)
            elif self._map.add_event(item.event, item.t_ms):
                self._person(item.event.employee, item.event.actor)

    def _person(self, employee: str, actor: Any) -> None:
        if self._directory is None:
            return
        subject = (
            self._directory.subject_of_employee(employee)
            if employee
            else self._directory.subject_of_actor(actor)
        )
        (self._people if self._directory.person(subject) else self._strangers).add(subject)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts; people only when there is a roster."""
        found = self._map
        return {
            "records": found.statements + found.events,
            "seen": found.seen + found.events_seen,
            "skills": found.skills(),
            "unseen": [
                {"verb_or_kind": verb, "about": about, "records": number}
                for (verb, about), number in self._unseen().most_common(UNSEEN_SHOWN)
            ],
            "people": len(self._people) if self._directory is not None else None,
            "strangers": len(self._strangers) if self._directory is not None else None,
        }

    def _unseen(self) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        passed = self._map.passed_by
        for kind, number in passed.kinds.items():
            found[kind.verb, kind.activity] += number
        for event, number in self._map.events_passed.items():
            found[event.kind, event.about or event.source] += number
        if passed.elsewhere:
            found["any", "about no activity"] = passed.elsewhere
        return found
