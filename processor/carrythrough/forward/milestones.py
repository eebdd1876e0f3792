"""Which of our effects are worth a statement in somebody else's store.

Only what a person may be glad to find there: a skill carried through, a target reached, an action that
was delivered, and that something was done after it. That somebody fades, fails or underperforms is for
them and for whoever helps them, and never leaves by this door.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from carrythrough.pipeline.effects import ActionAnswered, ActionRequested, ScoreChanged, StageChanged

CARRIED_THROUGH = "carried-through"


class Milestone(msgspec.Struct, frozen=True, kw_only=True):
    """Something that we say of a person. effect: id of the effect behind it; at_ms: when it came about.

    score, low, high: 0..1. skill_name: as the program map has it, "" when it has none (any more).
    sent: id of the effect of the action that was answered, whose statement this one refers to.
    """

    what: Literal["carried-through", "reached-target", "was-sent", "answered"]
    effect: str
    subject: str
    skill: str
    skill_name: str
    at_ms: int
    score: float | None = None
    low: float | None = None
    high: float | None = None
    outcomes: int = 0
    target: float | None = None
    model: str = ""
    action: str = ""
    rule: str = ""
    to: str = ""
    sent: str = ""


class SkillFacts(msgspec.Struct, frozen=True):
    """What the program map in force says of a skill."""

    name: str
    target: float


FactsOf = Callable[[str], SkillFacts | None]


def of_stage(effect: StageChanged, facts_of: FactsOf) -> Milestone | None:
    """Return the milestone of a stage that was reached, None for every other stage."""
    if effect.after != CARRIED_THROUGH:
        return None
    facts = facts_of(effect.skill)
    return Milestone(
        what="carried-through",
        effect=effect.id,
        subject=effect.subject,
        skill=effect.skill,
        skill_name=facts.name if facts is not None else "",
        at_ms=effect.as_of_ms,
    )


def of_score(effect: ScoreChanged, facts_of: FactsOf) -> Milestone | None:
    """Return the milestone of a score that reached the skill's target from below, or was first shown beyond it."""
    if effect.score is None:
        return None
    facts = facts_of(effect.skill)
    if facts is None or effect.score < facts.target:
        return None
    if effect.previous is not None and effect.previous >= facts.target:
        return None
    return Milestone(
        what="reached-target",
        effect=effect.id,
        subject=effect.subject,
        skill=effect.skill,
        skill_name=facts.name,
        at_ms=effect.as_of_ms,
        score=effect.score,
        low=effect.low,
        high=effect.high,
        outcomes=effect.outcomes,
        target=facts.target,
        model=effect.model,
    )


def of_action(effect: ActionRequested) -> Milestone:
    """Return the milestone of an action that was delivered to its recipient."""
    return Milestone(
        what="was-sent",
        effect=effect.id,
        subject=effect.recipient,
        skill=effect.skill,
        skill_name=effect.skill_name,
        at_ms=effect.as_of_ms,
        action=effect.action,
        rule=effect.rule,
        to=effect.to,
    )


def of_answer(effect: ActionAnswered, action: ActionRequested) -> Milestone:
    """Return the milestone of an answered action: the last push was followed by something done."""
    return Milestone(
        what="answered",
        effect=effect.id,
        subject=effect.subject,
        skill=action.skill,
        skill_name=action.skill_name,
        at_ms=effect.answered_ms,
        action=action.action,
        rule=action.rule,
        to=action.to,
        sent=action.id,
    )
