"""The read side of cmi5 registrations: moveOn of every unit, and what was set aside, ready for JSON."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from carrythrough.embedded.database import connect, select
from carrythrough.embedded.marks import read_placed
from carrythrough.embedded.presenting import rfc3339
from carrythrough.embedded.terms import Terms
from carrythrough.evidence.cmi5 import ASIDE_SENTENCES, MOVE_ON_WORDS, Aside, Mark, Unit, Verb, judge
from carrythrough.evidence.types import Channel
from carrythrough.pipeline.contest import evidence_id
from carrythrough.pipeline.records import SUPERSEDED, LedgerRow
from carrythrough.pipeline.registrations import Home, PlacedMark
from carrythrough.xapi.formats import uuid_text

MARKS_READ_MAX = 20_000
"""Statements of one registration that one answer reads: an LMS may give all its learners the same one."""
REGISTRATIONS_MAX = 500
"""Registrations of one employee that one answer lists, those with the newest statement first."""


class Registrations:
    """Reads over the marks of `state.sqlite`; safe to call from any thread."""

    def __init__(self, state: Path) -> None:
        self._connection = connect(state, readonly=True)
        self._terms = Terms(self._connection)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()

    def registration(self, registration: bytes) -> dict[str, Any] | None:
        """Return one registration with its units, judged; None when no cmi5-defined statement names it."""
        with self._lock:
            placed = self._read("m.registration=?", (registration,))
            practice = self._practice("SELECT employee FROM mark WHERE registration=?", (registration,))
        return _registration(registration, placed, practice) if placed else None

    def of_employee(self, subject: str) -> list[dict[str, Any]]:
        """Return the registrations of one employee, the one with the newest statement first."""
        with self._lock:
            rows = select(
                self._connection,
                "SELECT m.registration, max(m.t_ms) FROM mark m JOIN employee e ON e.id = m.employee"
                " WHERE e.subject=? GROUP BY m.registration ORDER BY 2 DESC, 1 LIMIT ?",
                (subject, REGISTRATIONS_MAX),
            )
            found = [
                (bytes(row[0]), self._read("m.registration=? AND e.subject=?", (row[0], subject)))
                for row in rows
            ]
            practice = self._practice("SELECT id FROM employee WHERE subject=?", (subject,))
        return [_registration(registration, placed, practice) for registration, placed in found if placed]

    def _read(self, where: str, values: Sequence[Any]) -> list[PlacedMark]:
        """Return at most MARKS_READ_MAX marks and one more, those of a unit together."""
        order = "ORDER BY e.subject, m.activity LIMIT ?"
        return read_placed(
            self._connection, self._terms, f"{where} AND {_NOT_VOID} {order}", (*values, MARKS_READ_MAX + 1)
        )

    def _practice(self, employees: str, values: Sequence[Any]) -> set[bytes]:
        """Return the statements that gave evidence of practice of those whom a query names."""
        rows = select(
            self._connection,
            f"SELECT source FROM ledger WHERE employee IN ({employees}) AND channel={int(Channel.PRACTICE)}",
            values,
        )
        return {bytes(row[0]) for row in rows}


_NOT_VOID = "NOT EXISTS (SELECT 1 FROM void v WHERE v.source = m.source)"


def set_aside_entry(mark: Mark, aside: Aside) -> dict[str, Any]:
    """Return a statement that does not count, with the reason as a code and as a sentence."""
    entry = _statement(mark)
    entry["verb"] = Verb(mark.verb).name.lower()
    entry["reason"] = _code(aside)
    entry["text"] = ASIDE_SENTENCES[aside]
    return entry


def set_aside_evidence(
    rows: Iterable[LedgerRow], asides: Mapping[bytes, Aside], skill: str, at_ms: int | None
) -> list[dict[str, Any]]:
    """Return the evidence of one skill up to an event time that its registrations set aside, newest first.

    Voided and contested evidence is left out: it would not count either way.
    """
    found = [
        (row.evidence, asides.get(row.evidence.source, Aside.TOO_MANY))
        for row in rows
        if row.evidence.skill == skill
        and (row.evidence.source in asides or row.voided == SUPERSEDED)
        and not row.voided & ~SUPERSEDED
    ]
    kept = [(e, aside) for e, aside in found if at_ms is None or e.t_ms <= at_ms]
    return [
        {
            "evidence": evidence_id((e.source, e.skill, e.channel)),
            "channel": Channel(e.channel).name.lower(),
            "time": rfc3339(e.t_ms),
            "reason": _code(aside),
            "text": ASIDE_SENTENCES[aside],
        }
        for e, aside in sorted(kept, key=lambda one: (one[0].t_ms, one[0].source), reverse=True)
    ]


def _code(aside: Aside) -> str:
    return aside.name.lower().replace("_", "-")


def _registration(
    registration: bytes, placed: list[PlacedMark], practice: AbstractSet[bytes]
) -> dict[str, Any]:
    truncated = len(placed) > MARKS_READ_MAX
    if truncated:  # the last unit may not be whole
        last = placed[-1].home()
        placed = [one for one in placed if one.home() != last]
    groups: dict[Home, list[Mark]] = {}
    for one in placed:
        groups.setdefault(one.home(), []).append(one.mark)
    units: list[dict[str, Any]] = []
    satisfied: list[dict[str, Any]] = []
    for home, marks in sorted(groups.items()):
        unit = judge(marks)
        if unit.satisfied is not None:
            satisfied.append({"subject": home[0], "activity": home[2], **_statement(unit.satisfied)})
        if any(mark.verb != Verb.SATISFIED for mark in marks):
            practised = any(mark.source in practice for mark in marks)
            units.append(_unit(home, unit, marks) | {"practice": practised})
    known = [unit["met"] for unit in units]
    met = False if False in known else None if None in known or truncated or not known else True
    return {
        "registration": uuid_text(registration),
        "met": met,
        "units": units,
        "satisfied": satisfied,
        "truncated": truncated,
    }


def _unit(home: Home, unit: Unit, marks: list[Mark]) -> dict[str, Any]:
    by_source = {mark.source: mark for mark in marks}
    asides = sorted(
        (by_source[source].order(), by_source[source], aside) for source, aside in unit.asides.items()
    )
    return {
        "subject": home[0],
        "activity": home[2],
        "move_on": MOVE_ON_WORDS[unit.move_on] or None,
        "met": unit.met,
        "met_since": rfc3339(unit.met_ms) if unit.met_ms else None,
        "mastery_score": unit.mastery,
        "passed": _maybe(unit.passed),
        "failed": _maybe(unit.failed),
        "completed": _maybe(unit.completed),
        "waived": _maybe(unit.waived),
        "sessions": unit.sessions,
        "abandoned": unit.abandoned,
        "set_aside": [set_aside_entry(mark, aside) for _, mark, aside in asides],
    }


def _maybe(mark: Mark | None) -> dict[str, Any] | None:
    return None if mark is None else _statement(mark)


def _statement(mark: Mark) -> dict[str, Any]:
    return {"statement": uuid_text(mark.source), "time": rfc3339(mark.t_ms), "scaled": mark.scaled}
