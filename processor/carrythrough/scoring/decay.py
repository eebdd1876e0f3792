"""Forward-decayed integer sums: the part of the state that any arrival order leaves bit-identical.

Each term is rounded once to 2**-40 and added as an integer, so addition is
associative, commutative and invertible (Cormode, Shkapenyuk, Srivastava, Xu:
Forward decay, ICDE 2009). Landmarks are fixed blocks of 32 half-lives of event
time; the newest three blocks are kept and an older one reads as zero by
definition (its weight is under 2**-64), so what is kept depends on the set of
evidence alone. Never rebase by shifting: that rounds.
"""

from __future__ import annotations

from functools import lru_cache
from math import ldexp
from typing import Final

from carrythrough.scoring.pow2 import COARSE, FINE, FRACTION_BITS, TABLE_BITS, decay

DAY_MS: Final = 86_400_000
LEARN_HALF_LIVES_MS: Final = (DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 200 * DAY_MS)
JOB_HALF_LIVES_MS: Final = (30 * DAY_MS, 90 * DAY_MS)
BLOCK_HALF_LIVES: Final = 32
BLOCKS_KEPT: Final = 3
SUM_BITS: Final = 40
"""Sums are integers in units of 2**-40."""

# w is in 2**-10 and y in 2**-16 (evidence.types): what a product must lose to land on 2**-40.
_W_SHIFT: Final = TABLE_BITS + 10 - SUM_BITS
_YW_SHIFT: Final = TABLE_BITS + 26 - SUM_BITS
_W_HALF: Final = 1 << (_W_SHIFT - 1)
_YW_HALF: Final = 1 << (_YW_SHIFT - 1)
_HALF_BITS: Final = FRACTION_BITS // 2
_HALF_MASK: Final = (1 << _HALF_BITS) - 1

FACTORS_REMEMBERED: Final = 2_048
"""Factors kept: the channels of a pair, and pairs read at one time, share their landmarks."""
BLOCK_KEY_BITS: Final = 32
"""A key of `Sums` is half-life index << 32 | block number (blocks since the epoch, never negative)."""

Sums = dict[int, tuple[int, int, int]]
"""(half-life index, block) -> (ΣN, ΣA, ΣR) in units of 2**-40."""


def add(sums: Sums, half_lives: tuple[int, ...], t_ms: int, w: int, yw: int, rw: int) -> None:
    """Add one piece of evidence to `sums` in place; negative weights subtract the same integers.

    t_ms: event time >= 0. w: weight in 2**-10. yw: outcome·weight in 2**-26. rw: residual·weight
    (learn, practice) or assisted outcome·weight (job, observed) in 2**-26. The signs of the three
    are applied after rounding, so `add(-w, -yw, -rw)` removes exactly what `add(w, yw, rw)` added.
    """
    for index, half_life in enumerate(half_lives):
        whole, remainder = divmod(t_ms, half_life)
        block = whole >> 5  # 32 half-lives a block
        f = (remainder << FRACTION_BITS) // half_life
        p = (COARSE[f >> _HALF_BITS] * FINE[f & _HALF_MASK] >> TABLE_BITS) << (whole & 31)
        key = index << BLOCK_KEY_BITS | block
        old = sums.get(key)
        if old is None:
            if not _admit_block(sums, key):
                continue
            old = (0, 0, 0)
        sums[key] = (
            old[0] + _round(w, p, _W_HALF, _W_SHIFT),
            old[1] + _round(yw, p, _YW_HALF, _YW_SHIFT),
            old[2] + (_round(rw, p, _YW_HALF, _YW_SHIFT) if rw else 0),
        )


def _round(factor: int, p: int, half: int, shift: int) -> int:
    """Round factor·p half away from zero, so that negation and rounding commute."""
    if factor >= 0:
        return (factor * p + half) >> shift
    return -((-factor * p + half) >> shift)


def _admit_block(sums: Sums, key: int) -> bool:
    """Make room for a new block and say whether it is among the newest three of its half-life."""
    index = key >> BLOCK_KEY_BITS
    same = [k for k in sums if k >> BLOCK_KEY_BITS == index]
    newest = max(same, default=key)
    if key <= newest - BLOCKS_KEPT:
        return False
    for k in same:
        if k <= key - BLOCKS_KEPT:
            del sums[k]
    return True


@lru_cache(maxsize=FACTORS_REMEMBERED)
def _unit_now(age_ms: int, half_life_ms: int) -> float:
    """Return what one unit of a sum whose landmark is `age_ms` old weighs now."""
    return ldexp(decay(age_ms, half_life_ms), -SUM_BITS)


def read_weight(sums: Sums, half_lives: tuple[int, ...], index: int, now_ms: int) -> float:
    """Return N decayed to `now_ms` for one half-life: the same bits as `read(...)[index][0]`."""
    half_life = half_lives[index]
    total = 0.0
    for key in sorted(k for k in sums if k >> BLOCK_KEY_BITS == index):
        landmark = (key & 0xFFFFFFFF) * BLOCK_HALF_LIVES * half_life
        total += sums[key][0] * _unit_now(now_ms - landmark, half_life)
    return total


def read(sums: Sums, half_lives: tuple[int, ...], now_ms: int) -> list[tuple[float, float, float]]:
    """Return (N, A, R) decayed to `now_ms` for each half-life, in order of `half_lives`.

    Blocks are added oldest first, so the float result is a function of the sums alone.
    """
    totals = [(0.0, 0.0, 0.0)] * len(half_lives)
    for key in sorted(sums) if len(sums) > len(half_lives) else sums:
        index = key >> BLOCK_KEY_BITS
        half_life = half_lives[index]
        landmark = (key & 0xFFFFFFFF) * BLOCK_HALF_LIVES * half_life
        factor = _unit_now(now_ms - landmark, half_life)
        n, a, r = sums[key]
        before = totals[index]
        totals[index] = (before[0] + n * factor, before[1] + a * factor, before[2] + r * factor)
    return totals
