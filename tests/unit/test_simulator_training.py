"""Proves the rows for training: once each, in order of arrival, with a truth that predicts outcomes."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from carrythrough.evidence.types import Channel
from carrythrough.testing.simulator import DAY_MS
from carrythrough.testing.simulator_people import load_organisation
from carrythrough.testing.simulator_training import TrainingRow, training_rows

START_MS = 1_789_257_600_000


@pytest.fixture(scope="module")
def rows() -> list[TrainingRow]:
    return list(training_rows(load_organisation(40), 1, START_MS, START_MS + 70 * DAY_MS))


def test_each_piece_of_evidence_comes_once_and_in_order_of_arrival(rows) -> None:
    keys = Counter((row.evidence.source, row.evidence.skill) for row in rows)
    assert max(keys.values()) == 1
    assert all(earlier.arrived_ms <= later.arrived_ms for earlier, later in pairwise(rows))
    assert len(rows) > 8_000


def test_only_channels_that_carry_outcomes_have_one(rows) -> None:
    for row in rows:
        if row.outcome is None:
            assert row.evidence.channel > Channel.OBSERVED or row.evidence.w == 0
        else:
            assert row.evidence.channel <= Channel.OBSERVED
            assert 0.0 <= row.outcome <= 1.0
        assert 0.0 < row.truth < 1.0


def test_the_truth_before_an_outcome_ranks_the_outcomes(rows) -> None:
    latest: dict[tuple[str, str], float] = {}
    scored: list[tuple[float, bool]] = []
    for row in rows:
        pair = (row.employee, row.evidence.skill)
        if row.evidence.rule.endswith("-at-work") and row.outcome in (0.0, 1.0) and pair in latest:
            scored.append((latest[pair], row.outcome == 1.0))
        latest[pair] = row.truth
    met = [truth for truth, good in scored if good]
    missed = [truth for truth, good in scored if not good]
    assert len(scored) > 1_500
    better = sum(m > n for m in met[::3] for n in missed[::3]) / (len(met[::3]) * len(missed[::3]))
    assert better > 0.65


def test_the_same_seed_gives_the_same_rows() -> None:
    end_ms = START_MS + 10 * DAY_MS
    first, again = (list(training_rows(load_organisation(10), 4, START_MS, end_ms)) for _ in range(2))
    assert first == again
