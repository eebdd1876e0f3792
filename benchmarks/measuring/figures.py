"""Percentiles, the machine's state, and the table that a reader sees before the last line."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import apsw


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0..1) of the values are at or under; raises ValueError without any."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def delays(values: Sequence[float]) -> str:
    """Return the median, the 99th percentile and the maximum of delays in ms as text."""
    return f"{percentile(values, 0.5):.1f} / {percentile(values, 0.99):.1f} / {max(values):.1f} ms"


def machine() -> str:
    """Return one line about the machine: two runs are comparable only where it is the same."""
    return (
        f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}"
    )


def load_average() -> str:
    """Return the load average of the last minute: what else ran beside the benchmark shows here."""
    return f"{os.getloadavg()[0]:.2f}"


def core_speed() -> str:
    """Return how long this machine needs for a fixed piece of Python, best of several.

    Shared machines differ from hour to hour: figures are comparable where this one is the same.
    """
    return f"{min(_fixed_work_s() for _ in range(9)) * 1000:.1f} ms for a fixed loop"


def _fixed_work_s() -> float:
    began = time.perf_counter()
    total = 0
    for i in range(200_000):
        total += i * i % 7
    return time.perf_counter() - began + 0 * total


class Table:
    """Lines of (what, figure), printed with the figures under each other."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str]] = []

    def add(self, what: str, figure: str) -> None:
        """Add a line."""
        self._rows.append((what, figure))

    def title(self, text: str) -> None:
        """Begin a new part."""
        self._rows.append((text, ""))

    def print(self) -> None:
        """Print all lines."""
        width = max(len(what) for what, figure in self._rows if figure) + 4
        for what, figure in self._rows:
            print(f"  {what:<{width}}{figure}" if figure else f"\n{what}")
        print()
