"""Proves the hidden model: power-law forgetting, practice that pays less and less, honest odds."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import numpy as np
import pytest

from carrythrough.testing.simulator_truth import (
    CEILING,
    FLOOR,
    MEMORY_FLOOR,
    TRACES_MAX,
    PairTruth,
    heavy_tailed,
)

DAYS = np.array([0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256], dtype=float)


def learnt_once(decay: float = 0.5) -> PairTruth:
    truth = PairTruth(ability=0.3, difficulty=1.5, decay=decay, reliance=0.0, lift=0.7)
    truth.rehearse(0.0, 1.5)
    return truth


def straightness(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the slope of the least-squares line and the share of variance that it explains."""
    slope, offset = np.polyfit(x, y, 1)
    residual = y - (slope * x + offset)
    return float(slope), 1.0 - float(residual.var() / y.var())


@pytest.mark.parametrize("decay", [0.3, 0.5, 0.7])
def test_memory_falls_by_a_power_of_age_and_not_exponentially(decay: float) -> None:
    truth = learnt_once(decay)
    memory = np.log([truth.memory(day) for day in DAYS])
    slope, power_fit = straightness(np.log1p(DAYS), memory)
    _, exponential_fit = straightness(DAYS, memory)
    assert slope == pytest.approx(-decay, abs=1e-9)
    assert power_fit > 0.999999
    assert exponential_fit < 0.85


def test_odds_on_the_job_follow_the_same_power_law() -> None:
    truth = learnt_once()
    p = (np.array([truth.unaided(day) for day in DAYS]) - FLOOR) / (CEILING - FLOOR)
    effective = np.log(np.array([truth.memory(day) for day in DAYS]) + MEMORY_FLOOR)
    slope, fit = straightness(effective, np.log(p / (1.0 - p)))
    assert slope == pytest.approx(1.3, abs=1e-6)
    assert fit > 0.999999


def test_half_of_what_is_lost_in_a_quarter_is_lost_in_the_first_days() -> None:
    truth = learnt_once()
    fresh, ninety = truth.memory(0.0), truth.memory(90.0)
    assert truth.memory(4.0) < (fresh + ninety) / 2.0


def test_crammed_learning_fades_faster_than_spaced_learning() -> None:
    crammed, spaced = (PairTruth(0.0, 1.5, 0.4, 0.0, 0.7) for _ in range(2))
    for number in range(6):
        crammed.rehearse(0.0, 0.5)
        spaced.rehearse(number * 3.0, 0.5)
    assert crammed.memory(75.0) < spaced.memory(75.0 + 7.5)


def test_practice_pays_less_each_time() -> None:
    truth = learnt_once()
    gains = []
    for _ in range(20):
        before = truth.automatic()
        truth.practise(1.0)
        gains.append(truth.automatic() - before)
    assert all(later < earlier for earlier, later in pairwise(gains))
    assert 0.0 < truth.automatic() < 1.0


def test_the_job_aid_helps_and_reliance_decides_how_often() -> None:
    truth = learnt_once()
    assert truth.unaided(30.0) < truth.aided(30.0) <= CEILING
    truth.reliance = 0.25
    expected = 0.25 * truth.aided(30.0) + 0.75 * truth.unaided(30.0)
    assert truth.next_opportunity(30.0) == pytest.approx(expected)


def test_probabilities_stay_probabilities_in_any_history() -> None:
    rng = random.Random(5)
    for _ in range(200):
        truth = PairTruth(rng.gauss(0, 2), rng.gauss(1, 2), rng.uniform(0.2, 0.8), rng.random(), rng.random())
        day = 0.0
        for _ in range(rng.randrange(120)):
            day += rng.expovariate(0.5)
            truth.rehearse(day, rng.uniform(0.0, 1.0))
            truth.practise(rng.random())
        later = day + rng.expovariate(0.01)
        for p in (truth.answer(later), truth.simulate_step(later), truth.next_opportunity(later)):
            assert 0.0 < p < 1.0
        assert len(truth.traces) <= TRACES_MAX


def test_merging_old_traces_hardly_changes_memory() -> None:
    bounded = PairTruth(0.0, 1.5, 0.5, 0.0, 0.7)
    exact = 0.0
    times = [float(day) for day in range(TRACES_MAX + 10)]
    for day in times:
        bounded.rehearse(day, 0.2)
    newest = times[-1] + 30.0
    unmerged = PairTruth(0.0, 1.5, 0.5, 0.0, 0.7)
    for day in times:
        decay = min(0.85, 0.5 + 0.10 * unmerged.memory(day) * 0.2)
        unmerged.traces.append((day, 0.2, decay))
        exact = math.fsum(s * (1.0 + newest - t) ** -d for t, s, d in unmerged.traces)
    assert bounded.memory(newest) == pytest.approx(exact, rel=0.02)


def test_kpi_noise_has_heavy_tails() -> None:
    rng = random.Random(1)
    draws = [
        heavy_tailed(rng.gauss(0, 1), (rng.gauss(0, 1), rng.gauss(0, 1), rng.gauss(0, 1)))
        for _ in range(20_000)
    ]
    beyond = sum(abs(draw) > 4.0 for draw in draws) / len(draws)
    # A Student t with 3 degrees of freedom exceeds 4 in 2.8 % of draws, a normal one in 0.006 %.
    assert 0.02 < beyond < 0.036
