"""How much of what the answer learner says is to be believed: a line through its own record, learnt as it goes.

A learner of many weights that sees each answer once is surer than it has reason to be, most of all where
there is little to find. So its logit is read against the base rate, and both are joined again with an
offset and a slope that are learnt from every answer after its prediction (Platt, Probabilistic outputs for
support vector machines, in Advances in large margin classifiers, 1999; here by the filter that learns the
weights, one answer at a time).
"""

from __future__ import annotations

from math import log
from typing import Final

import msgspec

from carrythrough.scoring.online import CURVATURE_LEAST, sigmoid

PRECISION: Final = 100.0
"""Prior precision of offset and slope: about four hundred answers at p = ½ and a logit from the base rate."""
SHARE_LEAST: Final = 1e-3
"""Base rates nearer to 0 or 1 are taken for this."""


class Temper(msgspec.Struct):
    """logit q = b + offset + slope·(logit p − b), b being the logit of the base rate.

    spread_*: covariance of offset and slope. It starts as q = p.
    """

    offset: float = 0.0
    slope: float = 1.0
    spread_offset: float = 1.0 / PRECISION
    spread_both: float = 0.0
    spread_slope: float = 1.0 / PRECISION

    def apply(self, logit: float, base: float) -> float:
        """Return the tempered probability, 0..1; logit: as the learner says. base: share of successes so far."""
        origin = _logit(base)
        return sigmoid(origin + self.offset + max(self.slope, 0.0) * (logit - origin))

    def learn(self, logit: float, base: float, y: float, weight: float = 1.0) -> None:
        """Take in the outcome y (0..1) of an answer, in O(1); weight: above 0."""
        value = logit - _logit(base)
        q = self.apply(logit, base)
        curvature = weight * max(q * (1.0 - q), CURVATURE_LEAST)
        a = self.spread_offset + self.spread_both * value
        b = self.spread_both + self.spread_slope * value
        known = 1.0 / curvature + a + b * value
        step = weight * (y - q) / (curvature * known)
        self.offset += a * step
        self.slope += b * step
        self.spread_offset -= a * a / known
        self.spread_both -= a * b / known
        self.spread_slope -= b * b / known


def _logit(share: float) -> float:
    held = min(max(share, SHARE_LEAST), 1.0 - SHARE_LEAST)
    return log(held / (1.0 - held))
