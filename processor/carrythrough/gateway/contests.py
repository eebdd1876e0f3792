"""`/v1/contests`: set a piece of evidence aside, restore it, and read who did so when and why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Protocol
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.auth import Credential, Credentials
from carrythrough.gateway.intake import Answer, IntakeEndpoint, Request, Telemetry, unsupported_media_type
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.gateway.queries_api import read_limit, refusal
from carrythrough.pipeline.contest import PIECES_MAX, REASON_CHARACTERS_MAX

BODY_BYTES_MAX = 64 * 1024
SCOPE = "scores/contest"
REQUESTS_PATH = "/v1/contest-requests"
"""Disagreements with a score that people sent by answering an action; read here, settled by a contest."""
_PARAMETERS = ("limit", "cursor", "subject")


class ContestBook(Protocol):
    """What the shell does with contests; both block."""

    def contest(
        self,
        employee: str,
        evidence: tuple[str, ...],
        *,
        by: str,
        reason: str,
        restore: bool,
        request: str = "",
    ) -> dict[str, Any]:
        """Log a contest durably and return its record; raises PermanentError 404."""
        ...

    def requests(self, *, limit: int, cursor: str) -> dict[str, Any]:
        """Return a page of disagreements, newest first."""
        ...

    def listed(self, *, limit: int, cursor: str, subject: str | None) -> dict[str, Any]:
        """Return a page of contests, newest first."""
        ...


class _Asked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    employee: Annotated[str, Meta(min_length=1, max_length=200)]
    evidence: Annotated[tuple[str, ...], Meta(max_length=PIECES_MAX)] = ()
    reason: Annotated[str, Meta(min_length=1, max_length=REASON_CHARACTERS_MAX)]
    restore: bool = False
    request: Annotated[str, Meta(max_length=32)] = ""


_decoder = msgspec.json.Decoder(_Asked)
_encode = msgspec.json.Encoder().encode


class ContestsEndpoint(IntakeEndpoint):
    """`POST /v1/contests` logs one contest; `GET` lists them, newest first."""

    scope_needed = SCOPE
    methods: tuple[str, ...] = ("GET", "POST")

    def __init__(
        self,
        book: ContestBook,
        subject_of: Callable[[str], str | None],
        credentials: Credentials,
        limits: GatewayLimits,
        telemetry: Telemetry,
    ) -> None:
        super().__init__(credentials, limits, telemetry, InFlight(limits))
        self._book = book
        self._subject_of = subject_of

    def scopes_for(self, request: Request) -> tuple[str, ...]:
        """Return the scopes of which any one is enough: whoever reads scores may read the audit."""
        return (SCOPE,) if request.method == "POST" else ("scores/read", SCOPE)

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Log a contest, or list those logged."""
        if request.method == "GET":
            return await self._list(request)
        if request.query:
            raise refusal("parameter-unknown", "query", "POST has no parameters", "the body says it all")
        if request.media_type != b"application/json":
            raise unsupported_media_type(request.media_type, ("application/json",))
        body = await self.read(request, BODY_BYTES_MAX)
        try:
            asked = _decoder.decode(body)
        except msgspec.DecodeError as error:
            raise PermanentError(_malformed(str(error))) from None
        found = await asyncio.to_thread(
            self._book.contest,
            asked.employee,
            asked.evidence,
            by=credential.name,
            reason=asked.reason,
            restore=asked.restore,
            request=asked.request,
        )
        return Answer(201, _encode(found))

    async def _list(self, request: Request) -> Answer:
        asked = dict(parse_qsl(request.query.decode("latin-1"), keep_blank_values=True))
        for name in asked:
            if name not in _PARAMETERS:
                rule = f"parameters: {', '.join(_PARAMETERS)}"
                raise refusal("parameter-unknown", name, f"{name!r} is not known here", rule)
        limit = read_limit(asked.get("limit"))
        reference = asked.get("subject", "")
        subject = await asyncio.to_thread(self._subject_of, reference) if reference else ""
        if subject is None:
            rule = "employees are named by roster id or pseudonym"
            raise refusal("employee-unknown", "subject", f"{reference[:100]!r} is not known", rule, 404)
        page = await asyncio.to_thread(
            self._book.listed, limit=limit, cursor=asked.get("cursor", ""), subject=subject
        )
        return Answer(200, _encode(page))


class ContestRequestsEndpoint(ContestsEndpoint):
    """`GET /v1/contest-requests` lists disagreements with scores, newest first, and how they were settled."""

    methods = ("GET",)

    async def take(self, request: Request, credential: Credential) -> Answer:
        """List disagreements."""
        del credential
        asked = dict(parse_qsl(request.query.decode("latin-1"), keep_blank_values=True))
        for name in asked:
            if name not in ("limit", "cursor"):
                raise refusal(
                    "parameter-unknown", name, f"{name!r} is not known here", "parameters: limit, cursor"
                )
        limit, cursor = read_limit(asked.get("limit")), asked.get("cursor", "")
        return Answer(200, _encode(await asyncio.to_thread(self._book.requests, limit=limit, cursor=cursor)))


def _malformed(detail: str) -> Problem:
    return Problem(
        code="contest-malformed",
        status=400,
        title="The contest cannot be read",
        detail=detail[:500],
        where="body",
        rule='a contest is {"employee", "evidence": [ids], "reason", "restore": false}',
        fix="schemas/openapi.yaml describes the body",
    )
