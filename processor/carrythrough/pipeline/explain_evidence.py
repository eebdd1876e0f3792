"""Each piece of evidence with what it counts for now, and what the score would be without it."""

from __future__ import annotations

from collections.abc import Sequence

from carrythrough.evidence.types import FLAG_CLAMPED, FLAG_FALLBACK_STANDARD, W_ONE, Y_ONE, Channel, Evidence
from carrythrough.pipeline.assist import is_assisted
from carrythrough.pipeline.contest import evidence_id
from carrythrough.pipeline.reading import Reading
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.program.types import Skill
from carrythrough.scoring.decay import DAY_MS, JOB_HALF_LIVES_MS, LEARN_HALF_LIVES_MS
from carrythrough.scoring.head import Model
from carrythrough.scoring.pow2 import decay
from carrythrough.scoring.score import read_score, weigh
from carrythrough.scoring.state import ASSISTED_SHIFT, LearnerState, PairState

EVIDENCE_SHOWN_MAX = 200
"""Pieces of evidence listed, newest first; what older job outcomes still count is given as one sum."""
MOVED_SHOWN_MAX = 60
"""Pieces for which the effect of leaving them out is computed (each costs a rebuild of the pair)."""


def job_part(
    reading: Reading,
    mine: Sequence[Evidence],
    support: Sequence[Evidence],
    at_ms: int,
    model: Model,
    *,
    volatile: bool,
) -> dict[str, object]:
    """Return the Beta layer: m, α, β, certainty, and every outcome whose weight makes up N and A."""
    jobs = [e for e in mine if e.channel in (Channel.JOB, Channel.OBSERVED) and e.w]
    entries = [_entry(e, support, at_ms, volatile=volatile) for e in reversed(jobs)]
    score = reading.score
    if score is not None:
        for entry in entries:
            share = _number(entry["weight_now"]) / (score.alpha + score.beta)
            entry["points"] = round(100 * share * (_number(entry["outcome"]) - model.base), 2)
    older = entries[EVIDENCE_SHOWN_MAX:]
    return {
        "m": model.job_strength,
        "certainty": model.certainty,
        "half_life_days": JOB_HALF_LIVES_MS[0 if volatile else 1] / DAY_MS,
        "alpha": None if score is None else round(score.alpha, 6),
        "beta": None if score is None else round(score.beta, 6),
        "successes": round(reading.weight.successes, 6),
        "trials": round(reading.weight.trials, 6),
        "assisted": round(reading.weight.assisted, 6),
        "evidence": entries[:EVIDENCE_SHOWN_MAX],
        "older": {
            "pieces": len(older),
            "weight_now": round(sum(_number(e["weight_now"]) for e in older), 6),
            "successes_now": round(sum(_number(e["weight_now"]) * _number(e["outcome"]) for e in older), 6),
        },
    }


def _number(value: object) -> float:
    return value if isinstance(value, float | int) else 0.0


def _entry(e: Evidence, support: Sequence[Evidence], at_ms: int, *, volatile: bool) -> dict[str, object]:
    assisted = is_assisted(e, support)
    if e.channel in (Channel.JOB, Channel.OBSERVED):
        half_life = JOB_HALF_LIVES_MS[0 if volatile else 1]
    else:
        half_life = LEARN_HALF_LIVES_MS[2]
    weight = (e.w >> ASSISTED_SHIFT if assisted else e.w) / W_ONE
    return {
        "evidence": evidence_id((e.source, e.skill, e.channel)),
        "source": e.source.hex(),
        "channel": Channel(e.channel).name.lower(),
        "time_ms": e.t_ms,
        "outcome": round(e.y / Y_ONE, 6) if e.w else None,
        "weight": weight,
        "weight_now": round(weight * decay(at_ms - e.t_ms, half_life), 6),
        "half_life_days": half_life / DAY_MS,
        "assisted": assisted,
        "clamped": bool(e.flags & FLAG_CLAMPED),
        "by_rank": bool(e.flags & FLAG_FALLBACK_STANDARD),
        "rule": e.rule,
        "item": e.item,
    }


def evidence_part(
    others: LearnerState,
    mine: Sequence[Evidence],
    support: Sequence[Evidence],
    skill: Skill,
    at_ms: int,
    model: Model,
    reading: Reading,
) -> list[dict[str, object]]:
    """List the evidence of the skill, newest first, with what leaving each piece out would change.

    others: the learner without this skill.
    """
    shown: list[dict[str, object]] = []
    for index, e in enumerate(reversed(mine[-EVIDENCE_SHOWN_MAX:])):
        entry = _entry(e, support, at_ms, volatile=skill.short_memory)
        entry["moved"] = None
        if index < MOVED_SHOWN_MAX and reading.score is not None:
            rest = rebuild((o for o in mine if o is not e), others)
            twin = rest.pairs.get(skill.id) or PairState()
            without = read_score(rest, twin, at_ms, model, weigh(twin, at_ms, volatile=skill.short_memory))
            entry["moved"] = round(100 * (reading.score.value - without.value), 2)
        shown.append(entry)
    return shown
