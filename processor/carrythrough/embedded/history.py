"""What was known, and which versions were in force, at an earlier time of the log."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping

import apsw

from carrythrough.embedded.activation import Activator
from carrythrough.embedded.database import select
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.strangers import names_at
from carrythrough.embedded.view import contested_pieces
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import VOIDED, LedgerRow


class History:
    """Looks up earlier places in the log; safe to call from any thread."""

    def __init__(self, log: LogReader, activator: Activator) -> None:
        self._log = log
        self._activator = activator
        self._lock = threading.Lock()
        self._last: tuple[int, InForce] | None = None

    def position_at(self, known_ms: int, end: int) -> int:
        """Return the last position stored at or before a time, 0 for none; `end`: the last one to look at.

        Log times never fall from one record to the next (the committer sees to it), so this is a
        binary search.
        """
        low, high = 0, end
        with self._lock:
            while low < high:
                middle = (low + high + 1) // 2
                rows = self._log.rows(middle - 1, 1)
                if rows and rows[0].stored_ms <= known_ms:
                    low = middle
                else:
                    high = middle - 1
        return low

    def in_force(self, position: int) -> InForce:
        """Return the versions in force after a position; the last answer is remembered."""
        with self._lock:
            if self._last is None or self._last[0] != position:
                self._last = (position, self._activator.at(self._log, position))
            return self._last[1]

    def names(self, positions: Iterable[int]) -> Mapping[int, str]:
        """Return whom the records at some positions of the log are about, by name (`identity.claims`)."""
        with self._lock:
            return names_at(self._log, positions)

    def close(self) -> None:
        """Close the connection to the log; safe to call twice."""
        self._log.close()


def known_then(
    state: apsw.Connection, rows: list[LedgerRow], position: int, asides: Collection[bytes] = ()
) -> list[LedgerRow]:
    """Return the rows that counted after a position: stamped by then, and by then neither voided nor contested.

    asides: statements that their cmi5 registrations set aside by then (`embedded.marks.set_aside`).
    """
    contested = contested_pieces(state, position)
    found = []
    for row in rows:
        if row.position > position or row.piece() in contested or row.evidence.source in asides:
            continue
        if row.voided & VOIDED and voided_by(state, row.evidence.source, position):
            continue
        found.append(row)
    return found


def voided_by(state: apsw.Connection, source: bytes, position: int) -> bool:
    """Say whether the void of a source was said at or before a position (0: by a file that did not say where)."""
    found = select(state, "SELECT 1 FROM void WHERE source=? AND position<=?", (source, position))
    return bool(found)
