"""The product against the known truth of the simulator: whether the interval holds what it says."""

from __future__ import annotations

import msgspec

from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.head import Model
from carrythrough.testing.simulator import Simulator
from carrythrough.testing.simulator_conditions import ROUGH
from carrythrough.testing.simulator_log import SimulatedLog, TruthReading
from carrythrough.testing.simulator_people import load_organisation

START_MS = 20_000 * DAY_MS
DAYS = 120
READ_EVERY_DAYS = 3
DROP_BELOW = 0.05
"""A true fall: this far under the target, after the target or above it was reached."""
SEEN_DAYS = 30
HELD_OUT_SEEDS = (91, 92)
"""Organisations that no setting was chosen on (the head is fitted on others, `tools/train_head.py`)."""


class Drops(msgspec.Struct, frozen=True):
    """True falls from the target or above to DROP_BELOW under it, and when the score went under the target.

    seen: how many of them within SEEN_DAYS. median_days: median delay, fractions of READ_EVERY_DAYS are not
    told apart; negative where the score was there first; None where most were not seen at all.
    """

    drops: int
    seen: int
    median_days: float | None


class TruthResult(msgspec.Struct, frozen=True):
    """What the readings of simulated people are worth, over all days and pairs with enough evidence.

    coverage: share of readings whose 80 % interval holds the truth. width: mean width of the interval.
    error: mean |score - truth|. calibration: mean |mean score - mean truth| over tenths of the score.
    stages: share of readings whose stage is the one that the same rules give for the truth. sides: share on
    the right side of the target. drops: see `Drops`. tenths: (mean score, mean truth, readings).
    """

    readings: int
    coverage: float
    width: float
    error: float
    calibration: float
    stages: float
    sides: float
    drops: Drops
    tenths: tuple[tuple[float, float, int], ...]


def hold_against_truth(
    model: Model, employees: int, seeds: tuple[int, ...] = HELD_OUT_SEEDS, days: int = DAYS
) -> TruthResult:
    """Return the figures of `model` over simulated organisations of so many employees."""
    readings = [r for seed in seeds for r in _readings(model, employees, seed, days)]
    return summed_up(readings)


def _readings(model: Model, employees: int, seed: int, days: int) -> list[TruthReading]:
    organisation = load_organisation(employees)
    log = SimulatedLog(organisation, Simulator(organisation, seed, START_MS, conditions=ROUGH), model)
    found: list[TruthReading] = []
    for day in range(READ_EVERY_DAYS, days, READ_EVERY_DAYS):
        log.fold(START_MS + day * DAY_MS)
        found += log.readings(START_MS + day * DAY_MS)
    return found


def summed_up(readings: list[TruthReading]) -> TruthResult:
    """Return the figures of some readings; raises ValueError when there are none."""
    rows = sorted(
        (s.value, r.truth, s.low <= r.truth <= s.high, s.high - s.low)
        for r in readings
        if (s := r.reading.score) is not None
    )
    if not rows:
        raise ValueError("no reading with enough evidence")
    n = len(rows)
    parts = [part for k in range(10) if (part := rows[n * k // 10 : n * (k + 1) // 10])]
    tenths = [
        (sum(v for v, *_ in part) / len(part), sum(t for _, t, *_ in part) / len(part), len(part))
        for part in parts
    ]
    return TruthResult(
        readings=n,
        coverage=sum(held for _, _, held, _ in rows) / n,
        width=sum(width for *_, width in rows) / n,
        error=sum(abs(value - truth) for value, truth, _, _ in rows) / n,
        calibration=sum(abs(score - truth) * many for score, truth, many in tenths) / n,
        stages=sum(r.reading.stage is r.true_stage for r in readings) / n,
        sides=sum(_above(r) == (r.truth >= r.target) for r in readings) / n,
        drops=_drops(readings),
        tenths=tuple(tenths),
    )


def _above(reading: TruthReading) -> bool:
    score = reading.reading.score
    return score is not None and score.value >= reading.target


def _drops(readings: list[TruthReading]) -> Drops:
    by_pair: dict[tuple[int, str, str], list[TruthReading]] = {}
    organisation, before_ms = 0, 0
    for reading in readings:
        organisation += reading.at_ms < before_ms  # the next organisation begins at the first day again
        before_ms = reading.at_ms
        by_pair.setdefault((organisation, reading.employee, reading.skill), []).append(reading)
    delays = [delay for mine in by_pair.values() if (delay := _delay_days(mine)) is not None]
    seen = sorted(delay for delay in delays if delay <= SEEN_DAYS)
    middle = (len(delays) - 1) // 2
    return Drops(len(delays), len(seen), seen[middle] if 0 <= middle < len(seen) else None)


def _delay_days(readings: list[TruthReading]) -> float | None:
    """Return the days from the first true fall to the score's, infinity when it never came, None without a fall."""
    was_above = False
    for number, reading in enumerate(readings):
        if was_above and reading.truth <= reading.target - DROP_BELOW:
            return _seen_after(readings, number)
        was_above = was_above or reading.truth >= reading.target
    return None


def _seen_after(readings: list[TruthReading], fall: int) -> float:
    """Return the delay to the first reading under the target that lasts to the fall, or comes after it."""
    fell_ms = readings[fall].at_ms
    first = fall
    while first > 0 and not _above(readings[first]) and not _above(readings[first - 1]):
        first -= 1
    for reading in readings[first:]:
        if not _above(reading):
            return (reading.at_ms - fell_ms) / DAY_MS
    return float("inf")
