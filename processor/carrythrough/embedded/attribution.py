"""Whose evidence was whose at an earlier place in the log, before identities were merged or split.

A row of the ledger is with whoever the roster in force says. What somebody was shown in January is another
question when the roster changed in March: their evidence of that time may be with another pseudonym now,
and some that they have now was not theirs. The table of moves says between whom evidence went since; the
roster of that time decides for each row, as the fold did then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import apsw
import msgspec

from carrythrough.embedded.database import select
from carrythrough.embedded.marks import read_placed
from carrythrough.embedded.terms import Terms
from carrythrough.embedded.view import read_ledger
from carrythrough.evidence.cmi5 import Aside, Mark, judge
from carrythrough.identity.directory import RosterIndex
from carrythrough.pipeline.records import LedgerRow


class Then:
    """What was known of one employee after a position of the log."""

    def __init__(
        self,
        connection: apsw.Connection,
        terms: Terms,
        position: int,
        roster: RosterIndex,
        names: Callable[[Iterable[int]], Mapping[int, str]],
    ) -> None:
        """roster: the one in force at the position. names: whom the records at some positions are about."""
        self._connection = connection
        self._terms = terms
        self._position = position
        self._roster = roster
        self._names = names

    def rows(self, subject: str) -> list[LedgerRow]:
        """Return the ledger rows that were with somebody, whether they counted or not."""
        found: list[LedgerRow] = []
        holders = self._holders(subject)
        for holder in holders:
            for number in self._numbers(holder):
                found += read_ledger(self._connection, self._terms, holder, number)
        found = [row for row in found if row.position <= self._position]
        if holders == {subject}:
            return found
        names = self._names({row.position for row in found})
        return [
            msgspec.structs.replace(row, subject=subject)
            for row in found
            if self._roster.subject_of_name(names[row.position]) == subject
        ]

    def asides(self, subject: str) -> dict[bytes, Aside]:
        """Return the statements that somebody's cmi5 registrations set aside, with the reason."""
        void = "NOT EXISTS (SELECT 1 FROM void v WHERE v.source = m.source AND v.position <= ?)"
        holders = self._holders(subject)
        placed = [
            one
            for holder in holders
            for one in read_placed(
                self._connection,
                self._terms,
                f"e.subject=? AND m.position <= ? AND {void}",
                (holder, self._position, self._position),
            )
        ]
        if holders != {subject}:
            names = self._names({one.position for one in placed})
            placed = [one for one in placed if self._roster.subject_of_name(names[one.position]) == subject]
        units: dict[tuple[bytes, str], list[Mark]] = {}
        for one in placed:
            units.setdefault((one.mark.registration, one.mark.activity), []).append(one.mark)
        found: dict[bytes, Aside] = {}
        for _, marks in sorted(units.items()):
            found |= judge(marks).asides
        return found

    def _holders(self, subject: str) -> set[str]:
        """Return who may have by now what was somebody's then: everybody that moves lead to from there."""
        found, waiting = {subject}, [subject]
        while waiting:
            one = waiting.pop()
            rows = select(
                self._connection,
                "SELECT target FROM move WHERE source=? AND position > ?"
                " UNION SELECT source FROM move WHERE target=? AND position > ?",
                (one, self._position, one, self._position),
            )
            for (other,) in rows:
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found

    def _numbers(self, subject: str) -> list[int]:
        rows = select(self._connection, "SELECT id FROM employee WHERE subject=?", (subject,))
        return [int(number) for (number,) in rows]
