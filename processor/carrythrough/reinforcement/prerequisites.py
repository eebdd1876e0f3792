"""Skills that come first: while one of them is not yet learnt, nothing is asked about the skill that builds on it."""

from __future__ import annotations

from carrythrough.program.types import Skill
from carrythrough.reinforcement.stage import Stage
from carrythrough.scoring.state import LearnerState

WAITS = "requires"
"""The name under which a decision logs that it waits for another skill."""


def waits_for_another(skill: Skill, learner: LearnerState) -> bool:
    """Say whether a skill that this one requires (`Skill.requires`) stands at "not yet learnt", as last published.

    A skill of which too little is known to say so holds nothing back.
    """
    return any(
        name in learner.pairs and learner.pairs[name].published.stage == Stage.NOT_YET_LEARNT
        for name in skill.requires
    )
