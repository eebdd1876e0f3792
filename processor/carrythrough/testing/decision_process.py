"""A made-up stream of decisions with a known effect, to try estimators on: nothing here knows how they work.

People differ and drift (a person effect and an AR(1) mood), outcomes are yes or no, what was done lately moves both the
next outcome and the probability of the next push, other pushes compete at some points, and people come and
go, so that the numbers of decisions are unequal. Effects are on the scale of probability by way of a logit, so they
differ from point to point; the truth is their mean over decision points, from a large draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from carrythrough.impact.trial import Floats, Integers, Trial, Truths

HOUR_MS = 3_600_000
WINDOW_MS = 48 * HOUR_MS
ROUND_MS = 96 * HOUR_MS
"""A person's decisions are at least this far apart: a cooldown of 72 hours and some waiting."""
ROUNDS = 30
PEOPLE_LEAST, PEOPLE_MOST = 200, 400


class Setting(NamedTuple):
    """What is true of a made-up organisation. effect: of a push on the logit of the outcome, 0 for an A/A trial.

    other: share of decision points at which a third choice is eligible, with a probability of 0.4.
    steer: how much the policy follows what it knows. low, high: bounds of the probability of a push among push and
    nothing.
    """

    effect: float = 0.45
    person_sd: float = 0.8
    mood_sd: float = 0.7
    mood_keeps: float = 0.8
    again: float = 0.7
    worn: float = 0.25
    other: float = 0.3
    steer: float = 3.0
    low: float = 0.1
    high: float = 0.9


AA = Setting(effect=0.0)
"""The same organisation when no push does anything: chance alone divides the decision points."""


class _Drawn(NamedTuple):
    """One draw, round by round: (rounds, people). effect: of a push on the probability of the outcome."""

    there: Truths
    choice: Integers
    p_push: Floats
    p_nothing: Floats
    y: Truths
    controls: Floats
    effect: Floats


def draw(setting: Setting, people: int, rng: np.random.Generator) -> _Drawn:
    """Return decisions of `people` people in ROUNDS rounds; choice: 1 push, 0 nothing, 2 another push."""
    person = rng.normal(0.0, setting.person_sd, people)
    mood = rng.normal(0.0, setting.mood_sd, people)
    active = rng.uniform(0.2, 0.95, people)
    joins = rng.integers(0, ROUNDS // 2, people)
    leaves = joins + rng.integers(ROUNDS // 4, ROUNDS, people)
    last, dose = np.zeros(people), np.zeros(people)
    shape = (ROUNDS, people)
    there, y = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    choice = np.zeros(shape, dtype=np.int64)
    p_push, p_nothing, effect = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    controls = np.zeros((*shape, 3))
    innovation = setting.mood_sd * np.sqrt(1.0 - setting.mood_keeps**2)
    for t in range(ROUNDS):
        mood = setting.mood_keeps * mood + rng.normal(0.0, innovation, people)
        season = 0.3 * np.sin(2.0 * np.pi * t / ROUNDS)
        there[t] = (rng.random(people) < active) & (t >= joins) & (t < leaves)
        # The policy favours whoever did something lately and was not pushed much: it is confounded on purpose.
        liking = setting.steer * (0.8 * last - 0.9 * dose + season)
        share = setting.low + (setting.high - setting.low) * _probability(liking)
        other = np.where(rng.random(people) < setting.other, 0.4, 0.0)
        p_push[t], p_nothing[t] = share * (1.0 - other), (1.0 - share) * (1.0 - other)
        u = rng.random(people)
        choice[t] = np.where(u < p_push[t], 1, np.where(u < p_push[t] + p_nothing[t], 0, 2))
        base = (
            -0.9 + person + mood + setting.again * last + season - setting.worn * dose * (setting.effect > 0)
        )
        felt = setting.effect * (1.0 - 0.4 * dose)
        without, pushed = _probability(base), _probability(base + felt)
        effect[t] = pushed - without
        helped = np.where(
            choice[t] == 1, pushed, np.where(choice[t] == 2, _probability(base + felt / 2), without)
        )
        y[t] = rng.random(people) < helped
        controls[t] = np.stack([last, dose, np.full(people, season)], axis=1)
        last = np.where(there[t], y[t], last)
        dose = np.where(there[t], 0.6 * dose + 0.4 * (choice[t] == 1), dose)
    return _Drawn(there, choice, p_push, p_nothing, y, controls, effect)


def trials(setting: Setting, count: int, seed: int) -> Iterator[Trial]:
    """Yield trials of PEOPLE_LEAST to PEOPLE_MOST people each; the same seed gives the same trials."""
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        people = int(rng.integers(PEOPLE_LEAST, PEOPLE_MOST + 1))
        yield _trial(draw(setting, people, rng), rng)


def true_effect(setting: Setting, seed: int, people: int = 200_000) -> float:
    """Return the mean effect over decision points with a push or nothing, from a large draw (error about 1e-4)."""
    found = draw(setting, people, np.random.default_rng((seed, 1 << 40)))
    weight = (found.p_push + found.p_nothing)[found.there]
    return float((found.effect[found.there] * weight).sum() / weight.sum())


def _trial(drawn: _Drawn, rng: np.random.Generator) -> Trial:
    rounds, people = np.nonzero(drawn.there & (drawn.choice != 2))
    t_ms = rounds * ROUND_MS + rng.integers(0, ROUND_MS - WINDOW_MS, len(rounds))
    order = np.argsort(t_ms, kind="stable")
    rounds, people, t_ms = rounds[order], people[order], t_ms[order]
    at = (rounds, people)
    person = np.unique(people, return_inverse=True)[1].astype(np.int64)
    return Trial(
        person,
        drawn.choice[at] == 1,
        drawn.p_push[at] / (drawn.p_push[at] + drawn.p_nothing[at]),
        drawn.y[at].astype(np.float64),
        drawn.controls[at],
        t_ms.astype(np.int64),
        WINDOW_MS,
    )


def _probability(logit: Floats) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-logit))
    return found
