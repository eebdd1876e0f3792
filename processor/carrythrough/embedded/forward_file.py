"""`forward.sqlite`: how far each target has come, what it refused, and what it waits to be told.

A position is written after the target's answer and together with what the target refused, so that a
statement is either still ahead of the position, or stored there, or in the dead letters.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw

from carrythrough.embedded.database import chunks, connect, marks, select
from carrythrough.forward.items import Batch
from carrythrough.forward.progress import Awaited, DeadLetter, Refused, Standing

FILE = "forward.sqlite"
LOG_FEED = "log"
OWN_FEED = "own"
ANSWERED_BY = "#"
"""Parts the id of an action from that of the answer which waits for its delivery."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS standing(
  target TEXT NOT NULL, feed TEXT NOT NULL, position INTEGER NOT NULL, sent INTEGER NOT NULL,
  failures INTEGER NOT NULL, failing_since_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, error TEXT NOT NULL,
  PRIMARY KEY(target, feed)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead(
  entry INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, feed TEXT NOT NULL, key INTEGER NOT NULL,
  id TEXT NOT NULL, version TEXT NOT NULL, status INTEGER NOT NULL, reason TEXT NOT NULL, text BLOB NOT NULL,
  at_ms INTEGER NOT NULL, state TEXT NOT NULL, UNIQUE(target, feed, id));
CREATE TABLE IF NOT EXISTS awaited(
  target TEXT NOT NULL, action TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY(target, action)) WITHOUT ROWID;
