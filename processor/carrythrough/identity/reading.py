"""People and changes of the roster as other systems send them: JSON values read, every fault with its pointer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from carrythrough.authoring.reading import pointer_of, read_as
from carrythrough.authoring.source import Lint, node_of
from carrythrough.errors import PermanentError, Problem
from carrythrough.identity.changes import CHANGES_MAX, PutPerson, RemovePerson, RosterChange
from carrythrough.identity.checks import date_faults, is_zone, zone_hint
from carrythrough.identity.person import Identifier, Person

EVENT_PREFIX = "io.carrythrough.roster.person."
"""An envelope type (CloudEvents 1.0) of this prefix and "put" or "removed" is a change of the roster."""
SHOWN_MAX = 20
"""Faults that one refusal names."""

_RULE = "a person is as schemas/roster.schema.json says"


def read_person(value: Any, pointer: str = "") -> Person:
    """Return the person that a JSON value is; raises PermanentError 400 (bad-person) with the pointer of the fault.

    pointer: of the value in the body. A manager who is not on the roster is taken: they may come later.
    """
    try:
        person, lints = read_as(node_of(value), Person, "body")
    except ValueError as error:
        raise _refused(pointer, str(error), _RULE, "send one person as a flat JSON object") from None
    if person is not None:
        lints = list(_beyond(person))
    if lints:
        first = lints[0]
        detail = "\n".join(f"{pointer}{lint.pointer}: {lint.message}" for lint in lints[:SHOWN_MAX])
        message = first.message if len(lints) == 1 else detail
        raise _refused(pointer + first.pointer, message, first.rule or _RULE, first.fix)
    assert person is not None  # noqa: S101 - no fault means a person
    return person


def _beyond(person: Person) -> Iterator[Lint]:
    """Yield what is wrong with one person beyond the shape of the fields."""
    for number, identifier in enumerate(person.identifiers):
        given = sum(getattr(identifier, name) is not None for name in Identifier.__struct_fields__)
        if given != 1:
            rule = "an identifier is one of mbox, mbox_sha1sum, openid, account"
            yield _lint(("identifiers", number), f"{given} members are given", rule, "give exactly one")
    if not is_zone(person.time_zone):
        rule = "time zones are IANA names such as Europe/Zurich"
        yield _lint(("time_zone",), "it is not a time zone known here", rule, zone_hint(person.time_zone))
    for path, (_, message, rule, fix) in date_faults(person):
        yield _lint(path, message, rule, fix)
    if person.manager and person.manager in (person.id, *person.aliases):
        rule = "nobody is their own manager"
        yield _lint(("manager",), "they are their own manager", rule, "leave the field out at the top")


def read_changes(document: Any) -> list[RosterChange]:
    """Return the changes that a JSON body holds; raises PermanentError 400 with the pointer of the fault.

    Read are: {"changes": [...]}, an array, one change, and CloudEvents of the types EVENT_PREFIX + "put"
    (data: the person) and "removed" (data: {"id"}; or the subject is the id). A change is
    {"change": "put", "person": {...}} or {"change": "remove", "id": "..."}.
    """
    prefix, items = "", document
    if isinstance(document, dict) and "changes" in document:
        prefix, items = "/changes", document["changes"]
    if isinstance(items, dict):
        return [_change(items, "")]
    if not isinstance(items, list):
        raise _refused(prefix, "it is no list of changes", "a body holds changes", 'send {"changes": [...]}')
    if len(items) > CHANGES_MAX:
        rule = f"one request has at most {CHANGES_MAX} changes"
        raise _refused(prefix, f"{len(items)} changes", rule, "send several requests, or a roster file")
    return [_change(item, f"{prefix}/{number}") for number, item in enumerate(items)]


def _change(item: Any, pointer: str) -> RosterChange:
    if not isinstance(item, dict):
        raise _refused(pointer, "it is no change", "a change is a JSON object", _FIX)
    if "specversion" in item:
        return _event(item, pointer)
    kind = item.get("change")
    known = {"put": {"change", "person"}, "remove": {"change", "id"}}.get(
        kind if isinstance(kind, str) else ""
    )
    if known is None:
        raise _refused(
            f"{pointer}/change", "it is neither put nor remove", "changes are put and remove", _FIX
        )
    for name in item:
        if name not in known:
            raise _refused(
                f"{pointer}/{name}", "it is not known here", f"members: {', '.join(sorted(known))}", _FIX
            )
    if kind == "put":
        return PutPerson(read_person(item.get("person"), f"{pointer}/person"))
    return _removal(item.get("id"), f"{pointer}/id")


def _event(event: dict[str, Any], pointer: str) -> RosterChange:
    if event.get("specversion") != "1.0":
        rule, fix = "CloudEvents 1.0: specversion is the text 1.0", 'write "specversion": "1.0"'
        raise _refused(f"{pointer}/specversion", "it is not 1.0", rule, fix)
    kind = str(event.get("type", "")).removeprefix(EVENT_PREFIX)
    data = event.get("data")
    if kind == "put":
        return PutPerson(read_person(data, f"{pointer}/data"))
    if kind == "removed":
        said = data.get("id") if isinstance(data, dict) else event.get("subject")
        return _removal(said, f"{pointer}/data/id")
    rule = f"types of the roster are {EVENT_PREFIX}put and {EVENT_PREFIX}removed"
    raise _refused(f"{pointer}/type", "it is no event of the roster", rule, "correct the type")


def _removal(id_: Any, pointer: str) -> RemovePerson:
    try:
        return msgspec.convert({"change": "remove", "id": id_}, RemovePerson)
    except msgspec.ValidationError:
        raise _refused(pointer, "it is no roster id", "a roster id is text", "name who is removed") from None


_FIX = 'send {"change": "put", "person": {…}} or {"change": "remove", "id": "…"}'


def _lint(path: tuple[str | int, ...], message: str, rule: str, fix: str) -> Lint:
    return Lint(
        code="bad-person",
        file="body",
        line=1,
        column=1,
        message=message,
        rule=rule,
        fix=fix,
        pointer=pointer_of(path),
    )


def _refused(where: str, detail: str, rule: str, fix: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="bad-person",
            status=400,
            title="The person cannot be put on the roster as described",
            detail=detail,
            where=where or "body",
            rule=rule,
            fix=fix,
        )
    )
