"""The configuration of the adapter `calendar`: that of e-mail, and which times are there to be taken."""

from __future__ import annotations

from datetime import date, time
from importlib.util import find_spec
from itertools import pairwise
from typing import Annotated, Literal

from msgspec import Meta

from carrythrough.plugin import SettingError
from carrythrough_adapters.email_config import EmailConfig

HOURS = r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED_MAX = 400
"""Days off that can be listed: those of some years."""

Span = tuple[time, time]


class CalendarConfig(EmailConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `calendar`; times are those of the person's own clock."""

    minutes: Annotated[int, Meta(ge=5, le=480, description="length of the entry")] = 30
    hours: Annotated[
        str, Meta(pattern=HOURS, description="working hours in which an entry may lie, by the person's clock")
    ] = "09:00-17:00"
    days: Annotated[
        tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...],
        Meta(min_length=1, description="working days"),
    ] = ("mon", "tue", "wed", "thu", "fri")
    busy: Annotated[
        tuple[Annotated[str, Meta(pattern=HOURS)], ...],
        Meta(max_length=10, description="hours of each day that are never taken, such as lunch"),
    ] = ("12:00-13:00",)
    closed: Annotated[
        tuple[date, ...], Meta(max_length=CLOSED_MAX, description="days on which nobody works, as YYYY-MM-DD")
    ] = ()
    notice_h: Annotated[
        int, Meta(ge=1, le=720, description="hours from the action to the earliest begin of its entry")
    ] = 18

    def __post_init__(self) -> None:
        """Check what types cannot say; raises SettingError."""
        super().__post_init__()
        if find_spec("icalendar") is None:
            raise SettingError("hours", "needs the package icalendar", "pip install 'carrythrough[calendar]'")
        for key, spans in (("hours", (self.hours,)), ("busy", self.busy)):
            if any(start >= end for start, end in map(span, spans)):
                raise SettingError(key, "must end after it begins", 'write "09:00-17:00"')
        if not self.gaps:
            raise SettingError("minutes", "do not fit between the busy hours", "shorten the entry")

    @property
    def gaps(self) -> tuple[Span, ...]:
        """The spans of a day that are long enough and not busy, in order."""
        start, end = span(self.hours)
        taken = sorted(map(span, self.busy))
        edges = [(start, start), *taken, (end, end)]
        free = []
        latest = start
        for (_, before), (after, _) in pairwise(edges):
            latest = max(latest, before)
            if minute_of(min(after, end)) - minute_of(latest) >= self.minutes:
                free.append((latest, min(after, end)))
        return tuple(free)


def span(text: str) -> Span:
    """Return "HH:MM-HH:MM" as two times."""
    start, end = text.split("-")
    return time.fromisoformat(start), time.fromisoformat(end)


def minute_of(moment: time) -> int:
    """Return the minute of the day, 0..1439."""
    return moment.hour * 60 + moment.minute
