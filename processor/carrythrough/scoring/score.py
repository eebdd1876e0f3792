"""The transfer score: the learning prior joined with what happened on the job.

T = α/(α+β) with α = m·π + A_job and β = m·(1-π) + N_job - A_job: the estimand is
P(the next on-the-job opportunity meets the standard). As job evidence ages, T
falls back to π, which itself falls with retention (design section 5).
"""

from __future__ import annotations

import msgspec

from carrythrough.evidence.types import Channel
from carrythrough.scoring import beta
from carrythrough.scoring.decay import JOB_HALF_LIVES_MS, LEARN_HALF_LIVES_MS, read, read_weight
from carrythrough.scoring.head import Model, features, fresh_ms, prior
from carrythrough.scoring.state import LearnerState, PairState

INTERVAL = 0.80
_TAIL = (1.0 - INTERVAL) / 2.0


class Weight(msgspec.Struct, frozen=True, gc=False):
    """How much evidence there is. outcomes, exposures: undecayed counts; the rest is decayed weight.

    effective: over all outcome channels at their longest memory. trials, successes, assisted: of the
    job layer.
    """

    outcomes: int
    effective: float
    exposures: int
    trials: float
    successes: float
    assisted: float


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """A score read at a time; only where `enough` says that it may be shown.

    value, low, high: 0..1. pi: learning prior now. pi_fresh: the same head read at the time of the
    last success, so pi/pi_fresh is what retention has left. alpha, beta: of the
    job layer. successes, trials: A_job, N_job now. assisted: Σ of assisted successes now.
    outcomes: undecayed count. effective: decayed weight over all channels at their longest memory.
    certainty: of the model: low and high are quantiles of Beta(certainty·alpha, certainty·beta).
    """

    value: float
    low: float
    high: float
    pi: float
    pi_fresh: float
    alpha: float
    beta: float
    successes: float
    trials: float
    assisted: float
    outcomes: int
    effective: float
    exposures: int
    certainty: float = 1.0


def job_sums(pair: PairState, now_ms: int, *, volatile: bool) -> tuple[float, float, float]:
    """Return (N, A, assisted) of job and observed outcomes at `now_ms`: 90-day memory, 30 if volatile."""
    index = 0 if volatile else 1
    n = a = s = 0.0
    for channel in (pair.channels[Channel.JOB], pair.channels[Channel.OBSERVED]):
        if channel is not None:
            dn, da, ds = read(channel.sums, JOB_HALF_LIVES_MS, now_ms)[index]
            n, a, s = n + dn, a + da, s + ds
    return n, a, s


def weigh(pair: PairState, now_ms: int, *, volatile: bool = False) -> Weight:
    """Return how much evidence a pair rests on at `now_ms`: cheap, and asked before any score is read."""
    trials, successes, assisted = job_sums(pair, now_ms, volatile=volatile)
    effective = trials + _learnt_weight(pair, now_ms)
    return Weight(pair.outcomes(), effective, pair.counts[0][0], trials, successes, assisted)


def read_score(learner: LearnerState, pair: PairState, now_ms: int, model: Model, weight: Weight) -> Score:
    """Return the score of one pair at `now_ms` (ms since the epoch); weight: of `weigh` at the same time."""
    pi = prior(features(learner, pair, now_ms, model), model)
    last_ms = fresh_ms(pair)
    pi_fresh = prior(features(learner, pair, last_ms, model), model) if 0 < last_ms < now_ms else pi
    m = model.job_strength
    a = m * pi + weight.successes
    b = m * (1.0 - pi) + max(0.0, weight.trials - weight.successes)
    low, high = beta.interval(_TAIL, model.certainty * a, model.certainty * b)
    return Score(
        value=a / (a + b),
        low=low,
        high=high,
        pi=pi,
        pi_fresh=pi_fresh,
        alpha=a,
        beta=b,
        successes=weight.successes,
        trials=weight.trials,
        assisted=weight.assisted,
        outcomes=weight.outcomes,
        effective=weight.effective,
        exposures=weight.exposures,
        certainty=model.certainty,
    )


def _learnt_weight(pair: PairState, now_ms: int) -> float:
    """Return the weight of learn and practice outcomes at their longest memory."""
    longest = len(LEARN_HALF_LIVES_MS) - 1
    return sum(
        read_weight(c.sums, LEARN_HALF_LIVES_MS, longest, now_ms) for c in pair.channels[:2] if c is not None
    )


def below(score: Score, target: float) -> float:
    """Return P(T < target), 0..1, under the Beta distribution that the interval is taken from."""
    return beta.cdf(target, score.certainty * score.alpha, score.certainty * score.beta)


def retention(score: Score) -> float:
    """Return the share of the freshly learnt prior that is left, 0..1 (1 when nothing faded)."""
    return min(1.0, score.pi / score.pi_fresh) if score.pi_fresh > 0.0 else 1.0
