"""How much the learning prior should count beside the job: m fitted to what happened (empirical Bayes).

m outcomes' worth of prior enter the Beta layer. For a pair whose job outcomes are y₁, y₂, …, each with
weight wᵢ, the marginal likelihood of the layer is the product of its one-step predictions

    Tᵢ = (m·πᵢ + Aᵢ) / (m + Nᵢ),   log L(m) = Σ wᵢ·(yᵢ·ln Tᵢ + (1 − yᵢ)·ln(1 − Tᵢ)),

with πᵢ, Aᵢ and Nᵢ as read just before outcome i: for weights of 1 and no decay exactly the Beta-binomial
(Casella, An introduction to empirical Bayes data analysis, 1985). L has one maximum in ln m in practice; it is
found on a grid and then by golden section, so that a second hill could not hide the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt
from typing import NamedTuple

M_MIN, M_MAX = 0.5, 256.0
GRID = 25
STEPS = 40
TERMS_MIN = 200
"""Job outcomes under which m is not fitted: the likelihood is too flat to tell."""
_GOLDEN = (sqrt(5.0) - 1.0) / 2.0
_EDGE = 1e-6


class Term(NamedTuple):
    """One job outcome with what was known just before it: π, A, N; y in 0..1, w > 0."""

    pi: float
    successes: float
    trials: float
    y: float
    w: float


class Fit(NamedTuple):
    """What a refit found. before, after: mean log-likelihood an outcome weight, at the old and the new m."""

    m_before: float
    m_after: float
    before: float
    after: float
    outcomes: int


def log_likelihood(terms: Sequence[Term], m: float) -> float:
    """Return log L(m) over all terms, for m > 0."""
    total = 0.0
    for pi, a, n, y, w in terms:
        t = min(max((m * pi + a) / (m + n), _EDGE), 1.0 - _EDGE)
        total += w * (y * log(t) + (1.0 - y) * log(1.0 - t))
    return total


def refit(terms: Sequence[Term], m_before: float) -> Fit | None:
    """Return the best m in M_MIN..M_MAX beside the old one, None with fewer than TERMS_MIN outcomes."""
    if len(terms) < TERMS_MIN:
        return None
    low, high = log(M_MIN), log(M_MAX)
    grid = [low + (high - low) * i / (GRID - 1) for i in range(GRID)]
    best = max(grid, key=lambda x: log_likelihood(terms, exp(x)))
    step = (high - low) / (GRID - 1)
    x = _golden_section(terms, max(low, best - step), min(high, best + step))
    weight = sum(term.w for term in terms)
    return Fit(
        m_before,
        exp(x),
        log_likelihood(terms, m_before) / weight,
        log_likelihood(terms, exp(x)) / weight,
        len(terms),
    )


def _golden_section(terms: Sequence[Term], low: float, high: float) -> float:
    """Return the place of the maximum of log L(eˣ) in [low, high]."""
    a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_a, at_b = log_likelihood(terms, exp(a)), log_likelihood(terms, exp(b))
    for _ in range(STEPS):
        if at_a > at_b:
            high, b, at_b = b, a, at_a
            a = high - _GOLDEN * (high - low)
            at_a = log_likelihood(terms, exp(a))
        else:
            low, a, at_a = a, b, at_b
            b = low + _GOLDEN * (high - low)
            at_b = log_likelihood(terms, exp(b))
    return (low + high) / 2.0
