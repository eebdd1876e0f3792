"""Brings a log that an earlier version wrote up to what is read and written now, once and as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import msgspec

from carrythrough.pipeline.records import VOIDED_VERB

_VOIDING = """
CREATE TABLE IF NOT EXISTS voiding(
  target BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(target, position)) WITHOUT ROWID
"""
_MAY_VOID = """
SELECT position, raw FROM log
WHERE kind = 1 AND (instr(raw, CAST('voided' AS BLOB)) OR instr(raw, CAST('\\u00' AS BLOB)))
"""
"""Statements whose text may spell the verb; an escape may hide a letter of it."""


class _Verb(msgspec.Struct):
    id: str


class _Object(msgspec.Struct, rename="camel"):
    object_type: str = "Activity"
    id: str = ""


class _Statement(msgspec.Struct):
    verb: _Verb
    object: _Object


_decode = msgspec.json.Decoder(_Statement).decode


def upgrade(connection: apsw.Connection) -> None:
    """Add what the log of an earlier version lacks; raises apsw.Error.

    The version under whose rules a statement was taken in: only 1.0.3 there was. The ids that
    voiding statements name, so that a voided statement is known as such without an index.
    """
    columns = {row[1] for row in connection.execute("PRAGMA table_info(log)")}
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type='table'")}
    if "version" in columns and "voiding" in tables:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if "version" not in columns:
            connection.execute("ALTER TABLE log ADD COLUMN version INTEGER NOT NULL DEFAULT 103")
        if "voiding" not in tables:
            connection.execute(_VOIDING)
            connection.executemany("INSERT OR IGNORE INTO voiding VALUES (?,?)", list(_voiding(connection)))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _voiding(connection: apsw.Connection) -> Iterator[tuple[bytes, int]]:
    """Yield (target id, position) of the voiding statements in the log."""
    for position, raw in connection.execute(_MAY_VOID):
        try:
            statement = _decode(raw)
            if statement.verb.id == VOIDED_VERB and statement.object.object_type == "StatementRef":
                yield bytes.fromhex(statement.object.id.replace("-", "")), position
        except (msgspec.DecodeError, RecursionError, ValueError):
            continue  # the fold has set it aside
