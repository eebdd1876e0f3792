"""What pushes bring is found again from decisions whose truth is known, however the policy chose."""

from __future__ import annotations

import numpy as np
import pytest

from carrythrough.impact.learning import Trial, learn, trials_of, value
from carrythrough.impact.outcomes import DAY_MS, history_of
from carrythrough.impact.points import DecisionPoint, Option
from carrythrough.reinforcement.posteriors import PRIOR, SHIPPED_PRIOR

TRUTH = {"nudge": 0.15, "coaching": -0.1}


def point(number: int, chances: tuple[float, ...], chosen: str, at_ms: int = 0) -> DecisionPoint:
    options = (
        Option("", "nothing", chances[0]),
        Option("a", "nudge", chances[1]),
        Option("b", "coaching", chances[2]),
    )
    rule = {"nudge": "a", "coaching": "b"}.get(chosen, "")
    return DecisionPoint(
        subject=f"s{number}", skill="calm", stage="unapplied", as_of_ms=at_ms, policy="p", choices=options,
        chosen=chosen, rule=rule, held_by=(), holdout=False, randomised=True, recipient="", request="",
    )  # fmt: skip


def world(count: int, seed: int = 1) -> list[Trial]:
    """Return decisions of a policy that pushes the busy more, who practise less anyway."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        busy = rng.random() < 0.5
        chances = (0.2, 0.6, 0.2) if busy else (0.6, 0.2, 0.2)
        chosen = str(rng.choice(["nothing", "nudge", "coaching"], p=chances))
        y = rng.random() < (0.2 if busy else 0.6) + TRUTH.get(chosen, 0.0)
        shares = {"nothing": 1.0, "nudge": 1.0, "coaching": 1.0}
        found.append(Trial(point(number, chances, chosen), shares, float(y)))
    return found


def test_gains_are_found_again_although_the_busy_are_pushed_more() -> None:
    trials = world(20_000)
    learnt = learn(trials, SHIPPED_PRIOR, {}, 0.15)
    for action, gain in TRUTH.items():
        cell = learnt.posteriors.cell("unapplied", action, "")
        assert cell.mean == pytest.approx(gain, abs=0.03)
        assert cell.sd < 0.02
    pushed = np.mean([t.y for t in trials if t.point.chosen == "nudge"])
    left = np.mean([t.y for t in trials if t.point.chosen == "nothing"])
    assert pushed - left < 0.05, "a plain comparison would miss two thirds of it"
    assert learnt.new_value > learnt.old_value
    assert value(trials, learnt.posteriors, {}, 0.15) == pytest.approx(learnt.new_value, abs=1e-4)


def test_few_decisions_leave_the_prior_nearly_as_it_was() -> None:
    cell = learn(world(5), SHIPPED_PRIOR, {}, 0.15).posteriors.cell("unapplied", "nudge", "")
    assert abs(cell.mean - PRIOR.mean) < 0.05
    assert learn([], SHIPPED_PRIOR, {}, 0.15).posteriors.cells == {}


def test_the_same_decisions_teach_the_same() -> None:
    assert learn(world(500), SHIPPED_PRIOR, {}, 0.1) == learn(world(500), SHIPPED_PRIOR, {}, 0.1)


def test_only_decisions_of_chance_whose_window_is_over_are_learnt_from() -> None:
    first = point(1, (0.5, 0.3, 0.2), "nudge", 10 * DAY_MS)
    second = point(1, (0.5, 0.3, 0.2), "nothing", 17 * DAY_MS)
    open_still = point(1, (0.5, 0.3, 0.2), "nothing", 30 * DAY_MS)
    history = history_of([(1, 10 * DAY_MS + 1, 1.0)])
    found = trials_of([open_still, second, first], {("s1", "calm"): history}, 7.0, 31 * DAY_MS)
    assert [trial.y for trial in found] == [1.0, 0.0]
    assert [trial.shares["nudge"] for trial in found] == [1.0, 0.5]
