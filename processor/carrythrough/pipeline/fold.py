"""The fold: operations in, changed employees, ledger rows and effects out.

Nothing here knows how a batch was cut: each operation reads the score as of
max(previous as_of, log append time), so the same log gives the same effects with
the same contents in any batching. Input state is never changed; employees and
pairs are copied the first time that they are touched.
"""

from __future__ import annotations

from collections.abc import Iterable

from carrythrough.evidence.cmi5 import Mark
from carrythrough.evidence.types import SUPPORT_WINDOW_S_MAX, Channel, Evidence
from carrythrough.pipeline.amending import Amendment, Amendments
from carrythrough.pipeline.assist import is_assisted, newly_assisted
from carrythrough.pipeline.delta import Delta, StateView, is_near
from carrythrough.pipeline.effects import SetAside, effect_id
from carrythrough.pipeline.moving import Moving
from carrythrough.pipeline.plan import (
    Add,
    Amend,
    Contested,
    InForce,
    Noted,
    Operation,
    Reattribute,
    Referred,
    Refusal,
    Survey,
    Void,
)
from carrythrough.pipeline.publish import Publisher, waits_for_history
from carrythrough.pipeline.rebuild import rebuilt
from carrythrough.pipeline.records import CONTESTED, SUPERSEDED, VOIDED, LedgerRow, Piece
from carrythrough.pipeline.registrations import Registrations
from carrythrough.pipeline.replying import Replies, Reply
from carrythrough.pipeline.strangers import stranger_of
from carrythrough.pipeline.surveyed import Surveyed
from carrythrough.reinforcement.blast import RuleLoad, RuleLoads
from carrythrough.scoring.state import LearnerState, PairState, add_terms, apply

_REACH_MS = SUPPORT_WINDOW_S_MAX * 1000
DUE_PER_TICK_MAX = 500
"""Employees whose timers one tick fires at most, so that no tick holds up the fold for long; the rest wait."""


