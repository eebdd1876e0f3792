"""The hard guards: caps, cooldown, local time across DST, opt-out, holdout, kill switch, back-off."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.identity.person import Leave, Week
from carrythrough.identity.person import Person as RosterPerson
from carrythrough.reinforcement.guards import (
    DAY_MS,
    HOUR_MS,
    Limits,
    Person,
    Verdict,
    check,
    in_holdout,
    local_hold,
    next_open,
)
from carrythrough.reinforcement.presence import Employment, Hours, absence_at, employment_of, hours_of

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


DAY_SHIFT = ((480, 1020),) * 5 + (None, None)
NIGHT = ((1320, 360),) * 5 + (None, None)
"""22:00 to 06:00, Monday's to Friday's night: Friday's ends on Saturday."""


def at_work(hours: tuple[Hours, ...], zone: str = "Europe/Berlin", **employment: object) -> Person:
    return Person(
        subject="p",
        time_zone=zone,
        quiet_minutes=(1200, 420),
        hours=hours,
        employment=Employment(**employment),
    )


@pytest.mark.parametrize(
    ("hours", "local", "expected"),
    [
        (DAY_SHIFT, "2026-11-18T07:59", "outside-hours"),
        (DAY_SHIFT, "2026-11-18T08:00", ""),
        (DAY_SHIFT, "2026-11-18T16:59", ""),
        (DAY_SHIFT, "2026-11-18T17:00", "outside-hours"),
        (DAY_SHIFT, "2026-11-21T12:00", "day-off"),
        (NIGHT, "2026-11-16T05:59", "outside-hours"),  # Monday: Sunday's night has no shift
        (NIGHT, "2026-11-16T22:00", ""),
        (NIGHT, "2026-11-17T05:59", ""),
        (NIGHT, "2026-11-17T06:00", "outside-hours"),
        (NIGHT, "2026-11-21T05:59", ""),  # Saturday morning belongs to Friday's shift
        (NIGHT, "2026-11-21T06:00", "day-off"),
        (NIGHT, "2026-11-21T23:00", "day-off"),
        (((0, 0), *[None] * 6), "2026-11-16T03:00", ""),
        (((0, 0), *[None] * 6), "2026-11-17T00:00", "day-off"),
    ],
)
def test_declared_hours_stand_in_for_quiet_hours(hours: tuple[Hours, ...], local: str, expected: str) -> None:
    assert local_hold(at_work(hours), at(local, "Europe/Berlin")) == expected


HERE = {
    "first_day": dt.date(2026, 3, 2),
    "last_day": dt.date(2026, 11, 30),
    "leave": ((dt.date(2026, 7, 6), dt.date(2026, 7, 17)), (dt.date(2026, 7, 18), dt.date(2026, 7, 19))),
}


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-03-01T23:59", "not-yet-hired"),
        ("2026-03-02T09:00", ""),
        ("2026-07-03T09:00", ""),
        ("2026-07-06T00:00", "on-leave"),
        ("2026-07-17T23:59", "on-leave"),
        ("2026-07-20T09:00", ""),
        ("2026-11-30T16:59", ""),
        ("2026-12-01T00:00", "left"),
        ("2027-06-01T12:00", "left"),
    ],
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles"])
def test_days_of_hire_leave_and_exit_are_local_and_included(local: str, expected: str, zone: str) -> None:
    assert local_hold(at_work(DAY_SHIFT, zone, **HERE), at(local, zone)) == expected


def test_nothing_waits_for_who_has_left_or_is_suspended() -> None:
    late = at("2026-11-30T17:30", "Europe/Berlin")
    assert next_open(at_work(DAY_SHIFT, **HERE), late) == 0
    gone = at_work(DAY_SHIFT, last_day=dt.date(2026, 11, 17))
    state: dict[str, object] = {"pushes": (), "action_ms": 0, "ignored": 0}
    assert check(gone, LIMITS, "nudge", NOON, **state) == Verdict(("left",))  # type: ignore[arg-type]
    off = at_work(DAY_SHIFT, active=False)
    assert check(off, LIMITS, "nudge", NOON, **state) == Verdict(("suspended",))  # type: ignore[arg-type]


