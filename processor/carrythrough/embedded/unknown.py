"""Who is not on the roster: pseudonyms with evidence that nobody on it lays claim to, listed for whoever keeps it.

An entry says what kind of identifier it is, the host of an account's home page, how much evidence waits
under it, and one record that it comes from. It never says the identifier: who may read statements finds
it there, and who may not has no business with it.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import apsw

from carrythrough.embedded.database import connect, select
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.presenting import rfc3339

PAGE_MAX = 500


class UnknownActors:
    """Reads over the strangers of `state.sqlite`; safe to call from any thread."""

    def __init__(self, state: Path, log: LogReader) -> None:
        self._connection = connect(state, readonly=True)
        self._log = log
        self._lock = threading.Lock()

    def listed(self, *, limit: int = 100, cursor: str | None = "") -> dict[str, Any]:
        """Return a page of strangers by pseudonym; cursor: the `next` of the page before.

        Each: subject, kind ("mbox", "mbox_sha1sum", "openid", "account", "employee"), host, evidence (rows of
        the ledger), records (statements and events behind them), first and last (event times, None without
        evidence), record (id of one of the records).
        """
        limit = min(max(limit, 1), PAGE_MAX)
        with self._lock:
            rows = select(
                self._connection,
                "SELECT subject, kind, host, position FROM stranger WHERE subject > ? ORDER BY subject LIMIT ?",
                (cursor or "", limit + 1),
            )
            entries = [self._entry(*row) for row in rows[:limit]]
        return {"unknown": entries, "next": rows[limit - 1][0] if len(rows) > limit else None}

    def _entry(self, subject: str, kind: str, host: str, position: int) -> dict[str, Any]:
        evidence, records, first, last = self._connection.execute(
            "SELECT count(*), count(DISTINCT l.source), min(l.t_ms), max(l.t_ms) FROM employee e"
            " JOIN ledger l ON l.employee = e.id WHERE e.subject=?",
            (subject,),
        ).get
        id_ = self._log.id_at(position).lower()
        return {
            "subject": subject,
            "kind": kind,
            "host": host,
            "evidence": evidence,
            "records": records,
            "first": None if first is None else rfc3339(first),
            "last": None if last is None else rfc3339(last),
            "record": f"{id_[:8]}-{id_[8:12]}-{id_[12:16]}-{id_[16:20]}-{id_[20:]}" if id_ else "",
        }

    def totals(self) -> dict[str, Any]:
        """Return how many strangers there are and how much evidence, in all and by kind and host, most first."""
        with self._lock:
            rows = select(
                self._connection,
                "SELECT s.kind, s.host, count(DISTINCT s.subject), count(l.source) FROM stranger s"
                " LEFT JOIN employee e ON e.subject = s.subject LEFT JOIN ledger l ON l.employee = e.id"
                " GROUP BY 1, 2 ORDER BY 4 DESC, 1, 2",
            )
        by = [dict(zip(("kind", "host", "actors", "evidence"), row, strict=True)) for row in rows]
        return {
            "actors": sum(entry["actors"] for entry in by),
            "evidence": sum(entry["evidence"] for entry in by),
            "by": by,
        }

    def count(self) -> int:
        """Return how many strangers there are, 0 once this is closed."""
        with self._lock, contextlib.suppress(apsw.ConnectionClosedError):
            return int(self._connection.execute("SELECT count(*) FROM stranger").get)
        return 0

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        with self._lock:
            self._connection.close()
            self._log.close()
