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

from carrythrough.reinforcement.presence import WEEK_DAYS, Employment, Hours, hours_hold

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
QUARTER_MS = HOUR_MS // 4
IGNORED_MAX = 2
"""Pushes on one skill without new evidence after which we stop pushing it."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """What the guards need to know about whom an action would reach.

    days_off: names of WEEK_DAYS. quiet_minutes: (from, to) as minutes after local midnight; equal
    ends mean no quiet hours. hours: working hours of Monday to Sunday, () when unknown; known hours
    stand in for days_off and quiet_minutes. opted_out: skills, actions, adapters or "all".
    """

    subject: str
    reference: str = ""
    team: str = ""
    time_zone: str = "UTC"
    days_off: tuple[str, ...] = ()
    quiet_minutes: tuple[int, int] = (1200, 420)
    hours: tuple[Hours, ...] = ()
    employment: Employment = Employment()
    opted_out: tuple[str, ...] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Caps of the policy in force; see `program.types.Policy`."""

    per_day: int
    per_week: int
    cooldown_ms: int
    holdout: float
    killed_actions: frozenset[str]
    killed_subjects: frozenset[str]
    killed_adapters: frozenset[str] = frozenset()
    killed_teams: frozenset[str] = frozenset()
    killed_rules: frozenset[str] = frozenset()
    killed_all: bool = False
    manager_per_week: int = 2


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """What would go out. adapters: what carries it, () for whatever is set up. skill: what it is about."""

    action: str
    rule: str = ""
    skill: str = ""
    adapters: tuple[str, ...] = ()


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
    push: Push | str,
    now_ms: int,
    *,
    pushes: tuple[int, ...],
    action_ms: int,
    ignored: int,
) -> Verdict:
    """Return which guards hold a push (or an action by name) back from `person` at `now_ms`.

    pushes: times of the person's pushes of the last seven days. action_ms: last push on this
    skill, 0 for none. ignored: pushes on this skill since the last evidence.
    """
    push = Push(action=push) if isinstance(push, str) else push
    never = (*_standing(person, limits, push, now_ms), *_about(person, limits, ignored))
    if never:
        return Verdict(never)
    held, again = _cooling(limits, action_ms, now_ms)
    caps = (
        ("daily-cap", pushes, limits.per_day, DAY_MS),
        ("weekly-cap", pushes, limits.per_week, 7 * DAY_MS),
    )
    return _in_time(person, held, _capped(caps, held, again, now_ms), now_ms)


def check_about(
    person: Person, limits: Limits, push: Push, now_ms: int, *, action_ms: int, ignored: int
) -> Verdict:
    """Return which guards hold back that a manager is asked about `person`; see `check` for the rest.

    The person gets nothing by it, so neither their caps nor their hours count; that they opted out of everything
    does, and so does their absence.
    """
    never = (*_standing(person, limits, push, now_ms, others=True), *_about(person, limits, ignored))
    if never:
        return Verdict(never)
    held, again = _cooling(limits, action_ms, now_ms)
    if absence := person.employment.absence(_local(person, now_ms).date()):
        held.append(absence)
    return Verdict(tuple(held), next_open(person, again)) if held else Verdict(())


def check_request(
    person: Person,
    limits: Limits,
    push: Push,
    now_ms: int,
    *,
    pushes: tuple[int, ...],
    asked: tuple[int, ...],
) -> Verdict:
    """Return which guards hold a request about somebody else back from a manager.

    pushes: times of everything that reached the manager in the last seven days; asked: of the requests among it. The
    holdout and the cooldown are about whose skill it is; they were asked there (`check_about`).
    """
    never = _standing(person, limits, push, now_ms)
    if never:
        return Verdict(never)
    held: list[str] = []
    caps = (
        ("daily-cap", pushes, limits.per_day, DAY_MS),
        ("weekly-cap", pushes, limits.per_week, 7 * DAY_MS),
        ("manager-load", asked, limits.manager_per_week, 7 * DAY_MS),
    )
    return _in_time(person, held, _capped(caps, held, now_ms, now_ms), now_ms)


def _in_time(person: Person, held: list[str], again_ms: int, now_ms: int) -> Verdict:
    if local := local_hold(person, now_ms):
        held.append(local)
    return Verdict(tuple(held), next_open(person, again_ms)) if held else Verdict(())


def _cooling(limits: Limits, action_ms: int, now_ms: int) -> tuple[list[str], int]:
    if action_ms and now_ms - action_ms < limits.cooldown_ms:
        return ["cooldown"], action_ms + limits.cooldown_ms
    return [], now_ms


