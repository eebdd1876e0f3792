"""Spacing by FSRS-6: the package's numbers on whole days, fractions of days in between, and any order of answers."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from fsrs import Card, Rating, Scheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.pipeline.reviews import reviews_part, schedules
from carrythrough.program.types import Skill
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.spacing import (
    ANSWERS_MAX,
    RETENTION,
    RETENTION_SAFETY,
    Answer,
    interval_days,
    recall,
    schedule,
)

NOW = 20_000 * DAY_MS
HOUR_MS = 3_600_000


def answers(*when: tuple[float, float]) -> list[Answer]:
    return [
        Answer(NOW - int(days * DAY_MS), bytes([n]) * 16, round(y * Y_ONE))
        for n, (days, y) in enumerate(when)
    ]


@pytest.mark.parametrize(
    "when",
    [
        [(30, 1.0)],
        [(30, 0.0)],
        [(60, 1.0), (50, 1.0), (20, 1.0)],
        [(60, 1.0), (50, 0.0), (20, 0.6), (19, 1.0)],
        [(90, 0.0), (89, 0.0), (80, 1.0), (40, 1.0), (1, 0.0)],
    ],
)
def test_on_whole_days_the_numbers_are_those_of_the_package(when: list[tuple[float, float]]) -> None:
    theirs = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)
    card = Card(card_id=1)
    for answer in answers(*when):
        rating = (
            Rating.Again if answer.y < Y_ONE / 2 else Rating.Hard if answer.y < 0.8 * Y_ONE else Rating.Good
        )
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=answer.t_ms)
        card, _ = theirs.review_card(card, rating, moment)
    ours = schedule("i", answers(*when), RETENTION)
    assert ours.stability == pytest.approx(card.stability)
    assert ours.difficulty == pytest.approx(card.difficulty)
    # They round the interval to whole days, we do not.
    their_days = (card.due - card.last_review) / dt.timedelta(days=1)  # type: ignore[operator]
    assert (ours.due_ms - ours.last_ms) / DAY_MS == pytest.approx(their_days, abs=0.51) or their_days == 1


def test_a_day_and_a_half_is_neither_one_day_nor_two() -> None:
    stabilities = [
        schedule("i", answers((10, 1.0), (10 - days, 1.0)), RETENTION).stability for days in (1.0, 1.5, 2.0)
    ]
    assert stabilities == sorted(set(stabilities))


@pytest.mark.parametrize("retention", [RETENTION, RETENTION_SAFETY])
def test_an_item_is_due_when_recall_falls_to_the_desired_retention(retention: float) -> None:
    found = schedule("i", answers((20, 1.0), (12, 1.0), (3, 1.0)), retention)
    assert recall(found, found.due_ms) == pytest.approx(retention, abs=1e-6)
    assert recall(found, found.last_ms) == 1.0
    assert recall(found, found.due_ms + DAY_MS) < retention < recall(found, found.due_ms - HOUR_MS)


def test_safety_critical_items_come_back_sooner() -> None:
    assert interval_days(10.0, RETENTION) == pytest.approx(10.0)
    assert interval_days(10.0, RETENTION_SAFETY) < 5.0


@given(
    st.lists(st.tuples(st.integers(0, 400 * 24), st.integers(0, Y_ONE)), min_size=1, max_size=25),
    st.randoms(use_true_random=False),
)
@settings(max_examples=80)
def test_a_late_answer_is_as_if_it_had_come_in_time(
    given_answers: list[tuple[int, int]], rng: random.Random
) -> None:
    made = [Answer(NOW - h * HOUR_MS, n.to_bytes(16, "big"), y) for n, (h, y) in enumerate(given_answers)]
    shuffled = list(made)
    rng.shuffle(shuffled)
    assert schedule("i", shuffled, RETENTION) == schedule("i", made, RETENTION)


def test_the_number_of_answers_followed_is_bounded_and_what_is_left_out_hardly_matters() -> None:
    rng = random.Random(1)
    many = [
        Answer(NOW - n * DAY_MS, n.to_bytes(16, "big"), Y_ONE if rng.random() < 0.8 else 0)
        for n in range(ANSWERS_MAX + 200)
    ]
    whole = schedule("i", many[:ANSWERS_MAX], RETENTION)
    assert schedule("i", many, RETENTION) == whole
    with pytest.raises(ValueError, match="no answers"):
        schedule("i", [], RETENTION)


def row(item: str, days: float, y: float, channel: Channel = Channel.LEARN, skill: str = "s") -> Evidence:
    source = f"{item}{days}{channel}{skill}".encode()[:16].ljust(16)
    return Evidence(source, skill, channel, NOW - int(days * DAY_MS), round(y * Y_ONE), W_ONE, 0, 0, item)


def test_items_are_listed_with_those_due_first_and_only_questions_are_items() -> None:
    rows = [
        row("a", 40, 0.0),
        row("b", 5, 1.0),
        row("b", 1, 1.0),
        row("", 1, 1.0),
        row("job", 1, 1.0, Channel.JOB),
        row("other", 1, 1.0, skill="t"),
    ]
    skill = Skill(id="s", name="S")
    found = schedules(rows, skill)
    assert [s.item for s in found] == ["a", "b"]
    part = reviews_part(rows, skill, NOW)
    assert (part["items"], part["due"], part["desired_retention"]) == (2, 1, RETENTION)
    strict = reviews_part(rows, Skill(id="s", name="S", safety_critical=True), NOW)
    assert strict["desired_retention"] == RETENTION_SAFETY
