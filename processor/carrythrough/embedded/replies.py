"""The table of answers to actions: written with the fold, read by the fold and by whoever is about to send."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

import apsw
import msgspec

from carrythrough.embedded.database import connect, select
from carrythrough.embedded.schema import REPLY
from carrythrough.pipeline.replying import Reply, wishes_of

_MEMBERS = ", ".join(f"r.{name}" for name in Reply.__struct_fields__)


def write_replies(connection: apsw.Connection, replies: Iterable[Reply]) -> None:
    """Write new answers; inside the transaction of the fold."""
    REPLY.run(connection, [value for reply in replies for value in msgspec.structs.astuple(reply)])


def replies_of(connection: apsw.Connection, subject: str) -> list[Reply]:
    """Return the answers that somebody gave, voided ones left out."""
    rows = select(
        connection,
        f"SELECT {_MEMBERS} FROM reply r WHERE r.subject=? AND NOT EXISTS"
        " (SELECT 1 FROM void v WHERE v.source = r.source)",
        (subject,),
    )
    return [reply_of(row) for row in rows]


def reply_of(row: Iterable[object]) -> Reply:
    """Return the answer in a row of the table, its columns in the order of `Reply`."""
    return msgspec.convert(dict(zip(Reply.__struct_fields__, row, strict=True)), Reply)


def stored_replies(connection: apsw.Connection) -> dict[bytes, Reply]:
    """Return every answer as it was folded, voided ones too, by its source."""
    found = [reply_of(row) for row in select(connection, f"SELECT {_MEMBERS} FROM reply r")]
    return {reply.source: reply for reply in found}


class Declined:
    """What people opted out of by answering, as of the last commit; safe to call from any thread."""

    def __init__(self, state: Path) -> None:
        self._connection = connect(state, readonly=True)
        self._lock = threading.Lock()

    def topics(self, subject: str) -> tuple[str, ...]:
        """Return the topics that somebody wants no more of; () for nearly everybody."""
        with self._lock:
            return wishes_of(replies_of(self._connection, subject)).topics

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()
