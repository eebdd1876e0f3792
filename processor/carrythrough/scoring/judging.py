"""How good probabilities were, once the outcomes are known: log-loss, AUC and calibration error.

Plain sums in a fixed order, so that the same predictions give the same figures everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from operator import itemgetter

import msgspec

CALIBRATION_BINS = 15
"""Bins of equal mass for the calibration error (Guo et al., On calibration, ICML 2017, with equal mass)."""
P_LEAST = 1e-6
"""Predictions are clipped to P_LEAST..1 - P_LEAST before their logarithm is taken."""


class Verdict(msgspec.Struct, frozen=True):
    """What a run of predictions is worth. auc is 0.5 where only one kind of outcome occurred.

    rows: predictions judged. log_loss: mean, in nats. ece: mean absolute difference of predicted and
    observed share over CALIBRATION_BINS bins of equal mass, 0..1. predicted, observed: means, 0..1.
    """

    rows: int
    log_loss: float
    auc: float
    ece: float
    predicted: float
    observed: float


def judge(predictions: Sequence[float], outcomes: Sequence[float]) -> Verdict:
    """Return the verdict on `predictions` (0..1) of `outcomes` (0..1; 0.5 and more is a success for the AUC).

    Raises ValueError when there is nothing to judge or the lengths differ.
    """
    if not predictions or len(predictions) != len(outcomes):
        raise ValueError(f"{len(predictions)} predictions of {len(outcomes)} outcomes")
    rows = len(predictions)
    # Ties stay in the order in which they came: sorted by outcome too, they would look badly calibrated.
    pairs = sorted(zip(predictions, outcomes, strict=True), key=itemgetter(0))
    return Verdict(
        rows=rows,
        log_loss=sum(loss(p, y) for p, y in zip(predictions, outcomes, strict=True)) / rows,
        auc=_auc(pairs),
        ece=_calibration_error(pairs),
        predicted=sum(predictions) / rows,
        observed=sum(outcomes) / rows,
    )


def loss(p: float, y: float) -> float:
    """Return the log-loss of one prediction p of an outcome y, both 0..1."""
    p = min(max(p, P_LEAST), 1.0 - P_LEAST)
    return -(y * log(p) + (1.0 - y) * log(1.0 - p))


def _auc(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the share of (success, failure) pairs in the right order, ties counting half (Mann-Whitney)."""
    positives = ranks = 0.0
    start, rows = 0, len(pairs)
    while start < rows:
        end = start
        while end < rows and pairs[end][0] == pairs[start][0]:
            end += 1
        won = sum(1 for _, y in pairs[start:end] if y >= 0.5)
        positives += won
        ranks += won * (start + end + 1) / 2.0
        start = end
    negatives = rows - positives
    if not positives or not negatives:
        return 0.5
    return (ranks - positives * (positives + 1.0) / 2.0) / (positives * negatives)


def _calibration_error(pairs: Sequence[tuple[float, float]]) -> float:
    rows = len(pairs)
    error = 0.0
    for number in range(CALIBRATION_BINS):
        part = pairs[rows * number // CALIBRATION_BINS : rows * (number + 1) // CALIBRATION_BINS]
        error += abs(sum(p for p, _ in part) - sum(y for _, y in part))
    return error / rows
