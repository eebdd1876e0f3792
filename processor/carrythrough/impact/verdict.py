"""From an estimate to what may be said: the rung of the ladder, the verdict, and how many decisions are missing.

An effect is claimed only by the interval that may be looked at at any time. The other, for one look at a time chosen
beforehand, is shown beside it and claims nothing.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Literal

import msgspec

from carrythrough.impact.sequence import ALPHA, DECISIONS_LEAST, PEOPLE_LEAST, look, radius
from carrythrough.impact.trial import Trial
from carrythrough.impact.weighted import uplift
from carrythrough.impact.worth import WORTH

Verdict = Literal["effect", "no-detectable-effect", "too-few"]
POWER = 0.8
"""Chance of finding an effect of that size."""
_Z_POWER = NormalDist().inv_cdf(POWER)
DECISIONS_MAX = 10_000_000
RUNG_A = "A: chance decided who got a push and when, so a difference was caused by it"
RUNG_D = "D: no decision was left to chance yet, so the impact cannot be estimated"


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The effect of a push as a difference of mean outcomes, -1..1, and what may be said about it.

    decisions: points whose outcome is known, pushed: of them with a push. people: of them all. All of these and the
    figures are None for "too-few". without: mean outcome without a push, 0..1. low, high: 90 % interval for one
    look. anytime_low, anytime_high: interval that may be looked at at any time. minimum_detectable: the effect that
    the latter would find with POWER. more_decisions: how many more (to two digits) find `worth`, 0 when there
    are enough. people_missing, decisions_missing: what is missing under the least numbers, 0 when nothing is.
    """

    verdict: Verdict
    worth: float
    decisions: int | None = None
    pushed: int | None = None
    people: int | None = None
    without: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    anytime_low: float | None = None
    anytime_high: float | None = None
    minimum_detectable: float | None = None
    more_decisions: int | None = None
    people_missing: int = 0
    decisions_missing: int = 0


def estimate(trial: Trial, worth: float = WORTH, alpha: float = ALPHA) -> Estimate:
    """Return what a trial with known outcomes says. worth: the effect worth finding, above 0. alpha: 0..1."""
    fixed, anytime = uplift(trial), look(trial, alpha)
    if fixed is None or anytime is None:
        fewest = min(trial.people(treated=True), trial.people(treated=False))
        return Estimate(
            verdict="too-few",
            worth=worth,
            people_missing=max(PEOPLE_LEAST - fewest, 0),
            decisions_missing=max(DECISIONS_LEAST - trial.size, 0),
        )
    weight = (~trial.treated) / (1.0 - trial.p)
    return Estimate(
        verdict="effect" if anytime.claims() else "no-detectable-effect",
        worth=worth,
        decisions=trial.size,
        pushed=int(trial.treated.sum()),
        people=int(trial.person.max()) + 1,
        without=float((weight * trial.y).sum() / weight.sum()),
        effect=fixed.effect,
        low=fixed.low,
        high=fixed.high,
        anytime_low=anytime.low,
        anytime_high=anytime.high,
        minimum_detectable=detectable(anytime.spread, trial.size, alpha),
        more_decisions=two_digits(max(needed(anytime.spread, worth, alpha) - trial.size, 0)),
    )


def detectable(spread: float, n: float, alpha: float = ALPHA) -> float:
    """Return the effect that is found with POWER after n decisions whose scores vary by `spread`."""
    return radius(spread * n, n, alpha) + _Z_POWER * sqrt(spread / n)


def needed(spread: float, worth: float, alpha: float = ALPHA) -> int:
    """Return after how many decisions an effect of `worth` is found with POWER, at most DECISIONS_MAX."""
    low, high = 1, DECISIONS_MAX
    while low < high:
        middle = (low + high) // 2
        if detectable(spread, middle, alpha) <= worth:
            high = middle
        else:
            low = middle + 1
    return low


def sentence(found: Estimate, what: str, outcome: str) -> str:
    """Return what may be said in words. what: of whose effect ("Pushes"). outcome: in words."""
    if found.verdict == "too-few":
        missing = []
        if found.people_missing:
            missing.append(f"{PEOPLE_LEAST} people with and {PEOPLE_LEAST} without it")
        if found.decisions_missing:
            missing.append(f"{found.decisions_missing} more decisions whose outcome is known")
        return f"{what}: too little to say anything. Needed: {' and '.join(missing) or 'more differing decisions'}."
    assert found.effect is not None  # noqa: S101 - figures go with the verdict
    assert found.anytime_low is not None  # noqa: S101
    assert found.anytime_high is not None  # noqa: S101
    between = f"{points(found.anytime_low)} to {points(found.anytime_high)} points"
    if found.verdict == "effect":
        return f"{what} caused {points(found.effect)} points ({between}) in “{outcome}”."
    if found.more_decisions:
        rest = (
            f"to find {points(found.worth)} points, about {found.more_decisions:,} more decisions are needed"
        )
    else:
        rest = f"there are decisions enough to find {points(found.worth)} points in {round(10 * POWER)} of 10 cases"
    return f"{what}: no detectable effect yet ({between} in “{outcome}”; {rest})."


def points(value: float) -> str:
    """Return a difference of shares as points of 100 with its sign: "+4.2"."""
    shown = f"{100 * value:+.1f}".replace("-", "−")
    return "0.0" if shown in {"+0.0", "−0.0"} else shown


def two_digits(number: int) -> int:
    """Return the next number from `number` on that two digits say: more would pretend to be exact."""
    step: int = 10 ** max(len(str(number)) - 2, 0)
    return -(-number // step) * step
