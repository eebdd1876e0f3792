"""The three document resources: State, Agent Profile and Activity Profile (Communication 2.2, 2.3, 2.6, 2.7).

They differ in what a document is addressed by and in their scopes; everything else is the same. What
a request makes of a stored document is decided in `carrythrough.xapi.documents`.
"""

from __future__ import annotations

import asyncio
import re
from email.utils import formatdate
from functools import partial
from typing import ClassVar

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway import scopes
from carrythrough.gateway.auth import Credential
from carrythrough.gateway.intake import Answer, Header, Request
from carrythrough.gateway.xapi import parameters
from carrythrough.gateway.xapi.agent_parameter import agent_of
from carrythrough.gateway.xapi.exchange import Call, Shared, XapiEndpoint
from carrythrough.identity.actor import actor_key
from carrythrough.ports import Documents
from carrythrough.xapi import documents, formats
from carrythrough.xapi.documents import Content, Context, Decide, Kind, Preconditions

NOT_A_PAGE = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)
"""What a sender stored is never shown by a browser as a page of ours, whatever its media type says."""

_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*;[\t\x20-\x7e]*)?")
_encode = msgspec.json.Encoder().encode


class DocumentEndpoint(XapiEndpoint):
    """One document resource; a subclass names its kind and its parameters.

    PUT, POST, GET and DELETE of one document; GET without an id lists the ids; DELETE without one, where
    `deletes_all`, deletes every document of the context.
    """

    kind: ClassVar[Kind]
    id_name: ClassVar[str] = "profileId"
    deletes_all: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = scopes.READS_PROFILE
    writes: ClassVar[tuple[str, ...]] = (scopes.PROFILE,)

    def __init__(self, shared: Shared, store: Documents) -> None:
        super().__init__(shared)
        self._store = store

    def scopes_for(self, request: Request) -> tuple[str, ...]:
        """Return the scopes that read or write documents of this kind."""
        return self.reads if request.method in {"GET", "HEAD"} else self.writes

    async def serve(self, call: Call, credential: Credential) -> Answer:
        """Answer one request about one document or about those of a context."""
        if call.method in {"PUT", "POST"} or (call.method == "DELETE" and not self.deletes_all):
            parameters.required(call.parameters, self.id_name, rule=_rule(self.kind))
        id_ = call.parameters.get(self.id_name)
        context = self._context(call)
        since_ms = self._since_ms(call, id_)
        if id_ is None:
            if call.method == "GET":
                return await self._list(context, since_ms)
            return await self._delete_all(call, context)
        if call.method == "GET":
            return await self._get(call, context, id_)
        if call.method == "DELETE":
            decide = partial(documents.delete, given=_preconditions(call))
            await asyncio.to_thread(self._store.change, context, id_, decide)
            return Answer(204)
        return await self._put_or_post(call, context, id_)

    def _context(self, call: Call) -> Context:
        """Return what the document belongs to; raises PermanentError 400 for what is missing or wrong."""
        given, taken = call.parameters, self.accepts["PUT"]
        limits = self._limits.documents
        for name in taken:
            if len(given.get(name, "")) > limits.name_characters_max:
                _refuse_length(name, limits.name_characters_max)
        activity = agent = registration = ""
        if "activityId" in taken:
            parameters.required(given, "activityId", rule=_rule(self.kind))
            activity = parameters.iri(given, "activityId")
        if "agent" in taken:
            agent = actor_key(agent_of(given, "agent", rule=_rule(self.kind)))
        if "registration" in taken:
            value = parameters.uuid(given, "registration")
            registration = "" if value is None else formats.uuid_text(value)
        return Context(kind=self.kind, activity=activity, agent=agent, registration=registration)

    def _since_ms(self, call: Call, id_: str | None) -> int:
        since_ms = parameters.timestamp_ms(call.parameters, "since")
        if since_ms >= 0 and id_ is not None and call.version != "1.0.3" and self.kind == "state":
            parameters.refuse(
                "parameter-misplaced",
                "since",
                f"since is given beside {self.id_name}",
                rule="9274.1.1 4.1.6.2 (GET): since is not allowed where stateId is given",
                fix=f"leave since out, or leave {self.id_name} out to list ids",
            )
        return since_ms

    async def _list(self, context: Context, since_ms: int) -> Answer:
        found = await asyncio.to_thread(self._store.ids, context, since_ms)
        body = _encode(found.ids)
        headers: list[Header] = [(b"etag", documents.etag_of(body).encode())]
        if found.ids:
            headers.append(_last_modified(found.updated_ms))
        return Answer(200, body, headers=tuple(headers))

    async def _get(self, call: Call, context: Context, id_: str) -> Answer:
        found = await asyncio.to_thread(self._store.document, context, id_)
        if found is None:
            raise PermanentError(_not_found(self.id_name, id_))
        given = _preconditions(call)
        documents.check(found, Preconditions(given.if_match))
        headers = ((b"etag", found.etag.encode()), _last_modified(found.updated_ms), *NOT_A_PAGE)
        if documents.unchanged(found.etag, given.if_none_match):
            return Answer(304, headers=headers)
        media_type = found.content.media_type.encode("latin-1")
        if not found.content.data:
            return Answer(200, headers=(*headers, (b"content-type", media_type)))
        return Answer(200, found.content.data, media_type, headers)

    async def _delete_all(self, call: Call, context: Context) -> Answer:
        if call.header(b"if-match") is not None:
            raise PermanentError(_one_by_one(self.id_name))
        await asyncio.to_thread(self._store.delete_all, context)
        return Answer(204)

    async def _put_or_post(self, call: Call, context: Context, id_: str) -> Answer:
        media_type = _media_type(call.header(b"content-type"))
        data = await self._content(call.request)
        self._in_flight.hold_bytes(len(data))
        try:
            await asyncio.to_thread(self._change, call, context, id_, Content(media_type, data))
        finally:
            self._in_flight.release_bytes(len(data))
        return Answer(204)

    def _change(self, call: Call, context: Context, id_: str, sent: Content) -> None:
        given = _preconditions(call)
        decide: Decide
        if call.method == "PUT":
            decide = partial(documents.put, sent=sent, given=given, kind=self.kind, version=call.version)
        else:
            limits = self._limits.documents
            decide = partial(documents.post, sent=documents.posted(sent), given=given, limits=limits)
        self._store.change(context, id_, decide)

    async def _content(self, request: Request) -> bytes:
        limits = self._limits.documents
        try:
            return await self.read(request, limits.document_bytes_max)
        except PermanentError as error:
            if error.problem.status != 413:
                raise
            raise PermanentError(documents.too_large(error.problem.detail, limits)) from None


