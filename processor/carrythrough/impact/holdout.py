"""The permanent holdout against everybody else: whether being pushed at all changes results at work.

The unit is the person. Until the first decision point nothing differs between the two, so whoever reached one belongs
to the comparison, whatever came of it; results are those after it. The mean job outcome of the time before is
adjusted for. Who is held out is a hash of the pseudonym and never changes, so the comparison is for one look.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np

from carrythrough.impact.outcomes import DAY_MS, PairHistory
from carrythrough.impact.sequence import PEOPLE_LEAST
from carrythrough.impact.trial import Trial
from carrythrough.impact.weighted import uplift

BEFORE_MS = 90 * DAY_MS


class Participant(NamedTuple):
    """One person who reached a decision point. held: in the holdout. since_ms: of the first decision point."""

    held: bool
    since_ms: int
    histories: tuple[PairHistory, ...]


class HoldoutComparison(msgspec.Struct, frozen=True, kw_only=True):
    """The difference of mean job outcomes, others less held out, -1..1, with a 90 % interval for one look.

    held, others: people with job outcomes since their first decision point; None under the least number, with all
    the figures. without_results: share of the held and of the others who have none and are left out.
    """

    verdict: str
    held: int | None = None
    others: int | None = None
    without_results: tuple[float, float] | None = None
    held_mean: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None


def compare(participants: Iterable[Participant]) -> HoldoutComparison:
    """Return the comparison of people held out with the others."""
    rows: list[tuple[bool, float, float, float]] = []
    counts, missing = [0, 0], [0, 0]
    for who in participants:
        counts[who.held] += 1
        after, before = _means(who)
        if after is None:
            missing[who.held] += 1
        else:
            rows.append((who.held, after, before if before is not None else 0.0, float(before is not None)))
    held = sum(row[0] for row in rows)
    if min(held, len(rows) - held) < PEOPLE_LEAST:
        return HoldoutComparison(verdict="too-few")
    columns = np.array([row[1:] for row in rows])
    pushed = ~np.array([row[0] for row in rows])
    n = len(rows)
    share = float(pushed.mean())
    found = uplift(
        Trial(
            np.arange(n, dtype=np.int64),
            pushed,
            np.full(n, share),
            columns[:, 0],
            columns[:, 1:],
            np.zeros(n, dtype=np.int64),
            0,
        )
    )
    if found is None:
        return HoldoutComparison(verdict="too-few")
    differs = found.low > 0.0 or found.high < 0.0
    return HoldoutComparison(
        verdict="difference" if differs else "no-detectable-effect",
        held=held,
        others=n - held,
        without_results=(missing[True] / counts[True], missing[False] / counts[False]),
        held_mean=float(columns[~pushed, 0].mean()),
        effect=found.effect,
        low=found.low,
        high=found.high,
    )


def _means(who: Participant) -> tuple[float | None, float | None]:
    """Return the mean job outcome after the first decision point and in the time before; None where there is none."""
    after: list[float] = []
    before: list[float] = []
    for history in who.histories:
        start = np.searchsorted(history.job_ms, who.since_ms - BEFORE_MS, side="right")
        at = np.searchsorted(history.job_ms, who.since_ms, side="right")
        before += history.job_y[start:at].tolist()
        after += history.job_y[at:].tolist()
    return (sum(after) / len(after) if after else None), (sum(before) / len(before) if before else None)
