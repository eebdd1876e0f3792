"""Proves that the demo's clock waits until it is started, then runs at its speed, in every process alike."""

from __future__ import annotations

import pytest

from carrythrough.testing.clock import SPEED_MAX, ScaledClock

ANCHOR_MS = 1_795_000_000_000
DAY_MS = 86_400_000


class Monotonic:
    """A monotonic reading that the test moves by hand, in nanoseconds."""

    def __init__(self) -> None:
        self.ns = 7_000_000_000

    def __call__(self) -> int:
        return self.ns


def test_it_stands_still_until_started() -> None:
    monotonic = Monotonic()
    clock = ScaledClock(ANCHOR_MS, 3600.0, monotonic_ns=monotonic)
    monotonic.ns += 60_000_000_000
    assert clock.now_ms() == ANCHOR_MS
    clock.start()
    assert clock.now_ms() == ANCHOR_MS


@pytest.mark.parametrize(("speed", "after_ms"), [(1.0, 2_000), (3600.0, 7_200_000), (0.5, 1_000)])
def test_two_real_seconds_take_it_further_by_its_speed(speed: float, after_ms: int) -> None:
    monotonic = Monotonic()
    clock = ScaledClock(ANCHOR_MS, speed, monotonic_ns=monotonic)
    clock.start()
    monotonic.ns += 2_000_000_000
    assert clock.now_ms() == ANCHOR_MS + after_ms


def test_a_second_start_changes_nothing() -> None:
    monotonic = Monotonic()
    clock = ScaledClock(ANCHOR_MS, 10.0, monotonic_ns=monotonic)
    first = clock.start()
    monotonic.ns += 1_000_000_000
    assert clock.start() == first
    assert clock.now_ms() == ANCHOR_MS + 10_000


def test_a_second_process_with_the_same_numbers_reads_the_same_time() -> None:
    monotonic = Monotonic()
    server = ScaledClock(ANCHOR_MS, 3600.0, lapse_ms=DAY_MS, lapse_s=2.0, monotonic_ns=monotonic)
    started_ns = server.start()
    feed = ScaledClock(
        ANCHOR_MS, 3600.0, lapse_ms=DAY_MS, lapse_s=2.0, started_ns=started_ns, monotonic_ns=monotonic
    )
    for _ in range(5):
        monotonic.ns += 1_234_567_890
        assert feed.now_ms() == server.now_ms()


def test_a_time_lapse_ends_at_the_anchor_and_goes_on_at_the_speed() -> None:
    monotonic = Monotonic()
    clock = ScaledClock(ANCHOR_MS, 60.0, lapse_ms=DAY_MS, lapse_s=2.0, monotonic_ns=monotonic)
    monotonic.ns += 9_000_000_000
    assert clock.now_ms() == ANCHOR_MS - DAY_MS
    assert clock.live_s() == float("-inf")
    clock.start()
    readings = []
    for _ in range(6):
        readings.append((clock.now_ms() - ANCHOR_MS) / DAY_MS)
        monotonic.ns += 500_000_000
    assert readings[:5] == pytest.approx([-1.0, -0.75, -0.5, -0.25, 0.0])
    assert readings[5] * DAY_MS == pytest.approx(30_000)
    assert clock.live_s() == pytest.approx(1.0)


def test_it_never_runs_backwards_on_the_real_monotonic_clock() -> None:
    clock = ScaledClock(ANCHOR_MS, 3600.0, lapse_ms=DAY_MS, lapse_s=0.005)
    clock.start()
    readings = [clock.now_ms() for _ in range(20_000)]
    assert readings == sorted(readings)
    assert readings[0] < ANCHOR_MS < readings[-1]


@pytest.mark.parametrize(("lapse_ms", "lapse_s"), [(DAY_MS, 0.0), (0, 1.0), (-1, 1.0)])
def test_a_lapse_without_time_on_both_sides_is_refused(lapse_ms: int, lapse_s: float) -> None:
    with pytest.raises(ValueError, match="lapse"):
        ScaledClock(ANCHOR_MS, 1.0, lapse_ms=lapse_ms, lapse_s=lapse_s)


@pytest.mark.parametrize("speed", [0.0, -1.0, SPEED_MAX * 2, float("nan")])
def test_an_impossible_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(ANCHOR_MS, speed)
