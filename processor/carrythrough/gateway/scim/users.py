"""What is done with SCIM users: made, read, replaced, changed, removed, searched; each change through the log.

A change is read, held against the roster with everything acknowledged, logged durably, and only then
answered. One change at a time goes through here, so that no two users get one name. All calls block.
"""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

import msgspec
from pydantic import ValidationError
from scim2_models import Context, PatchOp, ResponseParameters, SCIMException, SearchRequest

from carrythrough.authoring.source import node_of
from carrythrough.gateway.scim.attributes import (
    CORE,
    EMPLOYMENT,
    ENTERPRISE,
    Resource,
    person_of,
    resource_of,
    roster_id_of,
)
from carrythrough.gateway.scim.filtering import Test, facts_of, named_by, test_of
from carrythrough.gateway.scim.models import KEEPING, PATCHING, RESULTS_MAX, SERVED
from carrythrough.gateway.scim.refusals import (
    no_such_user,
    not_unique,
    refused,
    too_many,
    unreadable,
    version_differs,
)
from carrythrough.gateway.scim.store import Entry, ResourceBook, RosterDoor
from carrythrough.identity.changes import PutPerson, RemovePerson
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Person

RESULTS_DEFAULT = 100
BUILT_MAX = 20_000
"""Resources built for one search, about 2 s of work: beyond it a filter has to say more."""
DEPTH_MAX = 16
"""Nesting of a body; users of the standard schemas have four levels."""
OPERATIONS_MAX = 200
"""Operations of one PATCH: each is held against the whole user, so their cost grows with the square."""
FILTER_CHARACTERS_MAX = 4_000
_NOT_OURS = ("password", "id", "meta", "groups")
"""What a client may send and does not decide. A password is never kept: nobody signs in with it here."""
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_encode = msgspec.json.Encoder(order="sorted").encode


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says beside its body. base: address of the endpoint, for the addresses of resources."""

    base: str
    credential: str = ""
    if_match: str = ""
    attributes: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


class Shown(msgspec.Struct, frozen=True):
    """One user as given out, and its version."""

    resource: Resource
    version: str


class Users:
    """The users of one installation; safe to call from any thread."""

    def __init__(self, door: RosterDoor, book: ResourceBook, changing: threading.Lock) -> None:
        """changing: held from reading a user to changing them, by every door that does both."""
        self._door = door
        self._book = book
        self._changing = changing
        self._sorted: tuple[RosterIndex | None, list[str]] = (None, [])

    def create(self, body: bytes, asked: Asked) -> Shown:
        """Put a new user on the roster; raises PermanentError 400 or 409."""
        resource = _read(body, Context.RESOURCE_CREATION_REQUEST)
        with self._changing:
            roster = self._door.roster()
            self._require_free(roster, resource, "")
            roster_id = roster_id_of(resource) or str(uuid.uuid4())
            if roster.knows(roster_id):
                raise not_unique("externalId", "somebody on the roster has this id")
            person = person_of(resource, roster_id)
            self._door.submit([PutPerson(person, resource)], asked.credential)
        return self._shown(roster_id, asked)

    def read(self, id_: str, asked: Asked) -> Shown:
        """Return one user; raises PermanentError 404."""
        return self._shown(id_, asked)

    def replace(self, id_: str, body: bytes, asked: Asked) -> Shown:
        """Replace a user by what the body says; raises PermanentError 400, 404, 409 or 412."""
        return self._change(
            id_, asked, lambda _: _read(body, Context.RESOURCE_REPLACEMENT_REQUEST), whole=True
        )

    def patch(self, id_: str, body: bytes, asked: Asked) -> Shown:
        """Change a user by the operations of the body, all or none; raises as `replace`."""
        payload = _decoded(body)
        operations = next((value for name, value in payload.items() if name.lower() == "operations"), ())
        if isinstance(operations, list) and len(operations) > OPERATIONS_MAX:
            raise unreadable(f"it has {len(operations)} operations, more than {OPERATIONS_MAX}")
        return self._change(id_, asked, lambda now: _patched(now, payload), whole=False)

    def remove(self, id_: str, asked: Asked) -> None:
        """Take a user off the roster; raises PermanentError 404 or 412."""
        with self._changing:
            person, entry = self._known(self._door.roster(), id_)
            _require_version(asked, _version(person, resource_of(person, entry.resource)))
            self._door.submit([RemovePerson(id_)], asked.credential)

    def search(self, parameters: Resource, asked: Asked) -> Resource:
        """Return one page of the users that a search request (RFC 7644 3.4.2, 3.4.3) means."""
        if len(str(parameters.get("filter", ""))) > FILTER_CHARACTERS_MAX:
            raise unreadable(f"the filter has more than {FILTER_CHARACTERS_MAX} characters")
        try:
            with KEEPING:
                request = SearchRequest[SERVED].model_validate(parameters, scim_ctx=Context.SEARCH_REQUEST)
        except (ValidationError, SCIMException) as error:
            raise refused(error) from None
        roster = self._door.roster()
        found = self._found(roster, request, asked)
        start = request.start_index or 1
        count = min(RESULTS_DEFAULT if request.count is None else request.count, RESULTS_MAX)
        page = found[start - 1 : start - 1 + count]
        entries = self._book.entries(page)
        shown = [self._present(roster, id_, entries.get(id_), asked).resource for id_ in page]
        return {
            "schemas": [_LIST],
            "totalResults": len(found),
            "startIndex": start,
            "itemsPerPage": len(shown),
            "Resources": shown,
        }

    def _found(self, roster: RosterIndex, request: Any, asked: Asked) -> list[str]:
        """Return the ids of everybody whom a request means, in its order."""
        ids = self._everybody(roster)
        built: dict[str, Any] = {}
        if request.filter is not None:
            node = request.filter.ast
            named = named_by(node, roster, self._book)
            sure: set[str] = set()
            if named is None:
                sure, maybe = self._sifted(roster, ids, test_of(node))
            else:
                ids = maybe = sorted(named)
            built = self._built(roster, maybe, asked)
            matched = {id_ for id_, user in built.items() if request.filter.match(user)}
            ids = [id_ for id_ in ids if id_ in sure or id_ in matched]
        if request.sort_by is not None:
            built |= self._built(roster, [id_ for id_ in ids if id_ not in built], asked)
            with KEEPING:
                ids = [user.id for user in request.sort([built[id_] for id_ in ids])]
        return ids

    def _sifted(self, roster: RosterIndex, ids: list[str], test: Test) -> tuple[set[str], list[str]]:
        """Return (who surely matches, who may match) by what is at hand of everybody."""
        names = self._book.names()
        sure: set[str] = set()
        maybe: list[str] = []
        for id_ in ids:
            person = roster.person_of_id(id_)
            said = False if person is None else test(facts_of(person, names))
            if said:
                sure.add(id_)
            elif said is None:
                maybe.append(id_)
        return sure, maybe

    def _built(self, roster: RosterIndex, ids: list[str], asked: Asked) -> dict[str, Any]:
        if len(ids) > BUILT_MAX:
            raise too_many(len(ids), BUILT_MAX)
        entries = self._book.entries(ids)
        with KEEPING:
            return {
                id_: SERVED.model_validate(self._whole(roster, id_, entries.get(id_), asked)[0])
                for id_ in ids
            }

    def _everybody(self, roster: RosterIndex) -> list[str]:
        before, ids = self._sorted
        if before is not roster:
            ids = sorted(person.id for person in roster.people.values())
            self._sorted = (roster, ids)
        return ids

    def _change(self, id_: str, asked: Asked, make: Callable[[Resource], Resource], *, whole: bool) -> Shown:
        """Change a user to what `make` makes of them; whole: what is not in it and was sent before is gone."""
        with self._changing:
            roster = self._door.roster()
            before, entry = self._known(roster, id_)
            now = resource_of(before, entry.resource)
            _require_version(asked, _version(before, now))
            resource = make(_with_schemas(now))
            self._require_free(roster, resource, id_)
            person = person_of(resource, id_, before, entry.resource if whole else now)
            if person != before or resource != entry.resource:
                self._door.submit([PutPerson(person, resource)], asked.credential)
        return self._shown(id_, asked)

    def _require_free(self, roster: RosterIndex, resource: Resource, own: str) -> None:
        """Refuse a userName that another user on the roster has, by SCIM or as their address."""
        name = str(resource.get("userName", ""))
        holder = roster.person(roster.subject_of_name("mbox:mailto:" + name.lower())) if "@" in name else None
        others = {*self._book.with_user_name(name), *([holder.id] if holder is not None else [])} - {own}
        if any(roster.person_of_id(other) is not None for other in others):
            raise not_unique("userName", "another user has it")

    def _known(self, roster: RosterIndex, id_: str) -> tuple[Person, Entry]:
        person = roster.person_of_id(id_)
        if person is None:
            raise no_such_user(id_)
        entry = self._book.entries([id_]).get(id_)
        return person, entry or Entry(0, 0)

    def _shown(self, id_: str, asked: Asked) -> Shown:
        roster = self._door.roster()
        self._known(roster, id_)
        return self._present(roster, id_, self._book.entries([id_]).get(id_), asked)

    def _present(self, roster: RosterIndex, id_: str, entry: Entry | None, asked: Asked) -> Shown:
        whole, version = self._whole(roster, id_, entry, asked)
        wanted = {"attributes": list(asked.attributes), "excludedAttributes": list(asked.excluded)}
        try:
            parameters = ResponseParameters[SERVED].model_validate({k: v for k, v in wanted.items() if v})
        except (ValidationError, SCIMException) as error:
            raise refused(error) from None
        with KEEPING:
            user = SERVED.model_validate(whole)
            given = user.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=parameters)
        return Shown(given, version)

    def _whole(
        self, roster: RosterIndex, id_: str, entry: Entry | None, asked: Asked
    ) -> tuple[Resource, str]:
        """Return a user with everything that we add, and the version."""
        person = roster.person_of_id(id_)
        if person is None:
            raise no_such_user(id_)
        known = entry or Entry(0, 0)
        resource = resource_of(person, known.resource)
        version = _version(person, resource)
        created = known.created_ms or self._book.file_ms()
        whole = _with_schemas(resource)
        whole["id"] = id_
        whole["meta"] = {
            "resourceType": "User",
            "created": _time(created),
            "lastModified": _time(max(known.modified_ms, created)),
            "location": f"{asked.base}/Users/{quote(id_, safe='')}",
            "version": version,
        }
        if person.manager:
            above = roster.person(roster.subject_of_employee(person.manager))
            manager = {
                "value": person.manager,
                "$ref": f"{asked.base}/Users/{quote(person.manager, safe='')}",
            }
            if above is not None and above.name:
                manager["displayName"] = above.name
            whole[ENTERPRISE] = {**whole.get(ENTERPRISE, {}), "manager": manager}
        return whole, version


def _decoded(body: bytes) -> Resource:
    try:
        payload = msgspec.json.decode(body)
        node_of(payload, DEPTH_MAX)
    except msgspec.DecodeError as error:
        raise unreadable(str(error)) from None
    except (ValueError, RecursionError):
        raise unreadable(f"it is nested more than {DEPTH_MAX} levels deep") from None
    if not isinstance(payload, dict):
        raise unreadable("it is no JSON object")
    return payload


def _read(body: bytes, context: Context) -> Resource:
    payload = {name: value for name, value in _decoded(body).items() if name.lower() not in _NOT_OURS}
    try:
        with KEEPING:
            return _dumped(SERVED.model_validate(payload, scim_ctx=context))
    except (ValidationError, SCIMException) as error:
        raise refused(error) from None


def _patched(now: Resource, payload: Resource) -> Resource:
    try:
        with KEEPING:
            user = SERVED.model_validate(now)
        with PATCHING:
            PatchOp[SERVED].model_validate(payload, scim_ctx=Context.RESOURCE_PATCH_REQUEST).patch(user)
        return _dumped(user)
    except (ValidationError, SCIMException) as error:
        raise refused(error) from None


def _dumped(user: Any) -> Resource:
    """Return a user as it is kept: without what is ours to say, and without a password."""
    user.password = None
    with KEEPING:
        given: Resource = user.model_dump(scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    kept = {name: value for name, value in given.items() if name not in ("schemas", *_NOT_OURS)}
    manager = kept.get(ENTERPRISE, {}).get("manager")
    if manager:
        kept[ENTERPRISE] = {**kept[ENTERPRISE], "manager": {"value": manager.get("value")}}
    return kept


def _with_schemas(resource: Resource) -> Resource:
    urns = [CORE, *(urn for urn in (ENTERPRISE, EMPLOYMENT) if resource.get(urn))]
    return {"schemas": urns, **resource}


def _version(person: Person, resource: Resource) -> str:
    """Return the weak entity tag of a user: a digest of all that can be changed."""
    digest = blake2b(_encode(person) + _encode(resource), digest_size=12)
    return f'W/"{digest.hexdigest()}"'


def _require_version(asked: Asked, version: str) -> None:
    if asked.if_match and asked.if_match.strip() != "*" and not names_version(asked.if_match, version):
        raise version_differs()


def names_version(header: str, version: str) -> bool:
    """Say whether an If-Match or If-None-Match header names a version, by the weak comparison (RFC 9110 8.8.3.2)."""
    return version.removeprefix("W/") in (tag.strip().removeprefix("W/") for tag in header.split(","))


def _time(ms: int) -> str:
    return (
        dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def listed(values: Iterable[str]) -> tuple[str, ...]:
    """Return the attribute names in query parameters: each may hold several, with commas."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())
