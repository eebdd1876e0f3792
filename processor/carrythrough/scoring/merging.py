"""Adding the states of two pseudonyms that turn out to be one person.

Everything in the evidence half is a sum, a count, a maximum or a top-k, so the merged bytes are those
of a fold over the union of the evidence, as long as no piece is on both sides (`pipeline.merge` sees
to that, and to job aids of one side that lie before successes of the other).
"""

from __future__ import annotations

from carrythrough.scoring.decay import BLOCK_KEY_BITS, BLOCKS_KEPT, Sums
from carrythrough.scoring.recent import joined
from carrythrough.scoring.state import NEWEST_KEPT, LearnerState, OutcomeChannel, PairState


def add_learners(a: LearnerState, b: LearnerState) -> LearnerState:
    """Return the sum of the evidence halves of `a` and `b`, with nothing published; neither is changed."""
    total = LearnerState()
    total.sums = add_sums(a.sums, b.sums)
    total.recent = joined(a.recent, b.recent)
    for skill in a.pairs.keys() | b.pairs.keys():
        total.pairs[skill] = _add_pairs(a.pairs.get(skill) or PairState(), b.pairs.get(skill) or PairState())
    return total


def _add_pairs(a: PairState, b: PairState) -> PairState:
    total = PairState()
    total.channels = [_add_channels(x, y) for x, y in zip(a.channels, b.channels, strict=True)]
    total.counts = [(n + k, max(s, t)) for (n, s), (k, t) in zip(a.counts, b.counts, strict=True)]
    total.first_ms = min(a.first_ms or b.first_ms, b.first_ms or a.first_ms)
    return total


def _add_channels(a: OutcomeChannel | None, b: OutcomeChannel | None) -> OutcomeChannel | None:
    if a is None or b is None:
        one = a or b
        return None if one is None else one.copy()
    total = OutcomeChannel()
    total.count = a.count + b.count
    total.success = a.success + b.success
    total.opportunities = a.opportunities + b.opportunities
    total.last_ms = max(a.last_ms, b.last_ms)
    total.success_ms = max(a.success_ms, b.success_ms)
    total.newest = tuple(sorted((*a.newest, *b.newest))[-NEWEST_KEPT:])
    total.sums = add_sums(a.sums, b.sums)
    return total


def add_sums(a: Sums, b: Sums) -> Sums:
    """Return the sums of both, cut to the newest blocks of each half-life as a fold over both would keep."""
    total = dict(a)
    for key, (n, y, r) in b.items():
        n0, y0, r0 = total.get(key, (0, 0, 0))
        total[key] = (n + n0, y + y0, r + r0)
    newest: dict[int, int] = {}
    for key in total:
        index = key >> BLOCK_KEY_BITS
        newest[index] = max(newest.get(index, key), key)
    return {key: sums for key, sums in total.items() if key > newest[key >> BLOCK_KEY_BITS] - BLOCKS_KEPT}
