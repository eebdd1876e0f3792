"""Evidence goes to whom the roster in force says that it belongs: merges and splits inside the fold.

Whose evidence a record is, is a function of what the record says and of the roster in force *now*, not of
the roster when the record came. So a change of the roster moves rows of the ledger and cmi5 marks between
employees, and derives what they add up to: from a stranger to the person that they turn out to be, from
one person to another when an identifier moves, back to a stranger when nobody has it any more. Each source
is settled by itself and in the order of pseudonyms, so that cutting the work leaves the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from carrythrough.evidence.cmi5 import Mark
from carrythrough.evidence.types import Evidence
from carrythrough.pipeline.delta import Delta, StateView
from carrythrough.pipeline.merge import Move, merge_in, merge_out, renamed
from carrythrough.pipeline.plan import InForce, Reattribute
from carrythrough.pipeline.publish import Publisher
from carrythrough.pipeline.rebuild import rebuilt
from carrythrough.pipeline.records import CONTESTED, SUPERSEDED, VOIDED, LedgerRow
from carrythrough.pipeline.registrations import Home, PlacedMark, Registrations
from carrythrough.pipeline.strangers import concerned, stranger_named
from carrythrough.reinforcement.stage import Stage
from carrythrough.scoring.state import LearnerState, PairState

Key = tuple[str, str, int, bytes]


class Moving:
    """What one change of the roster does to a state; use once."""

    def __init__(self, view: StateView, in_force: InForce, publisher: Publisher, delta: Delta) -> None:
        self._view = view
        self._before, self._after = in_force.roster_before, in_force.directory
        self._publisher = publisher
        self._delta = delta
        self._rows: dict[str, dict[Key, LedgerRow]] = {}
        self._places = _Places(view)
        self._registrations = Registrations(self._places, view.voided)
        self._position = self._stored_ms = 0

    def run(self, operation: Reattribute) -> None:
        """Settle every pseudonym that the change concerns, or those that the operation names."""
        self._position, self._stored_ms = operation.position, operation.stored_ms
        sources: Sequence[str] | None = operation.sources
        if sources is None:
            sources = () if self._before is None else concerned(self._before, self._after, self._view)
        for source in sources:
            self._settle(source)
        self._delta.superseded += self._registrations.changes

    def _settle(self, source: str) -> None:
        """Give what is a source's to whom it belongs."""
        stranger = self._view.stranger(source)
        known = self._after.person(source) is not None
        if stranger is not None:
            name = self._view.names([stranger.position])[stranger.position]
            target = self._after.subject_of_name(name)
            if target != source:
                self._move_all(source, target, name, stranger.position)
            else:
                self._show_or_withhold(source)
            if known or target != source:
                self._delta.strangers[source] = None
            return
        rows, marks = list(self._ledger(source).values()), self._places.placed(source)
        positions = {row.position for row in rows} | {mark.position for mark in marks}
        names = self._view.names(sorted(positions))
        owners = {at: self._after.subject_of_name(name) for at, name in names.items()}
        targets = sorted({owner for owner in owners.values() if owner != source})
        left = sorted(at for at in positions if owners[at] == source)
        for target in targets:
            self._move(
                source,
                target,
                [row for row in rows if owners[row.position] == target],
                [mark for mark in marks if owners[mark.position] == target],
                names,
                whole=not (known or left) and target == targets[-1],
            )
        if known:
            return
        if left:
            self._delta.strangers[source] = stranger_named(names[left[0]], left[0], self._after)
            self._show_or_withhold(source)
        elif targets or self._learner_known(source):
            self._vanish(source, targets[0] if targets else "")

    def _move_all(self, source: str, target: str, name: str, position: int) -> None:
        """Move everything that a stranger has: a new name for it all, where the target is new."""
        if self._learner_known(target):
            rows, marks = list(self._ledger(source).values()), self._places.placed(source)
            names = dict.fromkeys([*(row.position for row in rows), *(mark.position for mark in marks)], name)
            self._move(source, target, rows, marks, names, whole=True)
        else:
            left, learner = renamed(self._learner(source))
            self._take(source, left)
            self._take(target, learner)
            self._delta.moves.append(Move(self._position, source, target, whole=True))
            self._places.rename(source, target)
            self._rows[source] = {}
            self._publish(target, {s for s, pair in learner.pairs.items() if _has_evidence(pair)})
            self._arrive(target, name, position)
        self._vanish(source, target)

    def _move(
        self,
        source: str,
        target: str,
        rows: Sequence[LedgerRow],
        marks: Sequence[PlacedMark],
        names: Mapping[int, str],
        *,
        whole: bool,
    ) -> None:
        ours, theirs = self._ledger(source), self._ledger(target)
        counted = {row.key() for row in (*ours.values(), *theirs.values()) if self._counts(row)}
        self._registrations.move(marks, target)
        self._places.move(marks, target)
        move = _with_rows(Move(self._position, source, target, tuple(rows), tuple(marks)), theirs)
        for key in (*move.dropped, *move.refused):
            (theirs if key[0] == target else ours).pop(key)
        came: dict[Key, LedgerRow] = {}
        for row in rows:
            if ours.pop(row.key(), None) is not None:
                moved = msgspec.structs.replace(row, subject=target)
                came[moved.key()] = moved
        leaving = [row for row in came.values() if self._counts(row)]
        left, parcel = merge_out(self._learner(source), self._counting(ours), _evidence(leaving), whole=whole)
        self._take(source, left)
        learner = self._learner(target)
        if self._changed(theirs, counted) or move.dropped:
            learner = rebuilt(learner, self._counting(theirs))
        self._take(target, merge_in(learner, self._counting(theirs), parcel))
        touched = self._changed(theirs, counted) | {row.evidence.skill for row in leaving}
        touched |= {key[1] for key in move.dropped}
        theirs.update(came)
        self._delta.moves.append(move)
        self._publish(target, touched)
        first = min([row.position for row in rows] + [mark.position for mark in marks])
        self._arrive(target, names[first], first)
        if not whole:
            gone = {row.evidence.skill for row in rows if row.key() in counted}
            self._publish(source, self._changed(ours, counted) | gone)

    def _changed(self, rows: dict[Key, LedgerRow], counted: set[Key]) -> set[str]:
        """Return the skills of rows that count and did not, or did and do not."""
        return {row.evidence.skill for key, row in rows.items() if self._counts(row) != (key in counted)}

    def _arrive(self, target: str, name: str, position: int) -> None:
        """Note somebody who has evidence from now on."""
        if self._after.person(target) is None:
            self._delta.strangers[target] = stranger_named(name, position, self._after)
        if self._delta.gone.get(target, self._view.vanished(target)):
            self._delta.gone[target] = False

    def _vanish(self, source: str, into: str) -> None:
        """Take back what was published of a pseudonym that has nothing any more."""
        learner = self._learner(source)
        for skill in sorted(learner.pairs):
            pair = self._pair(source, learner, skill)
            if _is_published(pair):
                self._publisher.retracted(source, pair, skill, into, self._stored_ms)
        learner.refresh_ms = 0
        self._delta.gone[source] = True

    def _show_or_withhold(self, subject: str) -> None:
        """Take back what was published of somebody who is kept aside by now; publish who is no longer."""
        if not self._learner_known(subject):
            return
        learner = self._learner(subject)
        aside = self._after.keeps_aside(subject)
        for skill in sorted(learner.pairs):
            before = learner.pairs[skill]
            if aside and _is_published(before):
                self._publisher.retracted(
                    subject, self._pair(subject, learner, skill), skill, "", self._stored_ms
                )
            elif not aside and not _is_published(before) and _has_outcomes(before):
                self._publish(subject, {skill})
        if aside:
            learner.refresh_ms = 0

    def _publish(self, subject: str, skills: set[str]) -> None:
        if self._after.keeps_aside(subject):
            return
        learner = self._learner(subject)
        for skill in sorted(skills):
            pair = self._pair(subject, learner, skill)
            self._publisher.recounted(subject, learner, pair, skill, b"", self._stored_ms)

    def _ledger(self, subject: str) -> dict[Key, LedgerRow]:
        rows = self._rows.get(subject)
        if rows is None:
            at = self._places.origin(subject)
            found = () if at is None else self._view.ledger(at)
            if at != subject:
                found = [msgspec.structs.replace(row, subject=subject) for row in found]
            rows = self._rows[subject] = {row.key(): row for row in found}
        return rows

    def _counts(self, row: LedgerRow) -> bool:
        aside = self._registrations.stands_aside(
            row.subject, row.evidence.source, before=bool(row.voided & SUPERSEDED)
        )
        return not aside and not row.voided & (VOIDED | CONTESTED)

    def _counting(self, rows: dict[Key, LedgerRow]) -> list[Evidence]:
        return _evidence([row for row in rows.values() if self._counts(row)])

    def _learner_known(self, subject: str) -> bool:
        return subject in self._delta.learners or self._view.learner(subject) is not None

    def _learner(self, subject: str) -> LearnerState:
        learner = self._delta.learners.get(subject)
        if learner is None:
            learner = self._view.learner(subject) or LearnerState()
            learner = self._delta.learners[subject] = learner.copy()
        return learner

    def _take(self, subject: str, learner: LearnerState) -> None:
        """Take over an employee that was derived anew: every pair of it is ours to change."""
        self._delta.learners[subject] = learner
        for skill, pair in learner.pairs.items():
            self._delta.pairs[subject, skill] = pair

    def _pair(self, subject: str, learner: LearnerState, skill: str) -> PairState:
        pair = self._delta.pairs.get((subject, skill))
        if pair is None:
            pair = learner.pairs.get(skill) or PairState()
            pair = learner.pairs[skill] = self._delta.pairs[subject, skill] = pair.copy()
        return pair


