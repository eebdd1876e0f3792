"""Changes of single people on the roster, as records of the log: what HR systems send between whole files.

A change puts one person, whole, in place of whoever had the roster id, or removes one. The changes of one
record are one step: an identifier may go from one person to another in it. A whole file that comes into
force afterwards is the whole roster again, and says nothing of the changes before it; changes after it
change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.identity.claims import EMPLOYEE, hash_names, names_of
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Key, Person

CHANGES_MAX = 5_000
"""Changes in one record: each record comes into force in one step, and a whole roster is better sent as a file."""
MANAGERS_MAX = 100
"""Managers above one person that are gone through when looking for a circle."""


class PutPerson(
    msgspec.Struct, frozen=True, tag="put", tag_field="change", forbid_unknown_fields=True, omit_defaults=True
):
    """Put a person on the roster, or another description in place of the one under the same roster id.

    resource: the SCIM resource as the HR system sent it, {} when it came by another door; nothing in it
    counts here, it is kept so that it can be given back.
    """

    person: Person
    resource: dict[str, Any] = {}


class RemovePerson(msgspec.Struct, frozen=True, tag="remove", tag_field="change", forbid_unknown_fields=True):
    """Take the person with this roster id off the roster; nothing happens when there is none.

    Who leaves the firm stays on the roster with an exit date. A person who is removed is unknown from
    then on, as if they had never been on it.
    """

    id: Key


RosterChange = PutPerson | RemovePerson


class _Changes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    changes: tuple[RosterChange, ...]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Changes).decode


def encode_changes(changes: Iterable[RosterChange]) -> bytes:
    """Return the bytes of changes for the log."""
    return _encode(_Changes(tuple(changes)))


def decode_changes(content: bytes | str) -> tuple[RosterChange, ...]:
    """Return the changes of a log record; raises msgspec.ValidationError or DecodeError."""
    return _decode(content).changes


def after_changes(roster: RosterIndex, changes: Sequence[RosterChange], position: int = 0) -> RosterIndex:
    """Return the roster after the changes of one record; of several for one roster id the last counts.

    Costs about 20 us a change, whatever the size of the roster. position: of the record in the log.
    Raises PermanentError: 409 roster-conflict when a name would have two owners, 409 manager-circle, and
    400 roster-changes-too-many; nothing has changed then.
    """
    if len(changes) > CHANGES_MAX:
        raise PermanentError(_too_many(len(changes)))
    people: dict[str, Person | None] = {}
    for change in changes:
        if isinstance(change, PutPerson):
            people[change.person.id] = change.person
        else:
            people[change.id] = None
    refuse_conflicts(roster, people)
    return roster.changed(people, position)


def refuse_conflicts(roster: RosterIndex, people: Mapping[str, Person | None]) -> None:
    """Raise PermanentError (409) when people could not be put or removed in one step.

    Only names that a person did not have before are looked at, so that what a file let pass does not
    stand in the way of a change of something else.
    """
    taken: dict[str, str] = {}
    for person in people.values():
        if person is None:
            continue
        before = roster.person_of_id(person.id)
        had = set() if before is None else {n for name in names_of(before) for n in (name, *hash_names(name))}
        for name in names_of(person):
            for form in (name, *hash_names(name)):
                if taken.setdefault(form, person.id) != person.id:
                    raise PermanentError(_conflict(form, person.id, taken[form]))
                if form not in had:
                    _refuse_taken(roster, people, form, person.id)
        _refuse_circle(roster, people, person)


def _refuse_taken(roster: RosterIndex, people: Mapping[str, Person | None], name: str, own: str) -> None:
    """Raise when a name belongs to somebody whom the change leaves as they are."""
    for subject in roster.holders(name):
        owner = roster.people.get(subject)
        if owner is not None and owner.id != own and owner.id not in people:
            raise PermanentError(_conflict(name, own, owner.id))


def _refuse_circle(roster: RosterIndex, people: Mapping[str, Person | None], person: Person) -> None:
    at: Person | None = person
    for _ in range(MANAGERS_MAX):
        if at is None or not at.manager:
            return
        above = at.manager
        if above == person.id:
            raise PermanentError(_circle(person.id))
        at = people[above] if above in people else roster.person_of_id(above)


def _conflict(name: str, own: str, other: str) -> Problem:
    kind = "roster id or alias" if name.startswith(EMPLOYEE) else name.partition(":")[0]
    return Problem(
        code="roster-conflict",
        status=409,
        title="An identifier belongs to somebody else",
        detail=f'a {kind} of "{own}" belongs to "{other}"',
        where=f"person {own}",
        rule="an identifier, a roster id and an alias have one owner; an address and its SHA-1 are one identifier",
        fix=f'take it from "{other}" in the same request, or leave it out',
    )


def _circle(own: str) -> Problem:
    return Problem(
        code="manager-circle",
        status=409,
        title="Somebody would be their own manager",
        detail=f'the managers of "{own}" lead back to "{own}"',
        where=f"person {own}",
        rule="nobody is their own manager, over any number of steps",
        fix="correct the manager of one of them",
    )


def _too_many(count: int) -> Problem:
    return Problem(
        code="roster-changes-too-many",
        status=400,
        title="Too many changes of the roster at once",
        detail=f"{count} changes",
        where="changes",
        rule=f"one request has at most {CHANGES_MAX} changes, since they come into force in one step",
        fix="send several requests, or bring a whole roster file into force",
    )
