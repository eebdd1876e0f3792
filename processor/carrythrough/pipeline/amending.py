"""Corrections and retractions of performance events: which ones stand, whatever order they come in.

An event that corrects another takes its place; a retraction takes an event back and everything that
corrects it. Of several corrections of one event the one with the greatest (revision, event time, id)
stands. All of it comes down to voids, and each rule only ever takes away: so the set of events decides
what counts, never the order in which they came, and a correction may come before what it corrects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Amendment(msgspec.Struct, frozen=True):
    """A correction: the event `source` takes the place of the event `target` (16-byte ids).

    revision, t_ms (event time) and source rank the corrections of one target. position: of the record.
    """

    source: bytes
    target: bytes
    revision: int
    t_ms: int
    position: int

    def rank(self) -> tuple[int, int, bytes]:
        """Return what is greatest for the correction that stands."""
        return (self.revision, self.t_ms, self.source)


class AmendmentView(Protocol):
    """What was folded before about corrections and retractions."""

    def corrects(self, source: bytes) -> bool:
        """Say whether an event is known as a correction."""
        ...

    def corrections(self, target: bytes) -> Sequence[Amendment]:
        """Return the corrections of an event, in any order."""
        ...

    def ended(self, source: bytes) -> bool:
        """Say whether an event was retracted, or corrects what was, or stands behind another correction."""
        ...


class Amendments:
    """The corrections and retractions of one batch over those folded before; use once.

    added: new corrections. ends: events ended by this batch, with the position that ended them.
    """

    def __init__(self, view: AmendmentView) -> None:
        self._view = view
        self._by_target: dict[bytes, list[Amendment]] = {}
        self._sources: set[bytes] = set()
        self.added: list[Amendment] = []
        self.ends: dict[bytes, int] = {}

    def correct(self, new: Amendment) -> list[bytes]:
        """Take a correction in and return which events are void because of it; [] for a known one."""
        if new.source in self._sources or self._view.corrects(new.source):
            return []
        siblings = self._corrections(new.target)
        self._sources.add(new.source)
        self._by_target.setdefault(new.target, []).append(new)
        self.added.append(new)
        void = [new.target]
        if self._ended(new.target) or any(other.rank() > new.rank() for other in siblings):
            return void + self._end(new.source, new.position)
        for other in siblings:
            void += self._end(other.source, new.position)
        return void

    def retract(self, target: bytes, position: int) -> list[bytes]:
        """Take a retraction in and return which events are void because of it."""
        return self._end(target, position)

    def _end(self, source: bytes, position: int) -> list[bytes]:
        """End an event and everything that corrects it; return those that had not ended."""
        found: list[bytes] = []
        waiting = [source]
        while waiting:
            each = waiting.pop()
            if self._ended(each):
                continue
            self.ends[each] = position
            found.append(each)
            waiting += [correction.source for correction in self._corrections(each)]
        return found

    def _ended(self, source: bytes) -> bool:
        return source in self.ends or self._view.ended(source)

    def _corrections(self, target: bytes) -> list[Amendment]:
        return [*self._view.corrections(target), *self._by_target.get(target, ())]
