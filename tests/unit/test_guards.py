"""The hard guards: caps, cooldown, local time across DST, opt-out, holdout, kill switch, back-off."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.reinforcement.guards import (
    DAY_MS,
    HOUR_MS,
    Limits,
    Person,
    check,
    in_holdout,
    local_hold,
    next_open,
)

LIMITS = Limits(
    per_day=1, per_week=3, cooldown_ms=72 * HOUR_MS, holdout=0.0,
    killed_actions=frozenset(), killed_subjects=frozenset(),
)  # fmt: skip
ANYTIME = Person(subject="p", quiet_minutes=(0, 0))


def at(text: str, zone: str = "UTC") -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


NOON = at("2026-11-18T12:00")


def held(
    person: Person = ANYTIME, limits: Limits = LIMITS, now: int = NOON, **state: object
) -> tuple[str, ...]:
    values: dict[str, object] = {"pushes": (), "action_ms": 0, "ignored": 0} | state
    return check(person, limits, "nudge", now, **values).held_by  # type: ignore[arg-type]


def test_nothing_holds_a_first_push_at_noon() -> None:
    assert held() == ()


@pytest.mark.parametrize(
    ("state", "guard"),
    [
        ({"pushes": (NOON - 23 * HOUR_MS,)}, "daily-cap"),
        ({"pushes": tuple(NOON - d * DAY_MS for d in (6, 4, 2))}, "weekly-cap"),
        ({"action_ms": NOON - 71 * HOUR_MS}, "cooldown"),
        ({"ignored": 2}, "back-off"),
    ],
)
def test_what_happened_before_holds_a_push_back(state: dict[str, object], guard: str) -> None:
    assert held(**state) == (guard,)


def test_the_caps_open_again_when_they_should() -> None:
    assert held(pushes=(NOON - DAY_MS,)) == ()
    assert held(pushes=tuple(NOON - d * DAY_MS for d in (7, 4, 2))) == ()
    assert held(action_ms=NOON - 72 * HOUR_MS) == ()
    verdict = check(ANYTIME, LIMITS, "nudge", NOON, pushes=(NOON - HOUR_MS,), action_ms=0, ignored=0)
    assert verdict.again_ms == NOON + 23 * HOUR_MS


@pytest.mark.parametrize(
    ("person", "limits", "guard"),
    [
        (Person(subject="p", quiet_minutes=(0, 0), opted_out=("nudge",)), LIMITS, "opted-out"),
        (Person(subject="p", quiet_minutes=(0, 0), opted_out=("all",)), LIMITS, "opted-out"),
        (ANYTIME, msgspec.structs.replace(LIMITS, killed_actions=frozenset({"nudge"})), "kill-switch"),
        (ANYTIME, msgspec.structs.replace(LIMITS, killed_subjects=frozenset({"p"})), "kill-switch"),
        (Person(subject="p", reference="e-1", quiet_minutes=(0, 0)),
         msgspec.structs.replace(LIMITS, killed_subjects=frozenset({"e-1"})), "kill-switch"),
        (ANYTIME, msgspec.structs.replace(LIMITS, holdout=1.0), "holdout"),
    ],
)  # fmt: skip
def test_standing_guards_hold_for_good(person: Person, limits: Limits, guard: str) -> None:
    verdict = check(person, limits, "nudge", NOON, pushes=(), action_ms=0, ignored=0)
    assert verdict.held_by == (guard,)
    assert verdict.again_ms == 0


def test_another_opt_out_does_not_hold() -> None:
    assert held(Person(subject="p", quiet_minutes=(0, 0), opted_out=("spaced-review",))) == ()


BERLIN = Person(subject="p", time_zone="Europe/Berlin", quiet_minutes=(1200, 420), days_off=("sat", "sun"))


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-11-18T06:59", "quiet-hours"),
        ("2026-11-18T07:00", ""),
        ("2026-11-18T19:59", ""),
        ("2026-11-18T20:00", "quiet-hours"),
        ("2026-11-21T12:00", "day-off"),
        ("2026-11-23T12:00", ""),
    ],
)
def test_local_time_decides(local: str, expected: str) -> None:
    assert local_hold(BERLIN, at(local, "Europe/Berlin")) == expected


def test_quiet_hours_end_at_local_seven_on_both_sides_of_a_dst_change() -> None:
    before = next_open(BERLIN, at("2026-10-23T06:00", "Europe/Berlin"))  # Friday, summer time
    after = next_open(BERLIN, at("2026-10-26T06:00", "Europe/Berlin"))  # Monday, winter time
    assert before == at("2026-10-23T07:00", "Europe/Berlin")
    assert after == at("2026-10-26T07:00", "Europe/Berlin")
    assert dt.datetime.fromtimestamp(before / 1000, dt.UTC).hour == 5
    assert dt.datetime.fromtimestamp(after / 1000, dt.UTC).hour == 6


def test_a_week_of_days_off_never_opens() -> None:
    always_off = Person(subject="p", days_off=("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
    assert next_open(always_off, NOON) == 0


@given(
    st.integers(0, 4 * 10**12),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC"]),
)
def test_the_next_opening_is_open_and_nothing_before_it_is(now_ms: int, zone: str) -> None:
    person = Person(subject="p", time_zone=zone, quiet_minutes=(1200, 420), days_off=("sun",))
    opening = next_open(person, now_ms)
    assert opening >= now_ms
    assert local_hold(person, opening) == ""
    if opening > now_ms + 15 * 60_000:
        assert local_hold(person, opening - 15 * 60_000) != ""


def test_the_holdout_has_about_its_share_and_stays() -> None:
    share = sum(in_holdout(f"subject-{i}", 0.05) for i in range(20_000)) / 20_000
    assert 0.045 < share < 0.055
    assert all(in_holdout(f"s{i}", 0.2) for i in range(500) if in_holdout(f"s{i}", 0.1))
