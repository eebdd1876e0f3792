"""Skills that people need on the job, and the objectives that say what they will do."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from carrythrough.program.part import DAY_MS, Date, Id, Part, Share, Strings, Text, Weight, day_number

HALF_LIFE_SHORT_DAYS, HALF_LIFE_LONG_DAYS = 30, 90
"""The two half-lives that scoring keeps of job outcomes (`scoring.decay.JOB_HALF_LIVES_MS`)."""
HALF_LIFE_BETWEEN_DAYS = 52
"""Hints up to here are read as the short one: √(30·90), where both are equally far off."""


class Dip(Part, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A declared early window in which results are expected to fall; first and last day, both included.

    In it a skill is never *underperforming*: the stage is *settling-in*, for which no rule is meant.

    from: first day. to: last day.
    """

    from_: Date
    to: Date

    def holds(self, now_ms: int) -> bool:
        """Say whether a time (ms since the epoch) lies in the window; never for days that do not exist."""
        span = self.days()
        return span is not None and span[0] <= now_ms // DAY_MS <= span[1]

    def days(self) -> tuple[int, int] | None:
        """Return first and last day as days since the epoch, None for days that do not exist."""
        first, last = day_number(self.from_), day_number(self.to)
        return None if first is None or last is None else (first, last)


class Skill(Part, frozen=True, kw_only=True):
    """A skill that people need on the job.

    id: how evidence and objectives name it. name: what people call it. kpis: ids of the KPIs that it serves.
    target: transfer score aimed at, 0..1. roles: role → importance (0..8); a role that is not named does not
    need the skill. safety_critical: lives depend on it, so reviews keep more of it in mind (95 % in place of
    90 %). volatile: what is right changes quickly, so the 30-day job sums are used in place of the 90-day
    ones. half_life_days: how soon a job outcome says only half as much; scoring keeps 30 and 90 days and takes
    the nearer. job_aid_minutes: a success so soon after job-aid use is assisted. opportunity_days: how often
    the job normally offers a chance to use it. requires: skills that come first; while one of them is not yet
    learnt, this one is left alone. frameworks: IRIs of the same skill in ESCO, CASE and the like. dips: declared
    early windows in which results are expected to fall.
    """

    id: Id
    name: Text
    kpis: tuple[Id, ...] = ()
    target: Share = 0.75
    roles: dict[Annotated[str, Meta(min_length=1, max_length=100)], Weight] = msgspec.field(
        default_factory=dict
    )
    safety_critical: bool = False
    volatile: bool = False
    half_life_days: Annotated[int, Meta(ge=1, le=3650)] | None = None
    job_aid_minutes: Annotated[int, Meta(ge=0, le=1440)] = 30
    opportunity_days: Annotated[int, Meta(ge=1, le=3650)] = 14
    requires: Annotated[tuple[Id, ...], Meta(max_length=50)] = ()
    frameworks: Annotated[Strings, Meta(max_length=50)] = ()
    dips: Annotated[tuple[Dip, ...], Meta(max_length=50)] = ()

    def in_dip(self, now_ms: int) -> bool:
        """Say whether a time lies in a declared dip."""
        return any(dip.holds(now_ms) for dip in self.dips)

    @property
    def short_memory(self) -> bool:
        """Say whether job outcomes are remembered for the short half-life (30 days) in place of the long."""
        if self.half_life_days is None:
            return self.volatile
        return self.half_life_days < HALF_LIFE_BETWEEN_DAYS


class Objective(Part, frozen=True, kw_only=True):
    """What a learner will do after the activities, stated so that it can be observed.

    id: unique among the objectives. skill: the skill that it is part of. statement: what the person will do,
    on what occasion, and how well. activities: ids of the activities that teach or practise it. shown_by: ids
    of the event rules and activities that show it on the job; left out: all that give the skill job evidence.
    """

    id: Id
    skill: Id
    statement: Text
    activities: tuple[Id, ...] = ()
    shown_by: tuple[Id, ...] = ()
