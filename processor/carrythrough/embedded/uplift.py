"""What pushes do, as REST and the pages ask for it: a report made when it is asked for, and kept for some minutes.

It is made from every decision that chance took part in and from the ledger of those people. An effect that needs weeks
of decisions is in no hurry.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from carrythrough.embedded.database import connect
from carrythrough.impact.worth import WORTH
from carrythrough.pipeline.plan import InForce

KEPT_MS = 300_000
"""How long an answer is given again, by the server's clock."""


class UpliftReads:
    """Answers about what pushes do; safe to call from any thread."""

    def __init__(self, state: Path, in_force: Callable[[], InForce]) -> None:
        self._connection = connect(state, readonly=True)
        self._in_force = in_force
        self._lock = threading.Lock()
        self._kept: tuple[int, InForce, float, dict[str, Any]] | None = None

    def report(self, now_ms: int, worth: float = WORTH) -> dict[str, Any]:
        """Return what can be said at a time. worth: the effect that is worth finding, 0..1."""
        in_force = self._in_force()
        with self._lock:
            kept = self._kept
            if (
                kept is None
                or kept[1].program
                is not in_force.program  # an HR system changes the roster every few seconds
                or kept[2] != worth
                or not 0 <= now_ms - kept[0] < KEPT_MS
            ):
                kept = self._kept = (now_ms, in_force, worth, self._read(in_force, now_ms, worth))
            return kept[3]

    def _read(self, in_force: InForce, now_ms: int, worth: float) -> dict[str, Any]:
        # Here, because it brings numpy with it: 20 MB that a server whom nobody asks does not need.
        from carrythrough.embedded.uplift_report import read_report  # noqa: PLC0415 - numpy comes with it

        return read_report(self._connection, in_force, now_ms, worth)

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()
