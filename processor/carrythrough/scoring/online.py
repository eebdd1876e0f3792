"""Logistic regression learnt in one pass: an extended Kalman filter over a few dense weights and many hashed ones.

The dense block keeps its full covariance, so that correlated features share what one answer teaches;
each hashed weight keeps its own precision, which is AdaGrad's idea with the curvature of the logistic
in place of the squared gradient. Every weight starts as a normal prior, whose precision says how many
answers it takes to move it. Sources: Fahrmeir, Posterior mode estimation by extended Kalman filtering,
JASA 87 (1992); Graepel et al., Web-scale Bayesian click-through rate prediction, ICML 2010 (diagonal
form); Duchi, Hazan, Singer, Adaptive subgradient methods, JMLR 12 (2011).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import exp
from typing import Final

import numpy as np
import numpy.typing as npt

CURVATURE_LEAST: Final = 0.02
"""Least curvature p(1-p) of one answer: a sure prediction that fails must not jump without bound."""
LOGIT_MOST: Final = 30.0

Hashed = dict[int, tuple[float, float]]
"""slot → (value, precision of the slot's prior)."""


class OnlineLogit:
    """The weights: `dense` of them with full covariance, `slots` hashed ones (a power of two).

    mean: prior means of the dense weights. precision: prior precision of each of them.
    Memory: 8·dense² + 16·slots bytes.
    """

    __slots__ = ("covariance", "gathered", "hashed", "slots", "weights")

    def __init__(self, mean: Sequence[float], precision: Sequence[float], slots: int) -> None:
        if slots & (slots - 1) or len(mean) != len(precision):
            raise ValueError("slots is a power of two, and each dense weight has a prior mean and precision")
        self.weights: npt.NDArray[np.float64] = np.array(mean, dtype=np.float64)
        self.covariance: npt.NDArray[np.float64] = np.diag(1.0 / np.array(precision, dtype=np.float64))
        self.slots = slots
        self.hashed = array("d", bytes(8 * slots))
        self.gathered = array("d", bytes(8 * slots))

    def logit(self, row: npt.NDArray[np.float64], hashed: Hashed) -> float:
        """Return Σ weight·value over the dense `row` and the `hashed` slots, within ±LOGIT_MOST."""
        total = float(self.weights @ row)
        weights = self.hashed
        for slot, (value, _) in hashed.items():
            total += weights[slot] * value
        return min(max(total, -LOGIT_MOST), LOGIT_MOST)

    def learn(
        self, row: npt.NDArray[np.float64], hashed: Hashed, p: float, y: float, weight: float = 1.0
    ) -> None:
        """Take in one outcome y (0..1) that was predicted with p from the same features, in O(dense²).

        One step of the filter: gain = Σx / (1/v + xᵀΣx), with v = weight·p(1-p). weight: above 0.
        """
        curvature = weight * max(p * (1.0 - p), CURVATURE_LEAST)
        spread = self.covariance @ row
        variance = float(row @ spread)
        gathered = self.gathered
        for slot, (value, prior) in hashed.items():
            variance += value * value / (prior + gathered[slot])
        known = 1.0 / curvature + variance
        step = weight * (y - p) / (curvature * known)
        self.weights += spread * step
        # One product and one factor, so that the matrix stays symmetric to the last bit.
        self.covariance -= np.multiply.outer(spread, spread) * (1.0 / known)
        self._move(hashed, step, curvature)

    def learn_hashed(self, hashed: Hashed, p: float, y: float) -> None:
        """Take in one outcome by some hashed weights alone, all others held to be certain."""
        curvature = max(p * (1.0 - p), CURVATURE_LEAST)
        gathered = self.gathered
        variance = sum(value * value / (prior + gathered[slot]) for slot, (value, prior) in hashed.items())
        self._move(hashed, (y - p) / (curvature * (1.0 / curvature + variance)), curvature)

    def _move(self, hashed: Hashed, step: float, curvature: float) -> None:
        weights, gathered = self.hashed, self.gathered
        for slot, (value, prior) in hashed.items():
            weights[slot] += step * value / (prior + gathered[slot])
            gathered[slot] += curvature * value * value


def sigmoid(x: float) -> float:
    """Return 1/(1+exp(-x)) for |x| <= LOGIT_MOST."""
    return 1.0 / (1.0 + exp(-x))
