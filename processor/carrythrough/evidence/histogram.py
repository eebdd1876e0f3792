"""Histograms that any number of partitions can fill and add up, with the same bytes in any order.

Values are integers in 2⁻²⁰ of their unit; a bin is value >> shift. When more than BINS_MAX bins are in use the
shift grows by one, which halves them. Because the bins in use at a shift never fall when values are added, the
shift that a set of values ends with is a function of the set: adding and merging commute.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

UNIT_BITS = 20
BINS_MAX = 1_024
"""Bins in use: a median is then exact to about a thousandth of the range."""
VALUE_MAX = float(1 << 40)
"""Readings beyond ± this are cut to it."""


class Histogram(msgspec.Struct):
    """Counts by bin. shift: width of a bin is 2^(shift − UNIT_BITS) units."""

    shift: int = 0
    counts: dict[int, int] = {}

    def add(self, value: float, count: int = 1) -> None:
        """Count a finite value, in place."""
        fixed = int(min(max(value, -VALUE_MAX), VALUE_MAX) * (1 << UNIT_BITS))
        key = fixed >> self.shift
        self.counts[key] = self.counts.get(key, 0) + count
        self._fit()

    def merge(self, other: Histogram) -> None:
        """Add the counts of another histogram, in place; the other is not changed."""
        self._widen(other.shift - self.shift)
        for key, count in other.counts.items():
            mine = key >> (self.shift - other.shift)
            self.counts[mine] = self.counts.get(mine, 0) + count
        self._fit()

    def total(self) -> int:
        """Return how many values were counted."""
        return sum(self.counts.values())

    def median(self) -> float:
        """Return the lower median, at the middle of its bin; raises ValueError without values."""
        return _weighted_median((self._middle(key), count) for key, count in self.counts.items())

    def mad(self) -> float:
        """Return the median absolute deviation from the median; raises ValueError without values."""
        centre = self.median()
        return _weighted_median(
            (abs(self._middle(key) - centre), count) for key, count in self.counts.items()
        )

    def _middle(self, key: int) -> float:
        if self.shift == 0:
            return key / (1 << UNIT_BITS)
        return ((key << self.shift) + (1 << (self.shift - 1))) / (1 << UNIT_BITS)

    def _fit(self) -> None:
        while len(self.counts) > BINS_MAX:
            self._widen(1)

    def _widen(self, by: int) -> None:
        if by <= 0:
            return
        wide: dict[int, int] = {}
        for key, count in self.counts.items():
            wide[key >> by] = wide.get(key >> by, 0) + count
        self.counts, self.shift = wide, self.shift + by


def _weighted_median(pairs: Iterable[tuple[float, int]]) -> float:
    """Return the lower median of values with counts."""
    ordered = sorted(pairs)
    half = sum(count for _, count in ordered)
    if not half:
        raise ValueError("no values")
    seen = 0
    for value, count in ordered:
        seen += count
        if 2 * seen >= half:
            return value
    return ordered[-1][0]
