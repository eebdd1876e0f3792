"""`step`: the pure pipeline over a whole state value.

The embedded loop calls the same `plan` and `Fold` over a view of its store; this
module gives the same result over values in memory, for the offline fold, tests and tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from carrythrough.evidence.cmi5 import Mark
from carrythrough.evidence.needs import NeedAnswer
from carrythrough.identity.directory import RosterIndex
from carrythrough.pipeline.amending import Amendment
from carrythrough.pipeline.delta import Delta, is_near
from carrythrough.pipeline.effects import Effect
from carrythrough.pipeline.fold import Fold
from carrythrough.pipeline.moved import moved_replies, moved_rows, moved_units
from carrythrough.pipeline.plan import Contested, InForce, Survey, plan
from carrythrough.pipeline.records import BARRIERS, CONTESTED, SUPERSEDED, VOIDED, LedgerRow, Piece, Record
from carrythrough.pipeline.registrations import Home, PlacedMark
from carrythrough.pipeline.replying import Reply
from carrythrough.pipeline.strangers import Stranger, name_of
from carrythrough.reinforcement.blast import IDLE, RuleLoad
from carrythrough.scoring.codec import encode_learner, encode_learner_evidence
from carrythrough.scoring.state import LearnerState


class State(msgspec.Struct, frozen=True):
    """The whole state of a tenant as a value; `step` returns a new one.

    voids: sources taken back. set_out: pieces that a contest has set aside, as things stand.
    units: the cmi5 marks of every unit of every registration, by statement. amendments: the corrections
    of events, by the event that they correct. ends: events retracted or replaced for good. named: whom
    the record at a position is about, by name. outside: strangers by pseudonym. gone: pseudonyms whose
    evidence is all somebody else's. needs: needs surveys by position. answered: answers to actions.
    rule_loads: what each rule did lately.
    """

    learners: dict[str, LearnerState] = {}
    rows: dict[tuple[str, str, int, bytes], LedgerRow] = {}
    voids: frozenset[bytes] = frozenset()
    set_out: frozenset[Piece] = frozenset()
    units: dict[Home, dict[bytes, PlacedMark]] = {}
    amendments: dict[bytes, tuple[Amendment, ...]] = {}
    ends: frozenset[bytes] = frozenset()
    named: dict[int, str] = {}
    outside: dict[str, Stranger] = {}
    gone: frozenset[str] = frozenset()
    needs: dict[int, Survey] = {}
    answered: dict[bytes, Reply] = {}
    rule_loads: dict[str, RuleLoad] = {}

    def learner(self, subject: str) -> LearnerState | None:
        """Return the employee, or None."""
        return self.learners.get(subject)

    def seen(self, row: LedgerRow) -> bool:
        """Say whether the ledger has the key of `row`."""
        return row.key() in self.rows

    def ledger(self, subject: str) -> list[LedgerRow]:
        """Return the ledger rows of an employee."""
        return _by_subject(self.rows).get(subject, [])

    def near(self, subject: str, skill: str, from_ms: int, to_ms: int) -> list[LedgerRow]:
        """Return the job and support rows of one skill in a span of event time."""
        return [row for row in self.ledger(subject) if is_near(row, skill, from_ms, to_ms)]

    def locate(self, source: bytes) -> str | None:
        """Return whose evidence a source is."""
        return next((key[0] for key in self.rows if key[3] == source), None)

    def voided(self, source: bytes) -> bool:
        """Say whether a void of this source was folded."""
        return source in self.voids

    def contested(self, piece: Piece) -> bool:
        """Say whether the last contest of this piece set it aside."""
        return piece in self.set_out

    def marks(self, home: Home) -> list[Mark]:
        """Return the cmi5 marks of one unit."""
        return [placed.mark for placed in self.units.get(home, {}).values()]

    def home_of(self, source: bytes) -> Home | None:
        """Return the unit that a statement belongs to, or None."""
        return next((home for home, unit in self.units.items() if source in unit), None)

    def corrects(self, source: bytes) -> bool:
        """Say whether an event is a correction."""
        return any(a.source == source for found in self.amendments.values() for a in found)

    def corrections(self, target: bytes) -> tuple[Amendment, ...]:
        """Return the corrections of an event."""
        return self.amendments.get(target, ())

    def ended(self, source: bytes) -> bool:
        """Say whether an event was retracted or stands behind another correction."""
        return source in self.ends

    def placed(self, subject: str) -> list[PlacedMark]:
        """Return the cmi5 marks of an employee."""
        return [one for home, unit in self.units.items() if home[0] == subject for one in unit.values()]

    def strangers(self, kin: Iterable[str] | None = None) -> list[str]:
        """Return the strangers that have one of some sealed kinship tokens, None for all."""
        if kin is None:
            return list(self.outside)
        wanted = set(kin) if self.outside else set()
        return [subject for subject, known in self.outside.items() if not wanted.isdisjoint(known.kin)]

    def stranger(self, subject: str) -> Stranger | None:
        """Return what is known of a stranger, None for others."""
        return self.outside.get(subject)

    def vanished(self, subject: str) -> bool:
        """Say whether all evidence of a pseudonym is somebody else's."""
        return subject in self.gone

    def names(self, positions: Iterable[int]) -> dict[int, str]:
        """Return whom the records at some positions are about."""
        return {position: self.named[position] for position in positions}

    def surveys(self, subject: str, directory: RosterIndex) -> list[NeedAnswer]:
        """Return the answers about somebody by a roster, voided ones left out."""
        return [
            answer
            for survey in self.needs.values()
            if directory.subject_of_name(survey.name) == subject
            for answer in survey.answers
            if answer.source not in self.voids
        ]

    def replies(self, subject: str) -> list[Reply]:
        """Return the answers that somebody gave, voided ones left out."""
        return [r for r in self.answered.values() if r.subject == subject and r.source not in self.voids]

    def replied(self, source: bytes) -> bool:
        """Say whether an answer was folded."""
        return source in self.answered

    def rule_load(self, rule: str) -> RuleLoad:
        """Return what a rule did lately."""
        return self.rule_loads.get(rule, IDLE)

    def due(self, now_ms: int, limit: int) -> list[str]:
        """Return employees with timers due, by (due time, subject)."""
        timers = sorted((learner.due_ms(), subject) for subject, learner in self.learners.items())
        return [subject for due, subject in timers if 0 < due <= now_ms][:limit]

    def evidence_bytes(self) -> bytes:
        """Return the evidence half of everybody: equal for the same set of evidence in any order."""
        halves = (
            (subject, encode_learner_evidence(learner)) for subject, learner in sorted(self.learners.items())
        )
        return msgspec.msgpack.encode([half for half in halves if half[1] != _EMPTY])

    def all_bytes(self) -> bytes:
        """Return everything, what was published and decided included: equal for the same log in any batching."""
        return msgspec.msgpack.encode(
            [(s, encode_learner(learner)) for s, learner in sorted(self.learners.items())]
        )


