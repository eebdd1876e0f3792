"""How many sends an adapter may begin now, where its settings limit the rate. Times come in as values."""

from __future__ import annotations

import math


class Allowance:
    """A token bucket of one second's worth, at least one; a rate of 0 limits nothing."""

    def __init__(self, rate_per_s: float) -> None:
        self._rate = rate_per_s
        self._most = max(1.0, rate_per_s)
        self._left = self._most
        self._at_s: float | None = None

    def left(self, now_s: float) -> int | None:
        """Return how many sends may begin at `now_s` (monotonic seconds), None for any number."""
        if not self._rate:
            return None
        if self._at_s is not None:
            self._left = min(self._most, self._left + max(0.0, now_s - self._at_s) * self._rate)
        self._at_s = now_s
        # What floats lose on the way to a whole send must not make it wait for the next turn.
        return math.floor(self._left + 1e-9)

    def take(self) -> None:
        """Use one up."""
        self._left -= 1.0

    def wait_s(self) -> float:
        """Return the seconds until one more may begin, 0 where one may now."""
        return max(0.0, (1.0 - self._left) / self._rate) if self._rate else 0.0
