"""A confidence sequence: an interval for the effect that may be looked at after every decision, for ever.

Each decision point gives a score psi = c (Y - m) with c = A/p - (1-A)/(1-p) (A: a push was chosen) whose mean, given
everything before the decision, is the effect there: p is known, and m is fitted to earlier decisions
alone. So the sums of psi less the effects are a martingale in the order of the decisions, and when nothing has any
effect they are one whatever people do: whoever is chosen is chosen by chance, outcomes given (design-based: Ham,
Bojinov, Lindon and Tingley, Design-based confidence sequences, arXiv 2210.08639). Its boundary is Robbins' normal
mixture (Annals of Mathematical Statistics 41 (1970) 1397-1409) with the variance estimated as one goes
(Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Time-uniform central limit theory and asymptotic confidence
sequences, Annals of Statistics 52 (2024)): with probability 1 - alpha, for all n at once,
|sum - n b| <= sqrt((V + 1/rho^2) ln((rho^2 V + 1) / alpha^2)).

V is the larger of two estimates: decision points as units, and people as units. They agree where the logged
probabilities are right; the second also holds what one person's points have in common for any other reason.
"""

from __future__ import annotations

from math import ceil, log, sqrt
from typing import NamedTuple

import numpy as np

from carrythrough.impact.trial import Floats, Integers, Trial

ALPHA = 0.05
"""In at most this share of all trials without any effect is one ever claimed, however often one looks."""
TIGHTEST_AT = 400.0
"""The interval is narrowest, beside what is possible, when V is this: some hundred decision points."""
PEOPLE_LEAST = 30
"""People with a push and people without that must be there before the first look (design: refuse under 30)."""
DECISIONS_LEAST = 100
"""... and decision points: with fewer the estimate of V is too rough for a boundary that trusts it."""
REFIT_GROWTH = 1.25
"""The working model is fitted anew whenever there are this many times as many outcomes as at the last fit."""
RIDGE = 5.0
"""Prior rows that pull the working model towards the plain mean while little is known."""

_ASKED = 2.0 * log(1.0 / ALPHA)
RHO2 = (_ASKED + log(_ASKED) + 1.0) / TIGHTEST_AT
"""Waudby-Smith et al. (2024), appendix on tuning: the mixture that is tightest at V = TIGHTEST_AT."""


class Sequence(NamedTuple):
    """The interval after each decision point, (n,) each; NaN before the first look.

    spread: variance of one score at the end.
    """

    effect: Floats
    low: Floats
    high: Floats
    spread: float

    def ever_claims(self) -> bool:
        """Say whether the interval left 0 out at any look."""
        return bool(((self.low > 0.0) | (self.high < 0.0)).any())


class Look(NamedTuple):
    """The interval after the last decision point. spread: variance of one score. n: decision points."""

    effect: float
    low: float
    high: float
    spread: float
    n: int

    def claims(self) -> bool:
        """Say whether the interval leaves 0 out."""
        return self.low > 0.0 or self.high < 0.0


def radius(variance: float, n: float, alpha: float = ALPHA) -> float:
    """Return half the width of the interval after n decision points whose scores sum to this variance."""
    return sqrt((variance + 1.0 / RHO2) * (log(RHO2 * variance + 1.0) + 2.0 * log(1.0 / alpha))) / n


def sequence(trial: Trial, alpha: float = ALPHA) -> Sequence | None:
    """Return the intervals after every decision point; None before the first look.

    All outcomes of the trial must be known (their windows closed). alpha: 0..1.
    """
    begin = first_look(trial)
    if begin is None:
        return None
    scores = _scores(trial)
    n = np.arange(1, trial.size + 1, dtype=np.float64)
    mean = np.cumsum(scores) / n
    variance = _variance(trial.person, scores, mean, n)
    reach = np.sqrt((variance + 1.0 / RHO2) * (np.log(RHO2 * variance + 1.0) + 2.0 * log(1.0 / alpha))) / n
    reach[:begin] = np.nan
    mean[:begin] = np.nan
    return Sequence(mean, mean - reach, mean + reach, float(variance[-1]) / trial.size)


def look(trial: Trial, alpha: float = ALPHA) -> Look | None:
    """Return the interval as of the last decision point of a trial; None before the first look."""
    found = sequence(trial, alpha)
    if found is None:
        return None
    return Look(
        float(found.effect[-1]), float(found.low[-1]), float(found.high[-1]), found.spread, trial.size
    )


def first_look(trial: Trial) -> int | None:
    """Return the index of the first decision point after which one may look, None when it is not reached."""
    reached = [DECISIONS_LEAST - 1]
    for treated in (True, False):
        rows = np.flatnonzero(trial.treated == treated)
        firsts = np.sort(rows[np.unique(trial.person[rows], return_index=True)[1]])
        if len(firsts) < PEOPLE_LEAST:
            return None
        reached.append(int(firsts[PEOPLE_LEAST - 1]))
    begin = max(reached)
    return begin if begin < trial.size else None


def _scores(trial: Trial) -> Floats:
    """Return psi of every decision point; the working model of each is fitted to outcomes known before it."""
    contrast = np.where(trial.treated, 1.0 / trial.p, -1.0 / (1.0 - trial.p))
    design = np.column_stack([np.ones(trial.size), trial.controls])
    model = np.empty(trial.size)
    start, known = 0, 0
    weights = np.zeros(design.shape[1])
    weights[0] = 0.5
    while start < trial.size:
        end = min(trial.size, max(start + 1, ceil(start * REFIT_GROWTH), DECISIONS_LEAST // 4))
        model[start:end] = design[start:end] @ weights
        start = end
        if start < trial.size:
            known = int(np.searchsorted(trial.t_ms, trial.t_ms[start] - trial.window_ms, side="right"))
        if known > design.shape[1]:
            weights = _fitted(design[:known], trial.y[:known])
    scores: Floats = contrast * (trial.y - np.clip(model, 0.0, 1.0))
    return scores


def _fitted(design: Floats, y: Floats) -> Floats:
    """Return ridge weights; the plain mean is not pulled."""
    pull = RIDGE * np.maximum((design * design).mean(axis=0), 1e-9)
    pull[0] = 1e-9
    return np.asarray(np.linalg.solve(design.T @ design + np.diag(pull), design.T @ y), dtype=np.float64)


def _variance(person: Integers, scores: Floats, mean: Floats, n: Floats) -> Floats:
    """Return V after each decision point: sums of squares about the mean, by decision point and by person."""
    single = np.cumsum(scores * scores) - n * mean * mean
    # What each person's own points summed to, and how many there were, before each point.
    order = np.argsort(person, kind="stable")
    ordered, who = scores[order], person[order]
    begins = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    lengths = np.diff(np.r_[begins, len(who)])
    running = np.cumsum(ordered)
    before_sum = np.empty_like(scores)
    before_sum[order] = running - ordered - np.repeat(running[begins] - ordered[begins], lengths)
    before_count = np.empty_like(scores)
    before_count[order] = np.arange(len(who)) - np.repeat(begins, lengths)
    squares = np.cumsum(2.0 * scores * before_sum + scores * scores)
    crossed = np.cumsum(before_sum + scores * (before_count + 1.0))
    counts = np.cumsum(2.0 * before_count + 1.0)
    people = squares - 2.0 * mean * crossed + mean * mean * counts
    larger: Floats = np.maximum(np.maximum(single, people), 0.0)
    return larger
