"""The indexer's thread: reads the log in slices and gives way to the intake.

While the log grows fast it works a share of the time and may lag; when it is quiet,
or a query waits, it works on until it has caught up. Reading a slice once more
changes nothing, so after an error of the disk it simply goes on where it was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw
import structlog

from carrythrough.embedded.log import LogFile, LogReader
from carrythrough.embedded.statements import digests as roles
from carrythrough.embedded.statements.chains import Chains
from carrythrough.embedded.statements.definitions import together
from carrythrough.embedded.statements.digests import Digests, digest
from carrythrough.embedded.statements.file import READER_CACHE_KIB, IndexFile
from carrythrough.embedded.statements.memory import Memory
from carrythrough.embedded.statements.pace import Pace
from carrythrough.embedded.statements.reading import Found, Reader
from carrythrough.embedded.statements.slices import UNREADABLE, Slice, read_one, read_slice
from carrythrough.telemetry.metrics import Telemetry

DEFINITIONS_WAITING_MAX = 2_000
"""Definitions of activities kept in memory; more are written before the chunk ends."""
DIGESTS_WAITING_MAX = 400_000
"""Postings kept in memory, about 200 bytes each; with more the chunk is written before it ends."""
DISK_WAIT_S = 1.0

_logger = structlog.get_logger("carrythrough.index")


class Indexer:
    """Owns `index.sqlite`; `start`, then `stop`."""

    def __init__(self, path: Path, log: LogFile, telemetry: Telemetry) -> None:
        self._path = path
        self._log = log
        self._telemetry = telemetry
        self.may_define: Callable[[str], bool] = lambda _: True
        """Says by the name of a credential whether its definitions of activities count."""
        self.pace = Pace(lambda: log.end)
        self._reader: LogReader = log.reader(READER_CACHE_KIB)
        self._open()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._ended = threading.Event()
        self._advanced = threading.Condition()
        self._awaited = 0
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)

    def _open(self) -> None:
        self.file = IndexFile(self._path, self._reader)
        key = self.file.key
        self._every = (digest(key, roles.EVERY, ""),)
        self._statements = Reader(Digests(key), self._learn)
        self._chains = Chains(key, self._locate, self._found, self._reader.id_at, self._referrers)
        self.memory = Memory(self.file.position, self.file.depth, key)
        """What queries look at beside the file; replaced when it has been written."""

    @property
    def position(self) -> int:
        """Every statement up to here is found by queries."""
        return self.memory.position

    def start(self) -> None:
        """Start reading the log from where the file ends."""
        self._thread.start()

    def stop(self) -> None:
        """End after the slice under way and close the file; safe to call twice and without a start."""
        self._ended.set()
        self._hurry.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._reader.close()
        self.file.close()

    def notify(self) -> None:
        """Say that the log has grown; called by the committer, never blocks."""
        self._wake.set()

    def wait_for(self, position: int, timeout_s: float) -> bool:
        """Have everything up to a position indexed at full speed; say whether that came about in time."""
        with self._advanced:
            self._awaited += 1
            self._hurry.set()
            self._wake.set()
            try:
                return self._advanced.wait_for(lambda: self.position >= position, timeout_s)
            finally:
                self._awaited -= 1
                if not self._awaited and not self._ended.is_set():
                    self._hurry.clear()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._catch_up()
            except (apsw.CorruptError, apsw.NotADBError) as error:
                self._report(error)
                self._begin_anew()
            except apsw.Error as error:  # a full disk: the log has it all, the next round tries again
                self._report(error)
            else:
                self._wake.wait()
                self._wake.clear()
                continue
            self._ended.wait(DISK_WAIT_S)

    def _catch_up(self) -> None:
        while self.position < self._log.end and not self._ended.is_set():
            worked_s = time.thread_time()
            self._advance()
            with self._advanced:
                self._advanced.notify_all()
            if self.pace.look() and not self._hurry.is_set():
                self._hurry.wait(self.pace.pause_s(time.thread_time() - worked_s))

    def _advance(self) -> None:
        memory = self.memory
        if memory.position == memory.end or memory.waiting() > DIGESTS_WAITING_MAX:
            self.file.write(memory, self._reader.mark(memory.position))
            memory = self.memory = Memory(memory.position, memory.depth, memory.key)
        rows, last = read_slice(self._reader, memory.position, min(self._log.end, memory.end), self._skip)
        self._take(memory, rows)
        if len(memory.definitions) > DEFINITIONS_WAITING_MAX:
            self.file.save_definitions(memory.definitions)
            memory.definitions = {}
        memory.position = last

    def _take(self, memory: Memory, rows: Sequence[Slice]) -> None:
        ids = [bytes.fromhex(row.id) for row in rows]
        targets = {target.hex().upper() for target, _ in self.file.referrers(ids)}
        voided = {id_.hex().upper() for id_ in self._reader.voiding_among(ids)}
        defines = {name: self.may_define(name) for name in {row.credential for row in rows}}
        for row in rows:
            try:
                found = self._take_one(memory, row, defines=defines[row.credential])
                if row.id in voided and not found.voiding:
                    memory.file(self._chains.voided, row.position)
                if row.id in targets or row.id in memory.references:
                    self._chains.arrives(memory, row.position, found, self._referrers(row.id))
            except apsw.Error:
                raise
            except Exception as error:  # noqa: BLE001 - one statement never stops the others
                self._skip(row.position, error)

    def _take_one(self, memory: Memory, row: Slice, *, defines: bool) -> Found:
        position = row.position
        found = self._statements.read(row.statement, row.credential, defines=defines)
        memory.file(self._every + found.digests, position)
        if found.target:
            memory.references.setdefault(found.target, []).append(position)
            self._chains.refers(memory, position, found)
        return found

    def _begin_anew(self) -> None:
        """Throw a damaged file away and read the log from its beginning."""
        self.file.close()
        self.file.remove()
        try:
            self._open()
        except apsw.Error as error:
            self._report(error)

    def _report(self, error: Exception) -> None:
        self._telemetry.index_errors.inc()
        _logger.warning("index_not_written", error=f"{type(error).__name__}: {error}", position=self.position)
        self.file.rollback()

    def _skip(self, position: int, error: Exception) -> None:
        self._telemetry.index_unreadable.inc()
        _logger.error("statement_not_indexed", position=position, error=f"{type(error).__name__}: {error}")

    def _learn(self, activity: str, sent: bytes) -> None:
        definitions = self.memory.definitions
        known = definitions.get(activity) or self.file.definition(activity)
        after = together(known, sent)
        if after != known:
            definitions[activity] = after

    def _locate(self, target: str) -> int:
        return self._reader.position_of(bytes.fromhex(target))

    def _found(self, position: int) -> Found | None:
        try:
            row = read_one(self._reader, position)
            return (
                None if row is None else self._statements.read(row.statement, row.credential, defines=False)
            )
        except UNREADABLE:
            return None

    def _referrers(self, target: str) -> list[int]:
        stored = [position for _, position in self.file.referrers([bytes.fromhex(target)])]
        return stored + self.memory.references.get(target, [])
