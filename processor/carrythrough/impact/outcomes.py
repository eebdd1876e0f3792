"""What followed a decision: practice within 48 hours (near), the next job outcome within 30 days (far).

Opens and clicks are no outcome. Neither are observations by managers and peers here, although the score counts them:
some actions ask for them, and would make the result that they are judged by.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from carrythrough.evidence.types import Channel
from carrythrough.impact.trial import Floats, Integers

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NEAR, FAR = "near", "far"
WINDOW_MS = {NEAR: 48 * HOUR_MS, FAR: 30 * DAY_MS}
WORDS = {NEAR: "practice or learning within 48 hours", FAR: "the next job outcome within 30 days"}
LATELY_MS = 14 * DAY_MS
QUIET_DAYS_MAX = 90.0
"""A longer silence says no more."""
CONTROLS = ("practised lately", "quiet for", "last job outcome", "job outcome known")
UNKNOWN_Y = 0.5


class PairHistory(NamedTuple):
    """Evidence of one person and skill that counts, in order of event time.

    practice_ms: times of answers, tests and practice. job_ms, job_y: times and outcomes 0..1 of work.
    """

    practice_ms: Integers
    job_ms: Integers
    job_y: Floats


EMPTY = PairHistory(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def history_of(rows: list[tuple[int, int, float]]) -> PairHistory:
    """Return the history of one pair. rows: (channel, event time ms, outcome 0..1) in any order."""
    practice = sorted(t for channel, t, _ in rows if channel in (Channel.LEARN, Channel.PRACTICE))
    job = sorted((t, y) for channel, t, y in rows if channel == Channel.JOB)
    return PairHistory(
        np.array(practice, np.int64), np.array([t for t, _ in job], np.int64), np.array([y for _, y in job])
    )


def followed(history: PairHistory, at_ms: Integers, outcome: str) -> Floats:
    """Return the outcome after each decision time, 0..1.

    near: 1 when there was practice in the window. far: the outcome of the next job result in the window, 0 when there
    was none: leaving such points out would let a push choose its own judges.
    """
    times = history.practice_ms if outcome == NEAR else history.job_ms
    after = np.searchsorted(times, at_ms, side="right")
    found = np.append(times, np.iinfo(np.int64).max)[after] <= at_ms + WINDOW_MS[outcome]
    values = np.append(np.ones(len(times)) if outcome == NEAR else history.job_y, 0.0)
    result: Floats = np.where(found, values[after], 0.0)
    return result


def controls(history: PairHistory, at_ms: Integers) -> Floats:
    """Return what was known of a pair at each decision time: (n, len(CONTROLS)). Later evidence is not looked at."""
    practised = np.searchsorted(history.practice_ms, at_ms, side="right")
    lately = practised - np.searchsorted(history.practice_ms, at_ms - LATELY_MS, side="right")
    newest = np.append(history.practice_ms, np.iinfo(np.int64).min // 2)[practised - 1]
    quiet = np.minimum((at_ms - newest) / DAY_MS, QUIET_DAYS_MAX)
    worked = np.searchsorted(history.job_ms, at_ms, side="right")
    last = np.append(history.job_y, UNKNOWN_Y)[worked - 1]
    return np.column_stack([np.log1p(lately), np.log1p(quiet), last, (worked > 0).astype(np.float64)])
