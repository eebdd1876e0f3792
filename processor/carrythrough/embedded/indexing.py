"""The statement index: which positions of the log concern an agent, a verb or an activity.

It serves queries and nothing else, so it may lag: a thread of its own writes it in
large groups, which touches each page of its B-trees once where the fold's small
batches would touch it twenty times. Its position is in the same file; after a
crash the rest is read from the log again. Rows hold 64-bit digests, and a query
compares the statement itself before it answers, so two texts with one digest cost
time, never a wrong answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

import apsw
import structlog

from carrythrough.embedded.database import Insert, connect, select
from carrythrough.embedded.decoding import record_of
from carrythrough.embedded.log import LogReader, Row
from carrythrough.identity.actor import actor_key
from carrythrough.pipeline.records import Kind, Record
from carrythrough.xapi.statement import Activity

DIGESTS_CACHED_MAX = 200_000
FLUSH_ROWS = 20_000
FLUSH_WAIT_S = 2.0
"""The index is at most about this far behind the fold when the disk keeps up."""
WAITING_VALUES_MAX = 4 * 10 * FLUSH_ROWS
"""Values waiting in memory; beyond this rows are dropped and read from the log again."""
CATCH_UP_ROWS = 2_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS statement_index(
  position INTEGER PRIMARY KEY, agent INTEGER NOT NULL, verb INTEGER NOT NULL, activity INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS statement_agent ON statement_index(agent, position);
CREATE INDEX IF NOT EXISTS statement_verb ON statement_index(verb, position);
CREATE INDEX IF NOT EXISTS statement_activity ON statement_index(activity, position);
"""
_INDEX = Insert("INSERT OR REPLACE INTO statement_index", 4)
_POSITION = "INSERT OR REPLACE INTO meta VALUES ('position', ?)"

_logger = structlog.get_logger("carrythrough.index")


class Digests:
    """64-bit digests of texts, remembered for those that repeat; used by one thread."""

    def __init__(self) -> None:
        self._digests: dict[str, int] = {}

    def rows(self, records: Iterable[Record]) -> list[object]:
        """Return the flat rows (position, agent, verb, activity) of the statements among `records`."""
        flat: list[object] = []
        digest = self.of
        for record in records:
            if record.kind is Kind.STATEMENT:
                s = record.content
                activity = s.object.id if type(s.object) is Activity else ""
                flat += (record.position, digest(actor_key(s.actor)), digest(s.verb.id), digest(activity))
        return flat

    def of(self, text: str) -> int:
        """Return the signed 64-bit digest of a text."""
        found = self._digests.get(text)
        if found is None:
            if len(self._digests) >= DIGESTS_CACHED_MAX:
                self._digests.clear()
            found = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
            self._digests[text] = found
        return found


class StatementIndex:
    """The file `index.sqlite` and the thread that writes it."""

    def __init__(self, path: Path, reader: Callable[[], LogReader]) -> None:
        self._reader = reader
        self._connection = connect(path)
        self._connection.execute(
            "PRAGMA synchronous=NORMAL"
        )  # what a power cut takes is read from the log again
        for statement in _SCHEMA.split(";"):
            self._connection.execute(statement)
        found = select(self._connection, "SELECT value FROM meta WHERE name='position'")
        self.position = int(found[0][0]) if found else 0
        """Every statement up to here is in the index."""
        self._waiting: list[object] = []
        self._first = 0
        self._last = self.position
        self._dropped = True  # whatever the log has beyond `position` has to be read
        self._catching_up = False
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)

    def start(self) -> None:
        """Start writing; what the log has beyond `position` is caught up first."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, end, and close the file; safe to call twice and without a start."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._connection.close()

    def add(self, first: int, last: int, rows: list[object]) -> None:
        """Take the rows of a folded batch that spans the positions `first` to `last`; never blocks."""
        with self._lock:
            if (
                self._catching_up
                or self._dropped
                or len(self._waiting) + len(rows) > WAITING_VALUES_MAX
                or first > self._last + 1
            ):
                self._dropped = True
            else:
                self._waiting += rows
                self._last = max(self._last, last)
            full = len(self._waiting) >= 4 * FLUSH_ROWS
        if full:
            self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait(FLUSH_WAIT_S)
            self._wake.clear()
            try:
                self._flush()
            except apsw.Error as error:  # a full disk: the log has it all, the next round tries again
                self._undo(str(error))
            if self._stopping:
                return

    def _flush(self) -> None:
        with self._lock:
            rows, last, dropped = self._waiting, self._last, self._dropped
            self._waiting = []
        if last > self.position:
            self._write(rows, last)
        if dropped:
            self._catch_up()

    def _catch_up(self) -> None:
        """Index from the log what was dropped, up to its present end."""
        with self._lock:
            self._dropped, self._catching_up = False, True  # a batch that comes meanwhile sets it again
        reader, digests = self._reader(), Digests()
        try:
            while rows := reader.rows(self.position, CATCH_UP_ROWS):
                self._write(digests.rows(_readable(rows)), rows[-1].position)
                if self._stopping:
                    break
        finally:
            reader.close()
            with self._lock:
                self._last, self._catching_up = self.position, False

    def _write(self, rows: list[object], last: int) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        _INDEX.run(self._connection, rows)
        self._connection.execute(_POSITION, (last,))
        self._connection.execute("COMMIT")
        self.position = last

    def _undo(self, error: str) -> None:
        _logger.warning("index_not_written", error=error, position=self.position)
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        with self._lock:
            self._waiting, self._last, self._dropped = [], self.position, True


def _readable(rows: Sequence[Row]) -> Iterable[Record]:
    """Yield the records that can be read; the others are in quarantine."""
    for row in rows:
        try:
            yield record_of(row)
        except Exception:  # noqa: BLE001, S112 - bytes that no decoder reads any more were set aside by the fold
            continue
