"""`/scim/v2`: the SCIM 2.0 service provider over HTTP (RFC 7644), for HR systems and identity providers.

The models are imported with the first request: see `models`.
"""

from __future__ import annotations

import asyncio
import re
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.auth import Credential, Credentials, challenge
from carrythrough.gateway.intake import Answer, Header, IntakeEndpoint, Request, Telemetry
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.gateway.problems import Send, send_answer
from carrythrough.gateway.scim.refusals import (
    MEDIA_TYPE,
    ScimRefusalError,
    body_of,
    no_such_place,
    not_served,
    unreadable,
)
from carrythrough.gateway.scim.store import ResourceBook, RosterDoor

if TYPE_CHECKING:
    from carrythrough.gateway.scim.users import Asked, Shown, Users

PATH = "/scim/v2"
SCOPE = "scim"
BODY_BYTES_MAX = 256 * 1024
"""One user with certificates and a picture's address; typical ones have 2 KB."""
_HOST = re.compile(rb"[A-Za-z0-9._:\[\]-]{1,255}\Z")
_DESCRIBING = frozenset({"serviceproviderconfig", "resourcetypes", "schemas"})
_PLURAL = ("attributes", "excludedAttributes")
_NUMBERS = ("startIndex", "count")
_PARAMETERS = ("filter", "sortBy", "sortOrder", "cursor", *_NUMBERS)
_encode = msgspec.json.Encoder().encode


