"""Early warnings about modules and simulations: people did well there, or were there, and work does not show it.

A module is an activity of the program map that trains a skill. What is looked at is people, not attempts: the mean job
outcome of each in the weeks after they first met the module. The warning is about the module and its cohort, never
about a person, and says with what it was compared; that the module is the cause is not claimed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt
from typing import NamedTuple

import msgspec
import numpy as np

from carrythrough.impact.outcomes import DAY_MS, PairHistory
from carrythrough.impact.weighted import student_quantile

AFTER_MS = 60 * DAY_MS
"""Job outcomes of this long after the first meeting with a module are laid beside it."""
RECENT_MS = 120 * DAY_MS
"""First meetings longer ago say nothing about the module of today."""
CERTAINTY = 0.95
"""A warning wants to be this sure that the mean is below the target."""


class Meeting(NamedTuple):
    """One person and one module. first_ms: first evidence of it. results: outcomes in it, 0..1, () when it has none."""

    module: str
    skill: str
    subject: str
    first_ms: int
    results: tuple[float, ...]


class WeakTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """A module that is followed by weak transfer in a cohort.

    people: with job outcomes afterwards, outcomes: of them. mean, low, high: mean job outcome with a 90 % interval,
    0..1. target: of the skill. before: mean of the same people in as long a time before, None where nobody had any.
    in_module: mean outcome in the module itself, None where it has none.
    """

    module: str
    skill: str
    cohort: str
    people: int
    outcomes: int
    mean: float
    low: float
    high: float
    target: float
    before: float | None = None
    in_module: float | None = None


def weak_transfer(
    meetings: Iterable[Meeting],
    histories: Mapping[tuple[str, str], PairHistory],
    cohort_of: Mapping[str, str],
    targets: Mapping[str, float],
    now_ms: int,
    minimum: int,
) -> list[WeakTransfer]:
    """Return the warnings as of a time, the weakest against its target first.

    cohort_of: by pseudonym; who is not in it is passed over. targets: by skill, of those to look at. minimum: people
    with job outcomes that a cohort needs.
    """
    groups: dict[tuple[str, str, str], list[Meeting]] = {}
    for meeting in meetings:
        recent = now_ms - RECENT_MS <= meeting.first_ms <= now_ms
        if recent and meeting.skill in targets and meeting.subject in cohort_of:
            key = (meeting.module, meeting.skill, cohort_of[meeting.subject])
            groups.setdefault(key, []).append(meeting)
    found = [
        _judged(key, group, histories, targets[key[1]], now_ms, minimum)
        for key, group in sorted(groups.items())
    ]
    return sorted((w for w in found if w is not None), key=lambda w: (w.mean - w.target, w.module, w.cohort))


def _judged(
    key: tuple[str, str, str],
    group: list[Meeting],
    histories: Mapping[tuple[str, str], PairHistory],
    target: float,
    now_ms: int,
    minimum: int,
) -> WeakTransfer | None:
    """Return the warning about one module and cohort, None when there is none to give."""
    module, skill, cohort = key
    means: list[float] = []
    before: list[float] = []
    in_module: list[float] = []
    outcomes = 0
    for meeting in group:
        history = histories.get((meeting.subject, skill))
        if history is None:
            continue
        start, at, end = np.searchsorted(
            history.job_ms,
            [meeting.first_ms - AFTER_MS, meeting.first_ms, min(meeting.first_ms + AFTER_MS, now_ms)],
            side="right",
        )
        if end <= at:
            continue
        means.append(float(history.job_y[at:end].mean()))
        outcomes += int(end - at)
        if at > start:
            before.append(float(history.job_y[start:at].mean()))
        if meeting.results:
            in_module.append(sum(meeting.results) / len(meeting.results))
    if len(means) < max(minimum, 2):
        return None
    mean = sum(means) / len(means)
    # Eight people who all failed prove less than their spread of 0 says: as many separate outcomes would tell no more.
    smoothed = (mean * outcomes + 1.0) / (outcomes + 2.0)
    least = sqrt(smoothed * (1.0 - smoothed) / (outcomes + 2.0))
    error = max(float(np.std(means, ddof=1)) / sqrt(len(means)), least)
    reach = student_quantile(CERTAINTY, len(means) - 1) * error
    if mean + reach >= target:
        return None
    return WeakTransfer(
        module=module,
        skill=skill,
        cohort=cohort,
        people=len(means),
        outcomes=outcomes,
        mean=mean,
        low=max(mean - reach, 0.0),
        high=min(mean + reach, 1.0),
        target=target,
        before=_enough(before, minimum),
        in_module=_enough(in_module, minimum),
    )


def _enough(values: list[float], minimum: int) -> float | None:
    """Return the mean of enough people's values, None of fewer: it would say too much about each."""
    return sum(values) / len(values) if len(values) >= minimum else None
