"""Scores as the plain values of the REST contract."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from carrythrough.evidence.types import Y_ONE
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.reading import Reading, read_pair
from carrythrough.pipeline.reasons import reasons_for
from carrythrough.program.types import Skill
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.overall import overall_of
from carrythrough.scoring.score import Score
from carrythrough.scoring.state import LearnerState, PairState

TREND_DAYS = 7
TREND_STEP = 0.01
"""What fading must have taken before it is called a trend."""
TREND_PULL = 0.1
"""How far the recent outcomes must lie from the score before they are called a trend."""


def rfc3339(ms: int) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds."""
    second = dt.datetime.fromtimestamp(ms // 1000, tz=dt.UTC)
    return (
        f"{second.replace(tzinfo=None).isoformat()}.{ms % 1000:03d}Z"  # strftime leaves zeros of a year out
    )


def texts_of_times(entry: dict[str, Any]) -> None:
    """Turn the `*_ms` times of an entry into RFC 3339 texts under the name without the suffix."""
    for name in [n for n in entry if n.endswith("_ms")]:
        entry[name[:-3]] = rfc3339(entry.pop(name))


def skill_score(
    in_force: InForce, learner: LearnerState, pair: PairState, skill: Skill, now_ms: int
) -> dict[str, Any]:
    """Return one score with what a caller needs to show it."""
    policy, model = in_force.program.policy, in_force.model
    # A record may carry a log time a little after this question's clock: read as of the later.
    now_ms = max(now_ms, pair.published.as_of_ms)
    reading = read_pair(learner, pair, now_ms, skill, model, policy)
    score, weight = reading.score, reading.weight
    last = max((c.last_ms for c in pair.channels if c is not None), default=0)
    last = max(last, *(t for _, t in pair.counts))
    return {
        "skill": skill.id,
        "skill_name": skill.name,
        "score": round(score.value, 4) if score is not None else None,
        "low": round(score.low, 4) if score is not None else None,
        "high": round(score.high, 4) if score is not None else None,
        "stage": reading.stage.text,
        "trend": trend(reading, pair, now_ms),
        "outcomes": weight.outcomes,
        "effective": round(weight.effective, 2),
        "exposures": weight.exposures,
        "last_evidence": rfc3339(last) if last else None,
        "target": skill.target,
        "reasons": msgspec.to_builtins(reasons_for(reading, model, policy)),
        "sequence": pair.published.sequence,
        "as_of": rfc3339(now_ms),
        "valid_until": rfc3339(pair.published.due_ms or now_ms + TREND_DAYS * DAY_MS),
        "model": model.name,
    }


def parts_of(
    in_force: InForce, subject: str, learner: LearnerState, now_ms: int
) -> list[tuple[Skill, float, Score]]:
    """Return (skill, importance, score) of the skills of a person's role that have a score at `now_ms`.

    Importance is that of the role in the map: 1 for a skill that names no roles or a person without one.
    """
    person = in_force.directory.person(subject)
    role = person.role if person is not None else ""
    found = []
    for skill_id in sorted(learner.pairs):
        skill = in_force.program.skills.get(skill_id)
        if skill is None:
            continue
        importance = skill.roles.get(role, 0.0 if skill.roles and role else 1.0)
        if importance > 0.0:
            pair = learner.pairs[skill_id]
            at_ms = max(now_ms, pair.published.as_of_ms)
            reading = read_pair(learner, pair, at_ms, skill, in_force.model, in_force.program.policy)
            if reading.score is not None:
                found.append((skill, importance, reading.score))
    return found


def overall(in_force: InForce, subject: str, learner: LearnerState, now_ms: int) -> dict[str, Any] | None:
    """Return the importance-weighted mean over the role's skills with the weakest beside it."""
    parts = parts_of(in_force, subject, learner, now_ms)
    found = overall_of([(importance, score) for _, importance, score in parts])
    if found is None:
        return None
    weakest = min(parts, key=lambda part: part[2].value)
    return {
        "score": round(found.value, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
        "skills": found.skills,
        "weakest_skill": weakest[0].id,
        "weakest_score": round(weakest[2].value, 4),
    }


def named(in_force: InForce, entry: dict[str, Any], subject: str) -> dict[str, Any]:
    """Add who the person is, for those who may see names."""
    person = in_force.directory.person(subject)
    if person is not None:
        entry |= {"employee": person.id, "name": person.name, "team": person.team, "role": person.role}
    return entry


def trend(reading: Reading, pair: PairState, now_ms: int) -> int:
    """Return where the score is heading: -1, 0 or 1.

    Outcomes of the last TREND_DAYS pull towards their mean; without any, what is learnt fades.
    """
    score = reading.score
    if score is None:
        return 0
    since = now_ms - TREND_DAYS * DAY_MS
    lately = [y for c in pair.channels if c is not None for t, _, y in c.newest if t >= since]
    if not lately:
        return -1 if score.pi_fresh - score.pi > TREND_STEP else 0
    pull = sum(lately) / len(lately) / Y_ONE - score.value
    return 0 if abs(pull) < TREND_PULL else 1 if pull > 0 else -1
