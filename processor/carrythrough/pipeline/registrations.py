"""The cmi5 registrations that a batch touches: who stands aside, before and after each statement and void.

What counts is a function of the set of marks (`evidence.cmi5.judge`), so a statement that arrives late can
set aside what counted, and a void can bring back what was set aside: exactly, whatever the order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from carrythrough.evidence.cmi5 import MARKS_MAX, Mark, judge

Home = tuple[str, bytes, str]
"""(subject, registration, activity): one unit of one registration of one learner."""


class PlacedMark(msgspec.Struct, frozen=True):
    """A mark, whose it is, and the place of its statement in the log."""

    subject: str
    mark: Mark
    position: int

    def home(self) -> Home:
        """Return the unit that it belongs to."""
        return (self.subject, self.mark.registration, self.mark.activity)


class MarksView(Protocol):
    """What is asked of the state."""

    def marks(self, home: Home) -> Sequence[Mark]:
        """Return the marks of one unit, in any order."""
        ...

    def home_of(self, source: bytes) -> Home | None:
        """Return the unit that a statement belongs to, None when it is no mark."""
        ...


class Registrations:
    """The marks of one batch over those of the state; use once."""

    def __init__(self, view: MarksView, voided: Callable[[bytes], bool]) -> None:
        """voided: whether a source is void by now."""
        self._view = view
        self._voided = voided
        self._units: dict[Home, dict[bytes, Mark]] = {}
        self._aside: dict[Home, frozenset[bytes]] = {}
        self._homes: dict[bytes, Home] = {}
        self._changed: dict[tuple[str, bytes], bool] = {}
        self.added: list[PlacedMark] = []
        self.changes: list[tuple[str, bytes, bool]] = []
        """(subject, source, stands aside) in the order in which it came about."""

    def add(self, subject: str, mark: Mark, position: int) -> frozenset[bytes]:
        """Add a mark and return the other statements whose standing it changed.

        Beyond MARKS_MAX of a unit a mark is not kept, and its statement stands aside.
        """
        placed = PlacedMark(subject, mark, position)
        home = placed.home()
        unit = self._unit(home)
        if mark.source in unit:
            return frozenset()
        if len(unit) >= MARKS_MAX:
            self._changed[subject, mark.source] = True
            return frozenset()
        unit[mark.source] = mark
        self._homes[mark.source] = home
        self.added.append(placed)
        return self._judge_again(home) - {mark.source}

    def move(self, marks: Sequence[PlacedMark], target: str) -> None:
        """Take marks to another learner and judge the units at both ends again, as if they had always been there.

        The view goes on saying what it said: units are read before anything in them moves.
        """
        touched: dict[Home, set[bytes]] = {}
        for placed in marks:
            home, mark = placed.home(), placed.mark
            there = (target, mark.registration, mark.activity)
            ours, theirs = self._unit(home), self._unit(there)
            ours.pop(mark.source, None)
            theirs[mark.source] = mark
            touched.setdefault(home, set()).add(mark.source)
            touched.setdefault(there, set()).add(mark.source)
        for home in sorted(touched):
            before, after = self._aside[home], self._judged(self._units[home])
            self._aside[home] = after
            for source in sorted((before ^ after) - touched[home]):
                self._stand(home[0], source, aside=source in after)
            for source in sorted(touched[home] & self._units[home].keys()):
                self._stand(target, source, aside=source in after)

    def before_void(self, source: bytes) -> Home | None:
        """Return the unit that a statement belongs to, judged as it stands; None when it is no mark."""
        home = self._homes.get(source) or self._view.home_of(source)
        if home is not None:
            self._unit(home)
        return home

    def voided(self, home: Home) -> frozenset[bytes]:
        """Judge a unit again after one of its marks (see `before_void`) became void; return whose standing changed."""
        return self._judge_again(home)

    def stands_aside(self, subject: str, source: bytes, *, before: bool) -> bool:
        """Say whether a statement stands aside now; before: whether it did when the batch began."""
        return self._changed.get((subject, source), before)

    def _unit(self, home: Home) -> dict[bytes, Mark]:
        unit = self._units.get(home)
        if unit is None:
            unit = self._units[home] = {mark.source: mark for mark in self._view.marks(home)}
            self._aside[home] = self._judged(unit)
        return unit

    def _judged(self, unit: dict[bytes, Mark]) -> frozenset[bytes]:
        return frozenset(judge(mark for mark in unit.values() if not self._voided(mark.source)).asides)

    def _judge_again(self, home: Home) -> frozenset[bytes]:
        before, after = self._aside[home], self._judged(self._units[home])
        self._aside[home] = after
        changed = before ^ after
        for source in sorted(changed):
            self._stand(home[0], source, aside=source in after)
        return changed

    def _stand(self, subject: str, source: bytes, *, aside: bool) -> None:
        self._changed[subject, source] = aside
        self.changes.append((subject, source, aside))