_STATE = frozenset({"activityId", "agent", "registration", "stateId"})
_AGENT = frozenset({"agent", "profileId"})
_ACTIVITY = frozenset({"activityId", "profileId"})
_SINCE = frozenset({"since"})


class StateEndpoint(DocumentEndpoint):
    """`activities/state`: what content remembers about one agent in one activity (Communication 2.3)."""

    kind = "state"
    id_name = "stateId"
    deletes_all = True
    accepts: ClassVar = {"PUT": _STATE, "POST": _STATE, "GET": _STATE | _SINCE, "DELETE": _STATE}
    reads = scopes.READS_STATE
    writes = (scopes.STATE,)


class AgentProfileEndpoint(DocumentEndpoint):
    """`agents/profile`: what is kept about one agent (Communication 2.6)."""

    kind = "agent-profile"
    accepts: ClassVar = {"PUT": _AGENT, "POST": _AGENT, "GET": _AGENT | _SINCE, "DELETE": _AGENT}


class ActivityProfileEndpoint(DocumentEndpoint):
    """`activities/profile`: what is kept about one activity (Communication 2.7)."""

    kind = "activity-profile"
    accepts: ClassVar = {"PUT": _ACTIVITY, "POST": _ACTIVITY, "GET": _ACTIVITY | _SINCE, "DELETE": _ACTIVITY}


def _rule(kind: Kind) -> str:
    sections = {
        "state": "Communication 2.3.s3; 9274.1.1 4.1.6.2",
        "agent-profile": "Communication 2.6.s3; 9274.1.1 4.1.6.5",
        "activity-profile": "Communication 2.7.s3; 9274.1.1 4.1.6.6",
    }
    return f"{sections[kind]}: a required parameter"


def _preconditions(call: Call) -> Preconditions:
    return Preconditions(_text(call.header(b"if-match")), _text(call.header(b"if-none-match")))


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


def _last_modified(updated_ms: int) -> Header:
    return b"last-modified", formatdate(updated_ms // 1000, usegmt=True).encode()


def _media_type(header: bytes | None) -> str:
    """Return the media type to keep; refuses what could not be sent back as a header."""
    text = (header or b"").decode("latin-1").strip()
    if not text:
        return documents.UNTYPED
    if _MEDIA_TYPE.fullmatch(text) is None:
        parameters.refuse(
            "header-invalid",
            "Content-Type",
            f"{text[:80]!r} is no media type",
            rule="RFC 9110, 8.3.1: type/subtype and parameters",
            fix=f"send the media type of the document, as in {documents.JSON}",
        )
    return text


def _refuse_length(name: str, characters_max: int) -> None:
    parameters.refuse(
        "parameter-invalid",
        name,
        f"{name} is too long to be kept",
        rule=f"Limit name_characters_max = {characters_max}",
        fix="send a shorter one; contents belong into the document",
    )


def _not_found(id_name: str, id_: str) -> Problem:
    return Problem(
        code="document-not-found",
        status=404,
        title="There is no such document",
        detail=f"nothing is stored under {id_name} {id_[:80]!r} for what the other parameters name",
        where=id_name,
        rule="Communication 3.2.s2.b4; 9274.1.1 4.1.5",
        fix="check the parameters (a registration is part of the address), or store a document first",
    )


def _one_by_one(id_name: str) -> Problem:
    return Problem(
        code="precondition-failed",
        status=412,
        title="The document is not as the request takes it to be",
        detail=f"If-Match is given and no {id_name}: several documents have no ETag in common",
        where="If-Match",
        rule="Communication 3.1.s4.b7; 9274.1.1 4.1.4",
        fix=f"delete the documents one by one with their {id_name}, or leave If-Match out",
    )
