"""The learning prior π: a logistic head over features read from the state.

A model is a frozen version: base rate, weights, and nothing else. The head is
linear in its features, so each contribution is exact in logits and an
explanation can be recomputed by hand.
"""

from __future__ import annotations

from math import copysign, exp, log, log1p

import msgspec

from carrythrough.evidence.types import Y_ONE
from carrythrough.scoring.decay import DAY_MS, LEARN_HALF_LIVES_MS, read
from carrythrough.scoring.state import LEARNER_HALF_LIVES_MS, LearnerState, OutcomeChannel, PairState

FEATURES = (
    "bias",
    "learn_1d", "learn_7d", "learn_30d", "learn_200d", "learn_amount", "learn_beyond_item",
    "practice_1d", "practice_7d", "practice_30d", "practice_200d", "practice_amount", "practice_beyond_item",
    "gap", "last_outcomes", "all_skills", "exposure",
)  # fmt: skip
"""Names of the features, in the order of the weights (documented in docs/explanation/score.md)."""

_EXPOSURES_CAP = 20
GAP_DAYS_MAX = 200.0
"""Longest gap told apart, and that of somebody never seen to succeed: a success, however old, never lowers a score."""
_RECENT_WEIGHTS = (0.4, 0.3, 0.2, 0.1)


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen version of the head.

    name: "carrythrough-3". base: success rate of somebody of whom nothing is known, 0..1.
    strength: pseudo-outcomes of the base rate in every smoothed ratio. weights: one a feature.
    job_strength: m, the pseudo-outcomes with which the prior enters the job layer. certainty: by how
    many independent outcomes one outcome counts for the width of the interval, above 0 to 1 (Kish's
    design effect, inverted): outcomes of one person lie close together, and skill drifts meanwhile.
    items: the item table, expected success p̂ (0..1) by item key; an item that is not in it has what the
    program map says. It stamps evidence that is folded while the version is in force.
    """

    name: str
    base: float
    strength: float
    weights: tuple[float, ...]
    job_strength: float = 8.0
    certainty: float = 1.0
    items: dict[str, float] = {}


def logit(p: float) -> float:
    """Return log(p/(1-p)) for 0 < p < 1."""
    return log(p / (1.0 - p))


def sigmoid(x: float) -> float:
    """Return 1/(1+exp(-x)), clamped to |x| <= 30."""
    return 1.0 / (1.0 + exp(-min(max(x, -30.0), 30.0)))


def features(learner: LearnerState, pair: PairState, now_ms: int, model: Model) -> list[float]:
    """Return the feature values of one pair at `now_ms`, in the order of FEATURES.

    A ratio feature is logit((A + base·k)/(N + k)) - logit(base): 0 without evidence, so what is said of
    somebody unknown is the bias alone.
    """
    origin = logit(model.base)
    row = [1.0]
    newest: list[tuple[int, int]] = []
    for channel in pair.channels[:2]:
        if channel is None:
            row += (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
            continue
        row += _channel_features(channel, now_ms, model, origin)
        newest += [(t, y) for t, _, y in channel.newest]
    row.append(log1p(_gap_days(pair, now_ms)))
    row.append(_recent(newest, model.base))
    ((n, a, _),) = read(learner.sums, LEARNER_HALF_LIVES_MS, now_ms)
    row.append(_ratio(n, a, model, origin))
    row.append(log1p(min(pair.counts[0][0], _EXPOSURES_CAP)))
    return row


def fresh_ms(pair: PairState) -> int:
    """Return when the pair was last at its freshest: the newest success, or learn or practice outcome.

    A failure on the job does not count: after months without use it would pass for the fresh state,
    and what has faded would look as if it had never been learnt. No learn or practice outcome is
    newer than the result, so that no sum is ever read before its own evidence.
    """
    learnt_ms = max((c.last_ms for c in pair.channels[:2] if c is not None), default=0)
    return max(_used_ms(pair), learnt_ms)


def _used_ms(pair: PairState) -> int:
    return max((c.success_ms for c in pair.channels if c is not None), default=0)


def _gap_days(pair: PairState, now_ms: int) -> float:
    """Return the days since the skill was last used with success, on the job or in learning.

    Only success refreshes: a failure must never raise a score by making the gap shorter.
    """
    used_ms = _used_ms(pair)
    return min(max(0, now_ms - used_ms) / DAY_MS, GAP_DAYS_MAX) if used_ms else GAP_DAYS_MAX


def _channel_features(c: OutcomeChannel, now_ms: int, model: Model, origin: float) -> list[float]:
    sums = read(c.sums, LEARN_HALF_LIVES_MS, now_ms)
    k = model.strength
    known = model.base * k
    row = []
    for n, a, _ in sums:  # `_ratio`, spelt out: half of a read is spent here
        share = (a + known) / (n + k)
        if not 1e-6 <= share <= 1.0 - 1e-6:
            share = min(max(share, 1e-6), 1.0 - 1e-6)
        row.append(log(share / (1.0 - share)) - origin)
    r_month = sums[2][2]
    n_all, a_all, _ = sums[3]
    # What went beyond the base rate, not how much was done: a failure must never raise a score.
    row.append(log1p(max(0.0, a_all - model.base * n_all)))
    # The sum, not the mean: one more easy success must not lower what harder ones have said.
    row.append(copysign(log1p(abs(r_month)), r_month))
    return row


def _ratio(n: float, a: float, model: Model, origin: float) -> float:
    k = model.strength
    share = (a + model.base * k) / (n + k)
    return logit(min(max(share, 1e-6), 1.0 - 1e-6)) - origin


def _recent(newest: list[tuple[int, int]], base: float) -> float:
    """Return the weighted mean of the last four outcomes minus the base rate, 0 without outcomes."""
    if not newest:
        return 0.0
    newest.sort(reverse=True)
    total = weight = 0.0
    for (_, y), w in zip(newest, _RECENT_WEIGHTS, strict=False):
        total += w * y / Y_ONE
        weight += w
    return total / weight - base


def prior(row: list[float], model: Model) -> float:
    """Return π = σ(Σ weight·feature), the terms added in the order of FEATURES."""
    total = 0.0
    for weight, value in zip(model.weights, row, strict=True):
        total += weight * value
    return sigmoid(total)
