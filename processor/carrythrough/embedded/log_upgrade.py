"""Brings a log that an earlier version wrote up to what is read and written now, once and as a whole."""

from __future__ import annotations

import contextlib
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


def bring_up_to_date(connection: apsw.Connection, schema: str) -> None:
    """Make what a log lacks in one transaction; closes the connection when that fails. Raises apsw.Error.

    To the log of an earlier version are added: the version under whose rules a statement was taken
    in, which was 1.0.3 always; and the ids that voiding statements name, so that a voided statement
    is known as such without an index.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        for statement in schema.split(";"):
            connection.execute(statement)
        names = {row[1] for row in connection.execute("PRAGMA table_info(log)")}
        if "version" not in names:
            connection.execute("ALTER TABLE log ADD COLUMN version INTEGER NOT NULL DEFAULT 103")
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name='voiding'").fetchone():
            connection.execute(_VOIDING)
            found = list(_voiding(connection))
            if found:
                connection.executemany("INSERT OR IGNORE INTO voiding VALUES (?,?)", found)
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(apsw.Error):
            connection.close()
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
