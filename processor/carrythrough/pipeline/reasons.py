"""Why a score is what it is, in short: stable codes with a plain sentence and their size in points."""

from __future__ import annotations

from carrythrough.pipeline.effects import Reason
from carrythrough.pipeline.reading import Reading
from carrythrough.program.types import Policy
from carrythrough.scoring.head import Model
from carrythrough.scoring.score import Weight

POINTS_SHOWN = 0.5
"""Reasons that move the score by less than this many points are left out."""


def reasons_for(reading: Reading, model: Model, policy: Policy) -> tuple[Reason, ...]:
    """Return the reasons, largest part first; under the minimum evidence only what is missing.

    The points of "learning", "retention" and "job" add up to 100·(score - base rate).
    """
    score = reading.score
    if score is None:
        return (Reason(code="not-enough-evidence", text=missing_text(reading.weight, policy)),)
    total = score.alpha + score.beta
    prior_share = model.job_strength / total
    found = [
        Reason(
            code="learning",
            text=f"Learning and practice alone suggest {100 * score.pi_fresh:.0f} when fresh.",
            points=round(100 * prior_share * (score.pi_fresh - model.base), 1),
        )
    ]
    faded = 100 * prior_share * (score.pi - score.pi_fresh)
    if abs(faded) >= POINTS_SHOWN:
        text = f"Since it was last learnt or used well it has faded to {100 * score.pi:.0f}."
        found.append(Reason(code="retention", text=text, points=round(faded, 1)))
    if score.trials > 0.05:
        met = 100 * score.successes / score.trials
        text = f"On the job {met:.0f} % of {score.trials:.1f} weighted recent outcomes met the standard"
        if score.assisted > 0.05:
            text += f", {100 * score.assisted / score.successes:.0f} % of them with a job aid at hand"
        job = 100 * (score.successes - score.trials * model.base) / total
        found.append(Reason(code="job", text=text + ".", points=round(job, 1)))
    else:
        found.append(Reason(code="no-job-evidence", text="No outcome on the job counts at present."))
    return tuple(sorted(found, key=lambda reason: -abs(reason.points)))


def missing_text(weight: Weight, policy: Policy) -> str:
    """Return what is missing before a score may be shown."""
    if weight.outcomes < policy.minimum_outcomes:
        count = "once" if weight.exposures == 1 else f"{weight.exposures} times"
        seen = f", {count} seen or read" if weight.exposures else ""
        return f"Not enough evidence: {weight.outcomes} of {policy.minimum_outcomes} scored outcomes{seen}."
    return (
        f"The evidence is too old: {weight.effective:.1f} of {policy.minimum_effective:g} outcomes still count, "
        f"of {weight.outcomes} in all."
    )
