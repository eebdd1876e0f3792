"""The hidden truth of the simulator: how a person learns, forgets, practises and applies one skill.

Deliberately unlike the scorer, so that a good score cannot come from sharing its
assumptions. Memory is a sum of traces that each fade by a power law, with a decay
that is steeper for what was crammed (ACT-R base-level activation with the spacing
extension of Pavlik and Anderson, Cognitive Science 29, 2005). Practice gains follow
the power law of practice (Newell and Rosenbloom, 1981). There are no half-lives,
no sums of outcomes and no logistic features here. Times are days as floats.
"""

from __future__ import annotations

import math

TRACES_MAX = 48
"""Traces kept per pair; beyond it the two oldest are merged, which bounds memory and time."""
MEMORY_FLOOR = 0.02
"""What is left when everything is forgotten: keeps the logarithm finite."""
FLOOR, CEILING = 0.04, 0.97
"""Chance of meeting the standard with no skill at all, and with perfect skill."""
GUESS, SLIP = 0.20, 0.03
"""Quiz answers: chance of a right guess, and of a slip in spite of knowing."""
RECALL_EASE = 0.9
"""Memory strength (as -log) at which an average person knows half of the items."""
CRAMMING = 0.10
"""How much steeper a trace fades per unit of memory present when it was laid down."""
DECAY_MAX = 0.85
APPLICATION_SLOPE = 1.3
"""How strongly the logarithm of memory drives the odds on the job."""
AUTOMATIC_GAIN = 2.6
PRACTICE_POWER = 0.55


def logistic(x: float) -> float:
    """Return 1/(1+e^-x), in 0..1, for any finite x."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    z = math.exp(x)
    return z / (1.0 + z)


class PairTruth:
    """One employee and one skill: traces of what was learnt, practice done, and how it is applied.

    ability, difficulty: in logits. decay: power of forgetting of a spaced trace, about 0.2 to 0.8.
    reliance: share of opportunities met with the job aid open, 0..1. lift: part of the failures
    that the aid turns into successes, 0..1.
    """

    __slots__ = ("ability", "decay", "difficulty", "lift", "practice", "reliance", "traces")

    def __init__(self, ability: float, difficulty: float, decay: float, reliance: float, lift: float) -> None:
        self.ability = ability
        self.difficulty = difficulty
        self.decay = decay
        self.reliance = reliance
        self.lift = lift
        self.practice = 0.0
        self.traces: list[tuple[float, float, float]] = []

    def memory(self, day: float) -> float:
        """Return the strength of memory at `day`: Σ strength·(1 + age in days)^-decay, at least 0."""
        return math.fsum(s * math.pow(1.0 + day - t, -d) for t, s, d in self.traces if t <= day)

    def rehearse(self, day: float, strength: float) -> None:
        """Lay down one trace of `strength` (≥ 0) at `day`; crammed traces fade faster."""
        decay = min(DECAY_MAX, self.decay + CRAMMING * self.memory(day) * strength)
        self.traces.append((day, strength, decay))
        if len(self.traces) > TRACES_MAX:
            (t0, s0, d0), (t1, s1, d1) = self.traces[0], self.traces[1]
            total = (s0 + s1) or 1.0
            merged = ((t0 * s0 + t1 * s1) / total, total, (d0 * s0 + d1 * s1) / total)
            self.traces[:2] = [merged]

    def practise(self, amount: float) -> None:
        """Add `amount` of hands-on practice (one scenario step or one unaided job success: 1.0)."""
        self.practice += amount

    def automatic(self) -> float:
        """Return how automatic the skill has become, 0..1, by the power law of practice."""
        return 1.0 - math.pow(1.0 + self.practice, -PRACTICE_POWER)

    def recall(self, day: float) -> float:
        """Return the probability of knowing an average quiz item at `day`, 0..1."""
        return logistic((math.log(self.memory(day) + MEMORY_FLOOR) + RECALL_EASE + 0.35 * self.ability) / 0.5)

    def answer(self, day: float) -> float:
        """Return the probability of a right quiz answer at `day`, guesses and slips included."""
        return GUESS + (1.0 - GUESS - SLIP) * self.recall(day)

    def _drive(self, day: float) -> float:
        memory = math.log(self.memory(day) + MEMORY_FLOOR)
        return self.ability + APPLICATION_SLOPE * memory + AUTOMATIC_GAIN * self.automatic() - self.difficulty

    def simulate_step(self, day: float) -> float:
        """Return the probability of the right choice at one step of a simulation at `day`, 0..1."""
        return FLOOR + (CEILING - FLOOR) * logistic(self._drive(day) + 0.4)

    def unaided(self, day: float) -> float:
        """Return the probability of meeting the standard on the job without a job aid at `day`, 0..1."""
        return FLOOR + (CEILING - FLOOR) * logistic(self._drive(day))

    def aided(self, day: float) -> float:
        """Return the probability of meeting the standard with the job aid open at `day`, 0..1."""
        p = self.unaided(day)
        return p + self.lift * (CEILING - p)

    def next_opportunity(self, day: float) -> float:
        """Return the true probability that the next opportunity meets the standard at `day`, 0..1."""
        return self.reliance * self.aided(day) + (1.0 - self.reliance) * self.unaided(day)


def heavy_tailed(gauss: float, chi: tuple[float, float, float]) -> float:
    """Return a Student-t draw with 3 degrees of freedom (variance 3) from four standard normal draws."""
    spread = math.sqrt((chi[0] ** 2 + chi[1] ** 2 + chi[2] ** 2) / 3.0)
    return gauss / max(spread, 1e-6)
