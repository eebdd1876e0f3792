"""The refit of m finds the m that the outcomes were drawn with, and says honestly when it cannot tell."""

from __future__ import annotations

import random
from math import exp, lgamma, log

import pytest

from carrythrough.scoring.refit import TERMS_MIN, Term, log_likelihood, refit


def drawn(m: float, people: int, outcomes: int, seed: int = 1) -> list[Term]:
    """People whose rate is Beta(m·π, m·(1 − π)) about a known π, with Bernoulli outcomes."""
    rng = random.Random(seed)
    terms = []
    for _ in range(people):
        pi = rng.uniform(0.2, 0.9)
        rate = rng.betavariate(m * pi, m * (1 - pi))
        a = n = 0.0
        for _ in range(outcomes):
            y = float(rng.random() < rate)
            terms.append(Term(pi, a, n, y, 1.0))
            a, n = a + y, n + 1.0
    return terms


@pytest.mark.parametrize("m", [2.0, 8.0, 30.0])
def test_the_true_m_is_found(m: float) -> None:
    found = refit(drawn(m, 1_500, 12), 8.0)
    assert found is not None
    assert found.m_after == pytest.approx(m, rel=0.3)
    assert found.after >= found.before


def test_the_likelihood_is_that_of_the_beta_binomial() -> None:
    """For weights of 1 the product of the one-step predictions is the marginal of the whole sequence."""
    m, pi, ys = 6.0, 0.7, [1.0, 0.0, 1.0, 1.0, 0.0]
    terms, a = [], 0.0
    for n, y in enumerate(ys):
        terms.append(Term(pi, a, float(n), y, 1.0))
        a += y
    alpha, beta, k, n = m * pi, m * (1 - pi), sum(ys), len(ys)
    exact = (
        lgamma(alpha + k) + lgamma(beta + n - k) - lgamma(m + n)
        - lgamma(alpha) - lgamma(beta) + lgamma(m)
    )  # fmt: skip
    assert log_likelihood(terms, m) == pytest.approx(exact, abs=1e-9)


def test_too_few_outcomes_give_no_answer() -> None:
    assert refit(drawn(8.0, 1, TERMS_MIN - 1), 8.0) is None


def test_the_best_of_a_fine_grid_is_not_better() -> None:
    terms = drawn(5.0, 300, 8, seed=4)
    found = refit(terms, 8.0)
    assert found is not None
    best = max(
        (exp(log(0.5) + i * log(512) / 400) for i in range(401)), key=lambda m: log_likelihood(terms, m)
    )
    weight = float(len(terms))
    assert found.after * weight >= log_likelihood(terms, best) - 1e-6 * weight
