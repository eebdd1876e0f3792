"""Rough conditions change causes and nothing else; in them the product's intervals hold about what they say."""

from __future__ import annotations

import statistics

import pytest

from carrythrough.cli.science.truth import hold_against_truth, summed_up
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.model import SHIPPED
from carrythrough.testing.simulator import Simulator
from carrythrough.testing.simulator_conditions import CALM, ROUGH, Conditions
from carrythrough.testing.simulator_lives import NEVER_DAY
from carrythrough.testing.simulator_people import load_organisation

START_MS = 20_000 * DAY_MS
ORGANISATION = load_organisation(80)


def abilities(conditions: Conditions) -> list[list[float]]:
    simulator = Simulator(ORGANISATION, 3, START_MS, conditions=conditions)
    return [[life.truth.ability for life in lives] for lives in simulator.lives]


def correlation(x: list[float], y: list[float]) -> float:
    return statistics.correlation(x, y)


def test_calm_conditions_change_nothing() -> None:
    end = START_MS + 5 * DAY_MS
    plain = list(Simulator(ORGANISATION, 3, START_MS).advance(end))
    assert list(Simulator(ORGANISATION, 3, START_MS, conditions=CALM).advance(end)) == plain
    assert list(Simulator(ORGANISATION, 3, START_MS, conditions=ROUGH).advance(end)) != plain


def test_skills_of_a_person_hang_together_where_it_is_rough() -> None:
    # What the conditions added to two skills of a person is the same, whatever the person's part is.
    calm, rough = abilities(CALM), abilities(ROUGH)
    added = [
        [after - before for before, after in zip(a, b, strict=True)] for a, b in zip(calm, rough, strict=True)
    ]
    two = [parts for parts in added if len(parts) > 1]
    assert correlation([parts[0] for parts in two], [parts[1] for parts in two]) > 0.99
    assert statistics.pstdev([parts[0] for parts in two]) == pytest.approx(
        (ROUGH.person_sd**2 + ROUGH.team_sd**2) ** 0.5, rel=0.35
    )


def test_who_looks_poor_is_sent_first_and_figures_move_by_themselves() -> None:
    rough = Simulator(ORGANISATION, 3, START_MS, conditions=ROUGH)
    calm = Simulator(ORGANISATION, 3, START_MS)
    pairs = [
        (late, early)
        for a, b in zip(rough.lives, calm.lives, strict=True)
        for late, early in zip(a, b, strict=True)
        if early.start_day != NEVER_DAY
    ]
    moved = [late.start_day - early.start_day for late, early in pairs]
    assert correlation([late.truth.ability for late, _ in pairs], moved) > 0.3
    assert {life.figure_shift for lives in calm.lives for life in lives} == {0.0}
    assert len({life.figure_shift for lives in rough.lives for life in lives}) > 5


def test_intervals_hold_about_what_they_say() -> None:
    result = hold_against_truth(SHIPPED, 30, seeds=(5,), days=75)
    assert result.readings > 500
    assert 0.65 < result.coverage < 0.93
    assert result.error < 0.13
    assert 0.5 < result.stages <= 1.0
    assert 0.6 < result.sides <= 1.0
    assert sum(n for *_, n in result.tenths) == result.readings
    with pytest.raises(ValueError, match="no reading"):
        summed_up([])
