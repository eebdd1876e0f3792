"""Why a score is what it is: the evidence that made it, how much each part moved it, and its history.

Everything is derived again from the ledger. With today's rows and an earlier time it says what the
score was then, knowing what is known now; with the rows and versions of an earlier place in the log
it says exactly what was shown then. Which of the two is the caller's choice of rows.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from carrythrough.evidence.types import Channel, Evidence
from carrythrough.pipeline.confidence import confidence_part
from carrythrough.pipeline.explain_evidence import evidence_part, job_part
from carrythrough.pipeline.explain_prior import prior_part, split
from carrythrough.pipeline.explain_words import calculation, forecast_sentences, missing, sentences
from carrythrough.pipeline.forecast import Forecast, forecast
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.reading import read_pair
from carrythrough.pipeline.reasons import reasons_for
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.pipeline.reviews import reviews_part
from carrythrough.pipeline.trajectory import trajectory
from carrythrough.pipeline.whatif import raises
from carrythrough.program.types import Skill
from carrythrough.scoring.state import PairState


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """An explanation as plain values; times in ms since the epoch, scores 0..1, points of 100.

    prior: the head, feature by feature. job: the Beta layer with each outcome. split: how the
    points add up. calculation: the whole arithmetic in lines, to check it by hand. raises: what
    would change the score most, largest first. forecast: what it will be if nothing happens.
    reviews: its knowledge items and when each is due again. confidence: stated against shown.
    """

    as_of_ms: int
    score: float | None
    low: float | None
    high: float | None
    stage: str
    model: str
    minimum: dict[str, float]
    outcomes: int
    effective: float
    prior: dict[str, object]
    job: dict[str, object]
    split: list[dict[str, object]]
    evidence: list[dict[str, object]]
    reasons: list[dict[str, object]]
    sentences: list[str]
    calculation: list[str]
    missing: list[str]
    raises: list[dict[str, object]]
    forecast: Forecast | None
    reviews: dict[str, object]
    confidence: dict[str, object] | None
    trajectory: list[dict[str, object]]


def explain(rows: Iterable[Evidence], skill: Skill, at_ms: int, in_force: InForce) -> Explanation:
    """Explain one skill of one employee, read at `at_ms`.

    rows: all evidence of the employee that counts, of every skill (the head reads all skills),
    already cut to what is to be known.
    """
    model, policy = in_force.model, in_force.program.policy
    known = sorted(rows, key=lambda e: (e.t_ms, e.source, e.channel))
    mine = [e for e in known if e.skill == skill.id]
    support = [e for e in mine if e.channel == Channel.SUPPORT]
    others = rebuild(e for e in known if e.skill != skill.id)
    learner = rebuild(mine, others)
    pair = learner.pairs.get(skill.id) or PairState()
    reading = read_pair(learner, pair, at_ms, skill, model, policy)
    score = reading.score
    prior = prior_part(learner, pair, at_ms, reading, model)
    job = job_part(reading, mine, support, at_ms, model, volatile=skill.short_memory)
    reasons = reasons_for(reading, model, policy)
    ahead = None if score is None else forecast(learner, pair, at_ms, skill, model, policy)
    return Explanation(
        as_of_ms=at_ms,
        score=None if score is None else round(score.value, 4),
        low=None if score is None else round(score.low, 4),
        high=None if score is None else round(score.high, 4),
        stage=reading.stage.text,
        model=model.name,
        minimum={"outcomes": policy.minimum_outcomes, "effective": policy.minimum_effective},
        outcomes=reading.weight.outcomes,
        effective=round(reading.weight.effective, 4),
        prior=prior,
        job=job,
        split=split(reading, model),
        evidence=evidence_part(others, mine, support, skill, at_ms, model, reading),
        reasons=[{"code": r.code, "text": r.text, "points": r.points} for r in reasons],
        sentences=sentences(reading, skill, model, policy) + forecast_sentences(ahead, skill, at_ms),
        calculation=calculation(reading, prior, model),
        missing=missing(reading, pair, policy),
        raises=raises(learner, pair, at_ms, skill, in_force, reading),
        forecast=ahead,
        reviews=reviews_part(mine, skill, at_ms),
        confidence=confidence_part(mine),
        trajectory=trajectory(known, skill, at_ms, model, policy),
    )
