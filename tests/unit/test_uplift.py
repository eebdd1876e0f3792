"""Proves the estimators of what pushes do: formulas against plain loops, confounding removed, intervals that hold."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from carrythrough.impact import sequence as sequences
from carrythrough.impact.points import Option, read_point
from carrythrough.impact.sequence import look, radius, sequence
from carrythrough.impact.trial import Trial
from carrythrough.impact.verdict import detectable, estimate, needed, points, sentence, two_digits
from carrythrough.impact.weighted import student_quantile, uplift
from carrythrough.impact.worth import WORTH
from carrythrough.pipeline.effects import Choice, Decision
from carrythrough.testing.decision_process import AA, Setting, trials, true_effect
from carrythrough.testing.estimator_trial import examine

WITH_EFFECT = Setting()


def trial_of(setting: Setting = WITH_EFFECT, seed: int = 3) -> Trial:
    return next(trials(setting, 1, seed))


def cut(trial: Trial, rows: int) -> Trial:
    """Return the first decision points of a trial."""
    return trial.select(np.arange(trial.size) < rows)


def test_the_effect_and_its_error_are_those_of_the_formula_person_by_person() -> None:
    trial = cut(trial_of(), 900)
    found = uplift(trial)
    assert found is not None
    share = trial.p.mean()
    weight = np.where(trial.treated, share / trial.p, (1 - share) / (1 - trial.p))
    design = np.column_stack([np.ones(trial.size), trial.controls, trial.treated - share])
    bread = np.linalg.inv(design.T @ (weight[:, None] * design))
    beta = bread @ design.T @ (weight * trial.y)
    meat = np.zeros_like(bread)
    for person in range(trial.person.max() + 1):
        mine = trial.person == person
        x, w = design[mine], weight[mine]
        leverage = x @ bread @ (x * w[:, None]).T
        corrected = np.linalg.solve(np.eye(len(x)) - leverage, trial.y[mine] - x @ beta)
        score = (x * w[:, None]).T @ corrected
        meat += np.outer(score, score)
    assert found.effect == pytest.approx(beta[-1], abs=1e-8)
    assert found.error == pytest.approx(np.sqrt((bread @ meat @ bread)[-1, -1]), rel=1e-6)
    assert found.df == trial.person.max() + 1 - design.shape[1]


@pytest.mark.parametrize(
    ("p", "df", "value"),
    [(0.95, 10, 1.812461), (0.975, 29, 2.045230), (0.95, 1, 6.313752), (0.9, 400, 1.283686)],
)
def test_students_quantiles_are_those_of_the_tables(p: float, df: int, value: float) -> None:
    assert student_quantile(p, df) == pytest.approx(value, rel=2e-4)


def test_who_is_pushed_more_often_is_not_taken_for_an_effect() -> None:
    # The policy favours whoever did something lately: a plain comparison of means is wrong by many errors.
    plain, weighted, errors = [], [], []
    for trial in trials(AA, 30, 11):
        found = uplift(trial)
        assert found is not None
        plain.append(trial.y[trial.treated].mean() - trial.y[~trial.treated].mean())
        weighted.append(found.effect)
        errors.append(found.error)
    error = np.mean(errors) / np.sqrt(30)
    assert abs(np.mean(weighted)) < 3 * error
    assert np.mean(plain) > 5 * error


def test_the_variance_is_the_larger_of_points_and_people() -> None:
    trial = cut(trial_of(), 400)
    scores = sequences._scores(trial)
    n = np.arange(1, trial.size + 1, dtype=float)
    mean = np.cumsum(scores) / n
    found = sequences._variance(trial.person, scores, mean, n)
    for last in (99, 250, 399):
        about = scores[: last + 1] - mean[last]
        sums = np.bincount(trial.person[: last + 1], about)
        assert found[last] == pytest.approx(max((about**2).sum(), (sums**2).sum()))


def test_no_score_uses_an_outcome_that_was_not_known_yet() -> None:
    trial = trial_of()
    before = sequences._scores(trial)
    half = trial.size // 2
    known = np.searchsorted(trial.t_ms, trial.t_ms[half] - trial.window_ms, side="right")
    later = trial.y.copy()
    later[known:] = 1 - later[known:]
    after = sequences._scores(trial._replace(y=later))
    assert np.array_equal(before[:known], after[:known])
    # Those between know no outcome of each other: their working model is the same, the outcome is the other one.
    between = slice(known, half + 1)
    contrast = np.where(trial.treated, 1 / trial.p, -1 / (1 - trial.p))
    change = (after - before)[between] / contrast[between]
    assert np.allclose(change, (later - trial.y)[between])


def test_nothing_is_said_before_there_are_enough_people_and_decisions() -> None:
    trial = trial_of()
    few = trial.select(trial.person < 29)
    assert sequence(few) is None
    whole = sequence(trial)
    assert whole is not None
    begin = sequences.first_look(trial)
    assert begin is not None
    assert np.isnan(whole.low[:begin]).all()
    assert not np.isnan(whole.low[begin:]).any()
    for treated in (True, False):
        assert len(set(trial.person[: begin + 1][trial.treated[: begin + 1] == treated])) >= 30
    assert look(cut(trial, begin)) is None


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    # A share of `make bench-policy`: the bounds are those that chance breaks less than once in 10,000 times.
    found = examine(120)
    assert 0.78 < found.coverage <= 0.98
    assert found.anytime_claims <= 0.125
    assert found.anytime_misses <= 0.125
    assert abs(found.bias) < 0.01
    assert found.found > 0.3


def test_truth_is_the_mean_difference_of_probabilities() -> None:
    assert true_effect(AA, 1, people=2_000) == 0.0
    assert true_effect(Setting(), 1, people=20_000) == pytest.approx(0.0708, abs=0.003)


def test_an_effect_is_claimed_by_the_sequence_alone() -> None:
    strong = estimate(trial_of(Setting(effect=1.5)))
    assert strong.verdict == "effect"
    assert strong.anytime_low is not None
    assert strong.anytime_low > 0
    assert "Pushes caused +" in sentence(strong, "Pushes", "practice")
    # An interval for one look that leaves 0 out is no claim.
    for trial in trials(Setting(effect=0.2), 40, 5):
        found = estimate(trial)
        assert found.low is not None
        assert found.anytime_low is not None
        if found.low > 0 >= found.anytime_low:
            assert found.verdict == "no-detectable-effect"
            break
    else:
        pytest.fail("no trial had the two intervals apart")


def test_what_is_missing_is_said_in_words_and_numbers() -> None:
    none = estimate(trial_of(AA))
    assert none.verdict == "no-detectable-effect"
    assert none.more_decisions is not None
    words = sentence(none, "Pushes", "practice")
    assert words.startswith("Pushes: no detectable effect yet (")
    assert "more decisions are needed" in words or "decisions enough" in words
    few = estimate(cut(trial_of(AA), 60))
    assert few == estimate(cut(trial_of(AA), 60))
    assert few.verdict == "too-few"
    assert few.decisions is None
    assert few.decisions_missing == 40
    assert "40 more decisions" in sentence(few, "Pushes", "practice")
    assert "30 people" in sentence(estimate(trial_of(AA).select(trial_of(AA).person < 9)), "Pushes", "x")


@pytest.mark.parametrize("spread", [0.2, 1.0, 6.0])
def test_the_number_needed_is_the_first_that_finds_the_effect(spread: float) -> None:
    n = needed(spread, WORTH)
    assert detectable(spread, n) <= WORTH < detectable(spread, n - 1)
    assert radius(spread * n, n) < WORTH
    assert needed(spread, 2 * WORTH) < n / 3


def test_claims_keep_their_word_in_power() -> None:
    # Of trials cut at the number that is said to find their effect, about eight in ten find it.
    setting = Setting(effect=1.2)
    truth = true_effect(setting, 1, people=20_000)
    found = 0
    for trial in trials(setting, 60, 17):
        now = look(trial)
        assert now is not None
        enough = min(trial.size, needed(now.spread, truth))
        then = look(cut(trial, enough))
        found += then is not None and then.claims()
    assert 0.6 < found / 60 <= 1.0


def test_both_intervals_are_about_the_same_effect_where_other_pushes_compete() -> None:
    # A third of the decision points went to another push: neither estimate may count them as failures.
    fixed, running = [], []
    for trial in trials(Setting(other=0.9), 40, 23):
        one, other = uplift(trial), look(trial)
        assert one is not None
        assert other is not None
        fixed.append(one.effect)
        running.append(other.effect)
    truth = true_effect(Setting(other=0.9), 23, people=40_000)
    assert np.mean(fixed) == pytest.approx(truth, abs=0.012)
    assert np.mean(running) == pytest.approx(truth, abs=0.012)


@pytest.mark.parametrize(("number", "shown"), [(0, 0), (7, 7), (99, 99), (101, 110), (20_197, 21_000)])
def test_numbers_needed_pretend_no_precision(number: int, shown: int) -> None:
    assert two_digits(number) == shown


def test_points_are_signed() -> None:
    assert [points(value) for value in (0.0421, -0.1, 0.0001, -0.0004)] == ["+4.2", "−10.0", "0.0", "0.0"]


def test_no_error_where_chance_gave_no_choice() -> None:
    trial = trial_of()
    assert uplift(trial.select(trial.treated)) is None
    assert uplift(trial.select(trial.person < 4)) is None
    assert uplift(trial.select(np.zeros(trial.size, dtype=bool))) is None
    never = uplift(trial._replace(y=np.zeros(trial.size)))
    assert never is not None
    assert never.low < 0.0 < never.high
    constant = uplift(trial._replace(controls=np.ones_like(trial.controls)))
    assert constant is not None
    assert abs(constant.effect) < 1


def test_the_effect_that_the_policy_logs_is_the_point_that_is_read() -> None:
    logged = Decision(
        id="d",
        subject="p-1",
        skill="listening",
        rule="try",
        as_of_ms=7,
        eligible=("nudge",),
        chosen="nudge",
        propensity=0.7,
        suppressed_by=(),
        why="",
        stage="fading",
        policy="m@1/prior-1",
        choices=(Choice(probability=0.3), Choice(rule="try", action="nudge", probability=0.7)),
        randomised=True,
    )
    found = read_point(msgspec.json.encode(logged))
    assert found.randomised
    assert found.pushed
    assert (found.stage, found.policy) == ("fading", "m@1/prior-1")
    assert found.choices == (Option("", "nothing", 0.3), Option("try", "nudge", 0.7))
    again = msgspec.structs.replace(logged, subject="manager", request="r-1")
    assert not read_point(msgspec.json.encode(again)).randomised
    held = msgspec.structs.replace(
        logged, chosen="nothing", choices=(), randomised=False, suppressed_by=("holdout",)
    )
    assert read_point(msgspec.json.encode(held)).holdout
    certain = msgspec.structs.replace(logged, choices=logged.choices[1:])
    assert not read_point(msgspec.json.encode(certain)).randomised
