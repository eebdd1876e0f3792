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
HELD_OUT_SEEDS = (91, 92)
"""Organisations that no setting was chosen on (the head is fitted on others, `tools/train_head.py`)."""


class TruthResult(msgspec.Struct, frozen=True):
    """What the readings of simulated people are worth, over all days and pairs with enough evidence.

    coverage: share of readings whose 80 % interval holds the truth. width: mean width of the interval.
    error: mean |score - truth|. tenths: (mean score, mean truth, readings) by tenths of the score.
    """

    readings: int
    coverage: float
    width: float
    error: float
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
    parts = [rows[n * k // 10 : n * (k + 1) // 10] for k in range(10)]
    return TruthResult(
        readings=n,
        coverage=sum(held for _, _, held, _ in rows) / n,
        width=sum(width for *_, width in rows) / n,
        error=sum(abs(value - truth) for value, truth, _, _ in rows) / n,
        tenths=tuple(
            (sum(v for v, *_ in part) / len(part), sum(t for _, t, *_ in part) / len(part), len(part))
            for part in parts
            if part
        ),
    )
