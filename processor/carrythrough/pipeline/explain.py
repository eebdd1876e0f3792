"""Why a score is what it is: the evidence that made it, how much each part moved it, and its history.

Everything is derived again from the ledger as of a time, so an explanation of the
past uses today's knowledge of what had happened by then (voided evidence is gone).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from carrythrough.evidence.types import FLAG_CLAMPED, W_ONE, Y_ONE, Channel, Evidence
from carrythrough.pipeline.assist import is_assisted
from carrythrough.pipeline.reading import Reading, read_pair
from carrythrough.pipeline.reasons import missing_text, reasons_for
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.program.types import Policy, Skill
from carrythrough.scoring.decay import JOB_HALF_LIVES_MS, LEARN_HALF_LIVES_MS
from carrythrough.scoring.head import FEATURES, Model, features, logit, prior
from carrythrough.scoring.pow2 import decay
from carrythrough.scoring.score import read_score, weigh
from carrythrough.scoring.state import ASSISTED_SHIFT, LearnerState, PairState, apply

EVIDENCE_SHOWN_MAX = 200
"""Pieces of evidence listed, newest first."""
MOVED_SHOWN_MAX = 60
"""Pieces for which the effect of leaving them out is computed (each costs a rebuild of the pair)."""
TRAJECTORY_POINTS = 90


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """An explanation as plain values; times in ms since the epoch, scores 0..1."""

    as_of_ms: int
    score: float | None
    low: float | None
    high: float | None
    stage: str
    model: str
    prior: dict[str, object]
    job: dict[str, object]
    evidence: list[dict[str, object]]
    reasons: list[dict[str, object]]
    sentences: list[str]
    missing: list[str]
    trajectory: list[dict[str, object]]


def explain(rows: Iterable[Evidence], skill: Skill, at_ms: int, model: Model, policy: Policy) -> Explanation:
    """Explain one skill of one employee as of `at_ms`.

    rows: all evidence of the employee that counts, of every skill (the head reads all skills).
    """
    known = sorted((e for e in rows if e.t_ms <= at_ms), key=lambda e: (e.t_ms, e.source, e.channel))
    learner = rebuild(known)
    pair = learner.pairs.get(skill.id) or PairState()
    reading = read_pair(learner, pair, at_ms, skill, model, policy)
    score = reading.score
    mine = [e for e in known if e.skill == skill.id]
    support = [e for e in mine if e.channel == Channel.SUPPORT]
    reasons = reasons_for(reading, model, policy)
    return Explanation(
        as_of_ms=at_ms,
        score=round(score.value, 4) if score is not None else None,
        low=round(score.low, 4) if score is not None else None,
        high=round(score.high, 4) if score is not None else None,
        stage=reading.stage.text,
        model=model.name,
        prior=_prior_part(learner, pair, at_ms, model),
        job=_job_part(reading, mine, support, at_ms, model, volatile=skill.volatile),
        evidence=_evidence_part(known, mine, support, skill, at_ms, model, reading),
        reasons=[{"code": r.code, "text": r.text, "points": r.points} for r in reasons],
        sentences=_sentences(reading, skill, model, policy),
        missing=_missing(reading, pair, policy),
        trajectory=trajectory(known, skill, at_ms, model, policy),
    )


def _prior_part(learner: LearnerState, pair: PairState, at_ms: int, model: Model) -> dict[str, object]:
    row = features(learner, pair, at_ms, model)
    contributions = [
        {"feature": name, "value": round(value, 6), "weight": weight, "logit": round(weight * value, 6)}
        for name, value, weight in zip(FEATURES, row, model.weights, strict=True)
    ]
    pi = prior(row, model)
    return {
        "pi": round(pi, 6),
        "logit": round(logit(pi), 6),
        "base": model.base,
        "contributions": contributions,
    }


def _job_part(
    reading: Reading,
    mine: Sequence[Evidence],
    support: Sequence[Evidence],
    at_ms: int,
    model: Model,
    *,
    volatile: bool,
) -> dict[str, object]:
    jobs = [e for e in mine if e.channel in (Channel.JOB, Channel.OBSERVED) and e.w]
    return {
        "m": model.job_strength,
        "alpha": None if reading.score is None else round(reading.score.alpha, 6),
        "beta": None if reading.score is None else round(reading.score.beta, 6),
        "successes": round(reading.weight.successes, 6),
        "trials": round(reading.weight.trials, 6),
        "evidence": [
            _entry(e, support, at_ms, volatile=volatile) for e in reversed(jobs[-EVIDENCE_SHOWN_MAX:])
        ],
    }


def _entry(e: Evidence, support: Sequence[Evidence], at_ms: int, *, volatile: bool) -> dict[str, object]:
    assisted = is_assisted(e, support)
    if e.channel in (Channel.JOB, Channel.OBSERVED):
        half_life = JOB_HALF_LIVES_MS[0 if volatile else 1]
    else:
        half_life = LEARN_HALF_LIVES_MS[2]
    weight = (e.w >> ASSISTED_SHIFT if assisted else e.w) / W_ONE
    return {
        "evidence": f"{e.source.hex()}/{e.skill}/{Channel(e.channel).name.lower()}",
        "source": e.source.hex(),
        "channel": Channel(e.channel).name.lower(),
        "time_ms": e.t_ms,
        "outcome": round(e.y / Y_ONE, 4) if e.w else None,
        "weight": weight,
        "weight_now": round(weight * decay(at_ms - e.t_ms, half_life), 4),
        "assisted": assisted,
        "clamped": bool(e.flags & FLAG_CLAMPED),
        "rule": e.rule,
        "item": e.item,
    }


def _evidence_part(
    known: Sequence[Evidence],
    mine: Sequence[Evidence],
    support: Sequence[Evidence],
    skill: Skill,
    at_ms: int,
    model: Model,
    reading: Reading,
) -> list[dict[str, object]]:
    """List the evidence of the skill, newest first, with what leaving each piece out would change."""
    shown: list[dict[str, object]] = []
    for index, e in enumerate(reversed(mine[-EVIDENCE_SHOWN_MAX:])):
        entry = _entry(e, support, at_ms, volatile=skill.volatile)
        entry["moved"] = None
        if index < MOVED_SHOWN_MAX and reading.score is not None:
            rest = rebuild(o for o in known if o is not e)
            twin = rest.pairs.get(skill.id) or PairState()
            without = read_score(rest, twin, at_ms, model, weigh(twin, at_ms, volatile=skill.volatile))
            entry["moved"] = round(100 * (reading.score.value - without.value), 2)
        shown.append(entry)
    return shown


def _sentences(reading: Reading, skill: Skill, model: Model, policy: Policy) -> list[str]:
    """Say it in words that a manager understands, numbers included."""
    s = reading.score
    if s is None:
        return [missing_text(reading.weight, policy)]
    sentences = [
        (
            f"For {skill.name} the score is {100 * s.value:.0f} of 100: the chance that the next opportunity "
            f"on the job meets the standard. It lies between {100 * s.low:.0f} and {100 * s.high:.0f} (80 % interval); "
            f"the target is {100 * skill.target:.0f}."
        ),
        f"What was learnt and practised alone gives {100 * s.pi:.0f}, and counts as {model.job_strength:g} outcomes.",
    ]
    if s.trials > 0.05:
        sentences.append(
            f"On the job, {s.trials:.1f} weighted outcomes still count and {s.successes:.1f} of them met the standard: "
            f"({model.job_strength:g} × {s.pi:.3f} + {s.successes:.2f}) / ({model.job_strength:g} + {s.trials:.2f}) "
            f"= {s.value:.3f}."
        )
    else:
        sentences.append("No outcome on the job counts at present, so the score rests on learning alone.")
    if s.assisted > 0.05:
        sentences.append(
            f"{100 * s.assisted / s.successes:.0f} % of the successes on the job had a job aid at hand; "
            "these count half."
        )
    if s.pi < s.pi_fresh - 0.005:
        sentences.append(
            f"Right after the last practice it would have been {100 * s.pi_fresh:.0f} instead of {100 * s.pi:.0f}: "
            "the rest has faded."
        )
    sentences.append(f"It rests on {s.outcomes} outcomes in all. The stage is “{reading.stage.text}”.")
    return sentences


def _missing(reading: Reading, pair: PairState, policy: Policy) -> list[str]:
    """Say which evidence would tell most."""
    wanted: list[str] = []
    if reading.score is None:
        wanted.append(missing_text(reading.weight, policy))
    if reading.weight.trials < 1.0:
        wanted.append("An outcome on the job: a quality check, a task result or a manager's observation.")
    practice = pair.channels[Channel.PRACTICE]
    if practice is None or not practice.count:
        wanted.append("A scored practice: a simulation or a role play.")
    learn = pair.channels[Channel.LEARN]
    if learn is None or not learn.count:
        wanted.append("A scored question or assessment.")
    return wanted


def trajectory(
    known: Sequence[Evidence], skill: Skill, at_ms: int, model: Model, policy: Policy
) -> list[dict[str, object]]:
    """Return the score over time from the first evidence of the skill to `at_ms`, oldest first.

    known: evidence of all skills up to `at_ms`, oldest first.
    """
    first = next((e.t_ms for e in known if e.skill == skill.id), None)
    if first is None:
        return []
    support = [e for e in known if e.channel == Channel.SUPPORT and e.skill == skill.id]
    span = at_ms - first
    times = sorted({first + span * i // (TRAJECTORY_POINTS - 1) for i in range(TRAJECTORY_POINTS)} | {at_ms})
    learner = LearnerState()
    points: list[dict[str, object]] = []
    at = 0
    for time_ms in times:
        while at < len(known) and known[at].t_ms <= time_ms:
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
