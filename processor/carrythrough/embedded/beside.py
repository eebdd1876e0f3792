"""Evidence that counts no more and why: contested, taken back, or set aside by the rules of cmi5.

Somebody who has contested a piece must find it again where the score is explained, with the sentence that it
counts nothing, and not only notice that it is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apsw

from carrythrough.embedded.history import voided_by
from carrythrough.embedded.presenting import rfc3339
from carrythrough.embedded.view import contested_pieces
from carrythrough.evidence.types import Channel
from carrythrough.pipeline.contest import evidence_id
from carrythrough.pipeline.records import CONTESTED, VOIDED, LedgerRow

CONTESTED_CODE, VOIDED_CODE = "contested", "voided"
SENTENCES = {
    CONTESTED_CODE: "it is contested, and counts nothing unless it is restored",
    VOIDED_CODE: "whoever sent it took it back or corrected it",
}

TakenBack = tuple[LedgerRow, str]
"""A row and the code of why it counts no more."""


def taken_back_now(rows: Iterable[LedgerRow]) -> Iterator[TakenBack]:
    """Yield what is voided or contested at present; of what is both, that it was voided."""
    for row in rows:
        if row.voided & (VOIDED | CONTESTED):
            yield row, VOIDED_CODE if row.voided & VOIDED else CONTESTED_CODE


def taken_back_then(state: apsw.Connection, rows: Iterable[LedgerRow], position: int) -> Iterator[TakenBack]:
    """Yield what was voided or contested after a position of the log; rows: those stamped by then."""
    contested = contested_pieces(state, position)
    for row in rows:
        if row.position > position:
            continue
        if row.voided & VOIDED and voided_by(state, row.evidence.source, position):
            yield row, VOIDED_CODE
        elif row.piece() in contested:
            yield row, CONTESTED_CODE


def beside(
    taken_back: Iterable[TakenBack], by_rule: Iterable[dict[str, Any]], skill: str, at_ms: int | None
) -> list[dict[str, Any]]:
    """Return the evidence of a skill up to an event time that does not count, newest first.

    by_rule: what registrations set aside (`registrations.set_aside_evidence`), of the same skill and time.
    """
    found = [
        {
            "evidence": evidence_id((row.evidence.source, row.evidence.skill, row.evidence.channel)),
            "channel": Channel(row.evidence.channel).name.lower(),
            "time": rfc3339(row.evidence.t_ms),
            "reason": code,
            "text": SENTENCES[code],
        }
        for row, code in taken_back
        if row.evidence.skill == skill and (at_ms is None or row.evidence.t_ms <= at_ms)
    ]
    return sorted([*found, *by_rule], key=lambda entry: (entry["time"], entry["evidence"]), reverse=True)
