"""Strangers as the state file has them, and whom a record of the log is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

import apsw

from carrythrough.embedded.database import marks, select
from carrythrough.embedded.decoding import record_of
from carrythrough.embedded.log import LogReader
from carrythrough.pipeline.strangers import Stranger, name_of

TOKENS_AT_ONCE = 500
"""Tokens looked up in one query, below SQLite's limit on variables."""


def read_stranger(connection: apsw.Connection, subject: str) -> Stranger | None:
    """Return what is known of a stranger, None for others."""
    row = connection.execute(
        "SELECT kind, host, position FROM stranger WHERE subject=?", (subject,)
    ).fetchone()
    if row is None:
        return None
    kin = select(connection, "SELECT token FROM kin WHERE subject=? ORDER BY token", (subject,))
    return Stranger(row[0], row[1], tuple(token for (token,) in kin), row[2])


def strangers_of_kin(connection: apsw.Connection, kin: Iterable[str] | None) -> set[str]:
    """Return the strangers that have one of some tokens, None for all.

    `kin` is not begun while there are no strangers.
    """
    if kin is None:
        return {row[0] for row in select(connection, "SELECT subject FROM stranger")}
    found: set[str] = set()
    if connection.execute("SELECT 1 FROM kin LIMIT 1").fetchone() is None:
        return found
    tokens = iter(kin)
    while part := list(islice(tokens, TOKENS_AT_ONCE)):
        text = f"SELECT subject FROM kin WHERE token IN ({marks(len(part))})"
        found.update(row[0] for row in select(connection, text, part))
    return found


def names_at(log: LogReader, positions: Iterable[int]) -> Mapping[int, str]:
    """Return whom the records at some positions of the log are about, by name."""
    rows = log.rows_at(list(positions))
    return {position: name_of(record_of(row).content) for position, row in rows.items()}
