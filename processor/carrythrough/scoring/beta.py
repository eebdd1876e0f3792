"""The Beta distribution: its CDF and quantiles, in plain floats.

SciPy would do the same at the cost of 100 MB on every installation; the two
functions below are checked against it by a table of reference values.
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p, sqrt

_TERMS_MAX = 300
_STEPS_MAX = 40
_CONVERGED = 1e-11
_CONVERGED_QUANTILE = 1e-9
"""Enough for a quantile to 1e-6."""
_TINY = 1e-300
_X_CLOSE = 1e-6
_STEP_LAST = 0.0035
"""A step of this share of the distance to 0 or 1 leaves an error of about its third power."""


def cdf(x: float, a: float, b: float) -> float:
    """Return the regularized incomplete beta I_x(a, b) for a, b > 0, to 1e-9 for a, b < 1e4."""
    return _cdf(x, a, b, log_norm(a, b))


def log_norm(a: float, b: float) -> float:
    """Return the logarithm of 1/B(a, b)."""
    return lgamma(a + b) - lgamma(a) - lgamma(b)


def _cdf(x: float, a: float, b: float, norm: float, converged: float = _CONVERGED) -> float:
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = exp(norm + a * log(x) + b * log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(x, a, b, converged) / a
    return 1.0 - front * _fraction(1.0 - x, b, a, converged) / b


def _fraction(x: float, a: float, b: float, converged: float) -> float:
    """Return the continued fraction of DLMF 8.17.22 by Lentz's method (Numerical Recipes 6.4).

    Called only for x below the mean, where no denominator comes near zero; the guard stands
    for rounding alone.
    """
    ab = a + b
    c = 1.0
    h = d = 1.0 / ((1.0 - ab * x / (a + 1.0)) or _TINY)
    even = a  # a + 2m
    for m in range(1, _TERMS_MAX):
        even += 2.0
        step = m * (b - m) * x / ((even - 1.0) * even)
        d = 1.0 / ((1.0 + step * d) or _TINY)
        c = (1.0 + step / c) or _TINY
        h *= d * c
        step = -(a + m) * (ab + m) * x / (even * (even + 1.0))
        d = 1.0 / ((1.0 + step * d) or _TINY)
        c = (1.0 + step / c) or _TINY
        delta = d * c
        h *= delta
        if -converged < delta - 1.0 < converged:
            break
    return h


def interval(tail: float, a: float, b: float) -> tuple[float, float]:
    """Return the equal-tailed interval that leaves `tail` (0..0.5) on each side, to within 1e-6."""
    norm = log_norm(a, b)
    return _quantile(tail, a, b, norm), _quantile(1.0 - tail, a, b, norm)


def quantile(p: float, a: float, b: float) -> float:
    """Return x with I_x(a, b) = p to within 1e-6, for 0 < p < 1 and a, b > 0."""
    return _quantile(p, a, b, log_norm(a, b))


def _quantile(p: float, a: float, b: float, norm: float) -> float:
    """Halley's method from a normal approximation on the logit scale, kept inside a bracket.

    f'/f of the density is known, so each step is of third order: one that is short beside the distance
    to the nearer end needs no other after it.
    """
    low, high = 0.0, 1.0
    x = _first_guess(p, a, b)
    for _ in range(_STEPS_MAX):
        error = _cdf(x, a, b, norm, _CONVERGED_QUANTILE) - p
        if error > 0.0:
            high = x
        else:
            low = x
        density = exp(norm + (a - 1.0) * log(x) + (b - 1.0) * log1p(-x))
        newton = error / density if density > 0.0 else 2.0
        slope = (a - 1.0) / x - (b - 1.0) / (1.0 - x)
        nearer = x - newton / max(0.5, 1.0 - 0.5 * newton * slope)
        if not low < nearer < high:
            nearer = 0.5 * (low + high)
        elif abs(nearer - x) < _STEP_LAST * min(nearer, 1.0 - nearer):
            return nearer
        if -_X_CLOSE < nearer - x < _X_CLOSE:
            return nearer
        x = nearer
    return x


def _first_guess(p: float, a: float, b: float) -> float:
    """Return a start from the logit's mean and variance with a skew term (Cornish-Fisher, first order)."""
    z = _normal_quantile(p)
    eta = log(a / b) - 0.5 * (1.0 / a - 1.0 / b) + z * sqrt(1.0 / a + 1.0 / b)
    eta += (z * z - 1.0) / 6.0 * (1.0 / b - 1.0 / a)
    return min(max(1.0 / (1.0 + exp(-min(max(eta, -30.0), 30.0))), 1e-9), 1.0 - 1e-9)


def _normal_quantile(p: float) -> float:
    """Return the standard normal quantile to 4.5e-4 (Abramowitz and Stegun 26.2.23)."""
    q = min(p, 1.0 - p)
    t = sqrt(-2.0 * log(q))
    z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (
        1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    )
    return z if p > 0.5 else -z
