"""The forecast is what the score will say: read again at the day it names, the score has crossed its target."""

from __future__ import annotations

import pytest

from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.pipeline import forecast as module
from carrythrough.pipeline.explain_words import forecast_sentences
from carrythrough.pipeline.forecast import READS_MAX, Forecast, falls_within, forecast
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.program.types import Policy, Skill
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.score import read_score, weigh

NOW = 20_000 * DAY_MS
HOUR_MS = 3_600_000


def piece(channel: Channel, days_ago: float, y: float, number: int) -> Evidence:
    source = bytes([channel, number]) * 8
    return Evidence(source, "s", channel, NOW - int(days_ago * DAY_MS), round(y * Y_ONE), W_ONE, 42_598)


def life(practice: float, job: float, job_days: float = 2.0) -> list[Evidence]:
    return [piece(Channel.PRACTICE, n + 1, practice, n) for n in range(8)] + [
        piece(Channel.JOB, job_days + n, job, n) for n in range(8)
    ]


def value(rows: list[Evidence], at_ms: int) -> float:
    learner = rebuild(rows)
    pair = learner.pairs["s"]
    return read_score(learner, pair, at_ms, SHIPPED, weigh(pair, at_ms)).value


def ahead(rows: list[Evidence], target: float) -> Forecast:
    learner = rebuild(rows)
    skill = Skill(id="s", name="S", target=target)
    return forecast(learner, learner.pairs["s"], NOW, skill, SHIPPED, Policy())


def test_a_score_falls_below_its_target_at_the_time_that_is_named() -> None:
    rows = life(1.0, 1.0)
    now = value(rows, NOW)
    target = now - 0.05
    found = ahead(rows, target)
    assert found.falls
    assert found.crosses_ms > NOW
    assert value(rows, found.crosses_ms) < target
    assert value(rows, found.crosses_ms - 2 * HOUR_MS) >= target


def test_a_score_held_down_by_old_failures_rises_to_its_target() -> None:
    rows = life(1.0, 0.0, job_days=100)
    target = value(rows, NOW) + 0.01
    found = ahead(rows, target)
    if found.crosses_ms:
        assert not found.falls
        assert value(rows, found.crosses_ms) >= target
    assert not found.falls


def test_what_never_crosses_says_so() -> None:
    found = ahead(life(1.0, 1.0), 0.01)
    assert found.crosses_ms == 0
    [said] = forecast_sentences(found, Skill(id="s", name="S", target=0.01), NOW)
    assert "stays on or above the target of 1 for the next 365 days" in said


def test_the_curve_is_the_score_of_those_days() -> None:
    rows = life(0.8, 0.6)
    for point in ahead(rows, 0.7).curve:
        assert point.score == pytest.approx(value(rows, NOW + point.days * DAY_MS), abs=1e-4)
        assert point.low <= point.score <= point.high
    scores = [point.recall for point in ahead(rows, 0.7).curve]
    assert scores == sorted(scores, reverse=True)


def test_when_evidence_is_too_old_no_score_will_be_shown() -> None:
    rows = life(1.0, 1.0)
    found = ahead(rows, 0.5)
    assert found.thin_ms
    learner = rebuild(rows)
    assert weigh(learner.pairs["s"], found.thin_ms).effective < Policy().minimum_effective
    assert weigh(learner.pairs["s"], found.thin_ms - 2 * HOUR_MS).effective >= Policy().minimum_effective


def test_the_search_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0

    def counted(*arguments: object) -> object:
        nonlocal reads
        reads += 1
        return read_score(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "read_score", counted)
    ahead(life(1.0, 1.0), value(life(1.0, 1.0), NOW) - 0.05)
    assert reads <= READS_MAX


def test_the_trigger_agrees_with_the_forecast() -> None:
    rows = life(1.0, 1.0)
    learner = rebuild(rows)
    skill = Skill(id="s", name="S", target=value(rows, NOW) - 0.05)
    crosses = ahead(rows, skill.target).crosses_ms
    for lead, expected in ((crosses - NOW + HOUR_MS, True), (crosses - NOW - 2 * HOUR_MS, False)):
        assert falls_within(learner, learner.pairs["s"], NOW, lead, skill, SHIPPED) is expected
