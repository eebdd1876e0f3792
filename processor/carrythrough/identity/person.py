"""The roster as values: who employees are, how they appear in statements, when to leave them alone."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

PLAIN_PATTERN = r"^[^\x00-\x1f\x7f]*$"
MBOX_PATTERN = r"^mailto:[^@\s]+@[^@\s]+$"
EMAIL_PATTERN = r"^([^@\s:]+@[^@\s]+)?$"
HOURS_PATTERN = r"^(([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])?$"
LOCALE_PATTERN = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"

DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
OptOut = Literal["all", "spaced-review", "nudge", "fade-job-aid"]
"""What a person may decline: everything, or one kind of action."""

Key = Annotated[str, Meta(min_length=1, max_length=200, pattern=PLAIN_PATTERN)]
Text = Annotated[str, Meta(max_length=200, pattern=PLAIN_PATTERN)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part: frozen, keyword-only, unknown keys refused."""


class RosterAccount(_Part, frozen=True, kw_only=True, rename={"home_page": "homePage"}):
    """An account on a system, spelled as in an xAPI agent."""

    home_page: Annotated[str, Meta(min_length=1, max_length=2000)]
    name: Key


class Identifier(_Part, frozen=True, kw_only=True):
    """One way in which a person appears as an actor: exactly one member is given."""

    mbox: Annotated[str, Meta(pattern=MBOX_PATTERN, max_length=400)] | None = None
    mbox_sha1sum: Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{40}$")] | None = None
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
    email: Annotated[str, Meta(pattern=EMAIL_PATTERN, max_length=320)] = ""
    manager: Text = ""
    team: Text = ""
    role: Text = ""
    site: Text = ""
    time_zone: Annotated[str, Meta(min_length=1, max_length=64)] = "UTC"
    work_hours: Annotated[str, Meta(pattern=HOURS_PATTERN)] = ""
    days_off: tuple[DayName, ...] = ()
    locale: Annotated[str, Meta(pattern=LOCALE_PATTERN, max_length=35)] = "en"
    opted_out: tuple[OptOut, ...] = ()


class Roster(_Part, frozen=True, kw_only=True):
    """All employees of a tenant, in the order of the file. name: what the roster is called."""

    people: tuple[Person, ...]
    roster: Text = ""
