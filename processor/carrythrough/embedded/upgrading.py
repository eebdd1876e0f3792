"""Opening a state file that an older version wrote: columns added, state derived again from the ledger.

The log and the ledger never change their meaning, so nothing is lost: the evidence half of each
employee is rebuilt from the ledger rows that count, the published half is carried over, and where
a void came from is read from the log. One transaction: a crash leaves the old file as it was.
"""

from __future__ import annotations

import apsw

from carrythrough.embedded.database import select
from carrythrough.embedded.decisions import adopt_decisions, has_decisions
from carrythrough.embedded.decoding import record_of
from carrythrough.embedded.log import LogReader, Row
from carrythrough.embedded.passages import adopt_passages, has_passages
from carrythrough.embedded.schema import EMPLOYEE, META, PAIR, SCHEMA
from carrythrough.embedded.terms import Terms
from carrythrough.embedded.view import read_ledger
from carrythrough.pipeline.plan import voided_by
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.pipeline.records import Kind
from carrythrough.scoring.codec import (
    STATE_VERSION,
    decode_published,
    decode_reached,
    encode_header,
    encode_pair,
    version_of,
)
from carrythrough.scoring.state import LearnerState, PairState

META_NAME = "state_version"


def prepare(connection: apsw.Connection, log: LogReader) -> None:
    """Create what is missing in a state file and bring an older one up to this version; raises apsw.Error."""
    kept, passed = has_decisions(connection), has_passages(connection)
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    with connection:  # a transaction
        if not kept:
            adopt_decisions(connection)
        if not passed:
            adopt_passages(connection)
        if "position" not in _columns(connection, "void"):
            connection.execute("ALTER TABLE void ADD COLUMN position INTEGER NOT NULL DEFAULT 0")
            _place_voids(connection, log)
        if _written_by(connection) != STATE_VERSION:
            _derive_again(connection)
        META.run(connection, [META_NAME, STATE_VERSION])


def _columns(connection: apsw.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def _written_by(connection: apsw.Connection) -> int:
    """Return the state version of the file, that of this program for an empty one."""
    row = connection.execute("SELECT value FROM meta WHERE name=?", (META_NAME,)).fetchone()
    if row is not None:
        return int(row[0])
    blob = connection.execute("SELECT state FROM pair LIMIT 1").fetchone()
    return STATE_VERSION if blob is None else version_of(bytes(blob[0]))


def _place_voids(connection: apsw.Connection, log: LogReader) -> None:
    """Write at which record of the log each void was said; only statements can void."""
    wanted = {bytes(row[0]) for row in connection.execute("SELECT source FROM void")}
    if not wanted:
        return
    for row in log.all():
        if row.kind != Kind.STATEMENT or b"voided" not in row.raw:
            continue
        target = _target(row)
        if target in wanted:
            wanted.discard(target)
            connection.execute("UPDATE void SET position=? WHERE source=?", (row.position, target))


def _target(row: Row) -> bytes:
    """Return what a statement voids, b"" for one that voids nothing."""
    try:
        return voided_by(record_of(row).content) or b""
    except Exception:  # noqa: BLE001 - the fold set it aside, so it voided nothing
        return b""


def _derive_again(connection: apsw.Connection) -> None:
    """Replace the state of every employee by that of the ledger, keeping what was published."""
    terms = Terms(connection)
    employees = select(connection, "SELECT id, subject, due_ms, header FROM employee ORDER BY id")
    for number, subject, due_ms, header in employees:
        rows = read_ledger(connection, terms, subject, number)
        learner = rebuild(row.evidence for row in rows if not row.voided)
        learner.carry(decode_reached(bytes(header)))
        _carry_published(connection, terms, number, learner)
        EMPLOYEE.run(connection, [number, subject, due_ms, encode_header(learner)])
        flat: list[object] = []
        for skill, pair in learner.pairs.items():
            published = pair.published
            flat += (number, terms.number(skill), published.stage, published.score, encode_pair(pair))
        PAIR.run(connection, flat)


def _carry_published(connection: apsw.Connection, terms: Terms, number: int, learner: LearnerState) -> None:
    for skill, blob in select(connection, "SELECT skill, state FROM pair WHERE employee=?", (number,)):
        pair = learner.pairs.setdefault(terms.text(skill), PairState())
        pair.published = decode_published(bytes(blob))
