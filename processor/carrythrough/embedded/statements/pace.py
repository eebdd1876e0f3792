"""How much the indexer may work beside the intake."""

from __future__ import annotations

import time
from collections.abc import Callable

BUSY_RECORDS_PER_S = 500.0
"""A log that grows faster than this is under load."""
BUSY_SHARE = 0.1
"""Share of the time that the indexer works under load: some 10,000 statements/s on the machine of the benchmarks."""
BUSY_PAUSE_S = (0.05, 0.5)
"""Least and greatest pause after a slice under load; the least one lets slices fill."""


class Pace:
    """Watches how fast the log grows; used by any thread."""

    def __init__(self, end: Callable[[], int]) -> None:
        """end: returns the last position of the log."""
        self._end = end
        self._then, self._before = time.monotonic(), end()
        self.busy = False
        """Whether the log grew fast when it was last looked at."""

    def look(self) -> bool:
        """Say whether the log grows fast; the answer holds for the least pause."""
        now, end = time.monotonic(), self._end()
        passed = now - self._then
        if passed >= BUSY_PAUSE_S[0]:
            self.busy = (end - self._before) / passed > BUSY_RECORDS_PER_S
            self._then, self._before = now, end
        return self.busy


def pause_s(worked_s: float) -> float:
    """Return how long to wait after so much work under load."""
    least, most = BUSY_PAUSE_S
    return min(max(worked_s * (1 / BUSY_SHARE - 1), least), most)
