"""The shadow head: the weights of the head in force, learnt on from outcomes of the job, and held against it.

Every outcome on the job is predicted twice before it is learnt, by the version in force and by the
shadow, each through the job layer as a score would be. The tallies of both are what a promotion shows.
Memory is fixed: 17 weights with their covariance, and two histograms of predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from carrythrough.scoring.head import FEATURES, Model, prior
from carrythrough.scoring.judging import CALIBRATION_BINS, Verdict, loss
from carrythrough.scoring.online import OnlineLogit
from carrythrough.scoring.promotion import Comparison

SIGNS: Final = (0, *(1,) * 12, -1, 1, 1, 2)
"""1: not negative, -1: not positive, 0: free, 2: nought; in the order of FEATURES.

No explanation may say that success lowers a score, and to watch more must never be a way to score more.
"""
PRIOR_PRECISION: Final = 200.0
"""How firmly the shadow starts from the version in force: some hundreds of outcomes move a weight."""
BINS: Final = 300
"""Bins of predictions in a tally: AUC and calibration are exact to the width of one."""
SNAPSHOT_VERSION: Final = 2
WEIGHT_LEAST: Final = 1e-9


class Outcome(msgspec.Struct, frozen=True):
    """One outcome of the job with what was known just before it.

    row: values of FEATURES. trials, successes: N_job, A_job of the job layer. y: 0..1. weight: above 0.
    """

    row: tuple[float, ...]
    trials: float
    successes: float
    y: float
    weight: float


class Tally(msgspec.Struct):
    """Sums over predictions: enough for log-loss, AUC and calibration, in fixed memory.

    won, lost, said: by bin, Σ w·y, Σ w·(1-y), Σ w·p. losses: Σ w·loss. outcomes: how many.
    """

    won: list[float]
    lost: list[float]
    said: list[float]
    losses: float = 0.0
    outcomes: int = 0

    def count(self, p: float, y: float, weight: float) -> None:
        """Count one prediction p of an outcome y, both 0..1."""
        at = min(int(p * BINS), BINS - 1)
        self.won[at] += weight * y
        self.lost[at] += weight * (1.0 - y)
        self.said[at] += weight * p
        self.losses += weight * loss(p, y)
        self.outcomes += 1

    def verdict(self) -> Verdict | None:
        """Return what the predictions were worth, None before the first."""
        won, lost = sum(self.won), sum(self.lost)
        total = won + lost
        if total <= WEIGHT_LEAST:
            return None
        return Verdict(
            rows=self.outcomes,
            log_loss=self.losses / total,
            auc=self._auc(won, lost),
            ece=self._calibration_error(total),
            predicted=sum(self.said) / total,
            observed=won / total,
        )

    def _auc(self, won: float, lost: float) -> float:
        if won <= WEIGHT_LEAST or lost <= WEIGHT_LEAST:
            return 0.5
        under = right = 0.0
        for hits, misses in zip(self.won, self.lost, strict=True):
            right += hits * (under + misses / 2.0)
            under += misses
        return right / (won * lost)

    def _calibration_error(self, total: float) -> float:
        """Close a group whenever it holds its share of the mass: about CALIBRATION_BINS groups."""
        error = gap = mass = 0.0
        for hits, misses, said in zip(self.won, self.lost, self.said, strict=True):
            gap += said - hits
            mass += hits + misses
            if mass >= total / CALIBRATION_BINS:
                error, gap, mass = error + abs(gap), 0.0, 0.0
        return (error + abs(gap)) / total


def empty_tally() -> Tally:
    """Return a tally of nothing."""
    return Tally([0.0] * BINS, [0.0] * BINS, [0.0] * BINS)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All that a shadow is: what the file holds. position: of the log, up to which outcomes were learnt.

    rival: the version that it started from and is held against. learnt: outcomes taken in.
    """

    version: int
    position: int
    rival: Model
    learnt: int
    weights: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    old: Tally
    new: Tally


class Shadow:
    """The shadow of one version; a promotion starts another."""

    def __init__(self, rival: Model, position: int = 0) -> None:
        self.rival = rival
        self.position = position
        self.learnt = 0
        self.old, self.new = empty_tally(), empty_tally()
        self._logit = OnlineLogit(rival.weights, (PRIOR_PRECISION,) * len(FEATURES), 1)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Shadow:
        """Return the shadow of a snapshot, to the last bit."""
        shadow = cls(snapshot.rival, snapshot.position)
        shadow.learnt = snapshot.learnt
        shadow.old, shadow.new = _copied(snapshot.old), _copied(snapshot.new)
        shadow._logit.weights = np.array(snapshot.weights, dtype=np.float64)
        shadow._logit.covariance = np.array(snapshot.covariance, dtype=np.float64)
        return shadow

    def snapshot(self) -> Snapshot:
        """Return all that it is, by value."""
        return Snapshot(
            version=SNAPSHOT_VERSION,
            position=self.position,
            rival=self.rival,
            learnt=self.learnt,
            weights=tuple(map(float, self._logit.weights)),
            covariance=tuple(tuple(map(float, row)) for row in self._logit.covariance),
            old=_copied(self.old),
            new=_copied(self.new),
        )

    def model(self) -> Model:
        """Return what was learnt as a frozen version, its signs held, named after its place in the log."""
        weights = tuple(round(weight, 6) for weight in self._constrained())
        return msgspec.structs.replace(self.rival, name=f"learnt-{self.position}", weights=weights)

    def take(self, outcome: Outcome) -> None:
        """Predict one outcome by both versions, count both predictions, then learn it."""
        row = list(outcome.row)
        shadow = msgspec.structs.replace(self.rival, weights=self._constrained())
        pi = prior(row, shadow)
        self.old.count(self._score(prior(row, self.rival), outcome), outcome.y, outcome.weight)
        self.new.count(self._score(pi, outcome), outcome.y, outcome.weight)
        values = np.array(row, dtype=np.float64)
        self._logit.learn(values, {}, pi, outcome.y, outcome.weight)
        self.learnt += 1

    def comparison(self) -> Comparison:
        """Return both versions on the outcomes so far; of answers nothing (`AnswerShadow`)."""
        return Comparison(
            old=self.rival.name,
            new=self.model().name,
            outcomes=self.old.outcomes,
            old_verdict=self.old.verdict(),
            new_verdict=self.new.verdict(),
        )

    def _score(self, pi: float, outcome: Outcome) -> float:
        m = self.rival.job_strength
        return (m * pi + outcome.successes) / (m + max(outcome.trials, outcome.successes))

    def _constrained(self) -> tuple[float, ...]:
        return tuple(_held(float(w), sign) for w, sign in zip(self._logit.weights, SIGNS, strict=True))


def _held(weight: float, sign: int) -> float:
    if sign == 2:
        return 0.0
    if sign == 0:
        return weight
    return max(weight, 0.0) if sign == 1 else min(weight, 0.0)


def _copied(tally: Tally) -> Tally:
    return Tally(list(tally.won), list(tally.lost), list(tally.said), tally.losses, tally.outcomes)


def take_all(shadow: Shadow, outcomes: Sequence[Outcome], position: int) -> None:
    """Take outcomes in log order and note how far that went."""
    for outcome in outcomes:
        shadow.take(outcome)
    shadow.position = position
