"""A clock that runs faster than the real one, so that weeks of forgetting can be watched in minutes.

It satisfies the `Clock` port. It stands still until `start`, so that history can be
imported however long that takes; then it may run through a time lapse up to the
anchor, and from there on at its speed. The monotonic reading is shared by all
processes of one machine, so a second process that is given the same numbers reads
the same time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SPEED_MAX = 1_000_000.0
"""Simulated seconds a real second: above it one tick of the real clock would skip whole days."""


class ScaledClock:
    """Stands at anchor - lapse, runs to the anchor within lapse_s, then at anchor + elapsed · speed.

    anchor_ms: ms since the epoch. speed: simulated seconds a real second, in (0, SPEED_MAX]. lapse_ms:
    simulated time before the anchor, 0 for none; lapse_s: real seconds that it takes. Raises
    ValueError for a speed outside of its range, or a lapse that takes no time.
    """

    def __init__(
        self,
        anchor_ms: int,
        speed: float,
        *,
        lapse_ms: int = 0,
        lapse_s: float = 0.0,
        started_ns: int | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if not 0 < speed <= SPEED_MAX:
            raise ValueError(f"speed must be above 0 and at most {SPEED_MAX:.0f}, not {speed}")
        if lapse_ms < 0 or (lapse_ms > 0) != (lapse_s > 0):
            raise ValueError(f"a time lapse needs time on both sides, not {lapse_ms} ms in {lapse_s} s")
        self.anchor_ms = anchor_ms
        self.speed = speed
        self.lapse_ms = lapse_ms
        self.lapse_s = lapse_s
        self.started_ns = started_ns
        self._monotonic_ns = monotonic_ns

    def start(self) -> int:
        """Let time run (a second call changes nothing); return the monotonic start in ns."""
        if self.started_ns is None:
            self.started_ns = self._monotonic_ns()
        return self.started_ns

    def live_s(self) -> float:
        """Return real seconds since the anchor was reached: negative before it, -inf before the start."""
        if self.started_ns is None:
            return float("-inf")
        return (self._monotonic_ns() - self.started_ns) / 1e9 - self.lapse_s

    def now_ms(self) -> int:
        """Return the simulated time as milliseconds since the Unix epoch."""
        live_s = self.live_s()
        if live_s >= 0.0:
            return self.anchor_ms + int(live_s * self.speed * 1000.0)
        if not self.lapse_ms:
            return self.anchor_ms
        return self.anchor_ms - int(self.lapse_ms * min(1.0, -live_s / self.lapse_s))