class Fold:
    """One batch of operations over a view of the state; use once."""

    def __init__(self, view: StateView, in_force: InForce) -> None:
        self._view = view
        self._in_force = in_force
        surveys: list[Survey] = []
        voids: dict[bytes, int] = {}
        replies: list[Reply] = []
        self._replies = Replies(view, replies, voids)
        loads: dict[str, RuleLoad] = {}
        self._publisher = Publisher(
            in_force,
            Surveyed(view, in_force, surveys, voids),
            self._replies,
            RuleLoads(view.rule_load, loads),
        )
        self._tenant = in_force.tenant
        self._keys: set[tuple[str, str, int, bytes]] = set()
        self._rows: dict[str, list[LedgerRow]] = {}
        self._contests: dict[Piece, bool] = {}
        # No method of this fold is handed on: the circle would keep the batch until the cyclic collector comes by.
        self.delta = Delta({}, {}, [], [], voids, self._publisher.effects, surveys=surveys, replies=replies)
        self.delta.rule_loads = loads
        self._registrations = Registrations(view, lambda source: source in voids or view.voided(source))
        self._amendments = Amendments(view)
        self.delta.amendments, self.delta.ends = self._amendments.added, self._amendments.ends
        self.delta.marks, self.delta.superseded = self._registrations.added, self._registrations.changes

    def run(self, operations: Iterable[Operation]) -> Delta:
        """Fold the operations in order and return what changed."""
        for operation in operations:
            if type(operation) is Add:
                if operation.mark is not None:
                    self._mark(operation, operation.mark)
                for e in operation.evidence:
                    self._add(operation, e)
            elif type(operation) is Void:
                self._void(operation)
            elif type(operation) is Survey:
                self.delta.surveys.append(operation)
            elif type(operation) is Reply:
                self._reply(operation)
            elif type(operation) is Referred:
                self._refer(operation)
            elif type(operation) is Noted:
                self.delta.notes.append(operation.note)
            elif type(operation) is Amend:
                self._amend(operation)
            else:
                self._seldom(operation)
        return self.delta

    def _seldom(self, operation: Operation) -> None:
        if type(operation) is Contested:
            self._contest(operation)
        elif type(operation) is Refusal:
            self._refuse(operation)
        elif type(operation) is Reattribute:
            Moving(self._view, self._in_force, self._publisher, self.delta).run(operation)
        else:
            self._tick(operation.stored_ms)

    def _refuse(self, operation: Refusal) -> None:
        self.delta.refused.append(operation)
        self.delta.effects.append(
            SetAside(
                id=effect_id("quarantine", self._tenant, operation.position),
                position=operation.position,
                code=operation.code,
                detail=operation.detail,
            )
        )

    def _reply(self, reply: Reply) -> None:
        """Keep an answer to an action; where it is new the pair that the action was about has been answered."""
        if not self._replies.take(reply):
            return
        learner = self.delta.learners.get(reply.about) or self._view.learner(reply.about)
        if learner is not None and reply.skill in learner.pairs:
            learner = self._learner(reply.about)
            self._publisher.replied(reply, self._pair(reply.about, learner, reply.skill))

    def _refer(self, operation: Referred) -> None:
        """Decide a request at whom it is for, who may be nobody of whom anything was known before."""
        request = operation.request
        self.delta.referred.append(request.id)
        self._publisher.referred(request, self._learner(request.recipient), operation.stored_ms)

    def _learner(self, subject: str, operation: Add | None = None) -> LearnerState:
        """Return an employee to fold into; operation: what may be the first to be known of them."""
        learner = self.delta.learners.get(subject)
        if learner is None:
            before = self._view.learner(subject)
            learner = LearnerState() if before is None else before.copy()
            self.delta.learners[subject] = learner
            directory = self._in_force.directory
            back = before is not None and self._view.vanished(subject)
            if back:
                self.delta.gone[subject] = False
            if (before is None or back) and operation is not None and directory.person(subject) is None:
                stranger = stranger_of(operation.content, operation.position, directory)
                self.delta.strangers[subject] = stranger
        return learner

    def _pair(self, subject: str, learner: LearnerState, skill: str) -> PairState:
        key = (subject, skill)
        pair = self.delta.pairs.get(key)
        if pair is None:
            before = learner.pairs.get(skill)
            pair = PairState() if before is None else before.copy()
            learner.pairs[skill] = self.delta.pairs[key] = pair
        return pair

    def _add(self, operation: Add, e: Evidence) -> None:
        subject = operation.subject
        key = (subject, e.skill, e.channel, e.source)
        voided = VOIDED if self._is_void(e.source) else 0
        if operation.mark is not None and self._registrations.stands_aside(subject, e.source, before=False):
            voided |= SUPERSEDED
        if self._set_aside((e.source, e.skill, e.channel)):
            voided |= CONTESTED
        row = LedgerRow(subject, e, operation.position, voided)
        if key in self._keys or self._view.seen(row):
            return
        self._keys.add(key)
        self.delta.added.append(row)
        self.delta.named[operation.position] = operation.content
        self._rows.setdefault(subject, []).append(row)
        learner = self._learner(subject, operation)
        if row.voided:
            return
        pair = self._pair(subject, learner, e.skill)
        corrected = self._fold_in(learner, pair, row)
        moved = corrected or (e.channel <= Channel.OBSERVED and e.w > 0)
        self._publisher.evidence(subject, learner, pair, e, operation.stored_ms, moved=moved)

    def _fold_in(self, learner: LearnerState, pair: PairState, row: LedgerRow) -> bool:
        """Apply one row; say whether it also turned earlier successes into assisted ones."""
        e = row.evidence
        if e.channel == Channel.SUPPORT and pair.channels[Channel.JOB] is not None:
            others = [r.evidence for r in self._pair_rows(row) if r is not row]
            support = [o for o in others if o.channel == Channel.SUPPORT]
            turned = newly_assisted(e, (o for o in others if o.channel == Channel.JOB), support)
            for success in turned:
                add_terms(learner, pair, success, assisted=False, sign=-1)
                add_terms(learner, pair, success, assisted=True)
            apply(learner, pair, e, assisted=False)
            return bool(turned)
        support = []
        if e.channel == Channel.JOB and pair.counts[Channel.SUPPORT - Channel.EXPOSURE][0]:
            support = [r.evidence for r in self._pair_rows(row) if r.evidence.channel == Channel.SUPPORT]
        apply(learner, pair, e, assisted=is_assisted(e, support))
        return False

    def _pair_rows(self, row: LedgerRow) -> list[LedgerRow]:
        """Return the job and support rows of the pair that may bear on `row`, the ones of this batch included.

        A job aid reaches SUPPORT_WINDOW_S_MAX far, so a span of that length on both sides holds every
        success that `row` can touch and every job aid that can touch those.
        """
        e = row.evidence
        from_ms, to_ms = e.t_ms - _REACH_MS, e.t_ms + _REACH_MS
        rows = [
            *self._view.near(row.subject, e.skill, from_ms, to_ms),
            *(r for r in self._rows.get(row.subject, ()) if is_near(r, e.skill, from_ms, to_ms)),
        ]
        return [r for r in rows if self._counts(r)]

    def _all_rows(self, subject: str) -> list[LedgerRow]:
        return [*self._view.ledger(subject), *self._rows.get(subject, ())]

    def _counts(self, row: LedgerRow) -> bool:
        """Say whether a row counts after what this batch has voided, contested and restored so far."""
        before = bool(row.voided & SUPERSEDED)
        return self._stands(row) and not self._registrations.stands_aside(
            row.subject, row.evidence.source, before=before
        )

    def _stands(self, row: LedgerRow) -> bool:
        """Say whether a row is neither void nor contested, whatever its registration says."""
        if row.voided & VOIDED or row.evidence.source in self.delta.voids:
            return False
        return not self._contests.get(row.piece(), bool(row.voided & CONTESTED))

    def _set_aside(self, piece: Piece) -> bool:
        known = self._contests.get(piece)
        return self._view.contested(piece) if known is None else known

    def _is_void(self, source: bytes) -> bool:
        return source in self.delta.voids or self._view.voided(source)

    def _void(self, operation: Void) -> None:
        target = operation.target
        if self._is_void(target):
            return
        home = self._registrations.before_void(target)
        subject = self._locate(target) if home is None else home[0]
        rows = [] if subject is None else self._all_rows(subject)
        before = {r.piece() for r in rows if self._counts(r)}
        self.delta.voids[target] = operation.position
        if subject is None:
            return  # takes effect when the target arrives
        self.delta.voided.append((subject, target))
        touched = {target} if home is None else {target} | self._registrations.voided(home)
        mine = [r for r in rows if r.evidence.source in touched]
        changed = {r.evidence.skill for r in mine if self._counts(r) != (r.piece() in before)}
        self._recount(subject, rows, changed, target, operation.stored_ms)

    def _amend(self, operation: Amend) -> None:
        """Void what a correction or a retraction takes away."""
        at = operation.position
        if operation.retracts:
            gone = self._amendments.retract(operation.target, at)
        else:
            new = Amendment(operation.source, operation.target, operation.revision, operation.t_ms, at)
            gone = self._amendments.correct(new)
        for target in gone:
            self._void(Void(target, at, operation.stored_ms))

    def _mark(self, operation: Add, mark: Mark) -> None:
        """Take a cmi5-defined statement into its registration; others may count no more, or again."""
        subject = operation.subject
        self._learner(subject, operation)  # known from now on, also without evidence
        self.delta.named[operation.position] = operation.content
        touched = self._registrations.add(subject, mark, operation.position)
        if touched:
            rows = self._all_rows(subject)
            changed = {r.evidence.skill for r in rows if r.evidence.source in touched and self._stands(r)}
            self._recount(subject, rows, changed, mark.source, operation.stored_ms)

    def _contest(self, operation: Contested) -> None:
        """Set pieces aside or restore them; a piece not seen yet is met by it when it arrives."""
        self.delta.contests.append(operation)
        by_source: dict[bytes, list[Piece]] = {}
        for piece in operation.pieces:
            by_source.setdefault(piece[0], []).append(piece)
        for source, pieces in by_source.items():
            subject = self._locate(source)
            rows = [] if subject is None else self._all_rows(subject)
            named = [r for r in rows if r.piece() in pieces]
            before = {r.piece() for r in named if self._counts(r)}
            self._contests.update(dict.fromkeys(pieces, not operation.restore))
            if subject is None:
                continue
            self.delta.contested += [(subject, r.piece(), not operation.restore) for r in named]
            changed = {r.evidence.skill for r in named if self._counts(r) != (r.piece() in before)}
            self._recount(subject, rows, changed, source, operation.stored_ms)

    def _recount(
        self, subject: str, rows: list[LedgerRow], skills: set[str], source: bytes, stored_ms: int
    ) -> None:
        """Derive the employee again from the rows that count, and publish the skills that changed."""
        if not skills:
            return
        learner = rebuilt(self._learner(subject), [r.evidence for r in rows if self._counts(r)])
        self.delta.learners[subject] = learner
        for skill, pair in learner.pairs.items():
            self.delta.pairs[subject, skill] = pair
        for skill in sorted(skills):
            self._publisher.recounted(subject, learner, learner.pairs[skill], skill, source, stored_ms)

    def _locate(self, target: bytes) -> str | None:
        for rows in self._rows.values():
            for row in rows:
                if row.evidence.source == target:
                    return row.subject
        return self._view.locate(target)

    def _tick(self, now_ms: int) -> None:
        for subject in self._view.due(now_ms, DUE_PER_TICK_MAX):
            learner = self._learner(subject)
            refresh, arms = 0 < learner.refresh_ms <= now_ms, not waits_for_history(learner)
            if refresh:
                learner.refresh_ms = 0
            self._publisher.requests_due(subject, learner, now_ms)
            for skill in self._publisher.in_order(subject, learner, now_ms):
                due = learner.pairs[skill].published.due_ms
                if refresh or 0 < due <= now_ms:
                    pair = self._pair(subject, learner, skill)
                    self._publisher.tick(subject, learner, pair, skill, now_ms, arms=arms)