class _Places:
    """The cmi5 marks of a state, as they stand while they move; implements `registrations.MarksView`."""

    def __init__(self, view: StateView) -> None:
        self._view = view
        self._moved: dict[str, dict[bytes, PlacedMark]] = {}
        self._origins: dict[str, str | None] = {}

    def origin(self, subject: str) -> str | None:
        """Return under which pseudonym the state has what is somebody's, None where it has nothing."""
        return self._origins.get(subject, subject)

    def rename(self, source: str, target: str) -> None:
        """Let everything of a source be a target's."""
        self._origins[target], self._origins[source] = self.origin(source), None
        self._moved.pop(source, None)

    def placed(self, subject: str) -> list[PlacedMark]:
        """Return all marks of somebody."""
        return list(self._all(subject).values())

    def move(self, marks: Sequence[PlacedMark], target: str) -> None:
        """Take marks to a target."""
        for placed in marks:
            self._all(placed.subject).pop(placed.mark.source, None)
            self._all(target)[placed.mark.source] = msgspec.structs.replace(placed, subject=target)

    def marks(self, home: Home) -> list[Mark]:
        """Return the marks of one unit."""
        return [placed.mark for placed in self._all(home[0]).values() if placed.home() == home]

    def home_of(self, source: bytes) -> Home | None:
        """Return where the state has a mark; nothing is voided here, so nobody asks."""
        return self._view.home_of(source)

    def _all(self, subject: str) -> dict[bytes, PlacedMark]:
        found = self._moved.get(subject)
        if found is None:
            at = self.origin(subject)
            placed = () if at is None else self._view.placed(at)
            found = self._moved[subject] = {
                one.mark.source: msgspec.structs.replace(one, subject=subject) for one in placed
            }
        return found


def _with_rows(move: Move, theirs: dict[Key, LedgerRow]) -> Move:
    """Return a move with what cannot stand twice: of one piece at both ends the earlier record stays.

    A statement has one place in the log and one owner, so this is for logs that let one id pass twice.
    """
    dropped: list[Key] = []
    refused: list[Key] = []
    for row in move.rows:
        there = theirs.get(msgspec.structs.replace(row, subject=move.target).key())
        if there is not None:
            earlier = row.position < there.position
            (dropped if earlier else refused).append(there.key() if earlier else row.key())
    return msgspec.structs.replace(move, dropped=tuple(dropped), refused=tuple(refused))


def _is_published(pair: PairState) -> bool:
    return pair.published.stage != Stage.UNKNOWN


def _has_outcomes(pair: PairState) -> bool:
    return any(channel is not None and channel.count for channel in pair.channels)


def _has_evidence(pair: PairState) -> bool:
    return any(channel is not None for channel in pair.channels) or any(n for n, _ in pair.counts)


def _evidence(rows: Sequence[LedgerRow]) -> list[Evidence]:
    return [row.evidence for row in rows]
