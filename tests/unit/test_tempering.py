"""A learner that is too sure of itself is held to what it has been right about; one that is right is left alone."""

from __future__ import annotations

import random
from math import log

import pytest

from carrythrough.cli.science.answers import Answer, AnswerFile
from carrythrough.cli.science.exam import LEARNER, sit
from carrythrough.scoring.answer_features import Question
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.learner import Learner
from carrythrough.scoring.online import sigmoid
from carrythrough.scoring.state import LearnerState
from carrythrough.scoring.tempering import Temper


def taught(told: float, base: float = 0.5, answers: int = 6_000) -> Temper:
    """Return what is learnt of logits that are `told` times the true ones, counted from the base rate."""
    rng, temper = random.Random(4), Temper()
    origin = log(base / (1.0 - base))
    for _ in range(answers):
        true = rng.gauss(0.0, 1.2)
        y = float(rng.random() < sigmoid(origin + true))
        temper.learn(origin + told * true, base, y)
    return temper


def test_nothing_is_changed_before_the_first_answer() -> None:
    for logit in (-4.0, 0.0, 1.5):
        assert Temper().apply(logit, 0.8) == pytest.approx(sigmoid(logit), abs=1e-12)


@pytest.mark.parametrize("base", [0.5, 0.9])
@pytest.mark.parametrize("told", [0.8, 1.0, 3.0])
def test_the_slope_becomes_what_undoes_the_exaggeration(told: float, base: float) -> None:
    temper = taught(told, base)
    assert temper.slope * told == pytest.approx(1.0, abs=0.12)
    assert temper.offset == pytest.approx(0.0, abs=0.12)


def test_a_record_of_being_wrong_never_turns_the_order_around() -> None:
    temper = taught(-2.0)
    assert temper.slope < 0.0
    assert temper.apply(2.0, 0.5) == temper.apply(-2.0, 0.5)


def test_where_there_is_nothing_to_find_the_learner_says_so() -> None:
    rng = random.Random(9)
    answers = [
        Answer(f"p{k % 100}", f"i{rng.randrange(900)}", (f"s{rng.randrange(50)}",), y, t, t, True)
        for k in range(9_000)
        for t in [20_000 * DAY_MS + k * 3_600_000]
        for y in [float(rng.random() < 0.7)]
    ]
    result = sit(AnswerFile(answers, split=False, timed=True))
    learner, mean, items = result.of(LEARNER), result.of("global mean"), result.of("item mean")
    assert learner is not None
    assert mean is not None
    assert items is not None
    assert learner.log_loss < mean.log_loss + 0.006
    assert learner.log_loss < items.log_loss
    assert learner.ece < 0.035


def test_a_frozen_and_a_sealed_learner_keep_it() -> None:
    for name in ("frozen", "sealed"):
        learner = Learner(1 << 10)
        setattr(learner, name, True)
        prediction = learner.predict(LearnerState(), Question("p", "i", ("s",)), 20_000 * DAY_MS)
        learner.learn(prediction, 1.0)
        assert learner.temper == Temper()
