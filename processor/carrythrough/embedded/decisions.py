"""Decisions kept for proof: what chance decided, what was sent and who was held out.

The table of effects is for subscribers and forgets; proof needs them all. A decision that guards alone
brought to nothing is no experiment and stays out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import apsw
import msgspec

from carrythrough.embedded.database import select
from carrythrough.embedded.hub import Published
from carrythrough.embedded.schema import DECISION
from carrythrough.impact.points import DecisionPoint, read_point

DECISIONS_READ_MAX = 200_000
"""The newest are read for a report, about 1 KB each in memory while it is made; the rest is said to be left out."""
_TABLE = "SELECT 1 FROM sqlite_schema WHERE type='table' AND name='decision'"


def write_decisions(connection: apsw.Connection, published: Iterable[Published]) -> None:
    """Keep the decisions among published effects, inside the transaction of the fold."""
    flat: list[object] = []
    for entry in published:
        if entry.kind == "decision":
            point = read_point(entry.body)
            if _kept(point):
                flat += (entry.seq, entry.subject, entry.skill, point.as_of_ms, entry.body)
    DECISION.run(connection, flat)


def has_decisions(connection: apsw.Connection) -> bool:
    """Say whether a state file has the table."""
    return connection.execute(_TABLE).fetchone() is not None


def adopt_decisions(connection: apsw.Connection) -> None:
    """Fill a new table from the effects that an older version left."""
    rows = connection.execute("SELECT seq, kind, subject, skill, body FROM effect WHERE kind='decision'")
    write_decisions(
        connection,
        [Published(seq, kind, subject, skill, bytes(body)) for seq, kind, subject, skill, body in rows],
    )


def read_decisions(connection: apsw.Connection) -> tuple[list[DecisionPoint], int]:
    """Return the newest decisions, of whom the roster knows now, and how many older ones are left out."""
    if not has_decisions(connection):
        return [], 0
    count = int(connection.execute("SELECT count(*) FROM decision").get)
    rows = connection.execute("SELECT body FROM decision ORDER BY seq DESC LIMIT ?", (DECISIONS_READ_MAX,))
    whose = _Whose(connection)
    return list(_now(rows, whose)), max(count - DECISIONS_READ_MAX, 0)


def _now(rows: Iterable[tuple[bytes]], whose: _Whose) -> Iterator[DecisionPoint]:
    for (body,) in rows:
        point = read_point(bytes(body))
        subject = whose.of(point.subject)
        yield point if subject == point.subject else msgspec.structs.replace(point, subject=subject)


class _Whose:
    """Under which pseudonym the evidence of a former one is now."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._moves: dict[str, list[tuple[int, str]]] = {}
        for source, position, target in select(
            connection, "SELECT source, position, target FROM move ORDER BY position"
        ):
            self._moves.setdefault(source, []).append((position, target))
        self._there = {
            row[0]
            for row in select(
                connection,
                "SELECT subject FROM employee WHERE subject IN (SELECT source FROM move)"
                " AND subject NOT IN (SELECT subject FROM vanished)",
            )
        }

    def of(self, subject: str) -> str:
        """Return the pseudonym of now; one that still has evidence keeps its own decisions."""
        if subject in self._there:
            return subject
        at, found = -1, subject
        while after := [move for move in self._moves.get(found, ()) if move[0] > at]:
            at, found = after[0]
        return found


def _kept(point: DecisionPoint) -> bool:
    return point.randomised or point.pushed or point.holdout
