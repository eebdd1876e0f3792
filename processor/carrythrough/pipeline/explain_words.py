"""An explanation in words with numbers: sentences for a manager, and the arithmetic line by line."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from carrythrough.evidence.types import Channel
from carrythrough.pipeline.forecast import Forecast
from carrythrough.pipeline.reading import Reading
from carrythrough.pipeline.reasons import missing_text
from carrythrough.program.types import Policy, Skill
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.head import Model
from carrythrough.scoring.score import Score
from carrythrough.scoring.state import PairState


def sentences(reading: Reading, skill: Skill, model: Model, policy: Policy) -> list[str]:
    """Say it in words that a manager understands, numbers included."""
    s = reading.score
    if s is None:
        return [missing_text(reading.weight, policy)]
    said = [
        (
            f"For {skill.name} the score is {_whole(s.value)} of 100: the chance that the next opportunity "
            f"on the job meets the standard. It lies between {_whole(s.low)} and {_whole(s.high)} (80 % interval); "
            f"the target is {100 * skill.target:.0f}."
        ),
        f"What was learnt and practised alone gives {100 * s.pi:.0f}, and counts as {model.job_strength:g} outcomes.",
    ]
    if s.trials > 0.05:
        said.append(
            f"On the job, {s.trials:.1f} weighted outcomes still count and {s.successes:.1f} of them met the standard: "
            f"({model.job_strength:g} × {s.pi:.3f} + {s.successes:.2f}) / ({model.job_strength:g} + {s.trials:.2f}) "
            f"= {s.value:.3f}."
        )
    else:
        said.append("No outcome on the job counts at present, so the score rests on learning alone.")
    if s.assisted > 0.05:
        said.append(
            f"{100 * s.assisted / s.successes:.0f} % of the successes on the job had a job aid at hand; "
            "these count half."
        )
    if s.pi < s.pi_fresh - 0.005:
        said.append(
            f"Right after it was last learnt or used well it would have been {100 * s.pi_fresh:.0f} "
            f"instead of {100 * s.pi:.0f}: the rest has faded."
        )
    said.append(
        f"It rests on {s.outcomes} outcomes in all. The stage is “{reading.stage.text.replace('-', ' ')}”."
    )
    return said


def _whole(value: float) -> str:
    """Return points of 100, rounded from the four digits that are published, so that all places say the same."""
    return f"{100 * round(value, 4):.0f}"


def forecast_sentences(ahead: Forecast | None, skill: Skill, at_ms: int) -> list[str]:
    """Say when the score crosses its target if nothing happens."""
    if ahead is None:
        return []
    target = f"the target of {100 * skill.target:.0f}"
    if ahead.crosses_ms:
        way = "falls below" if ahead.falls else "rises to"
        said = f"If nothing happens it {way} {target} on {day(ahead.crosses_ms)}, in {_days(ahead.crosses_ms - at_ms)}."
    else:
        where = "on or above" if ahead.falls else "below"
        said = f"If nothing happens it stays {where} {target} for the next {ahead.horizon_days} days."
    if ahead.thin_ms:
        said += f" Without new evidence no score is shown any more from {day(ahead.thin_ms)} on."
    return [said]


def day(time_ms: int) -> str:
    """Return a day as "21 Nov 2026" (UTC)."""
    moment = dt.datetime.fromtimestamp(time_ms / 1000, tz=dt.UTC)
    return f"{moment.day} {moment:%b %Y}"


def _days(span_ms: int) -> str:
    days = span_ms / DAY_MS
    if days < 1.0:
        return "less than a day"
    return "1 day" if round(days) == 1 else f"{days:.0f} days"


def calculation(reading: Reading, prior: dict[str, object], model: Model) -> list[str]:
    """Return the arithmetic of a score, each line with all of its numbers; empty without a score."""
    s = reading.score
    if s is None:
        return []
    lines = [
        f"{part['words']}: {part['value']:.4f} × {part['weight']:.4f} = {part['logit']:+.4f}"
        for part in cast("list[dict[str, Any]]", prior["contributions"])
        if part["logit"]
    ]
    m = model.job_strength
    return [
        *lines,
        f"sum = {prior['logit']:+.4f}; expectation from learning π = 1 / (1 + exp(−sum)) = {s.pi:.4f}",
        f"on the job: weights add up to N = {s.trials:.4f}; weights × outcomes add up to A = {s.successes:.4f}",
        f"α = m × π + A = {m:g} × {s.pi:.4f} + {s.successes:.4f} = {s.alpha:.4f}",
        f"β = m × (1 − π) + (N − A) = {m:g} × {1 - s.pi:.4f} + {max(0.0, s.trials - s.successes):.4f} = {s.beta:.4f}",
        f"score = 100 × α / (α + β) = {100 * s.value:.2f}",
        _interval_line(s),
    ]


def _interval_line(s: Score) -> str:
    a, b = s.certainty * s.alpha, s.certainty * s.beta
    return (
        f"80 % interval {100 * s.low:.1f} to {100 * s.high:.1f}: of the Beta distribution with "
        f"{s.certainty:g} × α = {a:.4f} and {s.certainty:g} × β = {b:.4f}"
    )


def missing(reading: Reading, pair: PairState, policy: Policy) -> list[str]:
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
