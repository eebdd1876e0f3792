"""What a score will be if nothing happens: a curve, and when it crosses its target.

No new model: the same head and job layer are read at later times, so the forecast is what the score will
say then. The crossing is looked for on days that lie ever further apart and then halved down to an hour,
at most READS_MAX reads in all.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from carrythrough.program.types import Policy, Skill
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.head import Model
from carrythrough.scoring.score import Score, read_score, weigh
from carrythrough.scoring.state import LearnerState, PairState

CURVE_DAYS = (0, 1, 2, 4, 7, 14, 30, 60, 90, 180, 365)
"""Days ahead that the curve shows, and between which a crossing is looked for; the last is the horizon."""
HALVINGS = 12
"""Halvings of the span between two of them: under an hour for the longest."""
READS_MAX = len(CURVE_DAYS) + 2 * HALVINGS


class Ahead(msgspec.Struct, frozen=True):
    """The score at a later time if nothing happens; recall is the learning prior, all 0..1."""

    days: int
    time_ms: int
    score: float
    low: float
    high: float
    recall: float


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What happens if nothing happens, up to the horizon.

    crosses_ms: when the score crosses its target, 0 for never. falls: below it (else it rises above).
    thin_ms: when the evidence becomes too old to show a score at all, 0 for never.
    """

    horizon_days: int
    crosses_ms: int
    falls: bool
    thin_ms: int
    curve: tuple[Ahead, ...]


def forecast(
    learner: LearnerState, pair: PairState, now_ms: int, skill: Skill, model: Model, policy: Policy
) -> Forecast:
    """Return the forecast of a pair that has a score at `now_ms`."""

    def read(time_ms: int) -> Score:
        return read_score(learner, pair, time_ms, model, weigh(pair, time_ms, volatile=skill.short_memory))

    def thick(time_ms: int) -> bool:
        return weigh(pair, time_ms, volatile=skill.short_memory).effective >= policy.minimum_effective

    curve = tuple(_ahead(days, now_ms + days * DAY_MS, read(now_ms + days * DAY_MS)) for days in CURVE_DAYS)
    times = [point.time_ms for point in curve]
    above = [point.score >= skill.target for point in curve]
    crosses_ms = _first_change(times, above, lambda t: read(t).value >= skill.target)
    return Forecast(
        horizon_days=CURVE_DAYS[-1],
        crosses_ms=crosses_ms,
        falls=above[0],
        thin_ms=_first_change(times, [thick(t) for t in times], thick),
        curve=curve,
    )


def falls_within(
    learner: LearnerState, pair: PairState, now_ms: int, lead_ms: int, skill: Skill, model: Model
) -> bool:
    """Say whether a score that is on its target now will be below it after `lead_ms` without anything: one read."""
    later_ms = now_ms + lead_ms
    later = read_score(learner, pair, later_ms, model, weigh(pair, later_ms, volatile=skill.short_memory))
    return later.value < skill.target


def _ahead(days: int, time_ms: int, score: Score) -> Ahead:
    return Ahead(
        days,
        time_ms,
        round(score.value, 4),
        round(score.low, 4),
        round(score.high, 4),
        round(score.pi, 4),
    )


def _first_change(times: list[int], states: list[bool], holds: Callable[[int], bool]) -> int:
    """Return when a condition first becomes another than it is at the first time, 0 for never."""
    for at in range(1, len(times)):
        if states[at] is not states[0]:
            return _halved(times[at - 1], times[at], states[0], holds)
    return 0


def _halved(same_ms: int, other_ms: int, now: bool, holds: Callable[[int], bool]) -> int:  # noqa: FBT001 - a state
    for _ in range(HALVINGS):
        middle = (same_ms + other_ms) // 2
        if holds(middle) is now:
            same_ms = middle
        else:
            other_ms = middle
    return other_ms
