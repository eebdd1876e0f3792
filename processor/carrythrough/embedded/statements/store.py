"""Stored statements to read: single ones straight from the log, pages by the index.

A page waits a moment for an index that is a little behind, so that who has just
stored something finds it; while the index is far behind, under load, a page is
answered from what is indexed, and says up to when that is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import apsw
import msgspec

from carrythrough.embedded.attachments import AttachmentFile
from carrythrough.embedded.log import LogFile, LogReader, Row
from carrythrough.embedded.statements import digests as roles
from carrythrough.embedded.statements.chains import REFERENCE_DEPTH_MAX
from carrythrough.embedded.statements.digests import digest
from carrythrough.embedded.statements.file import definition
from carrythrough.embedded.statements.indexer import Indexer
from carrythrough.embedded.statements.matching import meets
from carrythrough.embedded.statements.memory import Memory
from carrythrough.embedded.statements.plan import Search, filters
from carrythrough.embedded.statements.readers import Readers
from carrythrough.pipeline.records import VOIDED_VERB, Kind
from carrythrough.telemetry.metrics import Telemetry
from carrythrough.xapi.admission import decode_statement
from carrythrough.xapi.query import VERSIONS, AttachmentData, StatementPage, StatementQuery, StoredStatement
from carrythrough.xapi.statement import Statement, StatementRef

FRESH_WAIT_S = 1.0
"""How long a query waits for the index to have what was acknowledged before it."""
FRESH_REST_S = 1.0
"""After a wait in vain nobody waits for so long: one request may ask for hundreds of activities."""
FRESH_RECORDS_MAX = 5_000
"""Under load, an index that is further behind is not waited for: it would not get there in that time."""


class StatementStore:
    """Implements `ports.Statements` for one data folder; safe to call from any thread."""

    def __init__(
        self,
        path: Path,
        log: LogFile,
        attachments: AttachmentFile,
        settled_ms: Callable[[], int],
        telemetry: Telemetry,
        authority_home: str,
    ) -> None:
        """path: of `index.sqlite`. settled_ms: as `Committer.settled_ms`.

        authority_home: home page of the accounts that stand for credentials as authorities.
        """
        self._log = log
        self._attachments = attachments
        self._settled_ms = settled_ms
        self._authority = f"account:{authority_home.replace('|', '%7C')}|"
        self._rests_until = 0.0
        self.indexer = Indexer(path, log, telemetry)
        telemetry.index_lag_records.set_function(lambda: max(0, log.end - self.indexer.position))
        self._readers = Readers(log, self.indexer)

    def start(self) -> None:
        """Start indexing."""
        self.indexer.start()

    def stop(self) -> None:
        """End indexing and close the connections; safe to call twice and without a start."""
        self.indexer.stop()
        self._readers.close()

    def statement(self, id_: bytes, *, voided: bool) -> StoredStatement | None:
        """Return the statement with this id if it is (not) voided; sees whatever was acknowledged."""
        with self._readers.one() as (log, _):
            row = log.row_of(id_)
            if row is None or row.kind != Kind.STATEMENT:
                return None
            is_voided = bool(log.voiding_among([id_])) and not _voids(row)
        return _stored(row) if is_voided is voided else None

    def page(self, query: StatementQuery) -> StatementPage:
        """Return one page; see `ports.Statements`."""
        through_ms = self._freshly_through_ms()
        memory = self.indexer.memory
        indexed = memory.position
        up_to = min(query.up_to or indexed, indexed)
        with self._readers.one() as (log, index):
            low, high = self._bounds(log, query, up_to)
            found: list[Row] = []
            if low <= high:
                index.execute("BEGIN")
                try:
                    found = self._found(query, memory, log, index, low, high)
                finally:
                    index.execute("ROLLBACK")
        more = len(found) > query.limit
        found = found[: query.limit]
        return StatementPage(
            statements=[_stored(row) for row in found],
            more_after=found[-1].position if more else 0,
            up_to=up_to,
            consistent_through_ms=through_ms,
        )

    def attachments(self, sha2s: Iterable[str]) -> dict[str, AttachmentData]:
        """Return the stored attachments among these digests."""
        return self._attachments.read(sha2s)

    def activity(self, id_: str) -> dict[str, Any] | None:
        """Return the activity with what was said about it, None when no statement names it."""
        self._freshly_through_ms()
        memory = self.indexer.memory
        with self._readers.one() as (_, index):
            defined = memory.definitions.get(id_) or definition(index, id_)
            if defined is not None:
                return {"objectType": "Activity", "id": id_, "definition": msgspec.json.decode(defined)}
            named = [digest(memory.key, role, id_) for role in (roles.ACTIVITY, roles.RELATED_ACTIVITY)]
            known = Search(index, memory).knows(named)
        return {"objectType": "Activity", "id": id_} if known else None

    def consistent_through_ms(self) -> int:
        """Return the stored time up to which queries see everything."""
        settled_ms, end, indexed = self._settled_ms(), self._log.end, self.indexer.position
        if indexed >= end:
            return settled_ms
        with self._readers.one() as (log, _):
            return log.stored_ms(indexed)

    def _freshly_through_ms(self) -> int:
        """Wait for the index where that helps, and return the time up to which it has everything."""
        settled_ms, end = self._settled_ms(), self._log.end
        behind = end - self.indexer.position
        if behind <= 0:
            return settled_ms
        may_wait = behind <= FRESH_RECORDS_MAX or not self.indexer.pace.busy
        if may_wait and time.monotonic() >= self._rests_until:
            if self.indexer.wait_for(end, FRESH_WAIT_S):
                return settled_ms
            self._rests_until = time.monotonic() + FRESH_REST_S
        return self.consistent_through_ms()

    def _bounds(self, log: LogReader, query: StatementQuery, up_to: int) -> tuple[int, int]:
        """Return the first and the last position that the page may hold."""
        low = _first_after(log, query.since_ms, up_to) if query.since_ms >= 0 else 1
        high = _first_after(log, query.until_ms, up_to) - 1 if query.until_ms >= 0 else up_to
        if query.after and query.ascending:
            low = max(low, query.after + 1)
        elif query.after:
            high = min(high, query.after - 1)
        return low, high

    def _found(
        self,
        query: StatementQuery,
        memory: Memory,
        log: LogReader,
        index: apsw.Connection,
        low: int,
        high: int,
    ) -> list[Row]:
        """Return the rows of the page and one more, if there is one."""
        key = memory.key
        wanted = filters(key, query, self._stored_by(query))
        search = Search(index, memory)
        candidates = search.positions(wanted, query.credential, low, high, ascending=query.ascending)
        found: list[Row] = []
        while len(found) <= query.limit:
            some = [p for p, _ in zip(candidates, range(query.limit + 1 - len(found)), strict=False)]
            if not some:
                break
            rows = log.rows_at(some)
            named = log.voiding_among([row.id for row in rows.values()])
            found += [
                row
                for row in (rows[position] for position in some)
                if (row.id not in named or _voids(row)) and (not wanted or self._meets(log, row, query))
            ]
        return found

    def _meets(self, log: LogReader, row: Row, query: StatementQuery) -> bool:
        """Hold a statement, and those that it leads to, against the filters."""
        seen: set[int] = set()
        following: Row | None = row
        while following is not None and len(seen) <= REFERENCE_DEPTH_MAX:
            seen.add(following.position)
            statement: Statement = decode_statement(following.raw)
            if meets(statement, query, self._authority + following.credential):
                return True
            about = statement.object
            following = (
                log.row_of(bytes.fromhex(about.id.replace("-", ""))) if type(about) is StatementRef else None
            )
            if following is not None and (following.position in seen or following.kind != Kind.STATEMENT):
                return False
        return False

    def _stored_by(self, query: StatementQuery) -> str:
        """Return the credential whose authority the query's agent is, "" for none."""
        return query.agent.removeprefix(self._authority) if query.agent.startswith(self._authority) else ""


def _first_after(log: LogReader, ms: int, end: int) -> int:
    """Return the first position stored after a time, end + 1 when there is none; stored times only rise."""
    low, high = 1, end + 1
    while low < high:
        middle = (low + high) // 2
        if log.stored_ms(middle) > ms:
            high = middle
        else:
            low = middle + 1
    return low


def _voids(row: Row) -> bool:
    """Say whether a statement is a voiding one, which cannot be voided (1.0.3 Data 2.3.2)."""
    statement = decode_statement(row.raw)
    return statement.verb.id == VOIDED_VERB and type(statement.object) is StatementRef


def _stored(row: Row) -> StoredStatement:
    return StoredStatement(
        position=row.position,
        stored_ms=row.stored_ms,
        t_ms=row.t_ms,
        version=VERSIONS[row.version],
        credential=row.credential,
        id=row.id,
        raw=row.raw,
    )