_EMPTY = encode_learner_evidence(LearnerState())


Rows = dict[tuple[str, str, int, bytes], LedgerRow]
_indexed: tuple[Rows, dict[str, list[LedgerRow]]] = ({}, {})


def _by_subject(rows: Rows) -> dict[str, list[LedgerRow]]:
    """Return `rows` by subject; remembered for the last ledger asked about, which is never changed in place."""
    global _indexed  # noqa: PLW0603 - a memo of one entry: the same rows give the same index
    if _indexed[0] is not rows:
        index: dict[str, list[LedgerRow]] = {}
        for key, row in rows.items():
            index.setdefault(key[0], []).append(row)
        _indexed = (rows, index)
    return _indexed[1]


def step(state: State, inputs: Sequence[Record], in_force: InForce) -> tuple[State, list[Effect]]:
    """Return the state after `inputs` (in log order) and the effects to carry out.

    Times, ids and versions come in with the records and `in_force`; nothing else is read.
    """
    effects: list[Effect] = []
    for batch in batches(inputs):
        delta = Fold(state, in_force).run(plan(batch, in_force))
        state = merged(state, delta)
        effects += delta.effects
    return state, effects


def batches(inputs: Iterable[Record]) -> Iterable[list[Record]]:
    """Cut a run of records at barriers: each tick or activation stands alone."""
    for barrier, run in groupby(inputs, key=lambda record: record.kind in BARRIERS):
        if barrier:
            yield from ([record] for record in run)
        else:
            yield list(run)


