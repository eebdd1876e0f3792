"""The hard guards: they come before choice and hold whatever the rules say.

A guard is named, takes values only, and either lets a push pass or says when it
is worth asking again. Local time comes from the person's IANA time zone; the
zone data is part of the installation (tzdata), so a replay decides the same.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from hashlib import blake2b
from zoneinfo import ZoneInfo

import msgspec

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
QUARTER_MS = HOUR_MS // 4
WEEK_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
IGNORED_MAX = 2
"""Pushes on one skill without new evidence after which we stop pushing it."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """What the guards need to know about whom an action would reach.

    days_off: names of WEEK_DAYS. quiet_minutes: (from, to) as minutes after local midnight; equal
    ends mean no quiet hours. opted_out: topics, actions or "all".
    """

    subject: str
    reference: str = ""
    time_zone: str = "UTC"
    days_off: tuple[str, ...] = ()
    quiet_minutes: tuple[int, int] = (1200, 420)
    opted_out: tuple[str, ...] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Caps of the policy in force; see `program.types.Policy`."""

    per_day: int
    per_week: int
    cooldown_ms: int
    holdout: float
    killed_actions: frozenset[str]
    killed_subjects: frozenset[str]


class Verdict(msgspec.Struct, frozen=True):
    """Guards that hold an action back (empty: it may go), and when to ask again (ms, 0: never)."""

    held_by: tuple[str, ...]
    again_ms: int = 0


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def in_holdout(subject: str, share: float) -> bool:
    """Say whether a person belongs to the permanent holdout: a hash of the pseudonym, nothing else."""
    draw = int.from_bytes(blake2b(subject.encode(), digest_size=8, person=b"holdout").digest(), "big")
    return draw < share * 2.0**64


def check(
    person: Person,
    limits: Limits,
    action: str,
    now_ms: int,
    *,
    pushes: tuple[int, ...],
    action_ms: int,
    ignored: int,
) -> Verdict:
    """Return which guards hold `action` back from `person` at `now_ms`.

    pushes: times of the person's pushes of the last seven days. action_ms: last push on this
    skill, 0 for none. ignored: pushes on this skill since the last evidence.
    """
    never = [name for name, held in _standing(person, limits, action, ignored) if held]
    if never:
        return Verdict(tuple(never))
    held: list[str] = []
    again = now_ms
    if action_ms and now_ms - action_ms < limits.cooldown_ms:
        held.append("cooldown")
        again = max(again, action_ms + limits.cooldown_ms)
    for name, cap, span in (
        ("daily-cap", limits.per_day, DAY_MS),
        ("weekly-cap", limits.per_week, 7 * DAY_MS),
    ):
        recent = sorted(t for t in pushes if now_ms - t < span)
        if len(recent) >= cap:
            held.append(name)
            again = max(again, recent[-cap] + span if cap else now_ms + span)
    if local := local_hold(person, now_ms):
        held.append(local)
    if not held:
        return Verdict(())
    return Verdict(tuple(held), next_open(person, again))


def _standing(person: Person, limits: Limits, action: str, ignored: int) -> tuple[tuple[str, bool], ...]:
    """Return the guards that no waiting opens."""
    killed = limits.killed_subjects
    return (
        (
            "kill-switch",
            action in limits.killed_actions or person.subject in killed or person.reference in killed,
        ),
        ("opted-out", "all" in person.opted_out or action in person.opted_out),
        ("holdout", in_holdout(person.subject, limits.holdout)),
        ("back-off", ignored >= IGNORED_MAX),
    )


def local_hold(person: Person, now_ms: int) -> str:
    """Return "day-off", "quiet-hours" or "" for the person's local time."""
    local = dt.datetime.fromtimestamp(now_ms / 1000, tz=_zone(person.time_zone))
    if WEEK_DAYS[local.weekday()] in person.days_off:
        return "day-off"
    start, end = person.quiet_minutes
    minute = local.hour * 60 + local.minute
    quiet = start <= minute < end if start <= end else minute >= start or minute < end
    return "quiet-hours" if quiet else ""


def next_open(person: Person, from_ms: int) -> int:
    """Return the first quarter of an hour from `from_ms` on in which local time allows a push.

    At most eight days ahead; a person whose whole week is off gets 0 (never).
    """
    if not local_hold(person, from_ms):
        return from_ms
    t = _quarter(from_ms)
    end = from_ms + 8 * DAY_MS
    while t < end:
        held = local_hold(person, t)
        if not held:
            return t
        t = _quarter(_midnight_after(person, t)) if held == "day-off" else t + QUARTER_MS
    return 0


def _quarter(t_ms: int) -> int:
    """Return the first quarter of an hour at or after a time."""
    return -(-t_ms // QUARTER_MS) * QUARTER_MS


def _midnight_after(person: Person, t_ms: int) -> int:
    """Return the next local midnight, always later than `t_ms`."""
    zone = _zone(person.time_zone)
    day = dt.datetime.fromtimestamp(t_ms / 1000, tz=zone).date() + dt.timedelta(days=1)
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
    return max(int(midnight.timestamp() * 1000), t_ms + QUARTER_MS)
