"""Events that are no evidence, as the fold has kept them: those that wait for the map, and readings of teams."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import apsw
import msgspec

from carrythrough.embedded.committer import Committer, text_of
from carrythrough.embedded.database import connect, select
from carrythrough.embedded.log import LogFile
from carrythrough.embedded.presenting import rfc3339
from carrythrough.events.performance import PerformanceEvent, decode_event
from carrythrough.pipeline.noting import Note, Released, TeamReading, Waiting, is_known
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import Kind

OUR_CREDENTIAL = "carrythrough"
RELEASED_AT_ONCE = 500
"""Events read again in one commit: they are few, and intake goes on meanwhile."""


class AgainItem(msgspec.Struct):
    """An event to append once more, as `committer.Submission` takes items."""

    raw: bytes
    content: PerformanceEvent
    id: bytes
    t_ms: int


def write_notes(connection: apsw.Connection, notes: Iterable[Note]) -> None:
    """Write notes in the open transaction, in order."""
    for note in notes:
        if isinstance(note, Waiting):
            connection.execute("INSERT OR REPLACE INTO waiting VALUES (?,?,?)", msgspec.structs.astuple(note))
        elif isinstance(note, Released):
            connection.execute("DELETE FROM waiting WHERE source=?", (note.source,))
        else:
            connection.execute(
                "INSERT OR REPLACE INTO team_reading VALUES (?,?,?,?,?,?)", msgspec.structs.astuple(note)
            )


class NotedEvents:
    """Reads of what was noted, and the release of what waited; safe to use from several threads."""

    def __init__(
        self,
        state: Path,
        log: LogFile,
        in_force: Callable[[], InForce],
        committer: Committer,
    ) -> None:
        """in_force: the versions in force. committer: stores events once more, to be read again."""
        self._connection = connect(state, readonly=True)
        self._log = log.reader()
        self._in_force = in_force
        self._committer = committer
        self._lock = threading.Lock()
        self._under_way: set[bytes] = set()

    def release(self) -> int:
        """Have every event read again whose name the map in force knows; return how many. Blocks."""
        program = self._in_force().program
        with self._lock:
            names = [row[0] for row in select(self._connection, "SELECT DISTINCT name FROM waiting")]
            ready = [name for name in names if is_known(name, program)]
            rows = [row for name in ready for row in self._waiting(name)]
            self._under_way &= {bytes(source) for source, _ in rows}
            fresh = [(bytes(source), place) for source, place in rows if bytes(source) not in self._under_way]
            self._under_way.update(source for source, _ in fresh)
            for start in range(0, len(fresh), RELEASED_AT_ONCE):
                found = self._log.rows_at([place for _, place in fresh[start : start + RELEASED_AT_ONCE]])
                items = [
                    AgainItem(bytes(row.raw), decode_event(bytes(row.raw)), bytes(row.id), row.t_ms)
                    for _, row in sorted(found.items())
                ]
                self._committer.submit_now(Kind.EVENT_AGAIN, items, OUR_CREDENTIAL)
        return len(fresh)

    def _waiting(self, name: str) -> list[Any]:
        return select(
            self._connection, "SELECT source, position FROM waiting WHERE name=? ORDER BY position", (name,)
        )

    def waiting_answer(self) -> list[dict[str, Any]]:
        """Return what events wait for, as REST shows it."""
        return [{"name": name, "events": count} for name, count in self.waiting().items()]

    def team_answer(self, team: str, kpi: str, limit: int) -> list[dict[str, Any]]:
        """Return readings of teams as REST shows them; without teams of fewer people than a group must have.

        The number of such a team would be that of its people. A team that the roster does not know has no people.
        """
        in_force = self._in_force()
        sizes = Counter(person.team for person in in_force.directory.people.values())
        small = {name for name, size in sizes.items() if size < in_force.program.policy.minimum_group}
        return [
            {
                "team": reading.team,
                "kpi": reading.kpi,
                "time": rfc3339(reading.t_ms),
                "value": reading.value,
                "id": text_of(reading.source),
            }
            for reading in self.team_readings(team, kpi, limit)
            if reading.team not in small
        ]

    def waiting(self) -> dict[str, int]:
        """Return how many events wait, by the name that they wait for ("kpi:csat")."""
        with self._lock:
            return dict(
                select(self._connection, "SELECT name, count(*) FROM waiting GROUP BY name ORDER BY name")
            )

    def team_readings(self, team: str, kpi: str, limit: int) -> list[TeamReading]:
        """Return the newest readings of a team or KPI ("": any), those taken back left out."""
        text = (
            "SELECT source, team, kpi, t_ms, value, position FROM team_reading"
            " WHERE (?1='' OR team=?1) AND (?2='' OR kpi=?2) AND source NOT IN (SELECT source FROM void)"
            " ORDER BY t_ms DESC, position DESC LIMIT ?3"
        )
        with self._lock:
            rows = select(self._connection, text, (team, kpi, limit))
        return [TeamReading(bytes(row[0]), *row[1:]) for row in rows]

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        with self._lock:
            self._connection.close()
            self._log.close()
