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


class LearntItem(msgspec.Struct, frozen=True):
    """One item as the answer learner knows it, whoever answers.

    skills: what it is asked about. answers: weight of the answers to it that were learnt. right: share of
    successes among those that stand in the ledger, 0..1. expected: success that the learner expects, 0..1:
    (A + 3·skill)/(N + 3), and the skill likewise leans on all answers with 5 (`scoring.learner`).
    """

    item: str
    skills: tuple[str, ...]
    answers: float
    right: float
    expected: float


def item_table(items: Iterable[LearntItem]) -> dict[str, float]:
    """Return expected success by item, to five digits, as a version in force stamps it on evidence.

    Of items with ITEM_OUTCOMES_LEAST and more; of more than ITEMS_MAX of them those answered most.
    """
    known = sorted(
        (one for one in items if one.answers >= ITEM_OUTCOMES_LEAST), key=lambda one: (-one.answers, one.item)
    )
    return {one.item: round(one.expected, 5) for one in sorted(known[:ITEMS_MAX], key=lambda one: one.item)}


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What was predicted before it was learnt: outcomes of the job by two versions, and answers.

    old, new: names of the versions; old is the one in force. outcomes: of the job, predicted by both.
    answers: answers and practice that the head in force (answers_head, its prior) and the answer learner
    (answers_learner) predicted.
    """

    old: str
    new: str
    outcomes: int
    old_verdict: Verdict | None
    new_verdict: Verdict | None
    answers: int = 0
    answers_head: Verdict | None = None
    answers_learner: Verdict | None = None


def figures_of(comparison: Comparison) -> dict[str, float]:
    """Return the figures that the log record of a promotion keeps; none where nothing was predicted."""
    figures = {"outcomes": 0.0, "answers": float(comparison.answers)}
    old, new = comparison.old_verdict, comparison.new_verdict
    if old is not None and new is not None:
        figures["outcomes"] = float(comparison.outcomes)
        figures |= _figures("old", old) | _figures("new", new)
    head, learner = comparison.answers_head, comparison.answers_learner
    if head is not None and learner is not None:
        figures |= _figures("answers_head", head) | _figures("answers_learner", learner)
    return figures


def _figures(of: str, verdict: Verdict) -> dict[str, float]:
    return {f"log_loss_{of}": verdict.log_loss, f"auc_{of}": verdict.auc, f"ece_{of}": verdict.ece}


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
