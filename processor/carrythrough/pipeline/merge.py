"""Two pseudonyms that are one person, and one that was two: exact, because states add and the ledger knows.

`merged_learners` adds the states and then mends what is a relation between both sides: a job aid that
one used shortly before a success of the other. `split` derives both sides again from the ledger. Both
give the bytes that a fold over the same evidence under the right pseudonym would have given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from carrythrough.evidence.types import Channel, Evidence
from carrythrough.pipeline.assist import is_assisted
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.scoring.merging import add_learners
from carrythrough.scoring.state import LearnerState, PairState, add_terms


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
