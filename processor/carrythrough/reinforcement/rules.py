"""The declarative rules: which of them a stage makes eligible, and the content that they send."""

from __future__ import annotations

from collections.abc import Callable

from carrythrough.program.types import Reinforcement, Skill
from carrythrough.reinforcement.stage import Stage
from carrythrough.scoring.score import Score, below

BELOW_CERTAINTY = 0.8
"""A score-based trigger fires when P(T < target) is at least this (design section 6)."""


_OTHERWISE = {
    Stage.NOT_YET_LEARNT: "Your answers and practice so far suggest that there is more to learn here.",
    Stage.UNPRACTISED: "You have learnt this; a practice run would help to make it stick.",
    Stage.CARRIED_THROUGH: "You use this on the job with success.",
    Stage.UNDERPERFORMING: "You have shown that you know this, and recent job results fell short of the standard.",
    Stage.SETTLING_IN: "Results are expected to fall for a while after a start like this; yours will tell later.",
    Stage.NOT_ENOUGH_EVIDENCE: "There is not enough evidence yet to say how you stand.",
}


FallsWithin = Callable[[int], bool]
"""Whether the score will be below its target after so many days if nothing happens (`pipeline.forecast`)."""


def eligible(
    rules: tuple[Reinforcement, ...], stage: Stage, score: Score, skill: Skill, falls_within: FallsWithin
) -> tuple[Reinforcement, ...]:
    """Return the rules whose condition holds, in the order of the program map.

    Rules on the stage "fading" also want P(T < target) >= BELOW_CERTAINTY; rules with a lead time want
    the forecast to cross the target within it; the others name an absence or a kind of success, which
    the stage itself has established.
    """
    found = tuple(rule for rule in rules if _is_for(rule, stage, skill))
    if stage is Stage.FADING and found and below(score, skill.target) < BELOW_CERTAINTY:
        return ()
    return tuple(rule for rule in found if _soon(rule, score, skill, falls_within))


def _is_for(rule: Reinforcement, stage: Stage, skill: Skill) -> bool:
    return (not rule.when.stage or stage.text in rule.when.stage) and (
        not rule.skills or skill.id in rule.skills
    )


def _soon(rule: Reinforcement, score: Score, skill: Skill, falls_within: FallsWithin) -> bool:
    days = rule.when.falls_within_days
    return not days or (score.value >= skill.target and falls_within(days))


def why(stage: Stage, score: Score, skill: Skill, rule: Reinforcement | None = None) -> str:
    """Return the plain reason for a push, as the person who gets it reads it."""
    if rule is not None and rule.when.falls_within_days:
        return (
            f"Your score of {round(100 * score.value)} is on the target of {round(100 * skill.target)}, and without "
            f"any use it would be below it within {rule.when.falls_within_days} days."
        )
    if stage is Stage.FADING:
        left = round(100 * score.pi / score.pi_fresh) if score.pi_fresh else 100
        return (
            f"About {left} % of what you showed in learning is likely still there, and the score of "
            f"{round(100 * score.value)} is below the target of {round(100 * skill.target)}."
        )
    if stage is Stage.UNAPPLIED:
        return "You have learnt and practised this, and we have not seen it used on the job lately."
    if stage is Stage.APPLIED_WITH_SUPPORT:
        share = round(100 * score.assisted / score.successes) if score.successes else 100
        return f"{share} % of your recent successes had a job aid at hand; you may be ready to do without."
    return _OTHERWISE.get(stage, "Your latest results suggest that this would help now.")
