"""The answer learner: it predicts each answer, then learns from it, once, in the order in which answers come.

It reads the state that the pipeline folds and keeps weights of its own beside it: one pass, O(1) an
answer, bounded memory. The server feeds it from the ledger, the exam from a file, both by
`scoring.answering.take`. What it has learnt reaches scores only through a frozen version that somebody
promotes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from carrythrough.evidence.types import Y_ONE
from carrythrough.scoring.answer_features import (
    DENSE,
    Background,
    Question,
    dense_row,
    hashed_slots,
    person_slot,
)
from carrythrough.scoring.online import Hashed, OnlineLogit, sigmoid
from carrythrough.scoring.recent import Recent
from carrythrough.scoring.state import LearnerState
from carrythrough.scoring.tempering import Temper

SLOTS: Final = 1 << 20
"""Hashed weights: 16 MB; a slot shared by two rare features costs less than the memory to part them."""
DENSE_PRECISION: Final = 30.0
"""Prior precision of the dense weights: about thirty answers at p = ½ for each four."""
TABLE_MOST: Final = 1 << 17
"""Items and skills counted apart, about 30 MB; once so many are known, new ones share as many entries again."""
_BASE_SUCCESSES, _BASE_TRIALS = 6.0, 10.0
"""The base rate starts at 0.6 and weighs ten answers."""
_ITEM_STRENGTH, _SKILL_STRENGTH = 3.0, 5.0
"""Pseudo-answers with which an item leans on its skill, and a skill on the base rate."""


class Prediction(msgspec.Struct, frozen=True):
    """One prediction p, 0..1, with what it was made of.

    logit: what the weights say, untempered. base: share of successes of all answers so far, 0..1.
    """

    p: float
    logit: float
    base: float
    question: Question
    row: npt.NDArray[np.float64]
    hashed: Hashed


class Table:
    """Weights of answers and successes by code, at most twice TABLE_MOST entries."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: dict[int, tuple[float, float]] = {}

    def share(self, code: int, prior: float, strength: float) -> float:
        """Return the smoothed share of successes, 0..1; `prior` for what was never seen."""
        n, a = self.entries.get(self._place(code), (0.0, 0.0))
        return (a + prior * strength) / (n + strength)

    def answers(self, code: int) -> float:
        """Return the weight of the answers counted, 0 for what was never seen."""
        return self.entries.get(self._place(code), (0.0, 0.0))[0]

    def count(self, code: int, y: float, weight: float = 1.0) -> None:
        """Count one answer with outcome y (0..1)."""
        place = self._place(code)
        n, a = self.entries.get(place, (0.0, 0.0))
        self.entries[place] = (n + weight, a + weight * y)

    def _place(self, code: int) -> int:
        if len(self.entries) < TABLE_MOST or code in self.entries:
            return code
        return code % TABLE_MOST


class Learner:
    """Weights and tables; `predict`, then `learn`, for every answer in turn.

    frozen: `learn` leaves everything shared alone and moves the person's own intercept only (the exam
    of what was learnt from others before). sealed: it changes nothing at all.
    """

    __slots__ = ("answers", "frozen", "items", "logit", "sealed", "skills", "successes", "temper")

    def __init__(self, slots: int = SLOTS) -> None:
        self.logit = OnlineLogit([0.0] * len(DENSE), [DENSE_PRECISION] * len(DENSE), slots)
        self.temper = Temper()
        self.items, self.skills = Table(), Table()
        self.answers = 0.0
        self.successes = 0.0
        self.frozen = self.sealed = False

    def base(self) -> float:
        """Return the share of successes of all answers so far, smoothed, 0..1."""
        return (self.successes + _BASE_SUCCESSES) / (self.answers + _BASE_TRIALS)

    def in_order(self, skills: Collection[str]) -> tuple[str, ...]:
        """Return skills as a question names them: what was asked least often first, for that is the most specific.

        The order in which a sender or a file names them means nothing, and the ledger does not keep it.
        """
        if len(skills) == 1:
            return tuple(skills)
        return tuple(sorted(skills, key=lambda skill: (self.skills.answers(crc32(skill.encode())), skill)))

    def skill_share(self, code: int) -> float:
        """Return the expected success of answers about a skill, whoever answers, 0..1."""
        return self.skills.share(code, self.base(), _SKILL_STRENGTH)

    def background(self, question: Question, recent: Recent = ()) -> Background:
        """Return what is known of the item and the skills of a question, and how `recent` went beside the expected."""
        base, codes = self.base(), question.skill_codes()
        shares = [self.skills.share(code, base, _SKILL_STRENGTH) for code in codes]
        skill = sum(shares) / len(shares)
        code = question.item_code()
        item = self.items.share(code, skill, _ITEM_STRENGTH)
        beyond, beyond_here = self._beyond(recent, codes, base)
        return Background(base, item, skill, self.items.answers(code) > 0.0, beyond, beyond_here)

    def _beyond(self, recent: Recent, codes: Collection[int], base: float) -> tuple[float, float]:
        total = here = 0.0
        count_here = 0
        for _, _, skill, item, y in recent:
            usual = self.skills.share(skill, base, _SKILL_STRENGTH)
            more = y / Y_ONE - self.items.share(item, usual, _ITEM_STRENGTH)
            total += more
            if skill in codes:
                here += more
                count_here += 1
        return total / (len(recent) + 1.0), here / (count_here + 1.0)

    def predict(self, learner: LearnerState, question: Question, now_ms: int) -> Prediction:
        """Return the probability of success before the answer; learner: the state at `now_ms`."""
        background = self.background(question, learner.recent)
        values, views = dense_row(learner, question, now_ms, background)
        hashed = hashed_slots(learner, question, now_ms, values, views, self.logit.slots)
        row = np.array(values, dtype=np.float64)
        logit = self.logit.logit(row, hashed)
        p = self.temper.apply(logit, background.base)
        return Prediction(p, logit, background.base, question, row, hashed)

    def learn(self, prediction: Prediction, y: float, weight: float = 1.0) -> None:
        """Take in the outcome y (0..1) of the answer that was predicted; weight: above 0, 1 for a whole answer."""
        if self.sealed:
            return
        p = sigmoid(prediction.logit)
        if self.frozen:
            own = person_slot(prediction.question, self.logit.slots)
            self.logit.learn_hashed(own, p, y)
            return
        self.temper.learn(prediction.logit, prediction.base, y, weight)
        self.logit.learn(prediction.row, prediction.hashed, p, y, weight)
        self.count(prediction.question, y, weight)

    def count(self, question: Question, y: float, weight: float = 1.0) -> None:
        """Count one outcome of the item and its skills, and move no weight."""
        if self.sealed or self.frozen:
            return
        self.items.count(question.item_code(), y, weight)
        for code in question.skill_codes():
            self.skills.count(code, y, weight)
        self.answers += weight
        self.successes += weight * y
