"""Every stage is reached by the life that its name says, and scores move the right way."""

from __future__ import annotations

import pytest

from carrythrough.evidence.types import FLAG_ASSISTED, FLAG_OPPORTUNITY_ONLY, Channel, Evidence
from carrythrough.pipeline.assist import is_assisted
from carrythrough.pipeline.reading import Reading, read_pair
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.program.types import Dip, Policy, Skill
from carrythrough.reinforcement.stage import Stage
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.model import SHIPPED

NOW = 20_000 * DAY_MS
SKILL = Skill(id="s", name="S", target=0.75, opportunity_days=14)


def piece(channel: Channel, days_ago: float, y: float, *, flags: int = 0, number: int = 0) -> Evidence:
    key = (int(days_ago * 1000), int(channel), number)
    return Evidence(
        repr(key).encode().ljust(16)[:16], "s", channel, NOW - int(days_ago * DAY_MS), round(y * 65536), 1024, 42_598,
        flags,
    )  # fmt: skip


def life(*parts: list[Evidence], at_ms: int = NOW) -> Reading:
    rows = [e for part in parts for e in part]
    learner = rebuild(rows)
    return read_pair(learner, learner.pairs["s"], at_ms, SKILL, SHIPPED, Policy())


def quiz(y: float, count: int = 10, since: float = 3.0) -> list[Evidence]:
    return [piece(Channel.LEARN, since + i * 0.5, y, number=i) for i in range(count)]


def sims(y: float, count: int = 8, since: float = 1.0) -> list[Evidence]:
    return [piece(Channel.PRACTICE, since + i * 0.3, y, number=i) for i in range(count)]


def job(y: float, count: int = 12, since: float = 0.5, flags: int = 0) -> list[Evidence]:
    return [piece(Channel.JOB, since + i * 0.4, y, flags=flags, number=i) for i in range(count)]


@pytest.mark.parametrize(
    ("reading", "stage"),
    [
        (life(quiz(1.0, count=3)), Stage.NOT_ENOUGH_EVIDENCE),
        (life(quiz(0.1)), Stage.NOT_YET_LEARNT),
        (life(quiz(1.0, since=0.5)), Stage.UNPRACTISED),
        (life(quiz(1.0), sims(1.0)), Stage.UNAPPLIED),
        (life(quiz(1.0, count=20, since=0.5), sims(0.0, count=2)), Stage.UNPRACTISED),
        (
            life(quiz(1.0, count=20, since=0.5), sims(0.0, count=2), sims(1.0, count=1, since=2)),
            Stage.UNAPPLIED,
        ),
        (life(quiz(1.0, since=90), sims(1.0, since=90)), Stage.FADING),
        (life(quiz(1.0), sims(1.0), job(1.0)), Stage.CARRIED_THROUGH),
        (life(quiz(1.0), sims(1.0), job(1.0, flags=FLAG_ASSISTED)), Stage.APPLIED_WITH_SUPPORT),
        (life(quiz(1.0), sims(1.0), job(0.2)), Stage.UNDERPERFORMING),
        (life(quiz(1.0, since=160), sims(1.0, since=160), job(1.0, since=130)), Stage.FADING),
    ],
)
def test_stage(reading: Reading, stage: Stage) -> None:
    assert reading.stage is stage


def test_old_evidence_is_not_enough_however_much_there_was() -> None:
    reading = life(quiz(1.0, since=1500), sims(1.0, since=1500))
    assert reading.weight.outcomes == 18
    assert reading.stage is Stage.NOT_ENOUGH_EVIDENCE
    assert reading.score is None


def test_no_score_under_five_outcomes_even_if_all_were_right() -> None:
    assert life(quiz(1.0, count=4)).score is None
    assert life(quiz(1.0, count=5)).score is not None


def test_a_failure_after_months_without_use_does_not_hide_what_faded() -> None:
    faded = life(quiz(1.0, since=90), sims(1.0, since=90))
    failed = life(quiz(1.0, since=90), sims(1.0, since=90), job(0.0, count=1))
    assert faded.stage is failed.stage is Stage.FADING


