"""The half-life of a skill chooses how long its job outcomes are remembered, and the score follows."""

from __future__ import annotations

import pytest

from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.pipeline.reading import read_pair
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.program.rules import COUNT_MAX
from carrythrough.program.skills import HALF_LIFE_BETWEEN_DAYS, HALF_LIFE_LONG_DAYS, HALF_LIFE_SHORT_DAYS
from carrythrough.program.types import Policy, Skill
from carrythrough.scoring.decay import DAY_MS, JOB_HALF_LIVES_MS
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.state import NEWEST_KEPT

NOW = 1_760_000_000_000


def trials(skill: Skill, age_days: int = 60) -> float:
    """Return what is left of ten job outcomes of that age, as the score counts them."""
    rows = [
        Evidence(n.to_bytes(16, "big"), "s", Channel.JOB, NOW - age_days * DAY_MS, Y_ONE, W_ONE, 0)
        for n in range(10)
    ]
    learner = rebuild(rows)
    reading = read_pair(learner, learner.pairs["s"], NOW, skill, SHIPPED, Policy())
    return reading.weight.trials


@pytest.mark.parametrize(
    ("settings", "half_life_days"),
    [
        ({}, 90),
        ({"volatile": True}, 30),
        ({"half_life_days": 90}, 90),
        ({"half_life_days": 30}, 30),
        ({"half_life_days": HALF_LIFE_BETWEEN_DAYS - 1}, 30),
        ({"half_life_days": HALF_LIFE_BETWEEN_DAYS}, 90),
        ({"half_life_days": 30, "volatile": True}, 30),
    ],
)
def test_outcomes_age_by_the_half_life_that_is_nearer(settings: dict[str, int], half_life_days: int) -> None:
    skill = Skill(id="s", name="S", **settings)
    assert trials(skill, 60) == pytest.approx(10 * 2 ** (-60 / half_life_days), rel=1e-6)


def test_the_map_and_the_state_speak_of_the_same_figures() -> None:
    assert COUNT_MAX == NEWEST_KEPT
    assert JOB_HALF_LIVES_MS == (HALF_LIFE_SHORT_DAYS * DAY_MS, HALF_LIFE_LONG_DAYS * DAY_MS)
    assert round((HALF_LIFE_SHORT_DAYS * HALF_LIFE_LONG_DAYS) ** 0.5) == HALF_LIFE_BETWEEN_DAYS
