"""The shadow learner: it predicts each answer, then learns from it, once, in the order in which answers come.

It reads the state that the pipeline folds and keeps weights of its own beside it: one pass, O(1) an
answer, bounded memory. No score depends on it: what it has learnt reaches scores only through a frozen
version that somebody promotes.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from carrythrough.scoring.answer_features import (
    DENSE,
    Background,
    Question,
    dense_row,
    hashed_slots,
    person_slot,
)
from carrythrough.scoring.online import Hashed, OnlineLogit, sigmoid
from carrythrough.scoring.state import LearnerState

SLOTS: Final = 1 << 20
"""Hashed weights: 16 MB; a slot shared by two rare features costs less than the memory to part them."""
DENSE_PRECISION: Final = 30.0
"""Prior precision of the dense weights: about thirty answers at p = ½ for each four."""
TABLE_MOST: Final = 1 << 18
"""Items and skills counted apart; later ones share the entry of their code modulo this."""
_BASE_SUCCESSES, _BASE_TRIALS = 6.0, 10.0
"""The base rate starts at 0.6 and weighs ten answers."""
_ITEM_STRENGTH, _SKILL_STRENGTH = 3.0, 5.0
"""Pseudo-answers with which an item leans on its skill, and a skill on the base rate."""


class Prediction(msgspec.Struct, frozen=True):
    """One prediction with what it was made of. p: 0..1. p_item: expected success of the item, 0..1."""

    p: float
    p_item: float
    question: Question
    row: npt.NDArray[np.float64]
    hashed: Hashed


class Table:
    """Counts of answers and successes by code, at most TABLE_MOST entries."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: dict[int, tuple[float, float]] = {}

    def share(self, code: int, prior: float, strength: float) -> float:
        """Return the smoothed share of successes, 0..1; `prior` for what was never seen."""
        n, a = self.entries.get(code % TABLE_MOST, (0.0, 0.0))
        return (a + prior * strength) / (n + strength)

    def known(self, code: int) -> bool:
        """Say whether the code was seen."""
        return code % TABLE_MOST in self.entries

    def count(self, code: int, y: float) -> None:
        """Count one answer with outcome y (0..1)."""
        n, a = self.entries.get(code % TABLE_MOST, (0.0, 0.0))
        self.entries[code % TABLE_MOST] = (n + 1.0, a + y)


class Learner:
    """Weights and tables; `predict`, then `learn`, for every answer in turn.

    frozen: `learn` leaves everything shared alone and moves the person's own intercept only (the exam
    of what was learnt from others before). sealed: it changes nothing at all.
    """

    __slots__ = ("answers", "frozen", "items", "logit", "sealed", "skills", "successes")

    def __init__(self, slots: int = SLOTS) -> None:
        self.logit = OnlineLogit([0.0] * len(DENSE), [DENSE_PRECISION] * len(DENSE), slots)
        self.items, self.skills = Table(), Table()
        self.answers = 0
        self.successes = 0.0
        self.frozen = self.sealed = False

    def base(self) -> float:
        """Return the share of successes of all answers so far, smoothed, 0..1."""
        return (self.successes + _BASE_SUCCESSES) / (self.answers + _BASE_TRIALS)

    def background(self, question: Question) -> Background:
        """Return what is known of the item and the skills of a question, whoever answers it."""
        base = self.base()
        shares = [self.skills.share(code, base, _SKILL_STRENGTH) for code in question.skill_codes()]
        skill = sum(shares) / len(shares)
        code = question.item_code()
        item = self.items.share(code, skill, _ITEM_STRENGTH)
        return Background(base, item, skill, self.items.known(code))

    def predict(self, learner: LearnerState, question: Question, now_ms: int) -> Prediction:
        """Return the probability of success before the answer; learner: the state at `now_ms`."""
        background = self.background(question)
        values, views = dense_row(learner, question, now_ms, background)
        hashed = hashed_slots(learner, question, now_ms, values, views, self.logit.slots)
        row = np.array(values, dtype=np.float64)
        p = sigmoid(self.logit.logit(row, hashed))
        return Prediction(p, background.item, question, row, hashed)

    def learn(self, prediction: Prediction, y: float) -> None:
        """Take in the outcome y (0..1) of the answer that was predicted."""
        if self.sealed:
            return
        if self.frozen:
            own = person_slot(prediction.question, self.logit.slots)
            self.logit.learn_hashed(own, prediction.p, y)
            return
        self.logit.learn(prediction.row, prediction.hashed, prediction.p, y)
        self.items.count(prediction.question.item_code(), y)
        for code in prediction.question.skill_codes():
            self.skills.count(code, y)
        self.answers += 1
        self.successes += y
