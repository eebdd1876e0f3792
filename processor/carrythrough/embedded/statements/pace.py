"""How much the indexer may work beside the intake: threads share one interpreter, so what one takes the other lacks."""

from __future__ import annotations

import time
from collections.abc import Callable

GROWS_RECORDS_PER_S = 500.0
"""A log that grows faster than this is under load."""
SATURATED_CORES = 0.75
"""With so much CPU used by the process, its one interpreter has little left to give."""
SHARE = 0.25
"""Share of the time that the indexer works under load: some 25,000 statements/s on the machine of the benchmarks."""
SHARE_SATURATED = 0.05
"""The same when the interpreter is saturated: less than indexing needs to keep up, more than nothing."""
PAUSE_S = (0.05, 0.5)
"""Least and greatest pause after a slice under load; the least one lets slices fill."""


class Pace:
    """Watches how fast the log grows and how busy the process is; used by any thread."""

    def __init__(self, end: Callable[[], int]) -> None:
        """end: returns the last position of the log."""
        self._end = end
        self._looked = (time.monotonic(), time.process_time(), end())
        self.busy = False
        """Whether the log grew fast when it was last looked at."""
        self._share = SHARE

    def look(self) -> bool:
        """Say whether the log grows fast; the answer holds for the least pause."""
        now, cpu, end = time.monotonic(), time.process_time(), self._end()
        then, cpu_then, before = self._looked
        passed = now - then
        if passed >= PAUSE_S[0]:
            self._looked = (now, cpu, end)
            self.busy = (end - before) / passed > GROWS_RECORDS_PER_S
            self._share = SHARE if (cpu - cpu_then) / passed < SATURATED_CORES else SHARE_SATURATED
        return self.busy

    def pause_s(self, worked_s: float) -> float:
        """Return how long to wait after so much work under load."""
        least, most = PAUSE_S
        return min(max(worked_s * (1 / self._share - 1), least), most)
