"""`/v1/roster/people`, `/v1/roster/people/{id}`, `/v1/roster/changes` and `/v1/roster/unknown`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.auth import Credential, Credentials
from carrythrough.gateway.intake import (
    Answer,
    Header,
    IntakeEndpoint,
    Request,
    Telemetry,
    unsupported_media_type,
)
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.gateway.queries_api import read_limit, refusal
from carrythrough.gateway.roster.people import PAGE_MAX, People, version_of
from carrythrough.gateway.scopes import ROSTER_READ, ROSTER_WRITE
from carrythrough.identity.reading import read_changes

PEOPLE_PATH = "/v1/roster/people"
CHANGES_PATH = "/v1/roster/changes"
UNKNOWN_PATH = "/v1/roster/unknown"
PERSON_BYTES_MAX = 64 * 1024
"""One person; with every field at its limit they have about 20 KB."""
CHANGES_BYTES_MAX = 8 * 1024 * 1024
"""CHANGES_MAX people with all that most have."""
CHOSEN = ("team", "role", "site", "manager")
_JSON = ("application/json",)
_PATCHES = ("application/merge-patch+json", "application/json")
_CHANGES = ("application/json", "application/cloudevents+json", "application/cloudevents-batch+json")
_encode = msgspec.json.Encoder().encode


class Strangers(Protocol):
    """Who is not on the roster and has evidence; the call blocks."""

    def listed(self, *, limit: int, cursor: str | None) -> dict[str, Any]:
        """Return a page: {"unknown": entries, "next": cursor or None}."""
        ...


class _RosterEndpoint(IntakeEndpoint):
    """What the endpoints have in common."""

    def __init__(
        self, people: People, credentials: Credentials, limits: GatewayLimits, telemetry: Telemetry
    ) -> None:
        super().__init__(credentials, limits, telemetry, InFlight(limits))
        self._people = people

    def scopes_for(self, request: Request) -> tuple[str, ...]:
        """Return the scope for reading or for changing."""
        return (ROSTER_READ,) if request.method in {"GET", "HEAD"} else (ROSTER_WRITE,)

    async def json(self, request: Request, kinds: tuple[str, ...], bytes_max: int) -> Any:
        """Return the JSON of a body; raises PermanentError 400 or 415."""
        if request.media_type.decode("latin-1") not in kinds:
            raise unsupported_media_type(request.media_type, kinds)
        body = await self.read(request, bytes_max)
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise PermanentError(_unreadable(str(error))) from None


class PeopleEndpoint(_RosterEndpoint):
    """`GET /v1/roster/people`: a page of people."""

    methods = ("GET",)

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Return a page."""
        asked = _asked(request, ("limit", "cursor", *CHOSEN))
        chosen = {field: asked[field] for field in CHOSEN if asked.get(field)}
        limit = min(read_limit(asked.get("limit")), PAGE_MAX)
        page = await asyncio.to_thread(
            self._people.page, limit=limit, cursor=asked.get("cursor", ""), chosen=chosen
        )
        return Answer(200, _encode(page))


class PersonEndpoint(_RosterEndpoint):
    """`/v1/roster/people/{id}`: one person read, put, changed, removed."""

    methods = ("GET", "PUT", "PATCH", "DELETE")
    parameter = "id"

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Answer about one person."""
        _asked(request, ())
        id_ = request.path.removeprefix(PEOPLE_PATH).strip("/")
        match = request.headers.get(b"if-match", b"").decode("latin-1")
        if request.method == "GET":
            person, _ = await asyncio.to_thread(self._people.person, id_)
            return Answer(200, _encode(person), headers=_tag(person))
        if request.method == "DELETE":
            await asyncio.to_thread(self._people.remove, id_, match, credential.name)
            return Answer(204)
        if request.method == "PUT":
            value = await self.json(request, _JSON, PERSON_BYTES_MAX)
            person, new = await asyncio.to_thread(self._people.put, id_, value, match, credential.name)
            status = 201 if new else 200
        else:
            value = await self.json(request, _PATCHES, PERSON_BYTES_MAX)
            person = await asyncio.to_thread(self._people.merge, id_, value, match, credential.name)
            status = 200
        warnings = await asyncio.to_thread(self._people.warnings_of, person)
        return Answer(status, _encode({"person": person, "warnings": warnings}), headers=_tag(person))


class ChangesEndpoint(_RosterEndpoint):
    """`POST /v1/roster/changes`: changes as JSON or CloudEvents, all or none; with `?each=true` each for itself."""

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Make changes durable."""
        each = _asked(request, ("each",)).get("each", "false")
        if each not in {"true", "false"}:
            raise refusal("parameter-invalid", "each", f"{each[:40]!r} is neither", "each is true or false")
        document = await self.json(request, _CHANGES, CHANGES_BYTES_MAX)
        changes = await asyncio.to_thread(read_changes, document)
        change: Callable[..., dict[str, Any]] = (
            self._people.change_each if each == "true" else self._people.change
        )
        with self._in_flight.records_of(credential.name, len(changes)):
            return Answer(200, _encode(await asyncio.to_thread(change, changes, credential.name)))


class UnknownEndpoint(_RosterEndpoint):
    """`GET /v1/roster/unknown`: actors with evidence whom nobody on the roster lays claim to."""

    methods = ("GET",)

    def __init__(self, strangers: Strangers, *others: Any) -> None:
        super().__init__(*others)
        self._strangers = strangers

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Return a page."""
        asked = _asked(request, ("limit", "cursor"))
        page = await asyncio.to_thread(
            self._strangers.listed, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor", "")
        )
        return Answer(200, _encode(page))


def _asked(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    asked = dict(parse_qsl(request.query.decode("latin-1"), keep_blank_values=True))
    for name in asked:
        if name not in known:
            rule = f"parameters: {', '.join(known) or 'none'}"
            raise refusal("parameter-unknown", name[:80], f"{name[:80]!r} is not known here", rule)
    return asked


def _tag(person: Any) -> tuple[Header, ...]:
    return ((b"etag", version_of(person).encode()),)


def _unreadable(detail: str) -> Problem:
    return Problem(
        code="roster-body-unreadable",
        status=400,
        title="The body cannot be read",
        detail=detail[:300],
        where="body",
        rule="RFC 8259: one JSON value in UTF-8",
        fix="send a person, or a list of changes, as schemas/openapi.yaml describes them",
    )
