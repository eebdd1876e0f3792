"""KPI baselines: exact in any order and over any number of partitions, robust, frozen, and flagged as what they are."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.events.types import EventOutcome, PerformanceEvent
from carrythrough.evidence.baselines import (
    PEERS_MIN,
    Baseline,
    Baselines,
    Reading,
    Tally,
    weight_of,
)
from carrythrough.evidence.histogram import BINS_MAX, Histogram
from carrythrough.evidence.mapping import RELIABILITY_DEFAULT, Standing, evidence_of_event
from carrythrough.evidence.standard import outcome_of_reading
from carrythrough.evidence.types import (
    FLAG_FALLBACK_STANDARD,
    FLAG_OPPORTUNITY_ONLY,
    W_ONE,
    Y_ONE,
    Evidence,
)
from carrythrough.program.compile import Program
from carrythrough.program.types import Kpi, ProgramMap

NOW = 1_760_000_000_000
VALUES = st.floats(-1e6, 1e6, allow_nan=False)


def counted(values: list[float]) -> Histogram:
    found = Histogram()
    for value in values:
        found.add(value)
    return found


def image(histogram: Histogram) -> tuple[int, dict[int, int]]:
    return histogram.shift, dict(sorted(histogram.counts.items()))


@given(st.lists(VALUES, min_size=1, max_size=60), st.randoms(use_true_random=False), st.integers(1, 8))
@settings(max_examples=100)
def test_a_histogram_is_the_same_in_any_order_and_in_any_parts(
    values: list[float], rng: random.Random, parts: int
) -> None:
    shuffled = list(values)
    rng.shuffle(shuffled)
    total = Histogram()
    for part in range(parts):
        total.merge(counted(shuffled[part::parts]))
    assert image(total) == image(counted(values))


def test_many_values_keep_the_order_rule_and_the_bound() -> None:
    rng = random.Random(3)
    values = [rng.lognormvariate(3, 2) for _ in range(20_000)]
    whole = counted(values)
    parts = Histogram()
    for n in range(7):
        parts.merge(counted(values[n::7][::-1]))
    assert image(parts) == image(whole)
    assert len(whole.counts) <= BINS_MAX
    assert whole.total() == 20_000


def test_the_median_and_the_mad_are_those_of_the_values() -> None:
    histogram = counted([1.0, 2.0, 3.0, 4.0, 100.0])
    assert histogram.median() == pytest.approx(3.0, abs=1e-5)
    assert histogram.mad() == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(ValueError, match="no values"):
        Histogram().median()


def history(
    people: int = 20, months: int = 6, noise: float = 2.0, spread: float = 4.0, seed: int = 1
) -> list[Reading]:
    """Readings about 50: people differ by `spread`, a reading of one person by `noise`."""
    rng = random.Random(seed)
    found = []
    for n in range(people):
        true = rng.gauss(50, spread)
        role, site = ("agent" if n % 2 else "lead"), ("north" if n % 4 < 2 else "south")
        for month in range(months):
            value = true + rng.gauss(0, noise)
            t_ms = NOW - (months - month) * 30 * 86_400_000
            found.append(Reading("k", f"p{n}", role, site, f"2025-{month + 1:02}", t_ms, value))
    return found


def closed(readings: list[Reading]) -> Baseline:
    tally = Tally()
    tally.add(readings)
    found = tally.close("k")
    assert found is not None
    return found


def test_partitions_close_the_baseline_of_one_fold() -> None:
    readings = history(60)
    merged = Tally()
    for part in range(8):
        tally = Tally()
        mine = [r for r in readings if int(r.subject[1:]) % 8 == part]
        random.Random(part).shuffle(mine)
        tally.add(mine)
        merged.merge(tally)
    assert msgspec.json.encode(merged.close("k")) == msgspec.json.encode(closed(readings))


def test_noise_and_reliability_come_from_the_history() -> None:
    found = closed(history(200, 12))
    assert found.noise_sd == pytest.approx(2.0, rel=0.15)
    # The spread of readings is √(4² + 2²), so four fifths of it lie between people.
    assert found.reliability == pytest.approx(0.8, abs=0.08)
    assert (found.people, found.readings, found.first, found.last) == (200, 2_400, "2025-01", "2025-12")
    assert found.own["p3"][0] == 12
    quiet = closed(history(8, 2))
    assert quiet.noise_sd == quiet.reliability == 0.0  # eight pairs are too few to tell


def test_a_slow_drift_is_not_noise() -> None:
    readings = [
        Reading("k", f"p{n}", "", "", "2025-01", NOW + week, 50.0 + week * 0.5)
        for n in range(10)
        for week in range(20)
    ]
    assert closed(readings).noise_sd < 0.6


def test_peers_are_the_narrowest_group_that_is_large_enough() -> None:
    found = closed(history(20))
    cell = found.cell("agent", "north")
    assert cell is not None
    assert (cell.role, cell.site) == ("agent", "")  # five people of that role and site are no group
    assert found.cell("nobody", "nowhere") == found.cell("", "")
    large = closed(history(80)).cell("agent", "north")
    assert large is not None
    assert (large.role, large.site) == ("agent", "north")
    assert large.people >= PEERS_MIN
    assert closed(history(4)).cell("agent", "north") is None


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_reading_without_target_is_ranked_and_better_ranks_higher(direction: str) -> None:
    kpi = Kpi(id="k", name="K", direction=direction)  # type: ignore[arg-type]
    found = closed(history(80))
    cell = found.cell("agent", "north")
    assert cell is not None
    at = [
        outcome_of_reading(kpi, cell.median + step * 1.4826 * cell.mad, found, "agent", "north")
        for step in (-1, 0, 1)
    ]
    expected = [0.1587, 0.5, 0.8413]
    shares = [y / Y_ONE for y in at if y is not None]
    assert shares == pytest.approx(expected if direction == "up" else expected[::-1], abs=0.001)


def test_with_a_target_the_measured_noise_is_used_unless_the_map_declares_one() -> None:
    found = closed(history(200, 12))
    sure = outcome_of_reading(Kpi(id="k", name="K", target=50.0), 52.0)
    measured = outcome_of_reading(Kpi(id="k", name="K", target=50.0), 52.0, found)
    declared = outcome_of_reading(Kpi(id="k", name="K", target=50.0, noise_sd=2.0), 52.0, found)
    assert sure == Y_ONE
    assert measured is not None
    assert declared is not None
    assert declared / Y_ONE == pytest.approx(0.8413, abs=0.0001)
    assert measured / Y_ONE == pytest.approx(0.8413, abs=0.03)


def test_a_group_without_any_spread_divides_by_nothing() -> None:
    flat = closed([r._replace(value=50.0) for r in history(80)])
    kpi = Kpi(id="k", name="K")
    assert [outcome_of_reading(kpi, value, flat, "agent", "north") for value in (49.0, 50.0, 51.0)] == [
        0,
        Y_ONE // 2,
        Y_ONE,
    ]


def program(**kpi: Any) -> Program:
    known = {"id": "k", "name": "K"} | kpi
    tree = {
        "map": "m",
        "version": 1,
        "name": "M",
        "goals": [{"id": "g", "name": "G", "kpis": [known]}],
        "skills": [{"id": "s", "name": "S", "kpis": ["k"]}],
    }
    return Program(msgspec.convert(tree, ProgramMap))


def evidence(standing: Standing, value: float = 60.0, **kpi: Any) -> Evidence:
    event = PerformanceEvent(
        id="1",
        source="bi",
        kind="kpi-reading",
        time="2026-01-01T00:00:00Z",
        employee="e-1",
        skill="s",
        kpi="k",
        outcome=EventOutcome(value=value),
    )
    [found] = evidence_of_event(program(**kpi), event, b"1" * 16, NOW, NOW, standing)
    return found


def test_a_rank_is_flagged_and_before_the_close_there_is_no_outcome() -> None:
    assert evidence(Standing()).flags == FLAG_OPPORTUNITY_ONLY
    standing = Standing(Baselines(kpis={"k": closed(history(80))}), "agent", "north")
    ranked = evidence(standing)
    assert ranked.flags == FLAG_FALLBACK_STANDARD
    assert ranked.y > Y_ONE // 2
    held = evidence(standing, target=55.0)
    assert held.flags == 0


def test_the_weight_is_declared_else_measured_else_usual() -> None:
    standing = Standing(Baselines(kpis={"k": closed(history(80, 12))}), "agent", "north")
    assert evidence(standing, target=55.0, reliability=0.4).w == round(0.4 * W_ONE)
    assert evidence(standing, target=55.0).w == W_ONE // 2  # measured at 0.8, and no more than 0.5
    assert evidence(Standing(), target=55.0).w == round(RELIABILITY_DEFAULT * W_ONE)
    assert [weight_of(r) for r in (0.05, 0.3, 0.9)] == [0.2, 0.3, 0.5]


def test_a_program_that_lifts_everybody_lifts_every_outcome() -> None:
    """The baseline is frozen, so what is better than before stays better when everybody is."""
    found = closed(history(80))
    kpi = Kpi(id="k", name="K")
    before = [outcome_of_reading(kpi, r.value, found, r.role, r.site) for r in history(80)]
    after = [outcome_of_reading(kpi, r.value + 6, found, r.role, r.site) for r in history(80)]
    assert all(a is not None and b is not None and a >= b for a, b in zip(after, before, strict=True))
    assert sum(y for y in after if y) / len(after) / Y_ONE > 0.7
