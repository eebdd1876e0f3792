"""Posteriors of what pushes bring, learnt from logged decisions and what followed within 48 hours.

For each option the decisions count at which it or nothing was chosen, by chance. The choice is centred on its logged
probability, so whatever else steered the outcome (who is busy, who was going to practise anyway) averages out, however
the policy chose (action centring: Greenewald et al., Action centered contextual bandits, NeurIPS 2017):

    x = share recovered * (chosen - p / (p + p_nothing)),   gain = sum x (y - mean of the stage) / sum x²

joined with a normal prior by their precisions. Coarse cells are the priors of finer ones.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import msgspec
import numpy as np

from carrythrough.impact.outcomes import EMPTY, NEAR, WINDOW_MS, PairHistory, followed
from carrythrough.impact.points import NOTHING, DecisionPoint, Option
from carrythrough.reinforcement.choice import gain_of, probabilities, recovered
from carrythrough.reinforcement.posteriors import Cell, Posteriors, keys_of

NOISE = 0.25
"""Variance of a yes or no outcome, at most: the posteriors are rather too wide than too narrow."""
BETWEEN_SD = 0.05
"""How much gains differ between stages and channels of one action, before anything is known."""
Pair = tuple[str, str]


class Trial(msgspec.Struct, frozen=True):
    """One randomised decision whose 48 hours are over. shares: recovered, by action; y: practised or answered."""

    point: DecisionPoint
    shares: dict[str, float]
    y: float


class Learnt(msgspec.Struct, frozen=True):
    """What was learnt. old_value, new_value: the outcome that each version would have had on these decisions."""

    posteriors: Posteriors
    decisions: int
    mean: float
    old_value: float
    new_value: float


def trials_of(
    points: Iterable[DecisionPoint], histories: Mapping[Pair, PairHistory], recovery_days: float, now_ms: int
) -> list[Trial]:
    """Return the randomised decisions that can be learnt from by now_ms, in order of time."""
    newest: dict[tuple[str, str], int] = {}
    found: list[Trial] = []
    for point in sorted(points, key=lambda p: (p.as_of_ms, p.subject, p.skill)):
        if point.randomised and point.as_of_ms + WINDOW_MS[NEAR] <= now_ms:
            shares = {}
            for option in point.choices:
                last_ms = newest.get((point.subject, option.action))
                since_ms = None if last_ms is None else point.as_of_ms - last_ms
                shares[option.action] = recovered(since_ms, recovery_days)
            history = histories.get((point.subject, point.skill), EMPTY)
            y = followed(history, np.array([point.as_of_ms], np.int64), NEAR)
            found.append(Trial(point, shares, float(y[0])))
        if point.pushed and not point.recipient:
            newest[point.subject, point.chosen] = point.as_of_ms
    return found


def learn(trials: Sequence[Trial], before: Posteriors, channels: Mapping[str, str], nothing: float) -> Learnt:
    """Return what the trials teach, starting from the prior of `before`; all of them, so nothing counts twice.

    channels: the one adapter of a rule, by rule. nothing: floor of the policy, for the comparison of versions.
    """
    sums = _sums(trials, channels)
    cells: dict[str, Cell] = {}
    for key in sorted(sums, key=lambda key: (sum(map(bool, key.split("/"))), key)):
        cells[key] = _posterior(_prior(key, cells, before.prior), *sums[key])
    digest = blake2b(msgspec.json.encode(cells, order="deterministic"), digest_size=4).hexdigest()
    posteriors = msgspec.structs.replace(
        before, name=f"learnt-{len(trials)}-{digest}", cells=cells, decisions=len(trials)
    )
    mean = math.fsum(trial.y for trial in trials) / len(trials) if trials else 0.0
    return Learnt(
        posteriors,
        len(trials),
        round(mean, 4),
        round(value(trials, before, channels, nothing), 4),
        round(value(trials, posteriors, channels, nothing), 4),
    )


def value(
    trials: Sequence[Trial], posteriors: Posteriors, channels: Mapping[str, str], nothing: float
) -> float:
    """Return the mean outcome if a version had chosen: by weights new / logged probability, normed to their sum."""
    total = weights = 0.0
    for trial in trials:
        options = [option for option in trial.point.choices if option.action != NOTHING]
        if not options:
            continue
        gains = [
            gain_of(
                posteriors.cell(trial.point.stage, o.action, channels.get(o.rule, "")), trial.shares[o.action]
            )
            for o in options
        ]
        chances = probabilities(gains, nothing if len(options) < len(trial.point.choices) else -1.0)
        chosen, logged = _chosen(trial.point, options)
        if logged > 0.0:
            weight = chances[chosen] / 1e6 / logged
            total, weights = total + weight * trial.y, weights + weight
    return total / weights if weights else 0.0


def _chosen(point: DecisionPoint, options: Sequence[Option]) -> tuple[int, float]:
    """Return the number of what was chosen (0: nothing) and its logged probability."""
    for number, option in enumerate(options, 1):
        if (option.rule, option.action) == (point.rule, point.chosen):
            return number, option.probability
    return 0, _nothing(point)


def _nothing(point: DecisionPoint) -> float:
    return math.fsum(option.probability for option in point.choices if option.action == NOTHING)


def _sums(trials: Sequence[Trial], channels: Mapping[str, str]) -> dict[str, tuple[float, float, int]]:
    """Return (sum of x (y - mean), sum of x², decisions) of each cell."""
    by_stage: dict[str, list[float]] = defaultdict(list)
    for trial in trials:
        by_stage[trial.point.stage].append(trial.y)
    means = {stage: math.fsum(ys) / len(ys) for stage, ys in by_stage.items()}
    parts: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for trial in trials:
        point = trial.point
        p_nothing = _nothing(point)
        for option in point.choices:
            mine = (option.rule, option.action) == (point.rule, point.chosen)
            if option.action == NOTHING or p_nothing <= 0.0 or not (mine or not point.pushed):
                continue
            x = trial.shares[option.action] * (mine - option.probability / (option.probability + p_nothing))
            entry = (x * (trial.y - means[point.stage]), x * x)
            for key in dict.fromkeys(keys_of(point.stage, option.action, channels.get(option.rule, ""))):
                parts[key].append(entry)
    return {
        key: (math.fsum(n for n, _ in found), math.fsum(d for _, d in found), len(found))
        for key, found in parts.items()
    }


def _prior(key: str, cells: Mapping[str, Cell], prior: Cell) -> Cell:
    """Return what a cell starts from: the next coarser one, widened by how much cells differ."""
    stage, action, channel = key.split("/")
    if not stage:
        return prior
    parent = cells[f"{stage}/{action}/" if channel else f"/{action}/"]
    return Cell(parent.mean, math.hypot(parent.sd, BETWEEN_SD))


def _posterior(prior: Cell, top: float, bottom: float, decisions: int) -> Cell:
    precision = 1.0 / prior.sd**2 + bottom / NOISE
    mean = (prior.mean / prior.sd**2 + top / NOISE) / precision
    return Cell(round(min(max(mean, -1.0), 1.0), 6), round(math.sqrt(1.0 / precision), 6), decisions)
