"""Powers of two from a fixed-point integer table, so that every machine adds the same integers.

libm's exp2 differs between machines in the last bits and overflows where a
forward decay needs it most; this table is built from integer square roots only.
"""

from __future__ import annotations

from math import isqrt, ldexp

FRACTION_BITS = 20
"""Resolution of the exponent's fraction: 2**-20 of a half-life (82 ms for one day)."""
TABLE_BITS = 62
"""Fixed-point bits of a table entry: entries are 2**f · 2**62 for f in [0, 1)."""

WHOLE_MAX = 800
"""Half-lives into the future beyond which a power saturates, so that sums of it stay finite floats."""

_HALF_BITS = FRACTION_BITS // 2
_HALF_MASK = (1 << _HALF_BITS) - 1
_GUARD_BITS = 160


def _tables() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return 2**(i/2**10) and 2**(j/2**20) in TABLE_BITS fixed point, rounded once."""
    roots: list[int] = []
    value = 2 << _GUARD_BITS
    for _ in range(FRACTION_BITS):
        value = isqrt(value << _GUARD_BITS)
        roots.append(value)  # roots[k] = 2**(2**-(k+1))

    def power(bits: int, first_root: int) -> int:
        product = 1 << _GUARD_BITS
        for position in range(_HALF_BITS):
            if bits >> (_HALF_BITS - 1 - position) & 1:
                product = product * roots[first_root + position] >> _GUARD_BITS
        shift = _GUARD_BITS - TABLE_BITS
        return (product + (1 << (shift - 1))) >> shift

    size = 1 << _HALF_BITS
    return (
        tuple(power(i, 0) for i in range(size)),
        tuple(power(j, _HALF_BITS) for j in range(size)),
    )


COARSE, FINE = _tables()


def fraction(remainder: int, period: int) -> int:
    """Return 2**(remainder/period) in TABLE_BITS fixed point, for 0 <= remainder < period."""
    f = (remainder << FRACTION_BITS) // period
    return COARSE[f >> _HALF_BITS] * FINE[f & _HALF_MASK] >> TABLE_BITS


def decay(age: int, period: int) -> float:
    """Return 2**(-age/period) as a float; above 1 for negative ages, and no more than 2**WHOLE_MAX.

    age, period: integers in the same unit, period > 0. Exact to 2**-20 of a half-life.
    """
    whole, remainder = divmod(-age, period)
    if whole > WHOLE_MAX:
        return ldexp(1.0, WHOLE_MAX)
    return ldexp(float(fraction(remainder, period)), whole - TABLE_BITS)
