"""Connections that queries borrow."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from carrythrough.embedded.commit_problems import disk_error
from carrythrough.embedded.log import LogFile, LogReader
from carrythrough.embedded.statements.file import READER_CACHE_KIB, IndexFile
from carrythrough.embedded.statements.indexer import Indexer
from carrythrough.errors import TransientError

READERS_MAX = 8
"""Queries answered at once; each holds two connections. More wait their turn."""

_Pair = tuple[LogReader, apsw.Connection, IndexFile]


class Readers:
    """Pairs of connections to the log and the index, made when they are needed and kept; for any thread."""

    def __init__(self, log: LogFile, indexer: Indexer) -> None:
        self._log = log
        self._indexer = indexer
        self._free: queue.LifoQueue[_Pair | None] = queue.LifoQueue()
        for _ in range(READERS_MAX):
            self._free.put(None)

    @contextmanager
    def one(self) -> Iterator[tuple[LogReader, apsw.Connection]]:
        """Lend a pair of connections; raises TransientError (503) when the disk fails."""
        pair = self._free.get()
        try:
            if pair is not None and pair[2] is not self._indexer.file:  # the index was made anew
                _close(pair)
                pair = None
            if pair is None:
                pair = self._made()
            yield pair[0], pair[1]
        except apsw.Error as error:
            raise TransientError(disk_error(error), retry_after_s=10.0) from error
        finally:
            self._free.put(pair)

    def close(self) -> None:
        """Close what is not lent; safe to call twice."""
        idle: list[_Pair | None] = []
        while not self._free.empty():
            idle.append(self._free.get())
        for pair in idle:
            if pair is not None:
                _close(pair)
            self._free.put(None)

    def _made(self) -> _Pair:
        file = self._indexer.file
        index = file.reader()
        try:
            return self._log.reader(READER_CACHE_KIB), index, file
        except apsw.Error:
            index.close()
            raise


def _close(pair: _Pair) -> None:
    pair[0].close()
    pair[1].close()
