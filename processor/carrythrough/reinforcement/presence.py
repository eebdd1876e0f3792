"""Whether a person is at work on a local day and minute: employment, leave, working hours (pure).

Everything is read on the person's own clock. Their declared working hours stand in for the program's
quiet hours: quiet hours are the guess for people whose hours nobody knows, and for a night shift
they would be wrong all year.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from carrythrough.identity.person import Person as RosterPerson
from carrythrough.identity.person import Week

WEEK_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Hours = tuple[int, int] | None
"""(from, to) as minutes after local midnight; to at or before from goes on past midnight. None: a day off."""
Absence = Literal["suspended", "not-yet-hired", "left", "on-leave"]


class Employment(msgspec.Struct, frozen=True):
    """From when to when a person works here, and when they are away; all days local, ends included."""

    active: bool = True
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    leave: tuple[tuple[dt.date, dt.date | None], ...] = ()

    def absence(self, day: dt.date) -> Absence | None:
        """Return why the person is not at work on a day, None when nothing is known against it."""
        if not self.active:
            return "suspended"
        if self.last_day is not None and day > self.last_day:
            return "left"
        if self.first_day is not None and day < self.first_day:
            return "not-yet-hired"
        return "on-leave" if self._away(day) is not None else None

    def back_on(self, day: dt.date) -> dt.date | None:
        """Return the first day from `day` on without an absence, None when there is none."""
        if self.first_day is not None and day < self.first_day:
            day = self.first_day
        while (away := self._away(day)) is not None:
            end = away[1]
            if end is None or end == dt.date.max:
                return None
            day = end + dt.timedelta(days=1)
        return day if self.absence(day) is None else None

    def _away(self, day: dt.date) -> tuple[dt.date, dt.date | None] | None:
        for start, end in self.leave:
            if start <= day and (end is None or day <= end):
                return start, end
        return None


def employment_of(person: RosterPerson) -> Employment:
    """Return the employment that the roster states; its dates were checked when it was read."""
    if person.active and not (person.hire_date or person.exit_date or person.leave):
        return _OPEN
    return Employment(
        person.active,
        _day(person.hire_date),
        _day(person.exit_date),
        tuple((dt.date.fromisoformat(away.start), _day(away.end)) for away in person.leave),
    )


_OPEN = Employment()


def absence_at(person: RosterPerson, now_ms: int) -> Absence | None:
    """Return why a person of the roster is not at work on their local day of `now_ms`, None when they may be."""
    employment = employment_of(person)
    if employment is _OPEN:
        return None
    return employment.absence(dt.datetime.fromtimestamp(now_ms / 1000, tz=ZoneInfo(person.time_zone)).date())


def _day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def hours_of(person: RosterPerson, days_off: tuple[str, ...]) -> tuple[Hours, ...]:
    """Return the hours of Monday to Sunday, () when the roster states none.

    days_off: names of WEEK_DAYS that are off when the person's week does not say otherwise.
    """
    if person.week is not None:
        return _week(person.week)
    if not person.work_hours:
        return ()
    hours = _minutes(person.work_hours)
    return tuple(None if day in days_off else hours for day in WEEK_DAYS)


def _week(week: Week) -> tuple[Hours, ...]:
    return tuple(_minutes(text) if text else None for text in (getattr(week, day) for day in WEEK_DAYS))


def _minutes(text: str) -> tuple[int, int]:
    return int(text[0:2]) * 60 + int(text[3:5]), int(text[6:8]) * 60 + int(text[9:11])


def hours_hold(hours: tuple[Hours, ...], weekday: int, minute: int) -> str:
    """Return "day-off", "outside-hours" or "" for a local weekday (0: Monday) and minute of the day.

    A shift belongs to the day on which it begins, so its part after midnight is no day off.
    """
    before, today = hours[weekday - 1], hours[weekday]
    if before is not None and before[1] <= before[0] and minute < before[1]:
        return ""
    if today is None:
        return "day-off"
    start, end = today
    inside = start <= minute < end if start < end else minute >= start
    return "" if inside else "outside-hours"
