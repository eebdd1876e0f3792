"""A KPI reading against its standard: the probability that the true value meets the target.

Only additions, multiplications and divisions of IEEE 754 doubles are used, never libm, so that
the same reading gives the same bits on every machine.
"""

from __future__ import annotations

from carrythrough.evidence.baselines import ANY, NORMAL_MAD, Baseline, Cell
from carrythrough.evidence.types import Y_ONE
from carrythrough.program.types import Kpi

_INVERSE_ROOT_TWO_PI = 0.3989422804014327
Z_MAX = 4.5
"""Beyond this the probability rounds to 0 or 1 in 2⁻¹⁶."""


def normal_cdf(z: float) -> float:
    """Return Φ(z) for a finite z within 1e-10, by its Maclaurin series (A&S 26.2.10).

    Φ(z) = 1/2 + φ(0)·Σ (−1)ⁿ z²ⁿ⁺¹ / (2ⁿ n! (2n+1)); cut to 0 and 1 beyond ±Z_MAX.
    """
    if z >= Z_MAX:
        return 1.0
    if z <= -Z_MAX:
        return 0.0
    square = z * z
    term = total = z
    n = 0
    while abs(term) > 1e-18:
        n += 1
        term *= -square / (2 * n)
        total += term / (2 * n + 1)
    return 0.5 + _INVERSE_ROOT_TWO_PI * total


def outcome_of_reading(
    kpi: Kpi, value: float, baseline: Baseline | None = None, role: str = ANY, site: str = ANY
) -> int | None:
    """Return P(true value meets the target) in 0..Y_ONE, or None when the KPI has no target.

    The target is that of role and site where the KPI has one of its own for them (`Kpi.target_for`).

    y = Φ(direction·(value − target)/noise), the noise that the map declares, else the one that the
    baseline measured; without either it is met or not (a reading on the target meets it).

    Without a target but with a closed baseline, the rank among peers of role and site takes its place
    (see `is_fallback`): z = direction·(value − median)/(1.4826·MAD), y = Φ(z).
    """
    target = kpi.target_for(role, site) if kpi.targets else kpi.target
    if target is None:
        return None if baseline is None else _rank(kpi, value, baseline.cell(role, site))
    noise = kpi.noise_sd or (0.0 if baseline is None else baseline.noise_sd)
    return _surely_above(_signed(kpi, value - target), noise)


def is_fallback(kpi: Kpi, role: str = ANY, site: str = ANY) -> bool:
    """Say whether an outcome of this KPI can only be a rank for somebody, to be labelled wherever it shows."""
    return (kpi.target_for(role, site) if kpi.targets else kpi.target) is None


def _rank(kpi: Kpi, value: float, peers: Cell | None) -> int | None:
    if peers is None:
        return None
    above = _signed(kpi, value - peers.median)
    if peers.mad <= 0.0 and above == 0.0:
        return Y_ONE // 2  # nobody differs, and this one does not either
    return _surely_above(above, NORMAL_MAD * peers.mad)


def _signed(kpi: Kpi, distance: float) -> float:
    return distance if kpi.direction == "up" else -distance


def _surely_above(above: float, spread: float) -> int:
    if spread <= 0.0:
        return Y_ONE if above >= 0.0 else 0
    return int(normal_cdf(above / spread) * Y_ONE + 0.5)
