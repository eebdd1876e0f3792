"""What each part of the cast lives through: when the course starts, how it goes on, what the job offers.

These are causes, never results: a lapsed person gets no chance and no practice after
the course, and whether that makes the score fade is for the scorer to find out.
"""

from __future__ import annotations

import enum
import random

import msgspec

from carrythrough.testing.simulator_people import Employee, Part
from carrythrough.testing.simulator_truth import PairTruth
from carrythrough.testing.simulator_world import SkillWorld

UNTRAINED_SHARE = 0.3
"""Share of the usual cases that people get before their course; a no-show gets them all the same."""
BEFORE_MAX_DAYS = 1_000.0


class Act(enum.IntEnum):
    """What can be planned into a working day."""

    VIDEO = 0
    QUIZ = 1
    SIMULATION = 2
    MENTORING = 3
    REVIEW = 4
    OPPORTUNITY = 5
    KPI = 6
    OBSERVATION = 7
    SELF_REPORT = 8


Step = tuple[float, Act]
"""(days after the start of the course, what is done)."""

COURSE: tuple[Step, ...] = (
    (0.0, Act.VIDEO),
    (0.0, Act.QUIZ),
    (2.0, Act.SIMULATION),
    (5.0, Act.QUIZ),
    (6.0, Act.MENTORING),
    (9.0, Act.SIMULATION),
)
UNPRACTISED_COURSE: tuple[Step, ...] = tuple(step for step in COURSE if step[1] is not Act.SIMULATION)
LONG_AGO_SHARE = 0.25
LEANING_CHANCE = 1.8
LONG_PRACTICE: tuple[Step, ...] = (*COURSE, (13.0, Act.SIMULATION), (17.0, Act.SIMULATION))
NEVER_DAY = 1e9
"""A start that never comes: the course of a no-show."""


class Life(msgspec.Struct):
    """One employee and one skill: the plan, and the hidden truth that it changes.

    All days count from the simulator's start. start_day: from its morning the course runs; done:
    steps planned so far. review_rate, simulate_rate: maintenance a working day after the course.
    chance: factor on the opportunities that the role offers. horizon_days: the day around which
    somebody begins to watch. return_day, return_chance: from that day on the job asks for the
    skill (again), with that factor. figure_shift, figure_drift: what moves the weekly figure beside the
    skill, in standard deviations of its noise: at all times, and in 90 days (`simulator_conditions`).
    """

    skill: SkillWorld
    part: Part
    truth: PairTruth
    start_day: float
    steps: tuple[Step, ...]
    review_rate: float
    simulate_rate: float
    chance: float
    role: str
    horizon_days: float
    return_day: float = NEVER_DAY
    return_chance: float = 0.8
    done: int = 0
    figure_shift: float = 0.0
    figure_drift: float = 0.0

    def opportunities(self, day: float) -> float:
        """Return the mean number of chances to use the skill on the working day `day`."""
        chance = max(self.chance, self.return_chance) if day >= self.return_day else self.chance
        if self.start_day - BEFORE_MAX_DAYS < day < self.start_day:
            chance *= UNTRAINED_SHARE
        return self.skill.per_day[self.role] * chance

    def take_up(self, action: str, rng: random.Random) -> tuple[float, ...]:
        """Change the life by an action taken up; return hours from now at which the person acts on it."""
        if action == "spaced-review":
            return rng.uniform(0.5, 6.0), rng.uniform(60.0, 90.0)
        if action == "nudge":
            self.chance = max(self.chance, 0.8)
            return (rng.uniform(1.0, 8.0),)
        if action == "fade-job-aid":
            self.truth.reliance *= 0.4
        return ()

    def due_steps(self, day: float) -> list[Act]:
        """Return at most two course steps that are due by `day`, and count them as planned."""
        due: list[Act] = []
        while self.done < len(self.steps) and len(due) < 2:
            after, act = self.steps[self.done]
            if self.start_day + after > day:
                break
            due.append(act)
            self.done += 1
        return due

    def finished(self) -> bool:
        """Say whether the course is behind this person."""
        return self.done >= len(self.steps)


