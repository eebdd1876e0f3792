"""What the learner is measured against: running means, PFA and Elo, learnt in the same single pass."""

from __future__ import annotations

from math import exp, sqrt
from typing import Protocol

from carrythrough.cli.science.answers import Answer

_LEAST, _MOST = 0.01, 0.99


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + exp(-min(max(x, -30.0), 30.0)))


class Baseline(Protocol):
    """One rival: predict, then learn, for each answer in turn."""

    name: str

    def predict(self, answer: Answer) -> float:
        """Return the probability of success, 0..1, before the answer."""
        ...

    def learn(self, answer: Answer, y: float) -> None:
        """Take in the outcome, 0..1."""
        ...


class _Shares:
    """Running shares by key, each leaning with two answers on what its parent says."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[float, float]] = {}

    def share(self, key: str, parent: float) -> float:
        n, a = self._counts.get(key, (0.0, 0.0))
        return (a + 2.0 * parent) / (n + 2.0)

    def count(self, key: str, y: float) -> None:
        n, a = self._counts.get(key, (0.0, 0.0))
        self._counts[key] = (n + 1.0, a + y)


class GlobalMean:
    """The share of successes so far."""

    name = "global mean"

    def __init__(self) -> None:
        self._all = _Shares()

    def predict(self, answer: Answer) -> float:
        """Return the share so far."""
        return self._all.share("", 0.5)

    def learn(self, answer: Answer, y: float) -> None:
        """Count the answer."""
        self._all.count("", y)


class SkillMean(GlobalMean):
    """The share of successes of the skill, the mean over several skills."""

    name = "skill mean"

    def __init__(self) -> None:
        super().__init__()
        self._skills = _Shares()

    def predict(self, answer: Answer) -> float:
        """Return the mean share of the skills so far."""
        parent = super().predict(answer)
        return sum(self._skills.share(skill, parent) for skill in answer.skills) / len(answer.skills)

    def learn(self, answer: Answer, y: float) -> None:
        """Count the answer for each skill."""
        super().learn(answer, y)
        for skill in answer.skills:
            self._skills.count(skill, y)


class ItemMean(GlobalMean):
    """The share of successes of the item."""

    name = "item mean"

    def __init__(self) -> None:
        super().__init__()
        self._items = _Shares()

    def predict(self, answer: Answer) -> float:
        """Return the share of the item so far."""
        return self._items.share(answer.item, super().predict(answer))

    def learn(self, answer: Answer, y: float) -> None:
        """Count the answer for its item."""
        super().learn(answer, y)
        self._items.count(answer.item, y)


class StreamingPfa:
    """Performance factors analysis (Pavlik, Cen, Koedinger, AIED 2009), by AdaGrad.

    logit = Σ over skills of β + γ·√successes + ρ·√failures of the person.
    """

    name = "PFA, streaming"
    rate = 0.1

    def __init__(self) -> None:
        self._weights: dict[tuple[str, int], float] = {}
        self._squares: dict[tuple[str, int], float] = {}
        self._seen: dict[tuple[str, str], tuple[float, float]] = {}
        self._p = 0.5

    def _features(self, answer: Answer) -> list[tuple[tuple[str, int], float]]:
        made = []
        for skill in answer.skills:
            won, lost = self._seen.get((answer.person, skill), (0.0, 0.0))
            made += [((skill, 0), 1.0), ((skill, 1), sqrt(won)), ((skill, 2), sqrt(lost))]
        return made

    def predict(self, answer: Answer) -> float:
        """Return the probability by the weights so far."""
        return _sigmoid(sum(self._weights.get(key, 0.0) * value for key, value in self._features(answer)))

    def learn(self, answer: Answer, y: float) -> None:
        """Take one step down the gradient and count the outcome."""
        error = y - self.predict(answer)
        for key, value in self._features(answer):
            gradient = error * value
            square = self._squares[key] = self._squares.get(key, 1e-2) + gradient * gradient
            self._weights[key] = self._weights.get(key, 0.0) + self.rate * gradient / sqrt(square)
        for skill in answer.skills:
            won, lost = self._seen.get((answer.person, skill), (0.0, 0.0))
            self._seen[answer.person, skill] = (won + y, lost + 1.0 - y)


class StreamingElo:
    """Elo with a step that shrinks as 1/(1 + 0.05·n) (Pelánek, Computers & Education 98, 2016)."""

    name = "Elo, streaming"

    def __init__(self) -> None:
        self._people: dict[str, tuple[float, int]] = {}
        self._items: dict[str, tuple[float, int]] = {}

    def predict(self, answer: Answer) -> float:
        """Return σ(ability - difficulty)."""
        ability, _ = self._people.get(answer.person, (0.0, 0))
        difficulty, _ = self._items.get(answer.item, (0.0, 0))
        return min(max(_sigmoid(ability - difficulty), _LEAST), _MOST)

    def learn(self, answer: Answer, y: float) -> None:
        """Move ability and difficulty apart or together by the surprise."""
        surprise = y - self.predict(answer)
        ability, n = self._people.get(answer.person, (0.0, 0))
        difficulty, m = self._items.get(answer.item, (0.0, 0))
        self._people[answer.person] = (ability + surprise / (1.0 + 0.05 * n), n + 1)
        self._items[answer.item] = (difficulty - surprise / (1.0 + 0.05 * m), m + 1)


def baselines() -> tuple[Baseline, ...]:
    """Return fresh rivals."""
    return GlobalMean(), SkillMean(), ItemMean(), StreamingPfa(), StreamingElo()
