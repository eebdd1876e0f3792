"""A frozen version of the head on its way into force: what it is held against, and what it must satisfy."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.scoring.head import FEATURES, Model
from carrythrough.scoring.judging import Verdict
from carrythrough.scoring.model import SHIPPED

ITEMS_MAX = 20_000
"""Items of a table: about a megabyte in the log record that activates it."""
ITEM_OUTCOMES_LEAST = 20.0
"""Weight of the outcomes that an item must have before it says more than the program map."""
ITEM_STRENGTH = 10.0
"""Pseudo-outcomes of the mean of all items in the expected success of one."""


def item_table(sums: Iterable[tuple[str, float, float]]) -> dict[str, float]:
    """Return expected success by item from (item, weight of outcomes, weighted success), to five digits.

    p̂ = (A + μ·k)/(N + k) with k = ITEM_STRENGTH and μ the mean over all items: the beta-binomial shrinkage
    of Efron and Morris (JASA 70, 1975) with a fixed strength. Of more than ITEMS_MAX items the heaviest stay.
    """
    rows = list(sums)
    total = sum(n for _, n, _ in rows)
    if total <= 0.0:
        return {}
    mean = sum(a for _, _, a in rows) / total
    known = sorted((row for row in rows if row[1] >= ITEM_OUTCOMES_LEAST), key=lambda row: (-row[1], row[0]))
    return {
        item: round((a + mean * ITEM_STRENGTH) / (n + ITEM_STRENGTH), 5)
        for item, n, a in sorted(known[:ITEMS_MAX])
    }


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions on the same outcomes of the job, each predicted before it was learnt.

    old, new: names of the versions; old is the one in force. outcomes: predicted by both.
    """

    old: str
    new: str
    outcomes: int
    old_verdict: Verdict | None
    new_verdict: Verdict | None


def figures_of(comparison: Comparison) -> dict[str, float]:
    """Return the figures that the log record of a promotion keeps; none where nothing was predicted."""
    old, new = comparison.old_verdict, comparison.new_verdict
    if old is None or new is None:
        return {"outcomes": 0.0}
    return {
        "outcomes": float(comparison.outcomes),
        "log_loss_old": old.log_loss,
        "log_loss_new": new.log_loss,
        "auc_old": old.auc,
        "auc_new": new.auc,
        "ece_old": old.ece,
        "ece_new": new.ece,
    }


def check(model: Model) -> None:
    """Raise PermanentError (model-invalid) when a model does not fit this program."""
    if len(model.weights) != len(FEATURES):
        raise _invalid(f"{len(model.weights)} weights, this program reads {len(FEATURES)} features")
    if not all(isfinite(weight) for weight in model.weights):
        raise _invalid("a weight is no finite number")
    if not (0.0 < model.base < 1.0 and 0.0 < model.certainty <= 1.0):
        raise _invalid("base and certainty lie between 0 and 1")
    if not (model.strength > 0.0 and model.job_strength > 0.0):
        raise _invalid("strength and job_strength are above 0")
    if len(model.items) > ITEMS_MAX or not all(0.0 <= p <= 1.0 for p in model.items.values()):
        raise _invalid(f"the item table has at most {ITEMS_MAX} items, each expected success from 0 to 1")
    if not model.name.strip() or (model.name == SHIPPED.name and model != SHIPPED):
        raise _invalid(f"the name {model.name!r} is empty or taken")


def _invalid(detail: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="model-invalid",
            status=400,
            title="This version of the head cannot score",
            detail=detail,
            rule="a version has one finite weight a feature, and a name of its own",
            fix="promote a version that this program learnt, or the shipped one",
        )
    )
