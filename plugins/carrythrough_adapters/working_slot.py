"""The next free slot of a working day on a person's own clock: pure, so that its tests need no calendar server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from carrythrough_adapters.calendar_config import DAYS, CalendarConfig, minute_of

DAYS_AHEAD_MAX = 400
"""Days that are looked at: over a year, so that a long list of days off does not end the search too early."""


def next_slot(config: CalendarConfig, zone: ZoneInfo, earliest: datetime) -> datetime | None:
    """Return the first begin at or after `earliest` (UTC), None when `closed` and `days` leave none.

    The begin is in `zone`. Entries begin on a multiple of `minutes` after the begin of a gap, so that two people's
    entries fall on the same grid. Local times that a change of the clocks skips or repeats are not taken.
    """
    first_day = earliest.astimezone(zone).date()
    for ahead in range(DAYS_AHEAD_MAX):
        day = first_day + timedelta(days=ahead)
        if DAYS[day.weekday()] not in config.days or day in config.closed:
            continue
        for start in _starts(config):
            begin = datetime.combine(day, start, zone)
            end = begin + timedelta(minutes=config.minutes)
            if begin.astimezone(UTC) >= earliest and _plain(begin) and _plain(end):
                return begin
    return None


def _starts(config: CalendarConfig) -> Iterator[time]:
    for start, end in config.gaps:
        for minute in range(minute_of(start), minute_of(end) - config.minutes + 1, config.minutes):
            yield time(minute // 60, minute % 60)


def _plain(moment: datetime) -> bool:
    """Say whether a local time comes exactly once (PEP 495: both folds give the same offset)."""
    return moment.replace(fold=0).utcoffset() == moment.replace(fold=1).utcoffset()
