"""The indexer's thread: reads the log in slices and gives way to the intake.

Threads share one interpreter, so what the indexer takes, the intake lacks. While
the log grows fast it works a small share of the time and lags; when it is quiet,
or a query waits, it works on until it has caught up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import structlog

from carrythrough.embedded.log import LogFile, LogReader
from carrythrough.embedded.statements import digests as roles
from carrythrough.embedded.statements.chains import Chains
from carrythrough.embedded.statements.definitions import together
from carrythrough.embedded.statements.digests import Digests, digest
from carrythrough.embedded.statements.file import (
    ACTIVITY,
    POSTING,
    READER_CACHE_KIB,
    REFERENCE,
    IndexFile,
    row_id,
)
from carrythrough.embedded.statements.memory import Memory
from carrythrough.embedded.statements.postings import CHUNK_BITS, merged
from carrythrough.embedded.statements.reading import Found, Reader
from carrythrough.embedded.statements.slices import UNREADABLE, Slice, read_one, read_slice
from carrythrough.telemetry.metrics import Telemetry

SLICE_RECORDS = 500
"""Records read at once: a few milliseconds of work between two looks at who else wants the interpreter."""
BUSY_RECORDS_PER_S = 500.0
"""A log that grows faster than this is under load."""
BUSY_SHARE = 0.1
"""Share of the time that the indexer works under load: at least some 10,000 statements/s."""
BUSY_PAUSE_S = (0.05, 0.5)
"""Least and greatest pause after a slice under load; the least one lets slices fill."""
DEFINITIONS_WAITING_MAX = 2_000
"""Definitions of activities kept in memory; more are written before the chunk ends."""
DISK_WAIT_S = 1.0

_logger = structlog.get_logger("carrythrough.index")


class Indexer:
    """Owns `index.sqlite`; `start`, then `stop`."""

    def __init__(self, path: Path, log: LogFile, telemetry: Telemetry) -> None:
        self._log = log
        self._telemetry = telemetry
        self.may_define: Callable[[str], bool] = lambda _: True
        """Says by the name of a credential whether its definitions of activities count."""
        self._reader: LogReader = log.reader(READER_CACHE_KIB)
        self.file = IndexFile(path, self._reader)
        self.memory = Memory(self.file.position, self.file.depth)
        """What queries look at beside the file; replaced when a chunk has been written."""
        key = self.file.key
        self._every = (digest(key, roles.EVERY, ""),)
        self._statements = Reader(Digests(key), self._learn)
        self._chains = Chains(key, self._locate, self._found, self._reader.id_at, self._referrers)
        self._wake = threading.Event()
        self._advanced = threading.Condition()
        self._awaited = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)

    @property
    def position(self) -> int:
        """Every statement up to here is found by queries."""
        return self.memory.position

    def start(self) -> None:
        """Start reading the log from the end of the file's last chunk."""
        self._thread.start()

    def stop(self) -> None:
        """End after the slice under way and close the file; safe to call twice and without a start."""
        self._stopping = True
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
            self._wake.set()
            try:
                return self._advanced.wait_for(lambda: self.position >= position, timeout_s)
            finally:
                self._awaited -= 1

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._catch_up()
            except apsw.Error as error:  # a full disk: the log has it all, the next round tries again
                self._recover(f"{type(error).__name__}: {error}")
                self._pause(DISK_WAIT_S)
            except Exception:  # the thread outlives anything; queries go on with what is indexed
                _logger.exception("index_loop_error", position=self.position)
                self._recover("")
                self._pause(DISK_WAIT_S)
            if not self._stopping:
                self._wake.wait()
                self._wake.clear()

    def _catch_up(self) -> None:
        while self.position < self._log.end and not self._stopping:
            end, began, worked = self._log.end, time.monotonic(), time.thread_time()
            self._advance()
            with self._advanced:
                self._advanced.notify_all()
                awaited = self._awaited
            grown = (self._log.end - end) / max(time.monotonic() - began, 1e-3)
            if not awaited and (grown > BUSY_RECORDS_PER_S or self._growing()):
                least, most = BUSY_PAUSE_S
                pause = (time.thread_time() - worked) * (1 / BUSY_SHARE - 1)
                self._pause(min(max(pause, least), most))

    def _growing(self) -> bool:
        """Say whether the log grows fast, by a look at it now and at the last call."""
        now, end = time.monotonic(), self._log.end
        then, before = self._looked
        if now - then < BUSY_PAUSE_S[0]:
            return self._fast
        self._looked = (now, end)
        self._fast = (end - before) / (now - then) > BUSY_RECORDS_PER_S
        return self._fast

    _looked = (0.0, 0)
    _fast = False

    def _pause(self, seconds: float) -> None:
        """Wait, but not for longer than until a query waits or the end comes."""
        until = time.monotonic() + seconds
        while not self._stopping and not self._awaited:
            left = until - time.monotonic()
            if left <= 0:
                return
            self._wake.wait(left)
            self._wake.clear()

    def _advance(self) -> None:
        memory = self.memory
        last = min(self._log.end, memory.end, memory.position + SLICE_RECORDS)
        self._read(memory, read_slice(self._reader, memory.position, last, self._skip))
        memory.position = last
        if len(memory.definitions) > DEFINITIONS_WAITING_MAX:
            self.file.save_definitions([part for pair in memory.definitions.items() for part in pair])
            memory.definitions = {}
        if last == memory.end:
            self._write_chunk(memory)

    def _read(self, memory: Memory, rows: list[Slice]) -> None:
        earlier: dict[str, list[int]] = {}
        for target, position in self.file.referrers([bytes.fromhex(row.id) for row in rows]):
            earlier.setdefault(target.hex().upper(), []).append(position)
        define = {name: self.may_define(name) for name in {row.credential for row in rows}}
        read, file, every = self._statements.read, memory.postings.add, self._every
        base = memory.chunk << CHUNK_BITS
        references = memory.references
        for row in rows:
            position = row.position
            try:
                found = read(row.statement, row.credential, defines=define[row.credential])
            except UNREADABLE as error:
                self._skip(position, error)
                continue
            file(every + found.digests, position - base)
            if found.target:
                references.setdefault(found.target, []).append(position)
                self._chains.refers(memory, position, found)
            if row.id in references or row.id in earlier:
                self._chains.arrives(memory, position, found, self._referrers(row.id))

    def _write_chunk(self, memory: Memory) -> None:
        file = self.file
        file.begin()
        flat: list[object] = []
        postings = memory.postings
        for one in postings.digests():
            flat += (row_id(one, memory.chunk), postings.get(one))
        for chunk, late in memory.late.items():
            for one in late.digests():
                more = late.get(one)
                if more is not None:
                    flat += (row_id(one, chunk), merged(file.posting(one, chunk), more))
        file.write(POSTING, flat)
        targets = [(bytes.fromhex(target), at) for target, where in memory.references.items() for at in where]
        file.write(REFERENCE, [part for pair in targets for part in pair])
        file.write(ACTIVITY, [part for pair in memory.definitions.items() for part in pair])
        file.commit(memory.position, memory.depth, self._reader.mark(memory.position))
        self.memory = Memory(memory.position, memory.depth)

    def _recover(self, error: str) -> None:
        """Go back to what the file has; the chunk under way is read again."""
        self._telemetry.index_errors.inc()
        if error:
            _logger.warning("index_not_written", error=error, position=self.position)
        self.file.rollback()
        self.memory = Memory(self.file.position, self.file.depth)

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
