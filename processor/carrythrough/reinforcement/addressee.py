"""Whom an action reaches: what guards need to know of them, and who gets a request about somebody else."""

from __future__ import annotations

from hashlib import blake2b

from carrythrough.identity.directory import RosterIndex
from carrythrough.program.types import Kill, Policy
from carrythrough.reinforcement.guards import HOUR_MS, Limits, Person
from carrythrough.reinforcement.orders import NONE, Orders
from carrythrough.reinforcement.presence import employment_of, hours_of


def limits_of(policy: Policy, orders: Orders = NONE) -> Limits:
    """Return the caps of a policy, with what is switched off by the map or by orders at run time."""
    kill: Kill = policy.kill
    return Limits(
        per_day=policy.per_day,
        per_week=policy.per_week,
        cooldown_ms=policy.cooldown_h * HOUR_MS,
        holdout=policy.holdout,
        killed_actions=frozenset((*kill.actions, *orders.actions)),
        killed_subjects=frozenset((*kill.subjects, *orders.people)),
        killed_adapters=frozenset((*kill.adapters, *orders.adapters)),
        killed_teams=frozenset((*kill.teams, *orders.teams)),
        killed_rules=frozenset(orders.rules),
        killed_all=kill.everything or orders.everything,
        manager_per_week=policy.manager_per_week,
    )


def person_of(directory: RosterIndex, policy: Policy, subject: str, declined: tuple[str, ...] = ()) -> Person:
    """Return what guards need to know of a pseudonym. declined: what they opted out of by answering actions."""
    person = directory.person(subject)
    quiet = policy.quiet.minutes()
    if person is None:
        return Person(subject=subject, days_off=policy.days_off, quiet_minutes=quiet, opted_out=declined)
    days_off = person.days_off or policy.days_off
    return Person(
        subject=subject,
        reference=person.id,
        team=person.team,
        time_zone=person.time_zone or "UTC",
        days_off=days_off,
        quiet_minutes=quiet,
        hours=hours_of(person, days_off),
        employment=employment_of(person),
        opted_out=(*person.opted_out, *declined),
    )


def recipient_of(directory: RosterIndex, subject: str, to: str, seed: str) -> str | None:
    """Return who gets a request about `subject`, None when there is nobody.

    to: "manager", or "report" and "peer": one of those whom they lead or who are in their team, drawn by `seed`. The
    roster is gone through for the last two: milliseconds at 100,000 people, and few rules ask for it.
    """
    if to == "manager":
        manager = directory.manager_of(subject)
        return manager if manager != subject else None
    me = directory.person(subject)
    if me is None:
        return None
    if to == "peer":
        near = [who for who, one in directory.people.items() if one.team and one.team == me.team]
    else:
        near = [who for who, one in directory.people.items() if one.manager and one.manager == me.id]
    near = [who for who in near if who != subject]
    return min(near, key=lambda who: blake2b(f"{seed}/{who}".encode(), digest_size=8).digest(), default=None)


def still_fits(directory: RosterIndex, subject: str, recipient: str, to: str) -> bool:
    """Say whether the roster in force still has a recipient where a request was meant for."""
    if to == "manager":
        return directory.manager_of(subject) == recipient
    me, other = directory.person(subject), directory.person(recipient)
    if me is None or other is None:
        return False
    return other.manager == me.id if to == "report" else other.team == me.team
