"""The real clock; the only place of the embedded shell that reads it."""

from __future__ import annotations

import time


class SystemClock:
    """Wall-clock time."""

    def now_ms(self) -> int:
        """Return the time as milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000
