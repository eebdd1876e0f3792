"""Contests of evidence in the embedded shell: checked against the ledger, appended to the log, listed for the audit."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from carrythrough.embedded.database import connect, row_before, select
from carrythrough.embedded.presenting import rfc3339
from carrythrough.embedded.terms import Terms
from carrythrough.errors import PermanentError, Problem
from carrythrough.evidence.types import Channel
from carrythrough.pipeline.contest import PIECES_MAX, Contest, encode_contest, evidence_id

PAGE_MAX = 500
_REQUEST_ID = re.compile("[0-9a-f]{32}")


class Contests:
    """Takes contests in and lists them; safe to call from any thread."""

    def __init__(
        self,
        state: Path,
        subject_of: Callable[[str], str | None],
        append: Callable[[bytes], None],
    ) -> None:
        """subject_of: pseudonym of a roster id or pseudonym. append: logs a contest durably."""
        self._connection = connect(state, readonly=True)
        self._terms = Terms(self._connection)
        self._subject_of = subject_of
        self._append = append
        self._lock = threading.Lock()

    def contest(
        self,
        employee: str,
        evidence: Iterable[str],
        *,
        by: str,
        reason: str,
        restore: bool,
        request: str = "",
    ) -> dict[str, Any]:
        """Set pieces of evidence aside, or restore them, and return the record once it is durable.

        evidence: ids as explanations show them, or bare ids of statements and events, which name all
        that they are evidence of; none where a request is settled and nothing was wrong. request: id of the
        disagreement that this settles. Raises PermanentError 404 for an unknown employee, evidence or request,
        409 for a request that is settled, 400 for a contest of nothing.
        """
        subject = self._subject_of(employee)
        if subject is None:
            raise PermanentError(_unknown("employee", employee, "a roster id or a pseudonym with evidence"))
        named: dict[str, None] = {}
        for text in evidence:
            named.update(dict.fromkeys(self._named(subject, text)))
        if len(named) > PIECES_MAX:
            raise PermanentError(_too_many(len(named)))
        if request:
            self._check_request(subject, request)
        elif not named:
            raise PermanentError(_NOTHING)
        contest = Contest(
            evidence=tuple(named), by=by, reason=reason, restore=restore, subject=subject, request=request
        )
        self._append(encode_contest(contest))
        record = dict(msgspec.to_builtins(contest))
        return record if request else {name: value for name, value in record.items() if name != "request"}

    def _check_request(self, subject: str, request: str) -> None:
        known = bytes.fromhex(request) if _REQUEST_ID.fullmatch(request) else b""
        with self._lock:
            rows = select(
                self._connection,
                "SELECT s.position FROM reply r LEFT JOIN settled s ON s.request = r.source"
                " WHERE r.source=? AND r.subject=? AND r.answer='disagree'",
                (known, subject),
            )
        if not rows:
            raise PermanentError(_unknown("request", request, "open disagreement of this person"))
        if rows[0][0] is not None:
            raise PermanentError(_SETTLED)

    def requests(self, *, limit: int = 100, cursor: str | None = "") -> dict[str, Any]:
        """Return the disagreements with scores, newest first, each with how it was settled or None."""
        limit = min(max(limit, 1), PAGE_MAX)
        with self._lock:
            rows = select(
                self._connection,
                "SELECT r.source, r.position, r.stored_ms, r.subject, r.skill, r.action, r.text,"
                " s.stored_ms, s.asked, s.reason, s.pieces FROM reply r LEFT JOIN settled s ON s.request = r.source"
                " WHERE r.answer='disagree' AND r.position < ? AND NOT EXISTS"
                " (SELECT 1 FROM void v WHERE v.source = r.source) ORDER BY r.position DESC LIMIT ?",
                (row_before(cursor), limit + 1),
            )
        entries = [_request(row) for row in rows[:limit]]
        return {"requests": entries, "next": str(rows[limit - 1][1]) if len(rows) > limit else None}

    def _named(self, subject: str, text: str) -> list[str]:
        """Return the ids in the ledger of a person that `text` names; raises PermanentError for none."""
        source, _, rest = text.partition("/")
        try:
            key = bytes.fromhex(source.replace("-", ""))
        except ValueError:
            key = b""
        with self._lock:
            rows = select(
                self._connection,
                "SELECT l.source, l.skill, l.channel FROM ledger l JOIN employee e ON e.id = l.employee"
                " WHERE e.subject=? AND l.source=? ORDER BY l.skill, l.channel",
                (subject, key),
            )
            ids = [evidence_id((bytes(s), self._terms.text(skill), c)) for s, skill, c in rows]
        wanted = f"{key.hex()}/{rest}"
        found = [one for one in ids if one == wanted] if rest else ids
        if not found:
            raise PermanentError(_unknown("evidence", text, "evidence of this person"))
        return found

    def listed(
        self, *, limit: int = 100, cursor: str | None = "", subject: str | None = ""
    ) -> dict[str, Any]:
        """Return contests, newest first; `cursor` is the `next` of the page before.

        subject: only of evidence that is with this pseudonym now, or was when it was contested.
        """
        limit = min(max(limit, 1), PAGE_MAX)
        before = row_before(cursor)
        with self._lock:
            places = select(
                self._connection,
                "SELECT DISTINCT position FROM contest WHERE position < ?1 AND (?2 = '' OR subject = ?2 OR source IN"
                " (SELECT l.source FROM ledger l JOIN employee e ON e.id = l.employee WHERE e.subject = ?2))"
                " ORDER BY position DESC LIMIT ?3",
                (before, subject or "", limit + 1),
            )
            entries = [self._entry(position) for (position,) in places[:limit]]
        return {"contests": entries, "next": str(places[limit - 1][0]) if len(places) > limit else None}

    def _entry(self, position: int) -> dict[str, Any]:
        rows = select(
            self._connection,
            "SELECT source, skill, channel, restore, asked, reason, stored_ms, subject FROM contest WHERE position=?",
            (position,),
        )
        _, _, _, restore, by, reason, stored_ms, subject = rows[0]
        return {
            "position": position,
            "time": rfc3339(stored_ms),
            "subject": subject,
            "evidence": [evidence_id((bytes(row[0]), row[1], Channel(row[2]))) for row in rows],
            "restore": bool(restore),
            "by": by,
            "reason": reason,
        }

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()


def _request(row: Sequence[Any]) -> dict[str, Any]:
    source, _, stored_ms, subject, skill, action, text, settled_ms, by, reason, pieces = row
    settled = None
    if settled_ms is not None:
        settled = {"time": rfc3339(settled_ms), "by": by, "reason": reason, "evidence": pieces}
    return {
        "id": bytes(source).hex(), "time": rfc3339(stored_ms), "subject": subject, "skill": skill, "action": action,
        "text": text, "settled": settled,
    }  # fmt: skip


def _unknown(what: str, given: str, wanted: str) -> Problem:
    return Problem(
        code=f"{what}-unknown",
        status=404,
        title="Not found",
        detail=f"{given[:200]!r} is no {wanted}",
        where=what,
        rule="a contest names evidence that an explanation of this person lists",
        fix="ask for the explanation of the score and copy the id of the evidence",
    )


def _too_many(count: int) -> Problem:
    return Problem(
        code="contest-too-large",
        status=400,
        title="The contest names too much evidence",
        detail=f"{count} pieces",
        where="evidence",
        rule=f"at most {PIECES_MAX} pieces at once, so that each is looked at",
        fix="contest them in several requests, each with its reason",
    )


_NOTHING = Problem(
    code="contest-empty",
    status=400,
    title="The contest names no evidence",
    detail="neither evidence nor a request is given",
    where="evidence",
    rule="a contest sets evidence aside, or settles a disagreement in which nothing was wrong",
    fix="name evidence of this person, or the request that is settled",
)
_SETTLED = Problem(
    code="request-settled",
    status=409,
    title="The disagreement is settled",
    detail="somebody answered it before",
    where="request",
    rule="a disagreement is settled once, so that its author has one answer",
    fix="contest or restore evidence without naming the request",
)
