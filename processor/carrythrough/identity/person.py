"""The roster as values: who employees are, how they appear in statements, when to leave them alone."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from carrythrough.authoring import patterns
from carrythrough.authoring.action_names import ActionName

DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
OptOut = Literal["all", ActionName]
"""What a person may decline: everything, or one kind of action."""

Key = Annotated[str, Meta(min_length=1, max_length=200, pattern=patterns.PLAIN)]
Text = Annotated[str, Meta(max_length=200, pattern=patterns.PLAIN)]
Email = Annotated[str, Meta(pattern=patterns.EMAIL, max_length=320)]


class _Part(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """Base of every part: frozen, keyword-only, unknown keys refused.

    Not looked at by the collector of cycles, which frozen values cannot make: 100,000 people load in half the time.
    """


class RosterAccount(_Part, frozen=True, kw_only=True, rename={"home_page": "homePage"}):
    """An account on a system, spelled as in an xAPI agent."""

    home_page: Annotated[str, Meta(min_length=1, max_length=2000)]
    name: Key


class Identifier(_Part, frozen=True, kw_only=True):
    """One way in which a person appears as an actor: exactly one member is given."""

    mbox: Annotated[str, Meta(pattern=patterns.MBOX, max_length=400)] | None = None
    mbox_sha1sum: Annotated[str, Meta(pattern=patterns.SHA1)] | None = None
    openid: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None
    account: RosterAccount | None = None


class Leave(_Part, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """A time away from work; nothing is sent in it.

    from: first day. to: last day, included; "" while the end is open. Days are local to the person.
    """

    start: Annotated[str, Meta(pattern=patterns.DATE)]
    end: Annotated[str, Meta(pattern=patterns.DATE_OR_EMPTY)] = ""


class Week(_Part, frozen=True, kw_only=True):
    """Working hours by day, "HH:MM-HH:MM" local; a day without hours is a day off.

    Hours that end before they begin go on past midnight, as a night shift does.
    """

    mon: Annotated[str, Meta(pattern=patterns.HOURS_OR_EMPTY)] = ""
    tue: Annotated[str, Meta(pattern=patterns.HOURS_OR_EMPTY)] = ""
    wed: Annotated[str, Meta(pattern=patterns.HOURS_OR_EMPTY)] = ""
    thu: Annotated[str, Meta(pattern=patterns.HOURS_OR_EMPTY)] = ""
    fri: Annotated[str, Meta(pattern=patterns.HOURS_OR_EMPTY)] = ""
    sat: Annotated[str, Meta(pattern=patterns.HOURS_OR_EMPTY)] = ""
    sun: Annotated[str, Meta(pattern=patterns.HOURS_OR_EMPTY)] = ""


class Person(_Part, frozen=True, kw_only=True):
    """One employee.

    id: the opaque roster id. email: how to reach them; also an identifier (mailto). manager:
    roster id. aliases: other ids under which systems know them, former ones included.
    former_emails: addresses that they had; still identifiers, never written to. cohorts: ids of the
    program's cohorts. work_hours: "HH:MM-HH:MM" local, "" when unknown. days_off: empty means the
    program's. week: hours by day, in place of work_hours and days_off. time_zone: IANA name.
    opted_out: kinds of action that they declined, or "all". hire_date: first day. exit_date: last day,
    included. leave: times away. active: false while they are suspended. Nothing is sent before the
    first day, after the last, on leave, or while not active.
    """

    id: Key
    name: Text = ""
    identifiers: tuple[Identifier, ...] = ()
    email: Annotated[str, Meta(pattern=patterns.EMAIL_OR_EMPTY, max_length=320)] = ""
    aliases: tuple[Key, ...] = ()
    former_emails: tuple[Email, ...] = ()
    manager: Text = ""
    team: Text = ""
    role: Text = ""
    site: Text = ""
    cohorts: tuple[Key, ...] = ()
    time_zone: Annotated[str, Meta(min_length=1, max_length=64)] = "UTC"
    work_hours: Annotated[str, Meta(pattern=patterns.HOURS_OR_EMPTY)] = ""
    days_off: tuple[DayName, ...] = ()
    week: Week | None = None
    locale: Annotated[str, Meta(pattern=patterns.LOCALE, max_length=35)] = "en"
    opted_out: tuple[OptOut, ...] = ()
    hire_date: Annotated[str, Meta(pattern=patterns.DATE_OR_EMPTY)] = ""
    exit_date: Annotated[str, Meta(pattern=patterns.DATE_OR_EMPTY)] = ""
    leave: tuple[Leave, ...] = ()
    active: bool = True


class Roster(_Part, frozen=True, kw_only=True):
    """All employees of a tenant, in the order of the file. name: what the roster is called."""

    people: tuple[Person, ...]
    roster: Text = ""
