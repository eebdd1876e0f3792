"""Two pseudonyms that are one person, and one that was two: exact, because states add and the ledger knows.

`merge_out` takes evidence out of one employee and makes a parcel of it; `merge_in` adds a parcel to
another. Each touches one employee alone, so that the two may happen in one transaction or on two machines
with the log in between. Both give the bytes that a fold over the same evidence under the right pseudonym
would have given: `merged_learners` adds the states and then mends what is a relation between both sides, a
job aid that one used shortly before a success of the other; `split` derives both sides from the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from carrythrough.evidence.types import Channel, Evidence
from carrythrough.pipeline.assist import is_assisted
from carrythrough.pipeline.rebuild import rebuild, rebuilt
from carrythrough.pipeline.records import LedgerRow
from carrythrough.pipeline.registrations import PlacedMark
from carrythrough.scoring.merging import add_learners
from carrythrough.scoring.state import LearnerState, PairState, Published, add_terms


class Carried(msgspec.Struct, frozen=True):
    """What guards have to know of a pair whose evidence moves; see `scoring.state.Published`."""

    action_ms: int
    decision_ms: int
    armed: int
    ignored: int
    signature: int
    rest_ms: int = 0


class Move(msgspec.Struct, frozen=True):
    """Evidence that goes from one employee to another.

    position: of the record that changed the roster. rows, marks: as they stood at the source. whole:
    everything that the source had, to somebody who had nothing (rows and marks are not listed then).
    dropped: keys of rows of the target that one of `rows` takes the place of. refused: keys of rows at the
    source that are at the target already.
    """

    position: int
    source: str
    target: str
    rows: tuple[LedgerRow, ...] = ()
    marks: tuple[PlacedMark, ...] = ()
    whole: bool = False
    dropped: tuple[tuple[str, str, int, bytes], ...] = ()
    refused: tuple[tuple[str, str, int, bytes], ...] = ()


class Parcel(msgspec.Struct, frozen=True):
    """What leaves one employee for another.

    rows: evidence that counts. pushes: times of pushes that the caps go on counting; carried: what the
    guards go on knowing, by skill. asked, sent, waiting: see `scoring.state.LearnerState`. All are empty while
    something stays: pushes are the person's.
    """

    rows: tuple[Evidence, ...]
    pushes: tuple[int, ...] = ()
    carried: dict[str, Carried] = {}
    asked: tuple[int, ...] = ()
    sent: tuple[tuple[str, int], ...] = ()
    waiting: tuple[tuple[int, str], ...] = ()


def merge_out(
    learner: LearnerState, staying: Sequence[Evidence], leaving: Sequence[Evidence], *, whole: bool
) -> tuple[LearnerState, Parcel]:
    """Return (what stays, what leaves) of an employee; rows: those that count. whole: nothing at all stays.

    The published half stays, so that a pseudonym that comes back goes on with its sequence.
    """
    after = rebuilt(learner, staying)
    if not whole:
        return after, Parcel(tuple(leaving))
    carried = {
        skill: Carried(p.action_ms, p.decision_ms, p.armed, p.ignored, p.signature, p.rest_ms)
        for skill, p in ((skill, pair.published) for skill, pair in learner.pairs.items())
    }
    after.carry(LearnerState())
    for pair in after.pairs.values():
        pair.published.due_ms = 0
    return after, Parcel(
        tuple(leaving), learner.pushes, carried, learner.asked, learner.sent, learner.waiting
    )


def merge_in(learner: LearnerState, rows: Sequence[Evidence], parcel: Parcel) -> LearnerState:
    """Return an employee with a parcel added; rows: what counted before it."""
    other = rebuild(parcel.rows)
    other.pushes, other.asked = parcel.pushes, parcel.asked
    other.sent, other.waiting = parcel.sent, parcel.waiting
    total = merged_learners(learner, rows, other, parcel.rows)
    for skill, carried in parcel.carried.items():
        if skill in total.pairs or carried.decision_ms or carried.action_ms:
            carry(total.pairs.setdefault(skill, PairState()).published, carried)
    return total


def renamed(learner: LearnerState) -> tuple[LearnerState, LearnerState]:
    """Return (what is left, the employee under a new pseudonym) when all of an employee goes to nobody known."""
    left, parcel = merge_out(learner, (), (), whole=True)
    total = learner.copy()
    total.refresh_ms = 0
    for skill, pair in learner.pairs.items():
        twin = total.pairs[skill] = pair.copy()
        twin.published = Published()
        carry(twin.published, parcel.carried[skill])
    return left, total


def carry(published: Published, carried: Carried) -> None:
    """Let the guards of one pair go on from what they knew of two, in place."""
    if carried.decision_ms > published.decision_ms:
        published.decision_ms, published.signature = carried.decision_ms, carried.signature
    published.action_ms = max(published.action_ms, carried.action_ms)
    published.armed |= carried.armed
    published.ignored += carried.ignored
    published.rest_ms = max(published.rest_ms, carried.rest_ms)


def merged_learners(
    into: LearnerState,
    into_rows: Sequence[Evidence],
    other: LearnerState,
    other_rows: Sequence[Evidence],
) -> LearnerState:
    """Return `into` with the evidence of `other` added; neither is changed.

    rows: the evidence that counts behind each state. A piece on both sides (a straggler that was
    forwarded twice) counts once. The published half is that of `into`; pushes of both count against
    the caps of the one person; pairs that only `other` had start unpublished.
    """
    known = {_key(e) for e in into_rows}
    fresh = [e for e in other_rows if _key(e) not in known]
    if len(fresh) < len(other_rows):
        total = rebuild([*into_rows, *fresh])
    else:
        total = add_learners(into, other)
        _mend_assisted(total, into_rows, other_rows)
    total.pushes = tuple(sorted((*into.pushes, *other.pushes)))
    total.asked = tuple(sorted((*into.asked, *other.asked)))
    total.waiting = tuple(sorted({*into.waiting, *other.waiting}))
    newest = dict(sorted((*into.sent, *other.sent)))  # the later of two times of an action comes last
    total.sent = tuple(sorted(newest.items()))
    total.refresh_ms = into.refresh_ms
    for skill, pair in into.pairs.items():
        total.pairs.setdefault(skill, PairState()).published = pair.published.copy()
    return total


def split(
    rows: Iterable[Evidence], leaves: Callable[[Evidence], bool]
) -> tuple[LearnerState, LearnerState, list[Evidence], list[Evidence]]:
    """Return (state that stays, state that leaves, rows that stay, rows that leave), nothing published."""
    staying: list[Evidence] = []
    leaving: list[Evidence] = []
    for e in rows:
        (leaving if leaves(e) else staying).append(e)
    return rebuild(staying), rebuild(leaving), staying, leaving


def _key(e: Evidence) -> tuple[str, int, bytes]:
    return (e.skill, e.channel, e.source)


def _mend_assisted(total: LearnerState, a_rows: Sequence[Evidence], b_rows: Sequence[Evidence]) -> None:
    """Count as assisted, in place, the job successes of one side that a job aid of the other covers."""
    for jobs, aids in ((a_rows, b_rows), (b_rows, a_rows)):
        own, theirs = _support(jobs), _support(aids)
        for e in jobs:
            if e.channel != Channel.JOB or e.skill not in theirs:
                continue
            if not is_assisted(e, own.get(e.skill, ())) and is_assisted(e, theirs[e.skill]):
                pair = total.pairs[e.skill]
                add_terms(total, pair, e, assisted=False, sign=-1)
                add_terms(total, pair, e, assisted=True)


def _support(rows: Sequence[Evidence]) -> dict[str, list[Evidence]]:
    found: dict[str, list[Evidence]] = {}
    for e in rows:
        if e.channel == Channel.SUPPORT:
            found.setdefault(e.skill, []).append(e)
    return found
