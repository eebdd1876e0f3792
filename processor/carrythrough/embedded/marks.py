"""The table of cmi5 marks: one row for each cmi5-defined statement, written with the state that it changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import apsw

from carrythrough.embedded.database import select
from carrythrough.embedded.schema import MARK
from carrythrough.embedded.terms import Terms
from carrythrough.evidence.cmi5 import Aside, Mark, Unit, judge
from carrythrough.pipeline.delta import Delta
from carrythrough.pipeline.records import SUPERSEDED
from carrythrough.pipeline.registrations import Home, PlacedMark

_COLUMNS = "source, registration, activity, verb, t_ms, session, scaled, mastery, move_on, flags"


def write_marks(
    connection: apsw.Connection,
    delta: Delta,
    employee: Callable[[str], int],
    term: Callable[[str], int],
) -> None:
    """Write the new marks of a batch and who stands aside by it; inside the transaction of the fold."""
    flat: list[object] = []
    for placed in delta.marks:
        m = placed.mark
        flat += (
            employee(placed.subject), m.registration, term(m.activity), m.source, m.verb, m.t_ms,
            m.session, m.scaled, m.mastery, m.move_on, m.flags, placed.position,
        )  # fmt: skip
    MARK.run(connection, flat)
    for subject, source, aside in delta.superseded:
        connection.execute(
            "UPDATE ledger SET voided=(voided&~?)|? WHERE employee=? AND source=?",
            (SUPERSEDED, SUPERSEDED if aside else 0, employee(subject), source),
        )


def read_marks(connection: apsw.Connection, terms: Terms, where: str, values: Sequence[Any]) -> list[Mark]:
    """Return the marks that a condition holds for."""
    return [
        _mark(row, terms) for row in select(connection, f"SELECT {_COLUMNS} FROM mark WHERE {where}", values)
    ]


def home_of(connection: apsw.Connection, terms: Terms, source: bytes) -> Home | None:
    """Return the unit that a statement belongs to, None when it is no mark."""
    row = connection.execute(
        "SELECT e.subject, m.registration, m.activity FROM mark m JOIN employee e ON e.id = m.employee"
        " WHERE m.source=?",
        (source,),
    ).fetchone()
    return None if row is None else (str(row[0]), bytes(row[1]), terms.text(row[2]))


def read_placed(
    connection: apsw.Connection, terms: Terms, where: str = "1", values: Sequence[Any] = ()
) -> list[PlacedMark]:
    """Return marks with whose they are and where their statements stand in the log (m: mark, e: employee)."""
    columns = ", ".join(f"m.{name}" for name in _COLUMNS.split(", "))
    rows = select(
        connection,
        f"SELECT {columns}, e.subject, m.position FROM mark m JOIN employee e ON e.id = m.employee WHERE {where}",
        values,
    )
    return [PlacedMark(row[10], _mark(row, terms), row[11]) for row in rows]


def units_of(
    connection: apsw.Connection, terms: Terms, where: str, values: Sequence[Any], up_to: int = 1 << 62
) -> dict[Home, Unit]:
    """Return the units that a condition holds for, judged by what was in the log up to a position."""
    gone = "SELECT 1 FROM void v WHERE v.source = m.source AND v.position <= ?"
    placed = read_placed(
        connection, terms, f"{where} AND m.position <= ? AND NOT EXISTS ({gone})", (*values, up_to, up_to)
    )
    units: dict[Home, list[Mark]] = {}
    for one in placed:
        units.setdefault(one.home(), []).append(one.mark)
    return {home: judge(marks) for home, marks in sorted(units.items())}


def set_aside(
    connection: apsw.Connection, terms: Terms, employee: int | None, up_to: int = 1 << 62
) -> dict[bytes, Aside]:
    """Return the statements of one employee that their registrations set aside, with the reason."""
    found: dict[bytes, Aside] = {}
    for unit in units_of(connection, terms, "m.employee=?", (employee,), up_to).values():
        found |= unit.asides
    return found


def _mark(row: Sequence[Any], terms: Terms) -> Mark:
    source, registration, activity, verb, t_ms, session, scaled, mastery, move_on, flags = row[:10]
    return Mark(
        bytes(source),
        bytes(registration),
        terms.text(activity),
        verb,
        t_ms,
        session,
        scaled,
        mastery,
        move_on,
        flags,
    )
