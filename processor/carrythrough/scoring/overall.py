"""The overall score of one person: the importance-weighted mean over the role's skills, with its uncertainty.

Skills of one person rise and fall together, so their errors do not cancel: with a correlation of ρ the
variance of the mean is (Σ wᵢ²vᵢ + 2ρ Σᵢ<ⱼ wᵢwⱼ√(vᵢvⱼ)) / (Σ w)². ρ = 0.5 is an assumption on the safe side of
independence; the interval is that of the Beta distribution with this mean and variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from carrythrough.scoring import beta
from carrythrough.scoring.score import INTERVAL, Score

SKILL_CORRELATION = 0.5
_TAIL = (1.0 - INTERVAL) / 2.0
_VARIANCE_MIN = 1e-9


class Overall(NamedTuple):
    """Mean and its 80 % interval, 0..1; variance of the mean; over how many of the role's skills."""

    value: float
    low: float
    high: float
    variance: float
    skills: int


def variance_of(score: Score) -> float:
    """Return the variance of the Beta distribution that the interval of one score is taken from."""
    total = score.alpha + score.beta
    return score.alpha * score.beta / (total * total * (score.certainty * total + 1.0))


def overall_of(parts: Sequence[tuple[float, Score]]) -> Overall | None:
    """Return the overall score of (importance, score) pairs, None when no importance is above 0."""
    found = [(w, score.value, variance_of(score)) for w, score in parts if w > 0.0]
    if not found:
        return None
    weight = sum(w for w, _, _ in found)
    mean = sum(w * value for w, value, _ in found) / weight
    # Σ wᵢ²vᵢ + ρ·((Σ wᵢsᵢ)² − Σ wᵢ²vᵢ): the cross terms of all pairs at once.
    own = sum(w * w * v for w, _, v in found)
    joint = sum(w * sqrt(v) for w, _, v in found) ** 2
    variance = (own + SKILL_CORRELATION * (joint - own)) / (weight * weight)
    low, high = interval_of(mean, variance)
    return Overall(mean, low, high, variance, len(found))


def interval_of(mean: float, variance: float) -> tuple[float, float]:
    """Return the 80 % interval of the Beta distribution with a mean in 0..1 and a variance."""
    mean = min(max(mean, 1e-6), 1.0 - 1e-6)
    spread = mean * (1.0 - mean)
    variance = min(max(variance, _VARIANCE_MIN), 0.99 * spread)
    total = spread / variance - 1.0
    return beta.interval(_TAIL, mean * total, (1.0 - mean) * total)
