"""Proves when a module is said to be followed by weak transfer: sure, about enough people, about the weeks after it."""

from __future__ import annotations

import numpy as np
import pytest

from carrythrough.impact.feedback import AFTER_MS, RECENT_MS, Meeting, WeakTransfer, weak_transfer
from carrythrough.impact.outcomes import DAY_MS, PairHistory

NOW = 1_790_000_000_000
MET = NOW - 30 * DAY_MS
TARGET = 0.75


def people(
    count: int, good: float, *, met_ms: int = MET, after_ms: int = 10 * DAY_MS, each: int = 10
) -> tuple[list[Meeting], dict[tuple[str, str], PairHistory]]:
    """Return people who met the module, of whose outcomes a share is good; half of those before it were."""
    meetings, histories = [], {}
    for n in range(count):
        who = f"p-{n}"
        meetings.append(Meeting("quiz", "calm", who, met_ms, (0.9,)))
        times = [met_ms - 5 * DAY_MS + k * DAY_MS for k in range(4)]
        y = [1.0, 0.0, 1.0, 0.0]
        times += [met_ms + after_ms + k for k in range(each)]
        y += [float((k + n) % each < round(good * each)) for k in range(each)]
        histories[who, "calm"] = PairHistory(np.empty(0, np.int64), np.array(times), np.array(y))
    return meetings, histories


def judged(
    meetings: list[Meeting],
    histories: dict[tuple[str, str], PairHistory],
    *,
    minimum: int = 8,
    cohort: dict[str, str] | None = None,
) -> list[WeakTransfer]:
    cohorts = {m.subject: "spring" for m in meetings} if cohort is None else cohort
    return weak_transfer(meetings, histories, cohorts, {"calm": TARGET}, NOW, minimum)


def test_a_module_after_which_work_falls_short_is_named_with_its_evidence() -> None:
    (found,) = judged(*people(12, 0.4))
    assert (found.module, found.skill, found.cohort, found.people) == ("quiz", "calm", "spring", 12)
    assert found.outcomes == 120
    assert found.mean == pytest.approx(0.4)
    assert found.low < found.mean < found.high < found.target == TARGET
    assert found.before == pytest.approx(0.5)
    assert found.in_module == pytest.approx(0.9)


@pytest.mark.parametrize("good", [0.7, 0.8, 1.0])
def test_what_may_be_on_target_is_no_warning(good: float) -> None:
    # 0.7 lies below the target of 0.75, and not surely.
    assert judged(*people(12, good)) == []


def test_fewer_people_than_a_group_needs_are_never_named() -> None:
    assert judged(*people(7, 0.0)) == []
    assert judged(*people(8, 0.0)) != []
    meetings, histories = people(16, 0.0)
    split = {m.subject: "a" if n < 9 else "b" for n, m in enumerate(meetings)}
    assert [w.cohort for w in judged(meetings, histories, cohort=split)] == ["a"]


def test_only_the_weeks_after_the_first_meeting_count() -> None:
    assert judged(*people(12, 0.0, after_ms=AFTER_MS + DAY_MS, met_ms=NOW - 90 * DAY_MS)) == []
    assert judged(*people(12, 0.0, after_ms=AFTER_MS - DAY_MS, met_ms=NOW - 90 * DAY_MS)) != []
    assert judged(*people(12, 0.0, met_ms=NOW - RECENT_MS - DAY_MS)) == []
    assert judged(*people(12, 0.0, met_ms=NOW - DAY_MS, after_ms=2 * DAY_MS)) == []  # not yet


def test_who_takes_no_part_and_skills_in_a_dip_are_passed_over() -> None:
    meetings, histories = people(12, 0.0)
    assert judged(meetings, histories, cohort={}) == []
    assert weak_transfer(meetings, histories, {m.subject: "" for m in meetings}, {}, NOW, 8) == []


def test_eight_who_all_failed_are_no_certainty() -> None:
    (found,) = judged(*people(8, 0.0))
    assert found.high > 0.015
    (fewer,) = judged(*people(8, 0.0, each=2))
    assert fewer.high > 0.09


def test_false_warnings_are_rare() -> None:
    """People who are on target exactly: one warning in twenty at most, over many cohorts."""
    rng = np.random.default_rng(5)
    warned = 0
    for _ in range(400):
        meetings, histories = people(12, 0.5)
        for key, history in histories.items():
            y = (rng.random(len(history.job_ms)) < TARGET).astype(float)
            histories[key] = history._replace(job_y=y)
        warned += bool(judged(meetings, histories))
    assert warned <= 36  # 20 expected at most; chance goes beyond this once in some thousand times
