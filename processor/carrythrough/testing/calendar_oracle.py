"""Whether a message was allowed, worked out a second time from the calendar and a list of what went out.

It shares no code with `reinforcement.guards` and keeps no running state: every question is answered from the roster
entry as it was written and from everything that was delivered before, by plain comparison of dates, clock times and
differences of time. Slow, and simple enough to be believed.
"""

from __future__ import annotations

import datetime as dt
from hashlib import blake2b
from zoneinfo import ZoneInfo

import msgspec

from carrythrough.identity.person import Person
from carrythrough.program.types import Policy, Reinforcement
from carrythrough.reinforcement.orders import Orders

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOUR = dt.timedelta(hours=1)
IGNORED_MOST = 2


class Sent(msgspec.Struct, frozen=True):
    """One message that went out, or was asked for (`recipient` differs from `about`), at a time."""

    at: dt.datetime
    about: str
    recipient: str
    skill: str
    rule: str
    action: str


def faults(
    policy: Policy, rule: Reinforcement, orders: Orders, person: Person, subject: str, at: dt.datetime
) -> list[str]:
    """Return what forbids a message of a rule to a person at a time, whatever was sent before."""
    return [
        *_switches(policy, rule, orders, person, subject),
        *_declined(rule, person),
        *_hours(policy, person, at),
    ]


def of_history(policy: Policy, now: Sent, before: list[Sent]) -> list[str]:
    """Return which caps a message to its recipient breaks."""
    found = []
    to_them = [now.at - one.at for one in before if one.recipient == now.recipient]
    if sum(age < 24 * HOUR for age in to_them) >= policy.per_day:
        found.append("daily cap")
    if sum(age < 7 * 24 * HOUR for age in to_them) >= policy.per_week:
        found.append("weekly cap")
    if now.about != now.recipient:
        asked = [now.at - one.at for one in before if one.recipient == now.recipient != one.about]
        if sum(age < 7 * 24 * HOUR for age in asked) >= policy.manager_per_week:
            found.append("manager load")
    return found


def of_pair(policy: Policy, now: Sent, before: list[Sent], answered: list[dt.datetime]) -> list[str]:
    """Return which rules about one person and skill a decision breaks. answered: times of their evidence."""
    found = []
    same = [one for one in before if (one.about, one.skill) == (now.about, now.skill)]
    if any(now.at - one.at < policy.cooldown_h * HOUR for one in same):
        found.append("cooldown")
    since = max(answered, default=None)
    if sum(since is None or one.at >= since for one in same) >= IGNORED_MOST:
        found.append("back-off")
    digest = blake2b(now.about.encode(), digest_size=8, person=b"holdout").digest()
    if int.from_bytes(digest, "big") / 2**64 < policy.holdout:
        found.append("holdout")
    return found


def away(person: Person, day: str) -> bool:
    """Say whether somebody is not at work on a local day, "YYYY-MM-DD"; such texts compare as dates do."""
    return (
        not person.active
        or bool(person.hire_date and day < person.hire_date)
        or bool(person.exit_date and day > person.exit_date)
        or any(one.start <= day and (not one.end or day <= one.end) for one in person.leave)
    )


def _hours(policy: Policy, person: Person, at: dt.datetime) -> list[str]:
    local = at.astimezone(ZoneInfo(person.time_zone)).replace(tzinfo=None)
    if away(person, local.date().isoformat()):
        return ["not at work"]
    off = person.days_off or policy.days_off
    if person.week is not None or person.work_hours:
        shifts = (_shift(person, off, local.date() - dt.timedelta(days=back)) for back in (0, 1))
        inside = any(start <= local < end for start, end in filter(None, shifts))
        return [] if inside else ["outside working hours"]
    if DAYS[local.weekday()] in off:
        return ["day off"]
    start, end = dt.time.fromisoformat(policy.quiet.from_), dt.time.fromisoformat(policy.quiet.to)
    clock = local.time().replace(second=0, microsecond=0)
    quiet = start <= clock < end if start <= end else not end <= clock < start
    return ["quiet hours"] if quiet else []


def _shift(person: Person, off: tuple[str, ...], day: dt.date) -> tuple[dt.datetime, dt.datetime] | None:
    """Return when the shift that begins on a local day begins and ends by the clock on the wall."""
    name = DAYS[day.weekday()]
    text = getattr(person.week, name) if person.week is not None else "" if name in off else person.work_hours
    if not text:
        return None
    start, end = (dt.datetime.combine(day, dt.time.fromisoformat(part)) for part in text.split("-"))
    return start, end if end > start else end + dt.timedelta(days=1)


def _switches(policy: Policy, rule: Reinforcement, orders: Orders, person: Person, subject: str) -> list[str]:
    kill = policy.kill
    adapters = {*kill.adapters, *orders.adapters}
    off = (
        kill.everything
        or orders.everything
        or rule.action in (*kill.actions, *orders.actions)
        or rule.id in orders.rules
        or person.id in (*kill.subjects, *orders.people)
        or subject in (*kill.subjects, *orders.people)
        or (person.team and person.team in (*kill.teams, *orders.teams))
        or (rule.adapters and not set(rule.adapters) - adapters)
    )
    return ["kill switch"] if off else []


def _declined(rule: Reinforcement, person: Person) -> list[str]:
    return ["opted out"] if "all" in person.opted_out or rule.action in person.opted_out else []