class ScimEndpoint(IntakeEndpoint):
    """Everything below /scim/v2."""

    scope_needed = SCOPE
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

    def __init__(
        self,
        door: RosterDoor,
        book: ResourceBook,
        changing: threading.Lock,
        credentials: Credentials,
        limits: GatewayLimits,
        telemetry: Telemetry,
    ) -> None:
        super().__init__(credentials, limits, telemetry, InFlight(limits))
        self._door = door
        self._book = book
        self._changing = changing
        self._users: Users | None = None
        self._told = telemetry

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Answer one request of SCIM."""
        parts = [part for part in request.path.removeprefix(PATH).split("/") if part]
        place = parts[0].lower() if parts else ""
        if place in _DESCRIBING and request.method not in {"GET", "HEAD"}:
            raise _wrong_method(request.method)
        body = b""
        if request.method in {"POST", "PUT", "PATCH"}:
            if request.media_type not in {MEDIA_TYPE, b"application/json"}:
                raise unreadable("Content-Type is neither application/scim+json nor application/json")
            body = await self.read(request, BODY_BYTES_MAX)
        return await asyncio.to_thread(self._answer_to, request, parts, body, credential.name)

    def _answer_to(self, request: Request, parts: list[str], body: bytes, credential: str) -> Answer:
        method = "GET" if request.method == "HEAD" else request.method
        place = parts[0].lower() if parts else ""
        if place == "users":
            return self._of_users(method, request, parts[1:], body, credential)
        if place in _DESCRIBING:
            from carrythrough.gateway.scim.discovery import discovered  # noqa: PLC0415 - models come late

            _refuse_filter(request)
            return _json(200, discovered(place, parts[1:], base_of(request)))
        if place == "groups":
            fix = "do not provision groups: the team of a person is their department"
            raise not_served("groups are not kept here", fix)
        if place in {"bulk", "me", ".search"}:
            raise not_served(f"/{parts[0]} is not served", "use /Users")
        raise no_such_place(request.path)

    def _of_users(
        self, method: str, request: Request, rest: list[str], body: bytes, credential: str
    ) -> Answer:
        from carrythrough.gateway.scim.users import listed  # noqa: PLC0415 - models come late

        users = self._service()
        query = _query(request)
        asked = self._asked(request, credential, *(listed(query.get(name, [])) for name in _PLURAL))
        if not rest:
            if method == "GET":
                return _json(200, users.search(_search(query), asked))
            if method == "POST":
                return _one(201, users.create(body, asked))
            raise _wrong_method(method)
        if rest == [".search"] and method == "POST":
            return self._search(body, asked)
        if len(rest) > 1:
            raise no_such_place(request.path)
        id_ = rest[0]
        match method:
            case "GET":
                return _unless_known(request, users.read(id_, asked))
            case "PUT":
                return _one(200, users.replace(id_, body, asked))
            case "PATCH":
                return _one(200, users.patch(id_, body, asked))
            case "DELETE":
                users.remove(id_, asked)
                return Answer(204)
        raise _wrong_method(method)

    def _search(self, body: bytes, asked: Asked) -> Answer:
        try:
            given = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError) as error:
            raise unreadable(str(error)) from None
        lists = {name: tuple(str(one) for one in given.pop(name, None) or ()) for name in _PLURAL}
        asked = msgspec.structs.replace(asked, attributes=lists[_PLURAL[0]], excluded=lists[_PLURAL[1]])
        return _json(200, self._service().search(given, asked))

    def _asked(
        self, request: Request, credential: str, attributes: tuple[str, ...], excluded: tuple[str, ...]
    ) -> Asked:
        from carrythrough.gateway.scim.users import Asked  # noqa: PLC0415 - models come late

        return Asked(
            base=base_of(request),
            credential=credential,
            if_match=request.headers.get(b"if-match", b"").decode("latin-1"),
            attributes=attributes,
            excluded=excluded,
        )

    def _service(self) -> Users:
        if self._users is None:
            from carrythrough.gateway.scim.users import Users  # noqa: PLC0415 - models come late

            self._users = Users(self._door, self._book, self._changing)
        return self._users

    async def _answer(self, request: Request) -> Answer:
        try:
            return await super()._answer(request)
        except ScimRefusalError as error:
            # An answer like any other, so that what the library said of the kind of fault is not lost.
            self._told.refuse(error.problem)
            return Answer(error.problem.status, body_of(error.problem, error.scim_type), MEDIA_TYPE)

    async def _refuse(self, send: Send, request: Request, problem: Problem, headers: list[Header]) -> None:
        self._told.refuse(problem)
        if problem.status == 401:
            headers = [*headers, challenge(problem)]
        head = request.method == "HEAD"
        await send_answer(send, problem.status, body_of(problem), MEDIA_TYPE, headers, head=head)


def base_of(request: Request) -> str:
    """Return the address of the endpoint as the client knows it: behind a proxy, as the proxy says."""
    host = request.headers.get(b"x-forwarded-host", request.headers.get(b"host", b""))
    scheme = request.headers.get(b"x-forwarded-proto", b"http").decode("latin-1")
    if not _HOST.match(host) or scheme not in {"http", "https"}:
        return PATH
    return f"{scheme}://{host.decode('latin-1')}{PATH}"


def _query(request: Request) -> dict[str, list[str]]:
    return parse_qs(request.query.decode("latin-1"), keep_blank_values=True)


def _search(query: dict[str, list[str]]) -> dict[str, Any]:
    """Return the search request that query parameters are; unknown ones are passed over (RFC 7644 3.4.2)."""
    found: dict[str, Any] = {}
    for name, values in query.items():
        known = next((one for one in _PARAMETERS if one.lower() == name.lower()), "")
        if known and values[-1]:
            found[known] = values[-1]
    return found


def _refuse_filter(request: Request) -> None:
    """Refuse a filter on what describes the service (RFC 7644 4: 403)."""
    if "filter" in _query(request):
        raise PermanentError(
            Problem(
                code="scim-filter-forbidden",
                status=403,
                title="This cannot be filtered",
                detail="what describes the service is given out whole",
                where="filter",
                rule="RFC 7644, 4: a filter on ServiceProviderConfig, ResourceTypes and Schemas is refused",
                fix="leave the filter out",
            )
        )


def _json(status: int, body: Any, headers: tuple[Header, ...] = ()) -> Answer:
    return Answer(status, _encode(body), MEDIA_TYPE, headers)


def _one(status: int, shown: Shown) -> Answer:
    headers: list[Header] = [(b"etag", shown.version.encode())]
    location = shown.resource.get("meta", {}).get("location")
    if location:
        headers.append((b"location" if status == 201 else b"content-location", location.encode()))
    return _json(status, shown.resource, tuple(headers))


def _unless_known(request: Request, shown: Shown) -> Answer:
    from carrythrough.gateway.scim.users import names_version  # noqa: PLC0415 - models come late

    have = request.headers.get(b"if-none-match", b"").decode("latin-1")
    if have and names_version(have, shown.version):
        return Answer(304, headers=((b"etag", shown.version.encode()),))
    return _one(200, shown)


def _wrong_method(method: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="scim-method-not-allowed",
            status=405,
            title="This cannot be done here",
            detail=f"{method} is not answered at this address",
            where="method",
            rule="RFC 7644, 3.2",
            fix="use the methods of the RFC for this resource",
        )
    )
