"""What documents say about an agent: found and erased in a data folder, beside a running server or without one.

Erasing leaves no copy in the files: deleted content is overwritten, and the WAL, which may still hold
it, is emptied afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import apsw
import msgspec

from carrythrough.embedded.database import connect, marks, select
from carrythrough.embedded.documents import KINDS

FILENAME = "documents.sqlite"
_NAMES = {number: kind for kind, number in KINDS.items()}


class KeptDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One document and its address, without its content. size: bytes."""

    kind: str
    activity: str
    agent: str
    registration: str
    id: str
    media_type: str
    size: int
    updated_ms: int


def kept_about(folder: Path, agents: Sequence[str]) -> list[KeptDocument]:
    """Return the documents of agents (`identity.actor_key`), in the order of their addresses."""
    path = folder / FILENAME
    if not path.exists():
        return []
    connection = connect(path, readonly=True)
    try:
        found = select(
            connection,
            "SELECT kind, activity, agent, registration, id, media_type, length(content), updated_ms FROM document"
            f" WHERE agent IN ({marks(len(agents))}) ORDER BY kind, activity, agent, registration, id",
            agents,
        )
    finally:
        connection.close()
    return [
        KeptDocument(
            kind=_NAMES[row[0]],
            activity=row[1],
            agent=row[2],
            registration=row[3],
            id=row[4],
            media_type=row[5],
            size=row[6],
            updated_ms=row[7],
        )
        for row in found
    ]


def erase_about(folder: Path, agents: Sequence[str]) -> int:
    """Erase the documents of agents and return how many there were; raises apsw.Error."""
    path = folder / FILENAME
    if not path.exists():
        return 0
    connection = connect(path)
    try:
        connection.execute("PRAGMA secure_delete=ON")
        with connection:
            connection.execute(f"DELETE FROM document WHERE agent IN ({marks(len(agents))})", agents)
            erased = connection.changes()
        _empty_the_wal(connection)
    finally:
        connection.close()
    return erased


def _empty_the_wal(connection: apsw.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