def make_life(
    employee: Employee, skill: SkillWorld, order: int, history_days: float, rng: random.Random
) -> Life:
    """Return the life of one pair; `order` is the skill's place in the role's curriculum, from 0.

    history_days: how many days pass before somebody watches; newcomers start towards its end.
    """
    part = employee.part(skill.id)
    ability = rng.gauss(0.95, 0.4) - (2.1 if part is Part.STRUGGLING else 0.0)
    decay = min(0.7, max(0.25, rng.lognormvariate(-0.85, 0.2)))
    truth = PairTruth(
        ability, skill.difficulty, decay, reliance=rng.uniform(0.0, 0.25), lift=rng.uniform(0.5, 0.8)
    )
    cohort = min(0.10 * history_days * order, 0.5 * history_days) + rng.uniform(0.0, 4.0)
    life = Life(
        skill=skill,
        part=part,
        truth=truth,
        start_day=cohort,
        steps=COURSE,
        review_rate=0.035,
        simulate_rate=0.02,
        chance=1.0,
        role=employee.role,
        horizon_days=history_days,
    )
    _CAST_CHANGES[part](life, rng)
    return life


def _steady(_life: Life, _rng: random.Random) -> None:
    """Learn, practise, apply, now and then review."""


def _lapsed(life: Life, rng: random.Random) -> None:
    """Take the course and never come to use it: memory fades, and nobody sees it happen.

    Most finish it shortly before somebody watches, when forgetting is steepest; for some it is long
    ago, and such work comes back to them about when somebody watches.
    """
    life.review_rate = life.simulate_rate = 0.0
    life.chance = 0.0
    life.truth.decay = rng.uniform(0.55, 0.70)
    if rng.random() < LONG_AGO_SHARE:
        life.start_day = rng.uniform(0.02, 0.25) * life.horizon_days
        life.steps = COURSE[:5]
        life.truth.ability = rng.uniform(0.7, 1.1)
        life.return_day = life.horizon_days + rng.uniform(-2.0, 5.0)
    else:
        life.start_day = life.horizon_days - rng.uniform(5.0, 16.0)
        life.steps = UNPRACTISED_COURSE
        life.truth.ability = rng.uniform(0.4, 0.9)


def _unused(life: Life, rng: random.Random) -> None:
    """Learn, keep practising in simulations, and hardly ever get to do it at work."""
    life.start_day = rng.uniform(0.35, 0.55) * life.horizon_days
    life.steps = LONG_PRACTICE
    life.review_rate, life.simulate_rate = 0.10, 0.22
    life.chance = 0.0
    life.truth.ability = max(life.truth.ability, 0.4)


def _leaning(life: Life, rng: random.Random) -> None:
    """Apply it at work, but never without the job aid; half of them begin about when somebody watches."""
    life.truth.reliance = 1.0
    life.truth.lift = 0.85
    if rng.random() < 0.5:
        life.start_day = rng.uniform(0.30, 0.50) * life.horizon_days
        life.chance = LEANING_CHANCE
    else:
        life.start_day = rng.uniform(0.55, 0.75) * life.horizon_days
        life.chance = 0.0
        life.return_day = life.horizon_days + rng.uniform(-4.0, 3.0)
        life.return_chance = LEANING_CHANCE


def _newcomer(life: Life, rng: random.Random) -> None:
    """Start shortly before somebody watches, so that learning is seen as it happens."""
    life.start_day = life.horizon_days - rng.uniform(-2.0, 12.0)
    life.chance = 0.6


def _struggling(life: Life, rng: random.Random) -> None:
    """Do everything like the others with less ability."""
    life.truth.reliance = rng.uniform(0.2, 0.5)


def _no_show(life: Life, _rng: random.Random) -> None:
    """Never turn up for the course; the job goes on all the same, and teaches less."""
    life.truth.ability -= 0.9
    life.start_day = NEVER_DAY
    life.review_rate = life.simulate_rate = 0.0
    life.chance = 0.6


_CAST_CHANGES = {
    Part.STEADY: _steady,
    Part.LAPSED: _lapsed,
    Part.UNUSED: _unused,
    Part.LEANING: _leaning,
    Part.NEWCOMER: _newcomer,
    Part.STRUGGLING: _struggling,
    Part.NO_SHOW: _no_show,
}
