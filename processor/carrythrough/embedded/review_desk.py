"""What a review asks of the embedded shell: which questions were due, which are answered, and as whom one answers."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from carrythrough.embedded.database import connect, select
from carrythrough.embedded.terms import Terms
from carrythrough.embedded.view import read_ledger
from carrythrough.evidence.types import Evidence
from carrythrough.gateway.pages.review import Asked, statement_id
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.reviews import schedules
from carrythrough.program.items import Item, activity_of
from carrythrough.scoring.spacing import PASSED_Y

ASKED_MAX = 5
"""Questions of one review: what takes a few minutes; what is left comes with the next one."""
FOLD_WAIT_S = 2.0
"""How long a page waits for its answer to count; afterwards it goes on without."""


class ReviewDeskHere:
    """Implements `gateway.pages.review.ReviewDesk` over the state file."""

    def __init__(
        self, state: Path, in_force: Callable[[], InForce], caught_up: Callable[[float], bool]
    ) -> None:
        self._connection = connect(state, readonly=True)
        self._terms = Terms(self._connection)
        self._in_force = in_force
        self._caught_up = caught_up
        self._lock = threading.Lock()

    def has_items(self, skill: str) -> bool:
        """Say whether the map in force has questions about a skill."""
        return skill in self._in_force().program.items

    def sitting(self, subject: str, skill: str, at_ms: int, action: str) -> Sequence[Asked]:
        """Return the questions that were due at `at_ms`: those longest due first, then those never asked."""
        program = self._in_force().program
        items = {activity_of(program.id, item.id): item for item in program.items.get(skill, ())}
        known = program.skills.get(skill)
        if not items or known is None:
            return ()
        rows = self._rows(subject)
        ids = {uuid.UUID(statement_id(action, item.id)).bytes: item for item in items.values()}
        given = {ids[e.source].id: e.y >= PASSED_Y for e in rows if e.source in ids}
        before = [e for e in rows if e.t_ms <= at_ms and e.source not in ids]
        dated = {s.item: s.due_ms for s in schedules(before, known)}
        due = [items[name] for name, due_ms in dated.items() if name in items and due_ms <= at_ms]
        new = [item for name, item in items.items() if name not in dated]
        chosen: list[Item] = [*due, *new][:ASKED_MAX]
        return tuple(Asked(item, activity_of(program.id, item.id), given.get(item.id)) for item in chosen)

    def agent(self, subject: str) -> dict[str, Any] | None:
        """Return a person by their e-mail, else by the first identifier of theirs in the roster."""
        person = self._in_force().directory.person(subject)
        if person is None:
            return None
        if person.email:
            return {"mbox": f"mailto:{person.email}"}
        for identifier in person.identifiers:
            found = {
                name: value for name, value in msgspec.to_builtins(identifier).items() if value is not None
            }
            if found:
                return found
        return None

    def folded(self) -> None:
        """Wait until what was acknowledged is folded, FOLD_WAIT_S at most."""
        self._caught_up(FOLD_WAIT_S)

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()

    def _rows(self, subject: str) -> list[Evidence]:
        with self._lock:
            found = select(self._connection, "SELECT id FROM employee WHERE subject=?", (subject,))
            if not found:
                return []
            rows = read_ledger(self._connection, self._terms, subject, int(found[0][0]))
        return [row.evidence for row in rows if not row.voided]
