"""Enriched events for readers: derived from log and ledger when they are asked for, in the order of the log.

Nothing is done for them while statements come in, and nothing is stored: the event of a statement is a pure
function of what the log held up to it, so every reader at every time gets the same one, and the position of
the last one read is all that a reader keeps. They can be read as far back as the log goes.

The state of a person "then" is rebuilt from their ledger rows. A reader goes forward, so the people met last
are kept with their state and only the rows since then are added.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from carrythrough.embedded.activation import Activator
from carrythrough.embedded.attribution import Then
from carrythrough.embedded.database import connect, select
from carrythrough.embedded.decoding import record_of
from carrythrough.embedded.history import known_then
from carrythrough.embedded.log import LogReader, Row
from carrythrough.embedded.strangers import names_at
from carrythrough.embedded.terms import Terms
from carrythrough.embedded.view import read_ledger
from carrythrough.events.performance import PerformanceEvent, decode_event
from carrythrough.evidence.types import Channel, Evidence
from carrythrough.pipeline.assist import is_assisted, newly_assisted
from carrythrough.pipeline.enrich import Enricher, Subject
from carrythrough.pipeline.plan import Add, InForce, plan
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.pipeline.records import ACTIVATIONS, Kind, LedgerRow, Record
from carrythrough.scoring.state import LearnerState, PairState, add_terms, apply

ROWS_PER_PAGE_MAX = 2_000
"""Records of the log looked at for one page, so that a log full of ticks holds nobody up."""
READERS_KEPT_MAX = 4
"""Readers whose place is remembered, each with the people that it met last; others start cold."""
PEOPLE_KEPT_MAX = 1_000
"""People kept for a reader with their state between two statements of theirs, a few KB to some 100 KB each."""
EVENTS_KEPT_MAX = 5_000
"""Performance events kept decoded: the newest outcomes of a person come up again at each statement."""
_EVENT = int(Kind.EVENT)
_END = 1 << 62
_TAKEN_OUT = """
SELECT 1 FROM ledger WHERE employee=:employee AND voided<>0
UNION ALL SELECT 1 FROM mark WHERE employee=:employee
UNION ALL SELECT 1 FROM move WHERE source=:subject OR target=:subject
UNION ALL SELECT 1 FROM contest c CROSS JOIN ledger l ON l.source=c.source AND l.employee=:employee
LIMIT 1
"""
_encode = msgspec.json.Encoder().encode


class Page(NamedTuple):
    """Enriched events as JSON with their positions. next: where to go on. more: whether there is more by now."""

    events: list[tuple[int, bytes]]
    next: int
    more: bool


class _Then:
    """One person as of a place in the log that only moves forward. rows: by position; `read_to`: known up to there.

    plain: nothing was ever voided, contested, superseded or moved, so that rows only add.
    """

    __slots__ = ("_job", "_support", "at", "learner", "plain", "read_to", "rows")

    def __init__(self, rows: list[LedgerRow], read_to: int, *, plain: bool) -> None:
        self.rows: list[LedgerRow] = []
        self.read_to = 0
        self.at = 0
        self.learner = LearnerState()
        self.plain = plain
        self._job: dict[str, list[Evidence]] = {}
        self._support: dict[str, list[Evidence]] = {}
        self.take(rows, read_to)

    def take(self, rows: list[LedgerRow], read_to: int) -> None:
        """Take the rows that came after those known."""
        fresh = [row for row in rows if self.read_to < row.position <= read_to]
        self.rows += sorted(fresh, key=lambda row: row.position)
        self.read_to = read_to

    def forward(self, position: int) -> LearnerState:
        """Return the state after a position, which is not before the one asked for last."""
        while self.at < len(self.rows) and self.rows[self.at].position <= position:
            self._add(self.rows[self.at].evidence)
            self.at += 1
        return self.learner

    def _add(self, e: Evidence) -> None:
        """Fold one piece in; a job aid turns earlier successes into assisted ones, as in `pipeline.fold`."""
        learner = self.learner
        pair = learner.pairs.get(e.skill)
        if pair is None:
            pair = learner.pairs[e.skill] = PairState()
        support = self._support.get(e.skill, [])
        if e.channel == Channel.SUPPORT:
            for success in newly_assisted(e, self._job.get(e.skill, ()), support):
                add_terms(learner, pair, success, assisted=False, sign=-1)
                add_terms(learner, pair, success, assisted=True)
            self._support.setdefault(e.skill, []).append(e)
        elif e.channel == Channel.JOB:
            self._job.setdefault(e.skill, []).append(e)
        apply(learner, pair, e, assisted=is_assisted(e, support))


class _Reader:
    """Where one reader is: the next page after `position` goes on with these people under these versions."""

    __slots__ = ("in_force", "people", "position")

    def __init__(self, position: int, in_force: InForce) -> None:
        self.position = position
        self.in_force = in_force
        self.people: OrderedDict[str, _Then] = OrderedDict()


class Enriching:
    """Answers with pages of enriched events; safe to call from any thread, one page at a time."""

    def __init__(
        self,
        state: Path,
        log: LogReader,
        activator: Activator,
        in_force: Callable[[], InForce],
        folded: Callable[[], int],
    ) -> None:
        """in_force: the versions after the last folded record; folded: its position."""
        self._connection = connect(state, readonly=True)
        self._terms = Terms(self._connection)
        self._log = log
        self._activator = activator
        self._in_force = in_force
        self._folded = folded
        self._lock = threading.Lock()
        self._readers: list[_Reader] = []
        self._events: OrderedDict[bytes, PerformanceEvent | None] = OrderedDict()

    @property
    def end(self) -> int:
        """Position of the last record that there can be an event of."""
        return self._folded()

    def page(self, after: int, limit: int) -> Page:
        """Return at most `limit` events of the statements after a position, those folded so far."""
        end = self._folded()
        if after >= end:
            return Page([], after, more=False)
        with self._lock:
            reader = self._reader(after)
            found = self._walk(reader, end, limit)
            return Page(found, reader.position, more=reader.position < end)

    def _walk(self, reader: _Reader, end: int, limit: int) -> list[tuple[int, bytes]]:
        """Move a reader forward and return the events that it passed."""
        enricher = Enricher(reader.in_force, self._event)
        found: list[tuple[int, bytes]] = []
        for row in self._log.rows(reader.position, min(ROWS_PER_PAGE_MAX, end - reader.position)):
            if row.kind in ACTIVATIONS:
                reader.in_force = self._activated(row, reader.in_force)
                enricher = Enricher(reader.in_force, self._event)
            elif row.kind == Kind.STATEMENT:
                if len(found) == limit:
                    break
                record = record_of(row)
                found.append(
                    (row.position, _encode(enricher.enrich(record, self._subject(record, reader, end))))
                )
            reader.position = row.position
        return found

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._connection.close()
        self._log.close()

    def _reader(self, after: int) -> _Reader:
        """Return the reader that has come to a position, else a new one."""
        for reader in self._readers:
            if reader.position == after:
                self._readers.remove(reader)
                break
        else:
            reader = _Reader(after, self._versions(after))
        self._readers = [reader, *self._readers[: READERS_KEPT_MAX - 1]]
        return reader

    def _versions(self, position: int) -> InForce:
        """Return the versions in force after a position; loads them only where something changed since."""
        present = self._in_force()
        newest = [self._log.last(kind, _END) for kind in ACTIVATIONS]
        if all(row is None or row.position <= position for row in newest):
            return present
        return self._activator.at(self._log, position)

    def _activated(self, row: Row, in_force: InForce) -> InForce:
        try:
            return self._activator.activate(record_of(row), in_force)
        except Exception:  # noqa: BLE001 - the fold set it aside: what was in force before it stayed in force
            return in_force

    def _subject(self, record: Record, reader: _Reader, end: int) -> Subject:
        """Return whom a statement is about, what it is evidence of, and their state right after it."""
        try:
            operations = plan([record], reader.in_force)
        except Exception:  # noqa: BLE001 - the fold set it aside: it is evidence of nothing
            return Subject("", (), None)
        for operation in operations:
            if type(operation) is Add:
                mine = operation.evidence
                learner = self._learner(operation.subject, record.position, reader, end) if mine else None
                return Subject(operation.subject, mine, learner)
        return Subject(reader.in_force.directory.subject_of_actor(record.content.actor), (), None)

    def _learner(self, subject: str, position: int, reader: _Reader, end: int) -> LearnerState:
        known = reader.people.pop(subject, None)
        if known is None or known.read_to < position:
            known = self._read(subject, known, end)
        reader.people[subject] = known
        if len(reader.people) > PEOPLE_KEPT_MAX:
            reader.people.popitem(last=False)
        return known.forward(position) if known.plain else self._rebuilt(subject, position, reader)

    def _read(self, subject: str, known: _Then | None, end: int) -> _Then:
        """Read the ledger of a person, or only what came since where the rest has not changed."""
        number = self._number(subject)
        if not self._only_added(subject, number):
            return _Then([], end, plain=False)
        if number is None:
            return _Then([], end, plain=True)
        if known is not None and known.plain:
            where = " AND position > ?"
            rows = read_ledger(self._connection, self._terms, subject, number, where, (known.read_to,))
            known.take(rows, end)
            return known
        return _Then(read_ledger(self._connection, self._terms, subject, number), end, plain=True)

    def _only_added(self, subject: str, number: int | None) -> bool:
        """Say whether no row of a person was ever taken out or moved, whatever became of it later."""
        found = self._connection.execute(_TAKEN_OUT, {"employee": number, "subject": subject}).fetchone()
        return found is None

    def _rebuilt(self, subject: str, position: int, reader: _Reader) -> LearnerState:
        """Return the state after a position from what counted then: exact, at the cost of the whole ledger."""
        roster = reader.in_force.directory
        then = Then(self._connection, self._terms, position, roster, partial(names_at, self._log))
        rows = known_then(self._connection, then.rows(subject), position, then.asides(subject))
        return rebuild(row.evidence for row in rows)

    def _number(self, subject: str) -> int | None:
        rows = select(self._connection, "SELECT id FROM employee WHERE subject=?", (subject,))
        return int(rows[0][0]) if rows else None

    def _event(self, source: bytes) -> PerformanceEvent | None:
        """Return the performance event of an evidence source, None for a statement."""
        if source in self._events:
            self._events.move_to_end(source)
            return self._events[source]
        row = self._log.row_of(source)
        event = decode_event(bytes(row.raw)) if row is not None and row.kind == _EVENT else None
        self._events[source] = event
        if len(self._events) > EVENTS_KEPT_MAX:
            self._events.popitem(last=False)
        return event
