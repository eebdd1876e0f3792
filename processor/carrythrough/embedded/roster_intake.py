"""The door for changes of the roster: checked against everything acknowledged before, then appended to the log.

A change must not be refused later, so it is held against the roster with all changes before it, also those
that the fold has still to come to. One change at a time goes through.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from carrythrough.embedded.log import LogReader
from carrythrough.errors import CarrythroughError, Problem, TransientError
from carrythrough.identity.changes import RosterChange, after_changes, decode_changes, encode_changes
from carrythrough.identity.directory import RosterIndex
from carrythrough.pipeline.records import Kind
from carrythrough.ports import RosterReceipt

FILE_WAIT_S = 10.0
"""How long a change waits for a whole roster that was acknowledged and is not in force yet."""
LOOK_AGAIN_S = 0.01


class RosterIntake:
    """Takes changes of single people; safe to call from any thread."""

    def __init__(
        self,
        log: LogReader,
        end: Callable[[], int],
        settled: Callable[[], tuple[int, RosterIndex]],
        append: Callable[[bytes, str], None],
    ) -> None:
        """end: last position of the log. settled: (position folded, roster in force there or later).

        append: (bytes of the changes, credential) durably into the log.
        """
        self._log = log
        self._end = end
        self._settled = settled
        self._append = append
        self._lock = threading.Lock()
        self._ahead: tuple[int, RosterIndex] | None = None

    def submit(self, changes: Sequence[RosterChange], credential: str) -> RosterReceipt:
        """Make changes durable, all or none, and return their place in the log; see `ports.Intake`."""
        with self._lock:
            roster = self._now()
            after_changes(roster, changes)
            self._append(encode_changes(changes), credential)
            return RosterReceipt(position=self._log.last_position(Kind.ROSTER_CHANGE, self._end()))

    def roster(self) -> RosterIndex:
        """Return the roster with every change that was acknowledged, folded or not."""
        with self._lock:
            return self._now()

    def close(self) -> None:
        """Close the connection to the log; safe to call twice."""
        with self._lock:
            self._log.close()

    def _now(self) -> RosterIndex:
        end = self._end()
        position, roster = self._folded(end)
        if self._ahead is not None and self._ahead[0] > position:
            position, roster = self._ahead
        for row in self._log.of_kind(Kind.ROSTER_CHANGE, position, end):
            try:
                roster = after_changes(roster, decode_changes(bytes(row.raw)), row.position)
            except Exception:  # noqa: BLE001, S112 - the fold will set it aside for the same reason
                continue
        self._ahead = (end, roster)
        return roster

    def _folded(self, end: int) -> tuple[int, RosterIndex]:
        """Return how far the fold has come and the roster then, once no whole roster is ahead of it."""
        file = self._log.last_position(Kind.ROSTER, end)
        deadline = time.monotonic() + FILE_WAIT_S
        while True:
            position, roster = self._settled()
            if max(position, roster.position) >= file:
                return max(position, roster.position), roster
            if time.monotonic() > deadline:
                raise _loading()
            time.sleep(LOOK_AGAIN_S)


def _loading() -> CarrythroughError:
    problem = Problem(
        code="roster-loading",
        status=503,
        title="A whole roster is still coming into force",
        detail="the changes would be held against a roster that is about to be replaced",
        rule="a change is checked against the roster that it changes",
        fix="send again after Retry-After seconds; nothing of this request was stored",
    )
    return TransientError(problem, retry_after_s=5.0)
