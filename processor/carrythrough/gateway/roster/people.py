"""What is done with people of the roster over HTTP; each change through the log. All calls block."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.scim.store import RosterDoor
from carrythrough.identity.changes import PutPerson, RemovePerson, RosterChange, after_changes
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Person
from carrythrough.identity.reading import read_person

PAGE_MAX = 500
_encode = msgspec.json.Encoder(order="sorted").encode


class People:
    """The people of one installation; safe to call from any thread."""

    def __init__(self, door: RosterDoor, changing: threading.Lock) -> None:
        """changing: held from reading a person to changing them, by every door that does both."""
        self._door = door
        self._changing = changing
        self._sorted: tuple[RosterIndex | None, list[str]] = (None, [])

    def page(self, *, limit: int, cursor: str, chosen: dict[str, str]) -> dict[str, Any]:
        """Return people by id after `cursor`. chosen: field to the value that it has (team, role, site, manager)."""
        roster = self._door.roster()
        ids = self._ids(roster)
        found: list[Person] = []
        at = bisect_right(ids, cursor) if cursor else 0
        while at < len(ids) and len(found) <= limit:
            person = roster.person_of_id(ids[at])
            if person is not None and all(getattr(person, field) == value for field, value in chosen.items()):
                found.append(person)
            at += 1
        more = len(found) > limit
        shown = found[:limit]
        return {"people": shown, "total": len(ids), "next": shown[-1].id if more else None}

    def person(self, reference: str) -> tuple[Person, str]:
        """Return a person by roster id or alias, and their version; raises PermanentError 404."""
        roster = self._door.roster()
        person = roster.person_of_id(reference) or roster.person(roster.subject_of_employee(reference))
        if person is None:
            raise nobody(reference)
        return person, version_of(person)

    def put(self, id_: str, value: Any, if_match: str, credential: str) -> tuple[Person, bool]:
        """Put a person whole; return them and whether they are new. Raises PermanentError 400, 409 or 412."""
        with self._changing:
            roster = self._door.roster()
            before = roster.person_of_id(id_)
            _require_version(if_match, before)
            person = read_person(_with_id(value, id_))
            if person != before:
                self._door.submit([PutPerson(person)], credential)
        return person, before is None

    def merge(self, id_: str, patch: Any, if_match: str, credential: str) -> Person:
        """Change some fields of a person by a JSON Merge Patch (RFC 7396); raises as `put`, or 404."""
        with self._changing:
            before = self._door.roster().person_of_id(id_)
            if before is None:
                raise nobody(id_)
            _require_version(if_match, before)
            try:
                whole = merged(msgspec.to_builtins(before), patch)
            except RecursionError:
                whole = patch  # far deeper than a person: the reader says so
            person = read_person(_with_id(whole, id_))
            if person != before:
                self._door.submit([PutPerson(person)], credential)
        return person

    def remove(self, id_: str, if_match: str, credential: str) -> None:
        """Take a person off the roster; raises PermanentError 404 or 412."""
        with self._changing:
            before = self._door.roster().person_of_id(id_)
            if before is None:
                raise nobody(id_)
            _require_version(if_match, before)
            self._door.submit([RemovePerson(id_)], credential)

    def change(self, changes: Sequence[RosterChange], credential: str) -> dict[str, Any]:
        """Make changes durable, all or none; return how many, their place in the log, and what is odd about them."""
        with self._changing:
            receipt = self._door.submit(changes, credential) if changes else None
        position = 0 if receipt is None else receipt.position
        return {"accepted": len(changes), "position": position, "warnings": self._warnings(changes)}

    def change_each(self, changes: Sequence[RosterChange], credential: str) -> dict[str, Any]:
        """Make those changes durable that can stand; return the others with their reasons.

        Each is held against the roster with the good ones before it, so two that only go together are refused.
        """
        with self._changing:
            roster = self._door.roster()
            good: list[RosterChange] = []
            refused: list[dict[str, Any]] = []
            for number, change in enumerate(changes):
                try:
                    roster = after_changes(roster, [change])
                except PermanentError as error:
                    problem = msgspec.to_builtins(error.problem)
                    refused.append({"change": number, "id": id_of(change), "problem": problem})
                else:
                    good.append(change)
            receipt = self._door.submit(good, credential) if good else None
        position = 0 if receipt is None else receipt.position
        warnings = self._warnings(good)
        return {"accepted": len(good), "position": position, "warnings": warnings, "refused": refused}

    def warnings_of(self, person: Person) -> list[dict[str, str]]:
        """Return what is odd about a person and holds nothing back."""
        return self._warnings([PutPerson(person)])

    def _warnings(self, changes: Sequence[RosterChange]) -> list[dict[str, str]]:
        roster = self._door.roster()
        return [
            {
                "code": "unknown-manager",
                "id": change.person.id,
                "detail": f'the manager "{change.person.manager}" is not on the roster (yet); nothing goes to them',
            }
            for change in changes
            if isinstance(change, PutPerson)
            and change.person.manager
            and not roster.knows(change.person.manager)
        ]

    def _ids(self, roster: RosterIndex) -> list[str]:
        before, ids = self._sorted
        if before is not roster:
            ids = sorted(person.id for person in roster.people.values())
            self._sorted = (roster, ids)
        return ids


def id_of(change: RosterChange) -> str:
    """Return whom a change is about."""
    return change.person.id if isinstance(change, PutPerson) else change.id


def merged(target: Any, patch: Any) -> Any:
    """Return `target` changed as RFC 7396 says: null removes a member, objects are gone into, the rest replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def version_of(person: Person) -> str:
    """Return the entity tag of a person."""
    return f'"{blake2b(_encode(person), digest_size=12).hexdigest()}"'


def _with_id(value: Any, id_: str) -> Any:
    """Return a person with the id of the address; raises PermanentError 400 when the body names another."""
    if isinstance(value, dict):
        if value.get("id", id_) != id_:
            raise PermanentError(
                Problem(
                    code="bad-person",
                    status=400,
                    title="The person cannot be put on the roster as described",
                    detail="the id in the body is not the one in the address",
                    where="/id",
                    rule="a person is put under their roster id; an id is changed by an alias",
                    fix="leave the id out of the body, or correct the address",
                )
            )
        return {"id": id_} | value
    return value


def _require_version(if_match: str, person: Person | None) -> None:
    if not if_match:
        return
    tags = [tag.strip() for tag in if_match.split(",")]
    if person is not None and ("*" in tags or version_of(person) in tags):
        return
    raise PermanentError(
        Problem(
            code="person-version-differs",
            status=412,
            title="The person has changed meanwhile",
            detail="If-Match names another version than the present one",
            where="If-Match",
            rule="RFC 9110, 13.1.1",
            fix="read the person again and repeat the change",
        )
    )


def nobody(reference: str) -> PermanentError:
    """Return the refusal of a reference that is nobody's roster id or alias."""
    return PermanentError(
        Problem(
            code="person-unknown",
            status=404,
            title="Nobody on the roster has this id",
            detail=f"{reference[:100]!r} is neither a roster id nor an alias",
            where="id",
            rule="people are named by roster id, never by e-mail",
            fix="look at the list: GET /v1/roster/people",
        )
    )