def merged(state: State, delta: Delta) -> State:
    """Return `state` with what one batch changed."""
    rows, units = state.rows, state.units
    for move in delta.moves:
        rows, units = moved_rows(rows, move), moved_units(units, move)
    rows = rows | {row.key(): row for row in delta.added}
    gone = set(delta.voided)
    if gone:
        rows = {
            k: msgspec.structs.replace(r, voided=r.voided | VOIDED) if (k[0], k[3]) in gone else r
            for k, r in rows.items()
        }
    superseded = {(subject, source): aside for subject, source, aside in delta.superseded}
    if superseded:
        rows = {k: _superseded(r, superseded.get((k[0], k[3]))) for k, r in rows.items()}
    for subject, (source, skill, channel), aside in delta.contested:
        key = (subject, skill, channel, source)
        flags = rows[key].voided & ~CONTESTED | (CONTESTED if aside else 0)
        rows[key] = msgspec.structs.replace(rows[key], voided=flags)
    return State(
        state.learners | delta.learners,
        rows,
        state.voids | delta.voids.keys(),
        set_out(state.set_out, delta.contests),
        _with_marks(units, delta),
        _with_amendments(state.amendments, delta),
        state.ends | delta.ends.keys(),
        state.named | {position: name_of(content) for position, content in delta.named.items()},
        {s: known for s, known in (state.outside | delta.strangers).items() if known is not None},
        frozenset(s for s in {*state.gone, *delta.gone} if delta.gone.get(s, s in state.gone)),
        state.needs | {survey.position: survey for survey in delta.surveys},
        moved_replies(state.answered, delta.moves) | {reply.source: reply for reply in delta.replies},
        state.rule_loads | delta.rule_loads,
    )


def _with_amendments(
    before: dict[bytes, tuple[Amendment, ...]], delta: Delta
) -> dict[bytes, tuple[Amendment, ...]]:
    if not delta.amendments:
        return before
    now = dict(before)
    for each in delta.amendments:
        now[each.target] = (*now.get(each.target, ()), each)
    return now


def _superseded(row: LedgerRow, aside: bool | None) -> LedgerRow:  # noqa: FBT001 - None: as it was
    if aside is None:
        return row
    return msgspec.structs.replace(row, voided=row.voided & ~SUPERSEDED | (SUPERSEDED if aside else 0))


def _with_marks(
    units: dict[Home, dict[bytes, PlacedMark]], delta: Delta
) -> dict[Home, dict[bytes, PlacedMark]]:
    fresh: dict[Home, dict[bytes, PlacedMark]] = {}
    for placed in delta.marks:
        unit = fresh.setdefault(placed.home(), dict(units.get(placed.home(), {})))
        unit[placed.mark.source] = placed
    return units | fresh


def set_out(before: frozenset[Piece], contests: Iterable[Contested]) -> frozenset[Piece]:
    """Return the pieces that are set aside after some more contests, in log order."""
    now = set(before)
    for contest in contests:
        if contest.restore:
            now.difference_update(contest.pieces)
        else:
            now.update(contest.pieces)
    return before if not contests else frozenset(now)
