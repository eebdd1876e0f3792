"""A clock that runs faster than the real one, so that weeks of forgetting can be watched in minutes.

It satisfies the `Clock` port. It stands still until `start`: the demo posts its
simulated history while the clock waits at the anchor, so that however long the
posting takes, the history ends exactly where live time begins. The monotonic
reading is shared by all processes of one machine, so a second process that is
given the same three numbers reads the same time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

NS_PER_MS = 1_000_000
SPEED_MAX = 1_000_000.0
"""Simulated seconds a real second: above it one tick of the real clock would skip whole days."""


class ScaledClock:
    """now = anchor + (real time since the start) · speed; the anchor itself before the start.

    anchor_ms: simulated time at the start, ms since the epoch. speed: simulated seconds a real
    second, in (0, SPEED_MAX]. Raises ValueError for a speed outside of it.
    """

    def __init__(
        self,
        anchor_ms: int,
        speed: float,
        started_ns: int | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if not 0 < speed <= SPEED_MAX:
            raise ValueError(f"speed must be above 0 and at most {SPEED_MAX:.0f}, not {speed}")
        self.anchor_ms = anchor_ms
        self.speed = speed
        self.started_ns = started_ns
        self._monotonic_ns = monotonic_ns

    def start(self) -> int:
        """Let time run from the anchor (a second call changes nothing); return the monotonic start in ns."""
        if self.started_ns is None:
            self.started_ns = self._monotonic_ns()
        return self.started_ns

    def now_ms(self) -> int:
        """Return the simulated time as milliseconds since the Unix epoch."""
        if self.started_ns is None:
            return self.anchor_ms
        elapsed_ns = self._monotonic_ns() - self.started_ns
        return self.anchor_ms + int(elapsed_ns * self.speed) // NS_PER_MS

    def real_seconds_until(self, t_ms: int) -> float:
        """Return the real seconds until the simulated time `t_ms`, 0.0 when it has passed."""
        return max(0.0, (t_ms - self.now_ms()) / 1000.0 / self.speed)
