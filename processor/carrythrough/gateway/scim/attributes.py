"""Between SCIM users and people of the roster: which attribute is which field (plain values, no I/O).

Everything an HR system sent is kept and given back; what stands here counts. Fields that SCIM does not
speak of (leave, days off, what a person declined) stay as they are.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from carrythrough.authoring import patterns
from carrythrough.errors import PermanentError, Problem
from carrythrough.identity.checks import date_faults, is_zone, zone_hint
from carrythrough.identity.person import Identifier, Person

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
EMPLOYMENT = "urn:carrythrough:scim:schemas:employment:1.0:User"
Resource = dict[str, Any]
NAME_CHARACTERS_MAX = 200
FORMER_EMAILS_MAX = 20
"""Addresses remembered of one person, newest last; beyond them the oldest is dropped."""

_EMAIL = re.compile(patterns.EMAIL[:-1] + r"\Z")
_TO_SCIM = {
    "name": "displayName",
    "email": "emails",
    "manager": f"{ENTERPRISE}:manager.value",
    "team": f"{ENTERPRISE}:department",
    "aliases": f"{ENTERPRISE}:employeeNumber",
    "role": "title",
    "site": f"{EMPLOYMENT}:site",
    "cohorts": f"{EMPLOYMENT}:cohort",
    "hire_date": f"{EMPLOYMENT}:hireDate",
    "exit_date": f"{EMPLOYMENT}:exitDate",
    "work_hours": f"{EMPLOYMENT}:workHours",
    "time_zone": "timezone",
    "locale": "locale",
    "identifiers": "emails",
    "active": "active",
    "id": "id",
}
"""Where a field of a person comes from, for messages."""


def person_of(
    resource: Resource, roster_id: str, before: Person | None = None, kept: Resource | None = None
) -> Person:
    """Return the person that a SCIM user describes.

    before: the person as they are on the roster; kept: the resource as it was before. What neither
    resource speaks of stays as it is on the roster; what the one before had and this one has not is
    cleared. An address that is no longer theirs stays one of their former ones. Raises PermanentError
    400, code "scim-invalid-value".
    """
    if not _text(resource.get("userName", "-")):
        raise _invalid(
            "userName",
            "it is empty",
            "map an attribute that everybody has",
            "RFC 7643, 4.1.1: it is not empty",
        )
    base = before or Person(id=roster_id)
    now, then = _said(resource), _said(kept or {})
    fields = msgspec.to_builtins(base) | {"id": roster_id}
    for name, value in now.items():
        if value or then[name]:
            fields[name] = value or _DEFAULTS.get(name, "")
    emails = _emails(resource)
    if emails or (kept and _emails(kept)):
        fields["email"] = emails[0] if emails else ""
    fields["identifiers"] = _identifiers(base, emails[1:], [] if kept is None else _emails(kept)[1:])
    fields["former_emails"] = _former(base, [fields.get("email", ""), *emails])
    fields["aliases"] = _aliases(resource, base, kept)
    fields["active"] = resource.get("active") is not False
    person = _checked(fields)
    if not is_zone(person.time_zone):
        raise _invalid("timezone", "it is no IANA time zone that is known here", zone_hint(person.time_zone))
    for path, (_, message, rule, fix) in date_faults(person):
        raise _invalid(_TO_SCIM.get(str(path[0]), str(path[0])), message, fix, rule)
    if person.manager == person.id:
        raise _invalid(_TO_SCIM["manager"], "a user is their own manager", "leave the manager out")
    return person


_DEFAULTS: dict[str, Any] = {"time_zone": "UTC", "locale": "en", "cohorts": []}


def _said(resource: Resource) -> dict[str, Any]:
    """Return what a resource says of the fields that one attribute each decides; "" or [] for nothing."""
    enterprise, employment = _part(resource, ENTERPRISE), _part(resource, EMPLOYMENT)
    return {
        "name": _name(resource),
        "manager": _text(_part(enterprise, "manager").get("value")),
        "team": _text(enterprise.get("department")),
        "role": _text(resource.get("title")) or _chosen(resource.get("roles")),
        "site": _text(employment.get("site")) or _locality(resource),
        "cohorts": [part for part in re.split(r"\s*[,;]\s*", _text(employment.get("cohort"))) if part],
        "time_zone": _text(resource.get("timezone")),
        "locale": _locale(resource),
        "hire_date": _day(employment.get("hireDate")),
        "exit_date": _day(employment.get("exitDate")),
        "work_hours": _text(employment.get("workHours")),
    }


def resource_of(person: Person, kept: Resource | None) -> Resource:
    """Return the SCIM user of a person: what was sent, with everything that has changed since by another door."""
    if not kept:
        name = person.email or person.id
        resource: Resource = {"userName": name, "externalId": person.id, "active": person.active}
        return _overlaid(resource, person, Person(id=person.id))
    try:
        said = person_of(kept, person.id)
    except PermanentError:
        said = Person(id=person.id)
    return _overlaid(dict(kept), person, said)


def _overlaid(resource: Resource, person: Person, said: Person) -> Resource:
    """Return `resource` with the fields in which `person` differs from what it says."""
    enterprise, employment = dict(_part(resource, ENTERPRISE)), dict(_part(resource, EMPLOYMENT))
    for field, part, name in (
        ("name", resource, "displayName"),
        ("role", resource, "title"),
        ("time_zone", resource, "timezone"),
        ("locale", resource, "locale"),
        ("team", enterprise, "department"),
        ("site", employment, "site"),
        ("hire_date", employment, "hireDate"),
        ("exit_date", employment, "exitDate"),
        ("work_hours", employment, "workHours"),
        ("cohorts", employment, "cohort"),
    ):
        value = getattr(person, field)
        if value != getattr(said, field):
            part[name] = ", ".join(value) if isinstance(value, tuple) else value
    if person.email != said.email:
        others = [one for one in resource.get("emails") or () if not one.get("primary")]
        mine = [{"value": person.email, "type": "work", "primary": True}] if person.email else []
        resource["emails"] = mine + others
    if person.manager != said.manager:
        enterprise["manager"] = {"value": person.manager} if person.manager else None
    if "active" in resource or not person.active:
        resource["active"] = person.active
    for urn, part in ((ENTERPRISE, enterprise), (EMPLOYMENT, employment)):
        left = {name: value for name, value in part.items() if value not in ("", None, [])}
        resource.pop(urn, None)
        if left:
            resource[urn] = left
    return {name: value for name, value in resource.items() if value not in ("", None, [])}


def roster_id_of(resource: Resource) -> str:
    """Return the roster id that a new user brings along as externalId, "" when it is none.

    A roster id is opaque: what looks like an address is not taken for one.
    """
    external = resource.get("externalId")
    if not isinstance(external, str) or "@" in external or "/" in external:
        return ""
    external = external.strip()
    fits = 0 < len(external) <= NAME_CHARACTERS_MAX and re.fullmatch(r"[^\x00-\x1f\x7f]+", external)
    return external if fits and external.lower() != "bulkid" else ""


def _checked(fields: dict[str, Any]) -> Person:
    try:
        return msgspec.convert(fields, Person)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at `")
        name = where.strip("`$.").partition("[")[0]
        rule = "the fields of a person have the limits of schemas/roster.schema.json"
        raise _invalid(
            _TO_SCIM.get(name, name), said[:200], "correct the value in the source", rule
        ) from None


def _invalid(
    attribute: str, detail: str, fix: str, rule: str = "RFC 7643, 2: values fit their attribute"
) -> PermanentError:
    return PermanentError(
        Problem(
            code="scim-invalid-value",
            status=400,
            title="A value does not fit its attribute",
            detail=f"{attribute}: {detail}",
            where=attribute,
            rule=rule,
            fix=fix,
        )
    )


def _part(resource: Resource, name: str) -> Resource:
    part = resource.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)


def _day(value: object) -> str:
    """Return the day of a date or date-time."""
    return re.sub(r"(?<=\d)T.*\Z", "", _text(value))


def _name(resource: Resource) -> str:
    name = _part(resource, "name")
    parts = (_text(name.get(one)) for one in ("givenName", "familyName"))
    return (
        _text(resource.get("displayName")) or _text(name.get("formatted")) or " ".join(p for p in parts if p)
    )


def _emails(resource: Resource) -> list[str]:
    """Return the addresses of a user, the one to write to first: primary, else work, else the first.

    A user name that is an address is one of them.
    """
    given = [one for one in resource.get("emails") or () if isinstance(one, dict) and _text(one.get("value"))]
    given.sort(key=lambda one: (one.get("primary") is not True, _text(one.get("type")).lower() != "work"))
    found = [_text(one["value"]) for one in given]
    user_name = _text(resource.get("userName"))
    if _EMAIL.match(user_name):
        found.append(user_name)
    each: dict[str, str] = {}
    for address in found:
        each.setdefault(address.lower(), address)
    return list(each.values())


def _identifiers(base: Person, others: list[str], before: list[str]) -> list[dict[str, Any]]:
    """Return the identifiers of a person: those by other doors, and the further addresses of the resource."""
    gone = {f"mailto:{address}".lower() for address in (*before, *others)}
    stay = [one for one in base.identifiers if not (one.mbox and one.mbox.lower() in gone)]
    made = [Identifier(mbox=f"mailto:{address}") for address in others]
    return [msgspec.to_builtins(one) for one in (*stay, *made)]


def _aliases(resource: Resource, base: Person, kept: Resource | None) -> list[str]:
    own = _other_ids(resource, base.id)
    before = _other_ids(kept or {}, base.id)
    # An id that they had stays one of theirs: events that name it are still about them.
    return list(dict.fromkeys([*base.aliases, *before, *own]))


def _other_ids(resource: Resource, roster_id: str) -> list[str]:
    number = _text(_part(resource, ENTERPRISE).get("employeeNumber"))
    external = roster_id_of(resource)
    return [one for one in dict.fromkeys((external, number)) if one and one != roster_id]


def _former(base: Person, emails: list[str]) -> list[str]:
    now = {address.lower() for address in emails}
    former = [*base.former_emails, *([base.email] if base.email else [])]
    left = list({one.lower(): one for one in former if one.lower() not in now}.values())
    return left[-FORMER_EMAILS_MAX:]


def _chosen(values: object) -> str:
    """Return the value of the primary entry of a list, else of its first."""
    entries = [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []
    entries.sort(key=lambda one: one.get("primary") is not True)
    return _text(entries[0].get("value")) if entries else ""


def _locality(resource: Resource) -> str:
    entries = [one for one in resource.get("addresses") or () if isinstance(one, dict)]
    entries.sort(key=lambda one: (_text(one.get("type")).lower() != "work", one.get("primary") is not True))
    return _text(entries[0].get("locality")) if entries else ""


def _locale(resource: Resource) -> str:
    """Return the language: locale, else the first of preferredLanguage ("de-CH, en;q=0.8"); en_US as en-US."""
    said = _text(resource.get("locale")) or _text(resource.get("preferredLanguage"))
    first = re.split(r"[,;]", said)[0].strip().replace("_", "-")
    return first if re.fullmatch(patterns.LOCALE[:-1] + r"\Z", first) else ""
