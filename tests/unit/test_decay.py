"""Forward decay: the integers agree with the formula, and what is kept depends on the set alone."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from carrythrough.scoring.decay import (
    BLOCK_HALF_LIVES,
    BLOCKS_KEPT,
    DAY_MS,
    JOB_HALF_LIVES_MS,
    LEARN_HALF_LIVES_MS,
    Sums,
    add,
    read,
)
from carrythrough.scoring.pow2 import COARSE, FINE, TABLE_BITS, decay, fraction

NOW = 20_000 * DAY_MS
ONE_Y, ONE_W = 1 << 16, 1 << 10


def test_table_entries_are_the_rounded_powers_of_two() -> None:
    # 2**(i/1024) raised to the 1024th power must be 2**i: exact integers, no libm in between.
    for i in (0, 1, 511, 1023):
        assert abs(Fraction(COARSE[i], 1 << TABLE_BITS) ** 1024 / 2**i - 1) < Fraction(1, 1 << 50)
    for j in (1, 17, 512):
        # 2**(j/2**20) · 2**((1024-j)/2**20) = 2**(1/1024)
        assert abs(FINE[j] * FINE[1024 - j] / (COARSE[1] << TABLE_BITS) - 1) < 1e-15


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.999])
def test_fraction_is_two_to_the_share(share: float) -> None:
    period = 1_000_003
    value = fraction(int(share * period), period) / (1 << TABLE_BITS)
    assert value == pytest.approx(2.0**share, rel=2e-6)


def test_decay_halves_a_half_life_and_doubles_backwards() -> None:
    assert decay(DAY_MS, DAY_MS) == 0.5
    assert decay(-3 * DAY_MS, DAY_MS) == 8.0
    assert decay(90_000 * DAY_MS, 30 * DAY_MS) == 0.0 or decay(90_000 * DAY_MS, 30 * DAY_MS) < 1e-300


def test_sums_read_as_the_decayed_weights() -> None:
    rng = random.Random(5)
    events = [
        (NOW - rng.randrange(400 * DAY_MS), rng.randrange(0, ONE_Y + 1), rng.randrange(1, 4 * ONE_W))
        for _ in range(200)
    ]
    sums: Sums = {}
    for t, y, w in events:
        add(sums, LEARN_HALF_LIVES_MS, t, w, y * w, (y - 30_000) * w)
    for (n, a, r), half_life in zip(read(sums, LEARN_HALF_LIVES_MS, NOW), LEARN_HALF_LIVES_MS, strict=True):
        # A block that was dropped reads as zero; for one day that is what lies three blocks back.
        newest = max(t for t, _, _ in events) // (BLOCK_HALF_LIVES * half_life)
        kept = [e for e in events if e[0] // (BLOCK_HALF_LIVES * half_life) > newest - BLOCKS_KEPT]
        weight = [w / ONE_W * 2.0 ** ((t - NOW) / half_life) for t, _, w in kept]
        assert n == pytest.approx(sum(weight), rel=3e-5)
        assert a == pytest.approx(
            sum(v * y / ONE_Y for v, (_, y, _) in zip(weight, kept, strict=True)), rel=3e-5
        )
        expected = sum(v * (y - 30_000) / ONE_Y for v, (_, y, _) in zip(weight, kept, strict=True))
        assert r == pytest.approx(expected, abs=1e-4 * max(1.0, sum(weight)))


def test_subtracting_gives_exactly_what_was_before() -> None:
    sums: Sums = {}
    add(sums, JOB_HALF_LIVES_MS, NOW - 7 * DAY_MS, 777, 777 * 12_345, -5_000_001)
    before = dict(sums)
    add(sums, JOB_HALF_LIVES_MS, NOW - 6 * DAY_MS, 333, 333 * 60_000, 7)
    add(sums, JOB_HALF_LIVES_MS, NOW - 6 * DAY_MS, -333, -333 * 60_000, -7)
    assert sums == before


def test_ten_years_keep_three_blocks_and_hundred_bits() -> None:
    sums: Sums = {}
    for day in range(3650):
        for hour in range(4):
            t = NOW - (3650 - day) * DAY_MS + hour * 3_600_000
            add(sums, LEARN_HALF_LIVES_MS, t, 8 * ONE_W, 8 * ONE_W * ONE_Y, 8 * ONE_W * ONE_Y)
    assert len(sums) <= BLOCKS_KEPT * len(LEARN_HALF_LIVES_MS)
    assert max(v.bit_length() for triple in sums.values() for v in triple) <= 100


def test_an_event_older_than_the_kept_blocks_is_zero_whenever_it_comes() -> None:
    old, new = NOW - 4 * BLOCK_HALF_LIVES * DAY_MS, NOW
    first: Sums = {}
    add(first, (DAY_MS,), old, ONE_W, 0, 0)
    add(first, (DAY_MS,), new, ONE_W, 0, 0)
    second: Sums = {}
    add(second, (DAY_MS,), new, ONE_W, 0, 0)
    add(second, (DAY_MS,), old, ONE_W, 0, 0)
    assert first == second
    assert math.isclose(read(first, (DAY_MS,), NOW)[0][0], 1.0, rel_tol=1e-6)
