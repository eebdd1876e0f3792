"""Requests about somebody on their way to another person: from the fold back into the log, each once.

The transaction that decides a request leaves it in a table. A thread appends it to the log, and the transaction that
folds the record takes it out of the table again. A stop in between loses nothing: what is in the table and not yet
in the log is appended after the next start.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import structlog

from carrythrough.embedded.database import connect, select
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.schema import REFERRAL, RULE_LOAD
from carrythrough.errors import CarrythroughError
from carrythrough.pipeline.delta import Delta
from carrythrough.pipeline.effects import ActionReferred
from carrythrough.pipeline.records import Kind
from carrythrough.reinforcement.blast import RuleLoad

AT_ONCE = 500
"""Requests that go into the log in one commit."""
RETRY_S = 1.0
POSITION_MAX = (1 << 63) - 1

_logger = structlog.get_logger("carrythrough.referring")
_encode = msgspec.json.Encoder().encode
_load = msgspec.json.Decoder(RuleLoad).decode
_id = msgspec.json.Decoder(ActionReferred).decode


def write_policy(connection: apsw.Connection, delta: Delta) -> None:
    """Write what rules did lately, requests to be appended, and those that arrived, in the fold's transaction."""
    RULE_LOAD.run(connection, [v for rule, load in delta.rule_loads.items() for v in (rule, _encode(load))])
    flat: list[object] = []
    for effect in delta.effects:
        if type(effect) is ActionReferred:
            flat += (effect.id, _encode(effect))
    REFERRAL.run(connection, flat)
    for id_ in delta.referred:
        connection.execute("DELETE FROM referral WHERE id=?", (id_,))


def stored_loads(connection: apsw.Connection) -> dict[str, RuleLoad]:
    """Return what each rule did lately, by rule."""
    return {rule: _load(bytes(body)) for rule, body in connection.execute("SELECT rule, body FROM rule_load")}


class Referrer:
    """Appends the requests of a state file to the log, on a thread of its own."""

    def __init__(
        self, state: Path, log: LogReader, position: Callable[[], int], append: Callable[[list[bytes]], None]
    ) -> None:
        """position: last record folded. append: into the log, durable when it returns; raises CarrythroughError."""
        self._connection = connect(state, readonly=True)
        self._log = log
        self._append = append
        self._position = position
        self._gone: set[str] = set()
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="referring", daemon=True)

    def start(self) -> None:
        """Start; what a stop left behind is appended first."""
        # Whatever is in the log and not folded yet is still in the table, and must not be appended again.
        rows = self._log.of_kind(Kind.REFERRAL, self._position(), POSITION_MAX)
        self._gone = {_id(bytes(row.raw)).id for row in rows}
        self._wake.set()
        self._thread.start()

    def notify(self) -> None:
        """Look for new requests."""
        self._wake.set()

    def stop(self) -> None:
        """End after the commit under way; what is left is appended after the next start."""
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._connection.close()
        self._log.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                while not self._ended.is_set() and self._turn():
                    pass
            except (
                CarrythroughError,
                apsw.Error,
            ) as error:  # the disk may be full or busy; it is tried again
                _logger.warning("request_not_appended", error=f"{type(error).__name__}: {error}")
                self._ended.wait(RETRY_S)
                self._wake.set()

    def _turn(self) -> bool:
        """Append what is new; say whether there may be more."""
        rows = select(self._connection, "SELECT id, body FROM referral ORDER BY id")
        self._gone.intersection_update([id_ for id_, _ in rows])
        fresh = [(id_, bytes(body)) for id_, body in rows if id_ not in self._gone][:AT_ONCE]
        if fresh:
            self._append([body for _, body in fresh])
            self._gone.update(id_ for id_, _ in fresh)
        return len(fresh) == AT_ONCE