def test_success_raises_failure_lowers_and_time_fades() -> None:
    base = life(quiz(0.7), sims(0.7)).score
    better = life(quiz(0.7), sims(0.7), job(1.0, count=3)).score
    worse = life(quiz(0.7), sims(0.7), job(0.0, count=3)).score
    later = life(quiz(0.7), sims(0.7), at_ms=NOW + 60 * DAY_MS).score
    assert base is not None
    assert better is not None
    assert worse is not None
    assert later is not None
    assert worse.value < base.value < better.value
    assert later.value < base.value
    assert base.low < base.value < base.high


def test_an_assisted_success_says_less_than_an_unaided_one() -> None:
    alone = life(quiz(0.7), sims(0.7), job(1.0, count=6)).score
    aided = life(quiz(0.7), sims(0.7), job(1.0, count=6, flags=FLAG_ASSISTED)).score
    assert alone is not None
    assert aided is not None
    assert aided.value < alone.value


def test_watching_never_raises_the_score() -> None:
    films = [piece(Channel.EXPOSURE, i * 0.1, 0.0, number=i) for i in range(50)]
    plain, watched = life(quiz(0.7), sims(0.7)).score, life(quiz(0.7), sims(0.7), films).score
    assert plain is not None
    assert watched is not None
    assert watched.value == plain.value
    assert life(films).score is None


def test_a_success_shortly_after_job_aid_use_is_assisted() -> None:
    success = piece(Channel.JOB, 1.0, 1.0)
    aid = Evidence(b"a" * 16, "s", Channel.SUPPORT, success.t_ms - 10 * 60_000, 0, 0, 0, window_s=1800)
    early = Evidence(b"b" * 16, "s", Channel.SUPPORT, success.t_ms - 40 * 60_000, 0, 0, 0, window_s=1800)
    after = Evidence(b"c" * 16, "s", Channel.SUPPORT, success.t_ms + 1, 0, 0, 0, window_s=1800)
    assert is_assisted(success, [aid])
    assert not is_assisted(success, [early, after])
    assert not is_assisted(piece(Channel.JOB, 1.0, 0.0), [aid])


def test_a_declared_dip_keeps_low_results_from_being_held_against_people() -> None:
    rows = quiz(1.0) + sims(1.0) + [piece(Channel.JOB, n * 0.4, 0.0, number=n) for n in range(20)]
    learner = rebuild(rows)
    for dips, stage in (
        ((), Stage.UNDERPERFORMING),
        ((Dip(from_="2024-10-01", to="2024-10-04"),), Stage.SETTLING_IN),
        ((Dip(from_="2024-10-05", to="2024-11-01"),), Stage.UNDERPERFORMING),
        ((Dip(from_="2024-09-01", to="2024-10-03"),), Stage.UNDERPERFORMING),
        ((Dip(from_="2024-09-31", to="2024-10-30"),), Stage.UNDERPERFORMING),
    ):
        skill = Skill(id="s", name="S", target=0.75, opportunity_days=14, dips=dips)
        assert read_pair(learner, learner.pairs["s"], NOW, skill, SHIPPED, Policy()).stage is stage


def test_a_dip_has_no_say_in_other_stages() -> None:
    dip = Dip(from_="2024-01-01", to="2025-12-31")
    skill = Skill(id="s", name="S", target=0.75, opportunity_days=14, dips=(dip,))
    learner = rebuild(quiz(1.0) + sims(1.0) + [piece(Channel.JOB, n, 1.0, number=n) for n in range(20)])
    reading = read_pair(learner, learner.pairs["s"], NOW, skill, SHIPPED, Policy())
    assert reading.stage is Stage.CARRIED_THROUGH


def test_an_opportunity_that_nobody_took_is_no_application():
    before = life(quiz(1.0), sims(1.0), job(0.0, since=40))
    after = life(quiz(1.0), sims(1.0), job(0.0, since=40), job(0.0, count=3, flags=FLAG_OPPORTUNITY_ONLY))
    assert before.stage is after.stage is Stage.UNAPPLIED
