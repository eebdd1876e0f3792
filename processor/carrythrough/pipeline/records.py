"""Log records and ledger rows as values: what goes into a step and what it adds to the ledger."""

from __future__ import annotations

import enum
from typing import Any

import msgspec

from carrythrough.evidence.types import Evidence

VOIDED_VERB = "http://adlnet.gov/expapi/verbs/voided"


class Kind(enum.IntEnum):
    """What a log record carries. Activations and ticks are barriers: a batch ends before and after them."""

    STATEMENT = 1
    EVENT = 2
    TICK = 3
    PROGRAM = 4
    ROSTER = 5
    REFUSED = 6
    CONTEST = 7
    MODEL = 8
    BASELINE = 9
    ROSTER_CHANGE = 10
    EVENT_AGAIN = 11
    ORDERS = 12
    REFERRAL = 13
    POSTERIORS = 14


EVENTS = frozenset({Kind.EVENT, Kind.EVENT_AGAIN})
"""A performance event, and one that is read again because the map now knows what it names (`pipeline.noting`)."""

ROSTERS = frozenset({Kind.ROSTER, Kind.ROSTER_CHANGE})
"""What changes who is who: a whole roster, and changes of single people (`identity.changes`)."""
ACTIVATIONS = frozenset({Kind.PROGRAM, Kind.MODEL, Kind.BASELINE, Kind.ORDERS, Kind.POSTERIORS}) | ROSTERS
"""What changes the versions in force."""
BARRIERS = ACTIVATIONS | {Kind.TICK}


class Record(msgspec.Struct, frozen=True):
    """One record of the log, decoded.

    position: place in the log, from 1. stored_ms: log append time. id: 16 bytes, the statement id
    or event digest (empty for the rest). t_ms: event time, -1 when the sender gave none.
    content: Statement, PerformanceEvent, the text of an activation, contest or refused
    statement (`xapi.lenient.Kept`), or None.
    """

    position: int
    kind: Kind
    stored_ms: int
    id: bytes
    t_ms: int
    content: Any


Piece = tuple[bytes, str, int]
"""(source, skill, channel): what an evidence id names, whoever the person is."""

VOIDED = 1
"""Bit of `LedgerRow.voided`: a voiding statement took the source back."""
SUPERSEDED = 4
"""Bit of `LedgerRow.voided`: its registration sets it aside (`evidence.cmi5`); another statement can change that."""
CONTESTED = 2
"""Bit of `LedgerRow.voided`: this piece was contested and set aside; a restore clears it."""


class LedgerRow(msgspec.Struct, frozen=True):
    """One row of the evidence ledger: stamped evidence of one person and whether it counts.

    voided: VOIDED, CONTESTED and SUPERSEDED bits; the evidence counts while it is 0.
    """

    subject: str
    evidence: Evidence
    position: int
    voided: int = 0

    def key(self) -> tuple[str, str, int, bytes]:
        """Return (subject, skill, channel, source): a statement counts once per skill and channel."""
        e = self.evidence
        return (self.subject, e.skill, e.channel, e.source)

    def piece(self) -> Piece:
        """Return what names this evidence in a contest."""
        e = self.evidence
        return (e.source, e.skill, e.channel)
