"""A state that is folded into where it stands: what `step` gives as values, for logs too long to copy at each batch.

`step.merged` copies the whole state for each batch, and a tick is a batch of its own. What nearly every batch
changes is changed in place here; whatever is rarer goes through `merged`, so that there is one truth about it.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any, cast

from carrythrough.pipeline.delta import Delta, StateView, is_near
from carrythrough.pipeline.effects import Effect
from carrythrough.pipeline.fold import Fold
from carrythrough.pipeline.plan import InForce, plan
from carrythrough.pipeline.records import Kind, LedgerRow, Record
from carrythrough.pipeline.step import State, batches, merged
from carrythrough.scoring.state import LearnerState

_IN_PLACE = frozenset({"learners", "pairs", "added", "effects", "named", "strangers"})
"""What is changed in place. Names and strangers are only asked for when a roster changes, and here none does."""


class LiveState:
    """A `StateView` over a state of its own; versions in force are those given at each call of `fold`."""

    def __init__(self) -> None:
        self._state = State()
        self._ledgers: dict[str, list[LedgerRow]] = {}
        self._owners: dict[bytes, str] = {}
        self._timers: list[tuple[int, str]] = []
        self._asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        """Whatever is not answered from an index is asked of the state."""
        return getattr(self._state, name)

    @property
    def learners(self) -> dict[str, LearnerState]:
        """Return everybody by pseudonym."""
        return self._state.learners

    def fold(self, records: Sequence[Record], in_force: InForce) -> list[Effect]:
        """Fold records in log order, none of them an activation; returns the effects."""
        effects: list[Effect] = []
        for batch in batches(records):
            if batch[0].kind is Kind.TICK and not self._is_due(batch[0].stored_ms):
                continue
            delta = Fold(cast("StateView", self), in_force).run(plan(batch, in_force))
            self._take(delta)
            effects += delta.effects
        return effects

    def ledger(self, subject: str) -> list[LedgerRow]:
        """Return the ledger rows of an employee."""
        return self._ledgers.get(subject, [])

    def near(self, subject: str, skill: str, from_ms: int, to_ms: int) -> list[LedgerRow]:
        """Return the job and support rows of one skill in a span of event time."""
        return [row for row in self.ledger(subject) if is_near(row, skill, from_ms, to_ms)]

    def locate(self, source: bytes) -> str | None:
        """Return whose evidence a source is."""
        return self._owners.get(source)

    def due(self, now_ms: int, limit: int) -> list[str]:
        """Return employees with timers due, by (due time, subject)."""
        found: list[str] = []
        while self._timers and self._timers[0][0] <= now_ms and len(found) < limit:
            due_ms, subject = heapq.heappop(self._timers)
            if self.learners[subject].due_ms() == due_ms and subject not in found:
                found.append(subject)
        self._asked += found
        return found

    def _is_due(self, now_ms: int) -> bool:
        while self._timers:
            due_ms, subject = self._timers[0]
            if due_ms > now_ms:
                return False
            if self.learners[subject].due_ms() == due_ms:
                return True
            heapq.heappop(self._timers)
        return False

    def _take(self, delta: Delta) -> None:
        if any(getattr(delta, name) for name in delta.__struct_fields__ if name not in _IN_PLACE):
            self._state = merged(self._state, delta)
            self._index()
        else:
            self._state.learners.update(delta.learners)
            for row in delta.added:
                self._state.rows[row.key()] = row
                self._ledgers.setdefault(row.subject, []).append(row)
                self._owners.setdefault(row.evidence.source, row.subject)
        for subject in dict.fromkeys((*delta.learners, *self._asked)):
            learner = self.learners.get(subject)
            if learner is not None and (due_ms := learner.due_ms()):
                heapq.heappush(self._timers, (due_ms, subject))
        self._asked = []

    def _index(self) -> None:
        self._ledgers, self._owners = {}, {}
        for row in self._state.rows.values():
            self._ledgers.setdefault(row.subject, []).append(row)
            self._owners.setdefault(row.evidence.source, row.subject)
