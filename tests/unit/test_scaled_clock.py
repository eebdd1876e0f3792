"""Proves that the demo's clock waits until it is started, then runs at its speed, in every process alike."""

from __future__ import annotations

import pytest

from carrythrough.testing.clock import SPEED_MAX, ScaledClock

ANCHOR_MS = 1_795_000_000_000


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
    server = ScaledClock(ANCHOR_MS, 3600.0, monotonic_ns=monotonic)
    started_ns = server.start()
    feed = ScaledClock(ANCHOR_MS, 3600.0, started_ns, monotonic)
    monotonic.ns += 1_234_567_890
    assert feed.now_ms() == server.now_ms()


def test_it_never_runs_backwards_on_the_real_monotonic_clock() -> None:
    clock = ScaledClock(ANCHOR_MS, 3600.0)
    clock.start()
    readings = [clock.now_ms() for _ in range(10_000)]
    assert readings == sorted(readings)


def test_real_seconds_until_a_simulated_time() -> None:
    monotonic = Monotonic()
    clock = ScaledClock(ANCHOR_MS, 3600.0, monotonic_ns=monotonic)
    clock.start()
    assert clock.real_seconds_until(ANCHOR_MS + 7_200_000) == pytest.approx(2.0)
    assert clock.real_seconds_until(ANCHOR_MS - 1) == 0.0


@pytest.mark.parametrize("speed", [0.0, -1.0, SPEED_MAX * 2, float("nan")])
def test_an_impossible_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(ANCHOR_MS, speed)
