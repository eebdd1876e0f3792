"""The stage: where a person stands for a skill, read from the state at a time.

Stage -> cause -> action is the chain of design section 6. The thresholds are
relative to the skill's target, so a program that asks for more also sees people
fall behind earlier.
"""

from __future__ import annotations

import enum

from carrythrough.evidence.types import Channel
from carrythrough.program.types import Skill
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.score import Score, Weight, retention
from carrythrough.scoring.state import SUCCESS_Y, PairState

LEARNT_SHARE = 0.8
"""Learnt: the freshly learnt prior once reached this share of the skill's target."""
FADED_RETENTION = 0.80
"""Fading: less than this share of the freshly learnt prior is left, and what is left is below the target."""
APPLIED_TRIALS = 1.0
"""Applied: at least this much decayed weight of job outcomes."""
ASSISTED_SHARE = 0.7
"""Applied with support: at least this share of the recent job successes had a job aid at hand."""
ASSISTED_SUCCESSES = 1.0
"""... and at least this much decayed weight of such successes."""


class Stage(enum.IntEnum):
    """Codes of the stages; the texts are the ones of the design and of the effects."""

    UNKNOWN = 0
    NOT_ENOUGH_EVIDENCE = 1
    NOT_YET_LEARNT = 2
    FADING = 3
    UNPRACTISED = 4
    UNAPPLIED = 5
    APPLIED_WITH_SUPPORT = 6
    CARRIED_THROUGH = 7
    UNDERPERFORMING = 8
    SETTLING_IN = 9

    @property
    def text(self) -> str:
        """Return the stage as it is written in program maps and effects ("not-enough-evidence")."""
        return _TEXTS[self]


_TEXTS = {stage: stage.name.lower().replace("_", "-") for stage in Stage}


def enough(weight: Weight, minimum_outcomes: int, minimum_effective: float) -> bool:
    """Say whether the evidence suffices to show a score at all (promise 7)."""
    return weight.outcomes >= minimum_outcomes and weight.effective >= minimum_effective


def stage_of(score: Score, pair: PairState, skill: Skill, now_ms: int) -> Stage:
    """Return the stage of a pair whose evidence is enough, for a skill's target, rhythm and declared dips."""
    target, opportunity_days = skill.target, skill.opportunity_days
    learnt = score.pi_fresh >= LEARNT_SHARE * target
    faded = learnt and score.pi < target and retention(score) < FADED_RETENTION
    if score.trials < APPLIED_TRIALS or not _applied_lately(pair, now_ms, opportunity_days):
        return _before_the_job(pair, learnt=learnt, faded=faded)
    if score.assisted >= ASSISTED_SUCCESSES and score.assisted >= ASSISTED_SHARE * score.successes:
        return Stage.APPLIED_WITH_SUPPORT
    if score.value >= target:
        return Stage.CARRIED_THROUGH
    if faded:
        return Stage.FADING
    # Whoever shows work and no learning at all is judged by the work.
    if not learnt and _was_taught(pair):
        return Stage.NOT_YET_LEARNT
    return Stage.SETTLING_IN if skill.in_dip(now_ms) else Stage.UNDERPERFORMING


def _was_taught(pair: PairState) -> bool:
    return any(c is not None and c.count for c in pair.channels[: Channel.JOB])


def _before_the_job(pair: PairState, *, learnt: bool, faded: bool) -> Stage:
    if faded:
        return Stage.FADING
    if not learnt:
        return Stage.NOT_YET_LEARNT
    practice = pair.channels[Channel.PRACTICE]
    # Practice that never went well lately is no reason to wait for an opportunity: there is more to practise.
    went_well = practice is not None and any(y >= SUCCESS_Y for _, _, y in practice.newest)
    return Stage.UNAPPLIED if went_well else Stage.UNPRACTISED


def _applied_lately(pair: PairState, now_ms: int, opportunity_days: int) -> bool:
    """Say whether a job outcome lies within twice the time in which an opportunity is expected."""
    newest = max(
        (
            c.newest[-1][0]  # an opportunity that nobody took is no application
            for c in (pair.channels[Channel.JOB], pair.channels[Channel.OBSERVED])
            if c is not None and c.newest
        ),
        default=0,
    )
    return now_ms - newest <= 2 * opportunity_days * DAY_MS
