"""What a program map makes of records that it may never have seen: what gives evidence, and what it passes by.

What gives none is counted by kind, so that the same proposals can be made for it as for a new map.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from carrythrough.events.types import PerformanceEvent
from carrythrough.evidence.cmi5 import SILENT, mark_of
from carrythrough.evidence.mapping import evidence_of_event, evidence_of_statement
from carrythrough.evidence.types import OUTCOME_CHANNELS, Channel, Evidence
from carrythrough.program.compile import Program
from carrythrough.program.observed import Observed, is_bearing
from carrythrough.program.types import ProgramMap
from carrythrough.xapi.statement import Statement

EVENT_KINDS_MAX = 10_000
"""Different (kind, about, source) of events that are counted apart; the rest is counted together."""


class PassedEvents(msgspec.Struct, frozen=True):
    """Events of one kind that no rule of the map holds for. about: their KPI, skill or activity, else ""."""

    kind: str
    about: str
    source: str


class MapCoverage:
    """Counts what a map makes of statements and events.

    bearing: score-bearing statements; covered: those of them that give evidence; measured: those of them that
    give an outcome. by_rule: records that each activity or event rule took. passed_by: the statements that gave none.
    """

    def __init__(self, program: ProgramMap) -> None:
        self.program = Program(program)
        self.statements = self.events = 0
        self.seen = self.events_seen = 0
        self.bearing = self.covered = self.measured = 0
        self.evidence: Counter[tuple[str, str]] = Counter()
        self.by_rule: Counter[str] = Counter()
        self.passed_by = Observed()
        self.events_passed: Counter[PassedEvents] = Counter()

    def add_statement(self, st: Statement, t_ms: int) -> bool:
        """Count one statement and say whether it gives evidence; t_ms: its time, ms since the epoch, -1 for none."""
        self.statements += 1
        mark = mark_of(st, b"", t_ms)
        silent = mark is not None and mark.verb in SILENT
        found = () if silent else evidence_of_statement(self.program, st, b"", t_ms, t_ms)
        bearing = is_bearing(st)
        self.bearing += bearing
        if not found:
            self.passed_by.add(st)
            return False
        self.seen += 1
        self.covered += bearing
        self._count(found)
        if bearing and any(e.channel in OUTCOME_CHANNELS and e.w for e in found):
            self.measured += 1
        return True

    def add_event(self, event: PerformanceEvent, t_ms: int) -> bool:
        """Count one performance event and say whether it gives evidence; t_ms: its time, ms since the epoch."""
        self.events += 1
        found = evidence_of_event(self.program, event, b"", t_ms, t_ms)
        if found:
            self.events_seen += 1
            self._count(found)
            return True
        about = event.kpi or event.skill or event.activity
        passed = PassedEvents(event.kind, about, event.source)
        if passed not in self.events_passed and len(self.events_passed) >= EVENT_KINDS_MAX:
            passed = PassedEvents("others", "", "")
        self.events_passed[passed] += 1
        return False

    def skills(self) -> dict[str, dict[str, int]]:
        """Return pieces of evidence by skill and channel, every skill of the map among them."""
        found: dict[str, dict[str, int]] = {skill: {} for skill in self.program.skills}
        for (skill, channel), number in sorted(self.evidence.items()):
            found.setdefault(skill, {})[channel] = number
        return found

    def unused(self) -> list[str]:
        """Return the ids of activities that took no statement, in the order of the map."""
        return [activity.id for activity in self.program.map.activities if not self.by_rule[activity.id]]

    def _count(self, found: tuple[Evidence, ...]) -> None:
        for e in found:
            self.evidence[e.skill, Channel(e.channel).name.lower()] += 1
        for rule in {e.rule for e in found}:
            self.by_rule[rule] += 1