"""
_DEAD = "entry, target, feed, key, id, version, status, reason, text, at_ms, state"


class ForwardFile:
    """Implements `forward.progress.Progress`; one connection, behind a lock, for all lanes."""

    def __init__(self, folder: Path, state: Path | None = None, *, readonly: bool = False) -> None:
        """state: path of `state.sqlite`, whose outbox says what became of awaited actions."""
        self._lock = threading.Lock()
        self._connection = connect(folder / FILE, readonly=readonly)
        self._outbox = None if state is None else connect(state, readonly=True)
        if not readonly:
            for statement in _SCHEMA.split(";"):
                self._connection.execute(statement)

    def standing(self, target: str, feed: str) -> Standing | None:
        """Return where a feed stands, None before its first batch."""
        with self._lock:
            row = self._connection.execute(
                "SELECT position, sent, failures, failing_since_ms, due_ms, error FROM standing"
                " WHERE target=? AND feed=?",
                (target, feed),
            ).fetchone()
        return None if row is None else _standing(row)

    def standings(self) -> dict[tuple[str, str], Standing]:
        """Return every standing by target and feed."""
        with self._lock:
            rows = select(
                self._connection,
                "SELECT target, feed, position, sent, failures, failing_since_ms, due_ms, error FROM standing"
                " ORDER BY target, feed",
            )
        return {(target, feed): _standing(rest) for target, feed, *rest in rows}

    def advance(self, target: str, feed: str, batch: Batch, refused: Sequence[Refused], now_ms: int) -> None:
        """Note that everything up to `batch.last` is settled, what was refused, and what is awaited."""
        with self._lock, self._connection:
            self._connection.execute(
                "INSERT INTO standing VALUES (?,?,?,?,0,0,0,'') ON CONFLICT(target, feed) DO UPDATE SET"
                " position=excluded.position, sent=standing.sent+excluded.sent, failures=0, failing_since_ms=0,"
                " due_ms=0, error=''",
                (target, feed, batch.last, len(batch.items) - len(refused)),
            )
            self._bury(target, feed, refused, now_ms)
            for action, body in batch.awaited:
                self._connection.execute(
                    "INSERT OR IGNORE INTO awaited VALUES (?,?,?)", (target, action, body)
                )

    def fail(self, target: str, feed: str, standing: Standing) -> None:
        """Note a failed try, or the end of failing; the position stays."""
        with self._lock, self._connection:
            self._connection.execute(
                "INSERT INTO standing VALUES (?,?,?,?,?,?,?,?) ON CONFLICT(target, feed) DO UPDATE SET"
                " failures=excluded.failures, failing_since_ms=excluded.failing_since_ms, due_ms=excluded.due_ms,"
                " error=excluded.error",
                (
                    target, feed, standing.position, standing.sent, standing.failures, standing.failing_since_ms,
                    standing.due_ms, standing.error,
                ),
            )  # fmt: skip

    def replays(self, target: str, limit: int) -> list[DeadLetter]:
        """Return dead letters that are to be sent again."""
        return self.dead_letters(target, state="replay", limit=limit)

    def dead_letters(self, target: str = "", *, state: str = "", limit: int = 100) -> list[DeadLetter]:
        """Return dead letters, oldest first, of one target and in one state where these are named."""
        with self._lock:
            rows = select(
                self._connection,
                f"SELECT {_DEAD} FROM dead WHERE (?='' OR target=?) AND (?='' OR state=?) ORDER BY entry LIMIT ?",
                (target, target, state, state, limit),
            )
        return [_dead_letter(row) for row in rows]

    def dead_letter(self, entry: int) -> DeadLetter | None:
        """Return one dead letter, None when there is none of this number."""
        with self._lock:
            row = self._connection.execute(f"SELECT {_DEAD} FROM dead WHERE entry=?", (entry,)).fetchone()
        return None if row is None else _dead_letter(row)

    def request_replay(self, entries: Sequence[int]) -> int:
        """Have dead letters sent again; return how many there were."""
        count = 0
        with self._lock, self._connection:
            for part in chunks(entries):
                self._connection.execute(
                    f"UPDATE dead SET state='replay' WHERE state='dead' AND entry IN ({marks(len(part))})",
                    part,
                )
                count += self._connection.changes()
            # A target that was failing is tried at once: somebody has just looked at it.
            self._connection.execute("UPDATE standing SET due_ms=0 WHERE feed='replay'")
        return count

    def settle_replay(self, entry: int, refused: Refused | None, now_ms: int) -> None:
        """Forget a dead letter that was taken, or keep it with the new reason."""
        with self._lock, self._connection:
            if refused is None:
                self._connection.execute("DELETE FROM dead WHERE entry=?", (entry,))
            else:
                self._connection.execute(
                    "UPDATE dead SET state='dead', status=?, reason=?, at_ms=? WHERE entry=?",
                    (refused.status, refused.reason, now_ms, entry),
                )

    def awaited(self, target: str, limit: int) -> list[Awaited]:
        """Return actions that a target waits for and that are closed by now."""
        with self._lock:
            rows = select(self._connection, "SELECT action, body FROM awaited WHERE target=?", (target,))
        closed: list[Awaited] = []
        for part in chunks(rows):
            outcomes = self._outcomes([action.partition(ANSWERED_BY)[0] for action, _ in part])
            for action, body in part:
                outcome = outcomes.get(action.partition(ANSWERED_BY)[0], "closed")
                if outcome != "pending" and len(closed) < limit:
                    closed.append(Awaited(action=action, body=bytes(body), outcome=outcome))
        return closed

    def settle_awaited(
        self, target: str, actions: Sequence[str], refused: Sequence[Refused], now_ms: int
    ) -> None:
        """Forget awaited actions that were told of, or never left."""
        with self._lock, self._connection:
            for action in actions:
                self._connection.execute("DELETE FROM awaited WHERE target=? AND action=?", (target, action))
            self._bury(target, OWN_FEED, refused, now_ms)

    def dead_count(self, target: str, feed: str = "") -> int:
        """Return how many dead letters a target has, of one feed where that is named."""
        with self._lock:
            query = "SELECT count(*) FROM dead WHERE target=? AND (?='' OR feed=?)"
            return int(self._connection.execute(query, (target, feed, feed)).get)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        with self._lock:
            self._connection.close()
            if self._outbox is not None:
                self._outbox.close()

    def _bury(self, target: str, feed: str, refused: Sequence[Refused], now_ms: int) -> None:
        for one in refused:
            # The text of what was taken in is in the log, under its own keys and its own erasure.
            text = b"" if feed == LOG_FEED else one.text
            self._connection.execute(
                "INSERT INTO dead(target, feed, key, id, version, status, reason, text, at_ms, state)"
                " VALUES (?,?,?,?,?,?,?,?,?,'dead') ON CONFLICT(target, feed, id) DO UPDATE SET"
                " status=excluded.status, reason=excluded.reason, at_ms=excluded.at_ms, state='dead'",
                (target, feed, one.key, one.id, one.version, one.status, one.reason, text, now_ms),
            )

    def _outcomes(self, actions: list[str]) -> dict[str, str]:
        """Return "delivered" when any adapter delivered it, else "pending" while one may still."""
        if self._outbox is None:
            return dict.fromkeys(actions, "pending")
        try:
            rows = select(
                self._outbox,
                f"SELECT action, status FROM outbox WHERE action IN ({marks(len(actions))})",
                actions,
            )
        except apsw.BusyError:
            return dict.fromkeys(actions, "pending")
        outcomes: dict[str, str] = {}
        for action, status in rows:
            if status == "delivered":
                outcomes[action] = "delivered"
            elif status == "pending":
                outcomes.setdefault(action, "pending")
        return outcomes


def _standing(row: Sequence[Any]) -> Standing:
    position, sent, failures, since_ms, due_ms, error = row
    return Standing(
        position=position, sent=sent, failures=failures, failing_since_ms=since_ms, due_ms=due_ms, error=error
    )


def _dead_letter(row: Sequence[Any]) -> DeadLetter:
    entry, target, feed, key, id_, version, status, reason, text, at_ms, state = row
    refused = Refused(key=key, id=id_, version=version, status=status, reason=reason, text=bytes(text))
    return DeadLetter(entry=entry, target=target, feed=feed, refused=refused, at_ms=at_ms, state=state)
