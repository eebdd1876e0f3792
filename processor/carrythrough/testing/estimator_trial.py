"""How often the intervals of `impact` are right: over many made-up trials with a known effect, and with none."""

from __future__ import annotations

from typing import NamedTuple

from carrythrough.impact.sequence import sequence
from carrythrough.impact.weighted import uplift
from carrythrough.testing.decision_process import AA, Setting, trials, true_effect

SEED = 20_261_122
WITH_EFFECT = Setting()


class Record(NamedTuple):
    """What was found.

    coverage: share of 90 % intervals that hold the truth. anytime_claims: share of A/A trials in
    which the sequence ever claims an effect. anytime_misses: share of trials with an effect in which it ever
    leaves the truth out. bias: mean error of the estimate. found: share of trials with an effect in which the
    sequence claims it by the end.
    """

    runs: int
    truth: float
    coverage: float
    bias: float
    anytime_claims: float
    anytime_misses: float
    found: float


def examine(runs: int, setting: Setting = WITH_EFFECT, aa: Setting = AA, seed: int = SEED) -> Record:
    """Return how often the intervals were right over `runs` trials with an effect and as many without."""
    truth = true_effect(setting, seed)
    covered = missed = claimed = found = 0
    error = 0.0
    for trial in trials(setting, runs, seed):
        fixed, sequential = uplift(trial), sequence(trial)
        if fixed is None or sequential is None:
            raise AssertionError("a made-up trial was too small to estimate anything")
        covered += fixed.low <= truth <= fixed.high
        error += fixed.effect - truth
        missed += bool(((sequential.low > truth) | (sequential.high < truth)).any())
        found += bool(sequential.low[-1] > 0.0)
    for trial in trials(aa, runs, seed + 1):
        sequential = sequence(trial)
        claimed += sequential is not None and sequential.ever_claims()
    return Record(runs, truth, covered / runs, error / runs, claimed / runs, missed / runs, found / runs)
