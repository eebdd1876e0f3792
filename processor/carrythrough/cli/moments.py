"""Times as people type them on a command line, and as they read them."""

from __future__ import annotations

import datetime as dt

from carrythrough.cli.usage import wrong_usage


def time_of(text: str, where: str) -> int:
    """Return a time in ms since the epoch: RFC 3339 with a zone, or a date (its end in UTC).

    A date means its end, so that what happened on the day is seen. Raises UsageError naming `where`.
    """
    moment = None
    try:
        if len(text) == len("2026-11-01"):
            day = dt.date.fromisoformat(text)
            moment = dt.datetime.combine(day, dt.time.max, tzinfo=dt.UTC)
        else:
            moment = dt.datetime.fromisoformat(text)
    except ValueError:
        pass
    if moment is None or moment.tzinfo is None or moment.year < 1970:
        raise wrong_usage(
            f"{text[:60]!r} is not a time that can be placed",
            "write 2026-11-01T10:00:00Z, or a date such as 2026-11-01 for the end of that day (UTC)",
            where=where,
            rule="times are RFC 3339 with a zone",
        )
    return int(moment.timestamp() * 1000)


def span(seconds: float) -> str:
    """Return a duration as people read it: "8 s", "3 min 20 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
