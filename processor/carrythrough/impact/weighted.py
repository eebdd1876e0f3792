"""Weighted and centred least squares: the effect of a push on what follows it, at a horizon fixed beforehand.

Boruvka, Almirall, Witkiewitz and Murphy, Assessing time-varying causal effect moderation in mobile health, JASA
113 (2018) 1112-1121. With W = p~/p for a push and (1-p~)/(1-p) for none, the criterion
sum W (Y - g'a - (A - p~) b)^2 gives the effect b averaged over the decision points, whether or not the working model
g'a of the outcome is right: the centring makes the two orthogonal. p~ is one number for all rows, so b is
the plain average over the decision points in which the push or nothing was chosen. Errors are those of a sandwich
clustered by person, with each person's residuals corrected for leverage (Mancl and DeRouen, Biometrics 57 (2001)
126-134) and Student's t with k - q degrees of freedom, as in Liao, Klasnja, Tewari and Murphy, Statistics in
Medicine 35 (2016) 1944-1971.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np

from carrythrough.impact.trial import Floats, Trial
from carrythrough.scoring.beta import quantile

LEVEL = 0.90
"""Level of the interval at a fixed horizon."""
RIDGE = 1e-9
"""Share of the mean diagonal that is added, so that a control without spread costs nothing but its meaning."""


class Uplift(NamedTuple):
    """An effect as a difference of mean outcomes, -1..1, with its error. df: degrees of freedom of the error."""

    effect: float
    error: float
    df: int
    low: float
    high: float


def uplift(trial: Trial, level: float = LEVEL) -> Uplift | None:
    """Return the effect with an interval for one look at a time chosen beforehand; None where there are too few people.

    level: 0..1, the share of such intervals that hold the true effect. Needs more people than columns
    (controls and two), and both a push and none.
    """
    people = int(trial.person.max()) + 1 if trial.size else 0
    columns = trial.controls.shape[1] + 2
    if people <= columns or trial.treated.all() or not trial.treated.any():
        return None
    share = float(trial.p.mean())
    weight = np.where(trial.treated, share / trial.p, (1.0 - share) / (1.0 - trial.p))
    design = np.empty((trial.size, columns))
    design[:, 0] = 1.0
    design[:, 1:-1] = _scaled(trial.controls)
    design[:, -1] = trial.treated - share
    weighted = design * weight[:, None]
    whole = weighted.T @ design
    whole[np.diag_indices(columns)] += RIDGE * whole.trace() / columns
    found = np.linalg.solve(whole, weighted.T @ trial.y)
    residual = trial.y - design @ found
    scores = _by_person(weighted * residual[:, None], trial.person, people)
    own = _by_person(_products(weighted, design), trial.person, people).reshape(people, columns, columns)
    # (I - H_ii)^-1 of a person's residuals, put through X'W: whole (whole - own)^-1 scores, q by q for each person.
    corrected = np.linalg.solve(whole - own, scores[:, :, None])[:, :, 0] @ whole
    bread = np.linalg.inv(whole)
    variance = bread @ (corrected.T @ corrected) @ bread
    error = max(sqrt(max(float(variance[-1, -1]), 0.0)), _least_error(trial))
    effect, df = float(found[-1]), people - columns
    reach = student_quantile(0.5 + level / 2.0, df) * error
    return Uplift(effect, error, df, effect - reach, effect + reach)


def _least_error(trial: Trial) -> float:
    """Return the error that one outcome unlike all others would leave: outcomes that never differ are no certainty."""
    pushed = int(trial.treated.sum())
    share = 1.0 / (trial.size + 2.0)
    return sqrt(share * (1.0 - share) * (1.0 / pushed + 1.0 / (trial.size - pushed)))


def student_quantile(p: float, df: int) -> float:
    """Return the quantile of Student's t for 0.5 < p < 1, from that of the beta distribution (DLMF 8.17)."""
    x = quantile(2.0 * (1.0 - p), df / 2.0, 0.5)
    return sqrt(df * (1.0 - x) / x)


def _scaled(controls: Floats) -> Floats:
    """Return controls with mean 0 and spread 1; one without spread is 0."""
    spread = controls.std(axis=0)
    scaled: Floats = (controls - controls.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    return scaled


def _products(left: Floats, right: Floats) -> Floats:
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


def _by_person(rows: Floats, person: np.ndarray, people: int) -> Floats:
    """Return the sums of rows of each person: (people, columns)."""
    return np.stack([np.bincount(person, column, people) for column in rows.T], axis=1)
