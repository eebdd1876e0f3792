"""Proves the retry plan for any failure, entry and time: never early, never endless, always the same."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from carrythrough.dispatch.schedule import Failure, FailureKind, RetryDecision, Schedule, decide

NEVER = 1 << 60
FINAL = (FailureKind.PERMANENT, FailureKind.GONE)

schedules = st.builds(
    Schedule,
    tries_max=st.integers(1, 100),
    first_delay_s=st.floats(0.001, 3600),
    factor=st.floats(1, 100),
    delay_s_max=st.floats(0.001, 1e6),
    jitter=st.floats(0, 0.99),
    retry_after_s_max=st.floats(0.001, 1e6),
)
failures = st.builds(
    Failure,
    kind=st.sampled_from(FailureKind),
    text=st.text(max_size=50),
    retry_after_s=st.one_of(st.floats(0, 1e9), st.sampled_from([math.inf, math.nan, -1.0])),
)
keys = st.text(max_size=40)
times = st.integers(0, 1 << 45)


def ask(
    schedule: Schedule, failure: Failure, *, key: str, tries: int, now_ms: int, expires_ms: int = NEVER
) -> RetryDecision:
    return decide(schedule, failure, key=key, tries=tries, now_ms=now_ms, expires_ms=expires_ms)


@given(schedules, failures, keys, st.integers(1, 120), times)
def test_the_same_question_has_the_same_answer_and_it_is_sound(
    schedule: Schedule, failure: Failure, key: str, tries: int, now_ms: int
) -> None:
    decision = ask(schedule, failure, key=key, tries=tries, now_ms=now_ms)
    assert decision == ask(schedule, failure, key=key, tries=tries, now_ms=now_ms)
    assert failure.text in decision.reason
    assert decision.again == (failure.kind not in FINAL and tries < schedule.tries_max)
    if not decision.again:
        assert decision.due_ms == 0
        return
    wait_s = (decision.due_ms - now_ms) / 1000
    assert wait_s > 0
    longest_s = max(schedule.delay_s_max, schedule.retry_after_s_max) * (1 + schedule.jitter)
    assert wait_s <= longest_s + 0.002


@given(schedules, failures, keys, st.integers(1, 99), times)
def test_no_try_is_earlier_than_the_receiver_asked(
    schedule: Schedule, failure: Failure, key: str, tries: int, now_ms: int
) -> None:
    decision = ask(schedule, failure, key=key, tries=tries, now_ms=now_ms)
    if decision.again and failure.retry_after_s > 0:
        asked_s = min(failure.retry_after_s, schedule.retry_after_s_max)
        assert decision.due_ms - now_ms >= asked_s * 1000 - 1e-3


@given(schedules, failures, keys, st.integers(1, 99), times, st.integers(0, 1 << 46))
def test_no_try_is_planned_for_after_the_expiry(
    schedule: Schedule, failure: Failure, key: str, tries: int, now_ms: int, expires_ms: int
) -> None:
    decision = ask(schedule, failure, key=key, tries=tries, now_ms=now_ms, expires_ms=expires_ms)
    assert not decision.again or decision.due_ms < expires_ms


@given(keys, times)
def test_the_default_plan_is_ten_tries_over_about_three_days(key: str, start_ms: int) -> None:
    failure = Failure(kind=FailureKind.TRANSIENT, text="down")
    now_ms, tries = start_ms, 1
    while (decision := ask(Schedule(), failure, key=key, tries=tries, now_ms=now_ms)).again:
        now_ms, tries = decision.due_ms, tries + 1
    assert tries == 10
    assert 2.5 <= (now_ms - start_ms) / 86_400_000 <= 3.75
    assert "gave up after 10 tries" in decision.reason


def test_entries_that_failed_together_do_not_come_back_together() -> None:
    failure = Failure(kind=FailureKind.THROTTLED, text="wait", retry_after_s=600.0)
    waits = [ask(Schedule(), failure, key=f"n-{n}", tries=1, now_ms=0).due_ms for n in range(500)]
    assert min(waits) >= 600_000
    assert max(waits) <= 660_000
    assert max(waits) - min(waits) > 50_000
    assert len(set(waits)) > 450


def test_the_jitter_of_one_entry_differs_from_try_to_try() -> None:
    schedule = Schedule(first_delay_s=100.0, factor=1.0, jitter=0.5)
    failure = Failure(kind=FailureKind.TRANSIENT, text="down")
    waits = [ask(schedule, failure, key="n", tries=tries, now_ms=0).due_ms for tries in range(1, 10)]
    assert len(set(waits)) == 9
