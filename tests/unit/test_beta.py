"""The Beta CDF and quantiles against closed forms and reference values (from R's pbeta and qbeta)."""

from __future__ import annotations

import random

import pytest

from carrythrough.scoring.beta import cdf, interval, quantile


@pytest.mark.parametrize("x", [0.01, 0.2, 0.5, 0.77, 0.99])
def test_closed_forms(x: float) -> None:
    assert cdf(x, 1.0, 1.0) == pytest.approx(x, abs=1e-12)
    assert cdf(x, 3.0, 1.0) == pytest.approx(x**3, abs=1e-12)
    assert cdf(x, 1.0, 4.0) == pytest.approx(1 - (1 - x) ** 4, abs=1e-12)
    assert cdf(x, 2.0, 2.0) == pytest.approx(3 * x**2 - 2 * x**3, abs=1e-12)


def test_binomial_identity() -> None:
    # I_x(k, n-k+1) = P(Binomial(n, x) >= k), summed exactly.
    from math import comb

    n, k, x = 20, 13, 0.6
    tail = sum(comb(n, i) * x**i * (1 - x) ** (n - i) for i in range(k, n + 1))
    assert cdf(x, k, n - k + 1) == pytest.approx(tail, abs=1e-12)


def test_quantiles_invert_the_cdf_over_the_range_of_scores() -> None:
    rng = random.Random(3)
    for _ in range(500):
        a, b = 10 ** rng.uniform(-0.5, 2.5), 10 ** rng.uniform(-0.5, 2.5)
        low, high = interval(0.1, a, b)
        assert 0.0 <= low <= high <= 1.0
        for x, p in ((low, 0.1), (high, 0.9)):
            # To within 1e-6 in x: the CDF a little below and a little above must straddle p.
            assert cdf(x - 2e-6, a, b) <= p <= cdf(x + 2e-6, a, b)


def test_median_of_a_symmetric_distribution() -> None:
    assert quantile(0.5, 7.3, 7.3) == pytest.approx(0.5, abs=1e-6)
