"""What the fold asks of the state and what it changes of it, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from carrythrough.events.performance import PerformanceEvent
from carrythrough.evidence.cmi5 import Mark
from carrythrough.evidence.needs import NeedAnswer
from carrythrough.evidence.types import Channel
from carrythrough.identity.directory import RosterIndex
from carrythrough.pipeline.amending import Amendment
from carrythrough.pipeline.effects import Effect
from carrythrough.pipeline.merge import Move
from carrythrough.pipeline.noting import Note
from carrythrough.pipeline.plan import Contested, Refusal, Survey
from carrythrough.pipeline.records import LedgerRow, Piece
from carrythrough.pipeline.registrations import Home, PlacedMark
from carrythrough.pipeline.replying import Reply
from carrythrough.pipeline.strangers import Stranger
from carrythrough.reinforcement.blast import RuleLoad
from carrythrough.scoring.state import LearnerState, PairState
from carrythrough.xapi.statement import Statement

_RELATED = frozenset({int(Channel.JOB), int(Channel.SUPPORT)})


def is_near(row: LedgerRow, skill: str, from_ms: int, to_ms: int) -> bool:
    """Say whether a row is what `StateView.near` returns."""
    e = row.evidence
    return e.skill == skill and e.channel in _RELATED and from_ms <= e.t_ms <= to_ms


class StateView(Protocol):
    """What the fold may ask of the state: look-ups of values, nothing else."""

    def learner(self, subject: str) -> LearnerState | None:
        """Return the employee, or None when nothing is known; the caller does not change it."""
        ...

    def seen(self, row: LedgerRow) -> bool:
        """Say whether the ledger has the key of `row` already."""
        ...

    def ledger(self, subject: str) -> Sequence[LedgerRow]:
        """Return all ledger rows of an employee, in any order."""
        ...

    def near(self, subject: str, skill: str, from_ms: int, to_ms: int) -> Sequence[LedgerRow]:
        """Return the job and support rows of one skill with event times from `from_ms` to `to_ms`."""
        ...

    def locate(self, source: bytes) -> str | None:
        """Return whose evidence a source is, None when it is unknown (so far)."""
        ...

    def voided(self, source: bytes) -> bool:
        """Say whether a void of this source was folded before."""
        ...

    def contested(self, piece: Piece) -> bool:
        """Say whether the last contest of this piece, folded before, set it aside."""
        ...

    def marks(self, home: Home) -> Sequence[Mark]:
        """Return the cmi5 marks of one unit of one registration, in any order."""
        ...

    def home_of(self, source: bytes) -> Home | None:
        """Return the unit that a cmi5-defined statement belongs to, None when it is none."""
        ...

    def corrects(self, source: bytes) -> bool:
        """Say whether an event is known as a correction; see `pipeline.amending`."""
        ...

    def corrections(self, target: bytes) -> Sequence[Amendment]:
        """Return the corrections of an event, in any order."""
        ...

    def ended(self, source: bytes) -> bool:
        """Say whether an event was retracted or stands behind another correction."""
        ...

    def placed(self, subject: str) -> Sequence[PlacedMark]:
        """Return the cmi5 marks of an employee, in any order."""
        ...

    def strangers(self, kin: Iterable[str] | None = None) -> Iterable[str]:
        """Return the strangers (`pipeline.strangers`) that have one of some sealed kinship tokens, None for all.

        `kin` is not asked for anything when there are no strangers at all.
        """
        ...

    def stranger(self, subject: str) -> Stranger | None:
        """Return what is known of a pseudonym that came up before the roster knew it, None for others."""
        ...

    def vanished(self, subject: str) -> bool:
        """Say whether a pseudonym had evidence that is somebody else's now, and has none."""
        ...

    def names(self, positions: Iterable[int]) -> Mapping[int, str]:
        """Return whom the records at some positions of the log are about, by name (`identity.claims`)."""
        ...

    def surveys(self, subject: str, directory: RosterIndex) -> Sequence[NeedAnswer]:
        """Return the answers of needs surveys about somebody by a roster, in any order, voided ones left out."""
        ...

    def replies(self, subject: str) -> Sequence[Reply]:
        """Return the answers to actions that somebody gave, in any order, voided ones left out."""
        ...

    def replied(self, source: bytes) -> bool:
        """Say whether an answer was folded before."""
        ...

    def rule_load(self, rule: str) -> RuleLoad:
        """Return what a rule did lately, over all people; that of an idle rule when nothing is known."""
        ...

    def due(self, now_ms: int, limit: int) -> Sequence[str]:
        """Return employees with timers due at `now_ms`, ordered by (due time, subject)."""
        ...


class Delta(msgspec.Struct):
    """What a batch changed.

    learners: whole employees after it. pairs: which (subject, skill) changed. added: new ledger
    rows. voided: (subject, source) of rows to mark. voids: sources that are void from now on, with
    the position of the record that said so. contests: those folded, in order. contested: (subject,
    piece, set aside) of rows to mark, in order. refused: statements that are none, for the quarantine.
    marks: new cmi5 marks. superseded: (subject, source, stands aside) of rows to mark, in order.
    amendments: new corrections of events. ends: events that are retracted or replaced from now on for
    good, with the position that said so. named: what the records said that new rows and marks are of, by
    position. strangers: pseudonyms that the roster does not know, None for those that are no more.
    moves: evidence that goes from one employee to another, in order, before everything else.
    gone: pseudonyms without evidence that the roster does not know (True), or that are back (False).
    surveys: needs surveys, in order; whose they are is told when they are read. notes: events that are no
    evidence, in order (`pipeline.noting`); the shell keeps them, and no score depends on them. replies:
    answers to actions, in order (`pipeline.replying`). rule_loads: what rules did lately, by rule. referred: ids of
    requests that have arrived at whom they are for.
    """

    learners: dict[str, LearnerState]
    pairs: dict[tuple[str, str], PairState]
    added: list[LedgerRow]
    voided: list[tuple[str, bytes]]
    voids: dict[bytes, int]
    effects: list[Effect]
    contests: list[Contested] = []
    contested: list[tuple[str, Piece, bool]] = []
    refused: list[Refusal] = []
    marks: list[PlacedMark] = []
    superseded: list[tuple[str, bytes, bool]] = []
    amendments: list[Amendment] = []
    ends: dict[bytes, int] = {}
    named: dict[int, Statement | PerformanceEvent | None] = {}
    strangers: dict[str, Stranger | None] = {}
    moves: list[Move] = []
    gone: dict[str, bool] = {}
    surveys: list[Survey] = []
    notes: list[Note] = []
    replies: list[Reply] = []
    rule_loads: dict[str, RuleLoad] = {}
    referred: list[str] = []
