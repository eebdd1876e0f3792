"""The declarative rules: which of them are eligible for a pair, when time alone makes one so, and the reason given."""

from __future__ import annotations

from collections.abc import Sequence

from carrythrough.evidence.types import Channel
from carrythrough.program.types import Reinforcement, Skill
from carrythrough.reinforcement.conditions import Facts, FallsWithin, beginnings, holds, told
from carrythrough.reinforcement.stage import Stage
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.score import Score, below
from carrythrough.scoring.state import PairState

__all__ = ["BELOW_CERTAINTY", "Facts", "FallsWithin", "SkillRules", "cause_of", "eligible", "why"]

BELOW_CERTAINTY = 0.8
"""A score-based trigger fires when P(T < target) is at least this (design section 6)."""


_OTHERWISE = {
    Stage.NOT_YET_LEARNT: "Your answers and practice so far suggest that there is more to learn here.",
    Stage.UNPRACTISED: "You have learnt this; a practice run would help to make it stick.",
    Stage.CARRIED_THROUGH: "You use this on the job with success.",
    Stage.SETTLING_IN: "Results are expected to fall for a while after a start like this; yours will tell later.",
    Stage.NOT_ENOUGH_EVIDENCE: "There is not enough evidence yet to say how you stand.",
}


class SkillRules:
    """The rules of the map that are for one skill, and what of time and evidence they wait for.

    watched: channels (`evidence.types.Channel`) whose evidence may make one eligible although it moves no score.
    lead_ms: the shortest lead time of a forecast, 0 for none.
    """

    def __init__(self, rules: Sequence[Reinforcement], skill: str) -> None:
        self.rules = tuple(rule for rule in rules if not rule.skills or skill in rule.skills)
        self.watched = frozenset(
            int(Channel[seen.channel.upper()]) for rule in self.rules for seen in rule.when.seen
        )
        self._timed = tuple(
            rule
            for rule in self.rules
            if rule.when.unseen or any(seen.at_most is not None for seen in rule.when.seen)
        )
        leads = [rule.when.falls_within_days for rule in self.rules if rule.when.falls_within_days]
        self.lead_ms = min(leads, default=0) * DAY_MS

    def next_ms(self, pair: PairState, after_ms: int) -> int:
        """Return when next, after a time, absence makes a condition hold if nothing happens; 0 for never."""
        if not self._timed:
            return 0
        return min((t for rule in self._timed for t in beginnings(rule, pair) if t > after_ms), default=0)

    def begun(self, pair: PairState, after_ms: int, until_ms: int) -> bool:
        """Say whether absence has made a condition hold in (after_ms, until_ms]."""
        return any(after_ms < t <= until_ms for rule in self._timed for t in beginnings(rule, pair))


def eligible(rules: tuple[Reinforcement, ...], stage: Stage, facts: Facts) -> tuple[Reinforcement, ...]:
    """Return the rules whose condition holds, in the order of the program map.

    rules: those for the skill. A rule for the stage "fading" also wants P(T < target) >= BELOW_CERTAINTY there;
    what the other stages name, the stage itself has established.
    """
    unsure = stage is Stage.FADING and below(facts.score, facts.skill.target) < BELOW_CERTAINTY
    return tuple(rule for rule in rules if _meets(rule, stage, unsure=unsure) and holds(rule, facts))


def _meets(rule: Reinforcement, stage: Stage, *, unsure: bool) -> bool:
    return not rule.when.stage or (stage.text in rule.when.stage and not unsure)


def why(stage: Stage, facts: Facts, rule: Reinforcement) -> str:
    """Return the plain reason for a push, as its reader sees it: what the rule waited for and was true."""
    said = told(rule, facts)
    if rule.when.stage and not rule.when.falls_within_days:
        said.append(cause_of(stage, facts.score, facts.skill))
    return " ".join(said) or cause_of(stage, facts.score, facts.skill)


def cause_of(stage: Stage, score: Score, skill: Skill) -> str:
    """Return what a stage rests on, one plain sentence."""
    if stage is Stage.FADING:
        left = round(100 * score.pi / score.pi_fresh) if score.pi_fresh else 100
        return (
            f"About {left} % of what you showed in learning is likely still there, and the score of "
            f"{round(100 * score.value)} is below the target of {round(100 * skill.target)}."
        )
    if stage is Stage.UNAPPLIED:
        return "You have learnt and practised this, and we have not seen it used on the job lately."
    if stage is Stage.UNDERPERFORMING:
        return (
            f"The score of {round(100 * score.value)} is below the target of {round(100 * skill.target)}, and "
            "recent results on the job are part of it."
        )
    if stage is Stage.APPLIED_WITH_SUPPORT:
        share = round(100 * score.assisted / score.successes) if score.successes else 100
        return f"{share} % of your recent successes had a job aid at hand; you may be ready to do without."
    return _OTHERWISE.get(stage, "Your latest results suggest that this would help now.")