def test_what_falls_into_a_leave_waits_for_the_first_hour_after_it() -> None:
    back = at("2026-07-20T08:00", "Europe/Berlin")
    assert next_open(at_work(DAY_SHIFT, **HERE), at("2026-07-06T09:00", "Europe/Berlin")) == back
    first = at("2026-03-02T08:00", "Europe/Berlin")
    assert next_open(at_work(DAY_SHIFT, **HERE), at("2025-01-01T09:00", "Europe/Berlin")) == first
    away = at_work(DAY_SHIFT, leave=((dt.date(2026, 7, 6), None),))
    assert next_open(away, at("2026-07-06T09:00", "Europe/Berlin")) == 0


@pytest.mark.parametrize(
    ("zone", "day", "utc_hour"),
    [
        ("Europe/Berlin", "2026-03-27", 7),  # the Friday before the clocks go forward
        ("Europe/Berlin", "2026-03-30", 6),  # the Monday after
        ("Australia/Lord_Howe", "2026-10-05", 21),  # half an hour of summer time: 08:00 is 21:00 UTC
    ],
)
def test_working_hours_keep_to_the_local_clock_across_a_change(zone: str, day: str, utc_hour: int) -> None:
    opening = next_open(at_work(DAY_SHIFT, zone), at(f"{day}T00:30", zone))
    assert opening == at(f"{day}T08:00", zone)
    assert dt.datetime.fromtimestamp(opening / 1000, dt.UTC).hour == utc_hour


def test_an_hour_that_the_clock_leaves_out_opens_nothing_that_day() -> None:
    person = at_work(((120, 180),) * 7)
    assert next_open(person, at("2026-03-29T00:00", "Europe/Berlin")) == at(
        "2026-03-30T02:00", "Europe/Berlin"
    )


def test_the_roster_states_hours_and_employment() -> None:
    week = Week(mon="08:00-12:00", fri="22:00-06:00")
    ann = RosterPerson(
        id="a", week=week, work_hours="09:00-17:00", days_off=("mon",), hire_date="2026-01-05",
        exit_date="2026-12-31", leave=(Leave(start="2026-07-06", end="2026-07-17"), Leave(start="2026-12-24")),
    )  # fmt: skip
    assert hours_of(ann, ("sun",)) == ((480, 720), None, None, None, (1320, 360), None, None)
    plain = RosterPerson(id="b", work_hours="09:00-17:00")
    assert hours_of(plain, ("sat", "sun")) == ((540, 1020),) * 5 + (None, None)
    assert hours_of(RosterPerson(id="c"), ("sat",)) == ()
    employment = employment_of(ann)
    assert (employment.first_day, employment.last_day) == (dt.date(2026, 1, 5), dt.date(2026, 12, 31))
    assert employment.leave[1] == (dt.date(2026, 12, 24), None)
    tokyo = RosterPerson(id="d", time_zone="Asia/Tokyo", exit_date="2026-11-17")
    assert absence_at(tokyo, at("2026-11-17T14:59")) is None
    assert absence_at(tokyo, at("2026-11-17T15:00")) == "left"  # midnight in Tokyo


@given(
    st.integers(0, 4 * 10**12),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
    st.sampled_from([DAY_SHIFT, NIGHT, ((0, 0), *[None] * 6)]),
)
def test_the_next_opening_of_a_shift_is_open(now_ms: int, zone: str, hours: tuple[Hours, ...]) -> None:
    person = at_work(hours, zone)
    opening = next_open(person, now_ms)
    assert opening >= now_ms
    assert local_hold(person, opening) == ""
    if opening > now_ms + 15 * 60_000:
        assert local_hold(person, opening - 15 * 60_000) != ""
