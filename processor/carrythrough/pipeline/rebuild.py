"""The evidence half of an employee, derived again from the ledger: what makes voids exact."""

from __future__ import annotations

from collections.abc import Iterable

from carrythrough.evidence.types import Channel, Evidence
from carrythrough.pipeline.assist import is_assisted
from carrythrough.scoring.state import LearnerState, PairState, apply


def rebuild(evidence: Iterable[Evidence], onto: LearnerState | None = None) -> LearnerState:
    """Return a learner with the evidence half of `evidence` (not voided, each piece once) and nothing published.

    onto: a learner of other skills to add to, which is left as it is; its pairs stay shared.
    """
    learner = LearnerState() if onto is None else onto.copy()
    rows = list(evidence)
    support: dict[str, list[Evidence]] = {}
    for e in rows:
        if e.channel == Channel.SUPPORT:
            support.setdefault(e.skill, []).append(e)
    for e in rows:
        pair = learner.pairs.get(e.skill)
        if pair is None:
            pair = learner.pairs[e.skill] = PairState()
        apply(learner, pair, e, assisted=is_assisted(e, support.get(e.skill, ())))
    return learner


def rebuilt(before: LearnerState, evidence: Iterable[Evidence]) -> LearnerState:
    """Return `before` with its evidence half replaced by that of `evidence`; what was published stays."""
    after = rebuild(evidence)
    after.carry(before)
    for skill, pair in before.pairs.items():
        twin = after.pairs.setdefault(skill, PairState())
        twin.published = pair.published.copy()
    return after
