"""Needs answers of statements and events: one value for both, never evidence of how well anything goes.

In a statement the survey is the result extension EXTENSION (our xAPI profile names it). It is about the actor;
a manager's survey about somebody else has that person as its object (an Agent), the manager being the actor.
"""

from __future__ import annotations

import msgspec

from carrythrough.events.needs import NeedsSurvey, RespondentName, ScaleName, fault_of, share_of_scale
from carrythrough.evidence.types import Y_ONE
from carrythrough.xapi.statement import Agent, Group, Statement

EXTENSION = "urn:carrythrough:xapi-profile:result-extension:needs-survey"
UNANSWERED = -1


class NeedAnswer(msgspec.Struct, frozen=True, array_like=True):
    """What one respondent said about one skill at one time.

    importance, confidence, expectation: 0..Y_ONE, or UNANSWERED. source: 16 bytes, the statement id or the
    digest of (event source, event id). t_ms: event time.
    """

    source: bytes
    skill: str
    respondent: RespondentName
    t_ms: int
    importance: int
    confidence: int
    expectation: int


def carries_needs(statement: Statement) -> bool:
    """Say whether a statement holds a needs survey, readable or not: then it is nothing else."""
    result = statement.result
    return result is not None and result.extensions is not None and EXTENSION in result.extensions


def survey_of(statement: Statement) -> NeedsSurvey | None:
    """Return the survey that a statement holds, None when it cannot be read as one."""
    if not carries_needs(statement):
        return None
    extensions = {} if statement.result is None else statement.result.extensions or {}
    try:
        survey = msgspec.convert(extensions[EXTENSION], NeedsSurvey)
    except msgspec.ValidationError:
        return None
    return survey if fault_of(survey) is None else None


def surveyed(statement: Statement) -> Agent | None:
    """Return whom a survey is about: the agent that a manager names as object, else the actor; None for a group.

    Nobody answers as the learner for somebody else.
    """
    survey = survey_of(statement)
    of_other = survey is not None and survey.respondent == "manager" and isinstance(statement.object, Agent)
    about = statement.object if of_other else statement.actor
    return about if isinstance(about, Agent) and not isinstance(about, Group) else None


def answers_of(survey: NeedsSurvey, source: bytes, t_ms: int) -> tuple[NeedAnswer, ...]:
    """Return the answers of a survey, one a skill, by skill."""
    return tuple(
        NeedAnswer(
            source,
            need.skill,
            survey.respondent,
            t_ms,
            _fixed(need.importance, survey.scale),
            _fixed(need.confidence, survey.scale),
            _fixed(need.expectation, survey.scale),
        )
        for need in sorted(survey.skills, key=lambda need: need.skill)
    )


def _fixed(value: float | None, scale: ScaleName) -> int:
    return UNANSWERED if value is None else int(share_of_scale(value, scale) * Y_ONE + 0.5)
