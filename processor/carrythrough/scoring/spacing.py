"""When a knowledge item should be asked again: FSRS-6, item by item, from the answers in the ledger.

The memory model is that of the `fsrs` package (Ye, Su, Cao: A stochastic shortest path algorithm for optimizing
spaced repetition scheduling, KDD 2022; parameters of FSRS-6 as published). Recall after t days at stability S is

    R(t) = (1 + f·t/S)^(−d),   d = 0.1542,   f = 0.9^(−1/d) − 1,

so S is the time after which R has fallen to 0.9. The package counts whole days; a review after 23 hours and one
after 25 would be a day apart. Here days are fractional, both when an answer is judged and when the next is due.

Nothing is stored: the answers of an item are put in order and followed again each time they are asked for, so
a late or voided answer is as if it had always, or never, been there. Recall and due times are for people and
actions; no score is computed from them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

import msgspec
from fsrs import Card, Rating, Scheduler

from carrythrough.evidence.types import Y_ONE
from carrythrough.scoring.decay import DAY_MS

RETENTION: Final = 0.90
RETENTION_SAFETY: Final = 0.95
"""Recall at which an item is due again: usually, and for safety-critical skills."""
HARD_Y: Final = Y_ONE * 4 // 5
PASSED_Y: Final = Y_ONE // 2
"""An answer under PASSED_Y is a lapse ("again"), under HARD_Y "hard", from there on "good"."""
INTERVAL_DAYS_MAX: Final = 3_650.0
ANSWERS_MAX: Final = 400
"""Answers of one item that are followed, newest kept: by then stability no longer depends on the first ones."""


class Answer(msgspec.Struct, frozen=True, order=True):
    """One answer to an item: event time, source (breaks ties), outcome in 0..Y_ONE."""

    t_ms: int
    source: bytes
    y: int


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """Where the memory of one item stands after its answers.

    stability: days after which recall is 0.9. difficulty: 1..10. due_ms: when recall falls to the desired
    retention. lapses: answers that were forgotten after the first.
    """

    item: str
    answers: int
    lapses: int
    last_ms: int
    due_ms: int
    stability: float
    difficulty: float


class _FractionalDays(Scheduler):
    """The scheduler of the package with fractional days where it would cut to whole ones."""

    def get_card_retrievability(self, card: Card, current_datetime: dt.datetime | None = None) -> float:
        """Return R at a time, 0..1; 0 for an item never answered."""
        if card.last_review is None or card.stability is None or current_datetime is None:
            return 0.0
        days = max(0.0, (current_datetime - card.last_review) / dt.timedelta(days=1))
        return _recall(days, card.stability)


_SCHEDULER = _FractionalDays(learning_steps=(), relearning_steps=(), enable_fuzzing=False)
_DECAY = -_SCHEDULER.parameters[20]
_FACTOR = 0.9 ** (1.0 / _DECAY) - 1.0
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def desired_retention(*, safety_critical: bool) -> float:
    """Return the recall at which an item of a skill is due again."""
    return RETENTION_SAFETY if safety_critical else RETENTION


def schedule(item: str, answers: Iterable[Answer], retention: float) -> Schedule:
    """Return the schedule of one item after its answers, in any order; raises ValueError without answers."""
    ordered = sorted(answers)[-ANSWERS_MAX:]
    if not ordered:
        raise ValueError(f"{item} has no answers")
    card = Card(card_id=1, due=_EPOCH)
    for answer in ordered:
        card, _ = _SCHEDULER.review_card(card, _rating(answer.y), _moment(answer.t_ms))
    stability, difficulty = card.stability or 0.0, card.difficulty or 0.0
    last_ms = ordered[-1].t_ms
    return Schedule(
        item=item,
        answers=len(ordered),
        lapses=sum(answer.y < PASSED_Y for answer in ordered[1:]),
        last_ms=last_ms,
        due_ms=last_ms + int(interval_days(stability, retention) * DAY_MS),
        stability=stability,
        difficulty=difficulty,
    )


def interval_days(stability: float, retention: float) -> float:
    """Return the days after which recall falls from 1 to `retention`, for 0 < retention < 1."""
    days = stability / _FACTOR * (retention ** (1.0 / _DECAY) - 1.0)
    return float(min(days, INTERVAL_DAYS_MAX))


def recall(found: Schedule, now_ms: int) -> float:
    """Return the chance that the item is recalled at `now_ms`, 0..1."""
    return _recall(max(0, now_ms - found.last_ms) / DAY_MS, found.stability)


def _recall(days: float, stability: float) -> float:
    return float((1.0 + _FACTOR * days / stability) ** _DECAY)


def _rating(y: int) -> Rating:
    if y < PASSED_Y:
        return Rating.Again
    return Rating.Hard if y < HARD_Y else Rating.Good


def _moment(t_ms: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(milliseconds=t_ms)
