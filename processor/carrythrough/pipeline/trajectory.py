"""The score over time, read again at evenly spaced times from the first evidence of a skill on."""

from __future__ import annotations

from collections.abc import Sequence

from carrythrough.evidence.types import Channel, Evidence
from carrythrough.pipeline.assist import is_assisted
from carrythrough.pipeline.reading import read_pair
from carrythrough.program.types import Policy, Skill
from carrythrough.scoring.head import Model
from carrythrough.scoring.state import LearnerState, PairState, apply

TRAJECTORY_POINTS = 90


def trajectory(
    known: Sequence[Evidence], skill: Skill, at_ms: int, model: Model, policy: Policy
) -> list[dict[str, object]]:
    """Return the score over time from the first evidence of the skill to `at_ms`, oldest first.

    known: evidence of all skills, oldest first.
    """
    first = next((e.t_ms for e in known if e.skill == skill.id), None)
    if first is None:
        return []
    support = [e for e in known if e.channel == Channel.SUPPORT and e.skill == skill.id]
    span = max(0, at_ms - first)
    times = sorted({first + span * i // (TRAJECTORY_POINTS - 1) for i in range(TRAJECTORY_POINTS)} | {at_ms})
    learner = LearnerState()
    points: list[dict[str, object]] = []
    at = 0
    for time_ms in times:
        while at < len(known) and (known[at].t_ms <= time_ms or time_ms == times[-1]):
            e = known[at]
            pair = learner.pairs.setdefault(e.skill, PairState())
            apply(learner, pair, e, assisted=e.skill == skill.id and is_assisted(e, support))
            at += 1
        pair = learner.pairs.get(skill.id) or PairState()
        score = read_pair(learner, pair, time_ms, skill, model, policy).score
        points.append(
            {
                "time_ms": time_ms,
                "score": round(score.value, 4) if score is not None else None,
                "low": round(score.low, 4) if score is not None else None,
                "high": round(score.high, 4) if score is not None else None,
                "recall": round(score.pi, 4) if score is not None else None,
            }
        )
    return points
