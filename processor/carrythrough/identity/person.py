"""The roster as values: who employees are, how they appear in statements, when to leave them alone."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from carrythrough.authoring import patterns

DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
OptOut = Literal["all", "spaced-review", "nudge", "fade-job-aid"]
"""What a person may decline: everything, or one kind of action."""

Key = Annotated[str, Meta(min_length=1, max_length=200, pattern=patterns.PLAIN)]
Text = Annotated[str, Meta(max_length=200, pattern=patterns.PLAIN)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part: frozen, keyword-only, unknown keys refused."""


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


class Person(_Part, frozen=True, kw_only=True):
    """One employee.

    id: the opaque roster id. email: how to reach them; also an identifier (mailto). manager:
    roster id. work_hours: "HH:MM-HH:MM" local, "" when unknown. days_off: empty means the
    program's. time_zone: IANA name. opted_out: kinds of action that they declined, or "all".
    """

    id: Key
    name: Text = ""
    identifiers: tuple[Identifier, ...] = ()
    email: Annotated[str, Meta(pattern=patterns.EMAIL_OR_EMPTY, max_length=320)] = ""
    manager: Text = ""
    team: Text = ""
    role: Text = ""
    site: Text = ""
    time_zone: Annotated[str, Meta(min_length=1, max_length=64)] = "UTC"
    work_hours: Annotated[str, Meta(pattern=patterns.HOURS_OR_EMPTY)] = ""
    days_off: tuple[DayName, ...] = ()
    locale: Annotated[str, Meta(pattern=patterns.LOCALE, max_length=35)] = "en"
    opted_out: tuple[OptOut, ...] = ()


class Roster(_Part, frozen=True, kw_only=True):
    """All employees of a tenant, in the order of the file. name: what the roster is called."""

    people: tuple[Person, ...]
    roster: Text = ""
