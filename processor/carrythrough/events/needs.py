"""What somebody answered in a needs survey: how much each skill matters, how able the person is, what is expected.

The same value arrives as a performance event of the kind "needs-survey" and, in statements, in a result
extension (`evidence.needs`). Answers are opinions: they set priorities and are never outcomes.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from carrythrough.authoring import patterns

SKILLS_MAX = 200
"""Skills in one survey; nobody answers more questions than that at a sitting."""
SCALE_MAX = 5.0

ScaleName = Literal["0-1", "1-5"]
RespondentName = Literal["learner", "manager"]
Answer = Annotated[float, Meta(extra_json_schema={"minimum": 0.0, "maximum": SCALE_MAX})]
"""Within the bounds of some scale, for editors; what counts are those of the survey's own scale (`fault_of`)."""
ANSWERS = ("importance", "confidence", "expectation")
_BOUNDS: dict[ScaleName, tuple[float, float]] = {"0-1": (0.0, 1.0), "1-5": (1.0, 5.0)}


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part: frozen, keyword-only, unknown members refused."""


class SkillNeed(_Part, frozen=True, kw_only=True):
    """The answers about one skill, on the scale of the survey; at least one of the three.

    skill: id in the program map. importance: how much it matters for the work. confidence: how able the
    person is now. expectation: how able the person is expected to be.
    """

    skill: Annotated[str, Meta(min_length=1, max_length=64, pattern=patterns.ID)]
    importance: Answer | None = None
    confidence: Answer | None = None
    expectation: Answer | None = None


class NeedsSurvey(_Part, frozen=True, kw_only=True):
    """One survey about one person. respondent: who answered, the person or their manager.

    scale: "1-5" or "0-1", for every answer in it. skills: each at most once.
    """

    respondent: RespondentName
    scale: ScaleName
    skills: Annotated[tuple[SkillNeed, ...], Meta(min_length=1, max_length=SKILLS_MAX)]


def share_of_scale(value: float, scale: ScaleName) -> float:
    """Return an answer as a share 0..1 of its scale: (value − lowest)/(highest − lowest)."""
    low, high = _BOUNDS[scale]
    return (value - low) / (high - low)


def fault_of(survey: NeedsSurvey) -> tuple[str, str, str, str] | None:
    """Return what is wrong with a survey of good form: (pointer, message, rule, fix), None when nothing is."""
    seen: set[str] = set()
    low, high = _BOUNDS[survey.scale]
    for number, need in enumerate(survey.skills):
        where = f"/skills/{number}"
        if need.skill in seen:
            fix = "keep one entry for each skill; a later survey replaces an earlier one"
            return f"{where}/skill", f'"{need.skill}" stands twice', "a survey names a skill once", fix
        seen.add(need.skill)
        given = [name for name in ANSWERS if getattr(need, name) is not None]
        if not given:
            fix = f"give at least one of {', '.join(ANSWERS)}, or leave the skill out"
            return where, "a skill without an answer", "an unanswered question is left out", fix
        for name in given:
            if not low <= getattr(need, name) <= high:
                rule = f'on the scale "{survey.scale}" answers go from {low:g} to {high:g}'
                fix = "correct the answer, or the scale"
                return f"{where}/{name}", f"{name} is {getattr(need, name):g}", rule, fix
    return None
