"""The learning prior taken apart: exact in logits, and in points through the Beta layer.

The head is linear, so logit(π) is the sum of weight·value over its features. In the job layer π counts
as m outcomes, so of 100·(T − base) exactly 100·m·(π − base)/(α + β) points are the prior's and
100·w·(y − base)/(α + β) are those of each job outcome. The prior's points are spread over the features
by their logits with the mean slope (π − base)/(logit π − logit base), so they add up as well.
"""

from __future__ import annotations

from carrythrough.pipeline.feature_words import words_of
from carrythrough.pipeline.reading import Reading
from carrythrough.scoring.decay import DAY_MS, JOB_HALF_LIVES_MS, LEARN_HALF_LIVES_MS, read
from carrythrough.scoring.head import FEATURES, Model, features, logit, prior
from carrythrough.scoring.state import LearnerState, PairState

_CHANNELS = ("learn", "practice", "job", "observed")


def prior_part(
    learner: LearnerState, pair: PairState, at_ms: int, reading: Reading, model: Model
) -> dict[str, object]:
    """Return π with the value, weight, logit and points of each feature, and the sums that features read."""
    row = features(learner, pair, at_ms, model)
    pi = prior(row, model)
    total = sum(weight * value for weight, value in zip(model.weights, row, strict=True))
    scale = _points_a_logit(reading, pi, model)
    contributions = [
        {
            "feature": name,
            "words": words_of(name),
            "value": round(value, 6),
            "weight": weight,
            "logit": round(weight * value, 6),
            "points": None if scale is None else round(scale * weight * value, 2),
        }
        for name, value, weight in zip(FEATURES, row, model.weights, strict=True)
    ]
    return {
        "pi": round(pi, 6),
        "logit": round(total, 6),
        "base": model.base,
        "base_logit": round(logit(model.base), 6),
        "fresh": None if reading.score is None else round(reading.score.pi_fresh, 6),
        "contributions": contributions,
        "sums": _sums_part(pair, at_ms),
    }


def _points_a_logit(reading: Reading, pi: float, model: Model) -> float | None:
    """Return how many points of the score one unit of logit is worth, None without a score."""
    if reading.score is None:
        return None
    distance = logit(min(max(pi, 1e-9), 1.0 - 1e-9)) - logit(model.base)
    slope = (pi - model.base) / distance if abs(distance) > 1e-9 else model.base * (1.0 - model.base)
    return 100.0 * model.job_strength * slope / (reading.score.alpha + reading.score.beta)


def _sums_part(pair: PairState, at_ms: int) -> list[dict[str, object]]:
    """Return (weight, successes, third sum) of each channel and half-life at `at_ms`."""
    found: list[dict[str, object]] = []
    for number, name in enumerate(_CHANNELS):
        channel = pair.channels[number]
        if channel is None:
            continue
        half_lives = LEARN_HALF_LIVES_MS if number < 2 else JOB_HALF_LIVES_MS
        third = "beyond_item" if number < 2 else "assisted"
        for half_life, (n, a, r) in zip(half_lives, read(channel.sums, half_lives, at_ms), strict=True):
            found.append(
                {
                    "channel": name,
                    "half_life_days": half_life / DAY_MS,
                    "weight": round(n, 6),
                    "successes": round(a, 6),
                    third: round(r, 6),
                }
            )
    return found


def split(reading: Reading, model: Model) -> list[dict[str, object]]:
    """Return parts in points that add up to the score: the base rate, learning, retention, the job."""
    score = reading.score
    if score is None:
        return []
    total = score.alpha + score.beta
    share = model.job_strength / total
    parts = (
        ("base", "The rate of somebody about whom nothing is known", 100 * model.base),
        ("learning", "Learning and practice, when fresh", 100 * share * (score.pi_fresh - model.base)),
        ("retention", "What time has changed since", 100 * share * (score.pi - score.pi_fresh)),
        (
            "job",
            "Outcomes on the job",
            100 * (score.alpha - model.job_strength * score.pi - score.trials * model.base) / total,
        ),
    )
    return [{"part": part, "text": text, "points": round(points, 2)} for part, text, points in parts]