def _capped(
    caps: tuple[tuple[str, tuple[int, ...], int, int], ...], held: list[str], again_ms: int, now_ms: int
) -> int:
    """Add the names of the caps that are full; return when the last of them opens."""
    for name, times, cap, span in caps:
        recent = sorted(t for t in times if now_ms - t < span)
        if len(recent) >= cap:
            held.append(name)
            again_ms = max(again_ms, recent[-cap] + span if cap else now_ms + span)
    return again_ms


def _standing(
    person: Person, limits: Limits, push: Push, now_ms: int, *, others: bool = False
) -> tuple[str, ...]:
    """Return the names of the guards that no waiting opens. others: what goes out goes to somebody else."""
    absence = person.employment.absence(_local(person, now_ms).date())
    held = (
        ("kill-switch", is_killed(person, limits, push)),
        ("suspended", absence == "suspended"),
        ("left", absence == "left"),
        ("opted-out", "all" in person.opted_out or (not others and _declined(person, push))),
    )
    return tuple(name for name, holds in held if holds)


def _about(person: Person, limits: Limits, ignored: int) -> tuple[str, ...]:
    """Return the names of the guards about whose skill it is."""
    held = (("holdout", in_holdout(person.subject, limits.holdout)), ("back-off", ignored >= IGNORED_MAX))
    return tuple(name for name, holds in held if holds)


def is_killed(person: Person, limits: Limits, push: Push) -> bool:
    """Say whether a kill switch stands between a push and a person; an adapter's only where no other carries it."""
    return (
        limits.killed_all
        or push.action in limits.killed_actions
        or push.rule in limits.killed_rules
        or person.subject in limits.killed_subjects
        or person.reference in limits.killed_subjects
        or (person.team != "" and person.team in limits.killed_teams)
        or (bool(push.adapters) and limits.killed_adapters.issuperset(push.adapters))
    )


def _declined(person: Person, push: Push) -> bool:
    words = person.opted_out
    every_adapter = bool(push.adapters) and all(adapter in words for adapter in push.adapters)
    return push.action in words or (push.skill != "" and push.skill in words) or every_adapter


def _local(person: Person, t_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(t_ms / 1000, tz=_zone(person.time_zone))


def local_hold(person: Person, now_ms: int) -> str:
    """Return what holds a push back at the person's local time, "" when nothing does.

    An absence (see `presence.Employment`), else "day-off", "outside-hours" or "quiet-hours".
    """
    local = _local(person, now_ms)
    absence = person.employment.absence(local.date())
    if absence is not None:
        return absence
    minute = local.hour * 60 + local.minute
    if person.hours:
        return hours_hold(person.hours, local.weekday(), minute)
    if WEEK_DAYS[local.weekday()] in person.days_off:
        return "day-off"
    start, end = person.quiet_minutes
    quiet = start <= minute < end if start <= end else minute >= start or minute < end
    return "quiet-hours" if quiet else ""


def next_open(person: Person, from_ms: int) -> int:
    """Return the first quarter of an hour from `from_ms` on in which local time allows a push.

    At most eight days ahead, counted from the first day or from the end of a leave for who is not at
    work; 0 (never) for a person whose whole week is off and for one who does not come back.
    """
    if not local_hold(person, from_ms):
        return from_ms
    t = _quarter(from_ms)
    end = t + 8 * DAY_MS
    while t < end:
        held = local_hold(person, t)
        if not held:
            return t
        if held in _ABSENT:
            back = person.employment.back_on(_local(person, t).date())
            if back is None:
                return 0
            t = max(_quarter(_midnight(person, back)), t + QUARTER_MS)
            end = t + 8 * DAY_MS
        else:
            t = _quarter(_midnight_after(person, t)) if held == "day-off" else t + QUARTER_MS
    return 0


_ABSENT = frozenset({"suspended", "not-yet-hired", "left", "on-leave"})


def _quarter(t_ms: int) -> int:
    """Return the first quarter of an hour at or after a time."""
    return -(-t_ms // QUARTER_MS) * QUARTER_MS


def _midnight_after(person: Person, t_ms: int) -> int:
    """Return the next local midnight, always later than `t_ms`."""
    day = _local(person, t_ms).date() + dt.timedelta(days=1)
    return max(_midnight(person, day), t_ms + QUARTER_MS)


def _midnight(person: Person, day: dt.date) -> int:
    """Return when a local day begins, in milliseconds since the epoch."""
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=_zone(person.time_zone))
    return int(midnight.timestamp() * 1000)
