"""The choice among what guards let pass: Thompson sampling with recovery, and a floor under "nothing".

The probabilities come first and the draw second. Thompson sampling is carried out on a fixed sample of SAMPLES points
for all options at once, which gives each option the share of points at which its gain is the greatest; then one
number, a hash of the decision's id, draws from exactly these shares. So what is logged as probability is the
probability, to the millionth, and the choice is a function of (state, policy version, decision id).

Source of the recovery: a push that went out lately has less effect until it has recovered (Pike-Burke and Grünewälder,
Recovering bandits, NeurIPS 2019; dosage in HeartSteps, Liao et al. 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from statistics import NormalDist

from carrythrough.reinforcement.posteriors import Cell

DAY_MS = 86_400_000
SAMPLES = 256
"""Points of the fixed sample: shares in steps of 0.4 %."""
WHOLE = 1_000_000
"""Probabilities are counted in millionths, so that they add up and a draw from them is exact."""
EXPLORE = 100_000
"""This much of what is not the floor is spread evenly over the actions: no version can stop learning about one."""
COST = 0.01
"""A push has to bring practice once in a hundred times to be worth somebody's attention."""

Gain = tuple[float, float]
"""(mean, standard deviation) of what an option brings over nothing, as it is now."""


def recovered(since_ms: int | None, recovery_days: float) -> float:
    """Return the share 0..1 of its effect that an action has again, since_ms after it was last sent to the person.

    1 - 2^(-days / recovery_days); None, never sent: 1. Rounded, so that the last bits of a power decide nothing.
    """
    if since_ms is None:
        return 1.0
    lost: float = 0.5 ** (max(since_ms, 0) / DAY_MS / recovery_days)
    return round(1.0 - lost, 3)


def gain_of(cell: Cell, share: float) -> Gain:
    """Return the gain of an option whose effect has recovered to a share, less its cost."""
    return round(cell.mean * share - COST, 6), round(cell.sd * share, 6)


def probabilities(gains: Sequence[Gain], nothing: float) -> tuple[int, ...]:
    """Return the probabilities in millionths: of nothing first, then of each option; they add up to WHOLE.

    gains: of 1 or more options. nothing: its floor 0..1; negative: nothing is no choice at all.
    """
    counts = _shares(tuple(gains), nothing < 0.0)
    floor = max(0, round(nothing * WHOLE))
    left = WHOLE - floor
    explored = left * EXPLORE // WHOLE
    each = explored // len(gains)
    of_options = [(left - explored) * count // SAMPLES + each for count in counts[1:]]
    if nothing >= 0.0:
        return WHOLE - sum(of_options), *of_options
    best = of_options.index(max(of_options))
    of_options[best] += WHOLE - sum(of_options)
    return 0, *of_options


def drawn(chances: Sequence[int], decision: str) -> int:
    """Return which of some choices a decision's id draws. chances: in millionths, adding up to WHOLE."""
    digest = blake2b(decision.encode(), digest_size=8, person=b"choice").digest()
    point = int.from_bytes(digest, "big") * WHOLE >> 64
    for number, chance in enumerate(chances):
        point -= chance
        if point < 0:
            return number
    raise ValueError(chances)


@lru_cache(maxsize=4096)
def _shares(gains: tuple[Gain, ...], only_options: bool) -> tuple[int, ...]:  # noqa: FBT001 - a key of the memory
    """Return at how many of SAMPLES points nothing (first) and each option is the best."""
    counts = [0] * (len(gains) + 1)
    columns = [[mean + sd * z for z in _column(n)] for n, (mean, sd) in enumerate(gains)]
    for point in zip(*columns, strict=True):
        best = max(range(len(point)), key=point.__getitem__)
        counts[best + 1 if only_options or point[best] > 0.0 else 0] += 1
    return tuple(counts)


_NORMAL = tuple(round(NormalDist().inv_cdf((n + 0.5) / SAMPLES), 6) for n in range(SAMPLES))


@lru_cache(maxsize=256)
def _column(option: int) -> tuple[float, ...]:
    """Return the standard normal points of one option: a Latin hypercube whose order is a hash."""

    def place(n: int) -> bytes:
        return blake2b(f"{option}/{n}".encode(), digest_size=8).digest()

    return tuple(_NORMAL[n] for n in sorted(range(SAMPLES), key=place))
