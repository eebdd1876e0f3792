"""Time enters through the log: a tick record a minute of the server's clock."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from carrythrough.errors import CarrythroughError
from carrythrough.ports import Clock

TICK_MS = 60_000
TICK_REAL_S = 1.0
"""A scaled clock ticks no more often than this in real time."""

_logger = structlog.get_logger("carrythrough.ticker")


class Ticker:
    """A thread that appends ticks until it is stopped."""

    def __init__(self, clock: Clock, append: Callable[[], object], behind: Callable[[], bool]) -> None:
        """append: stores a tick. behind: whether the last tick left timers that are due."""
        self._clock = clock
        self._append = append
        self._behind = behind
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        """Start ticking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop ticking."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        last = self._clock.now_ms()
        while not self._ended.wait(TICK_REAL_S):
            now = self._clock.now_ms()
            if now - last < TICK_MS and not self._behind():
                continue
            try:
                self._append()
                last = now
            except CarrythroughError as error:  # the disk may be full; the next round tries again
                _logger.warning("tick_not_stored", code=error.problem.code)
