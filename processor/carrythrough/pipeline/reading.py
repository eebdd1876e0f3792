"""One pair read at a time: the minimum-evidence rule first, then the score and the stage."""

from __future__ import annotations

import msgspec

from carrythrough.program.types import Policy, Skill
from carrythrough.reinforcement.stage import Stage, enough, stage_of
from carrythrough.scoring.head import Model
from carrythrough.scoring.score import Score, Weight, read_score, weigh
from carrythrough.scoring.state import LearnerState, PairState


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What there is to say about one pair. score: None under the minimum evidence (promise 7)."""

    weight: Weight
    score: Score | None
    stage: Stage


def read_pair(
    learner: LearnerState, pair: PairState, now_ms: int, skill: Skill, model: Model, policy: Policy
) -> Reading:
    """Return weight, score and stage of one pair at `now_ms`."""
    weight = weigh(pair, now_ms, volatile=skill.short_memory)
    if not enough(weight, policy.minimum_outcomes, policy.minimum_effective):
        return Reading(weight, None, Stage.NOT_ENOUGH_EVIDENCE)
    score = read_score(learner, pair, now_ms, model, weight)
    return Reading(weight, score, stage_of(score, pair, skill, now_ms))
