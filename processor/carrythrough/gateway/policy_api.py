"""`/v1/policy`: stop and resume actions, answer for rules that wait for approval, read what is ordered."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.auth import Credential, Credentials
from carrythrough.gateway.intake import Answer, IntakeEndpoint, Request, Telemetry, unsupported_media_type
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.gateway.queries_api import refusal

BODY_BYTES_MAX = 64 * 1024
NAMES_MAX = 1_000
"""Names in one order."""
SCOPE = "policy/order"
WordName = Literal["stop", "resume", "approve", "deny"]
KindName = Literal["person", "team", "adapter", "action", "rule", "everything"]


class PolicyOrders(Protocol):
    """What the shell does with orders; both block."""

    def order(
        self, word: WordName, kind: KindName, names: tuple[str, ...], *, by: str, reason: str
    ) -> dict[str, Any]:
        """Log an order durably and return everything ordered; raises PermanentError 404."""
        ...

    def shown(self) -> dict[str, Any]:
        """Return what is ordered and what waits."""
        ...


class _Asked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    order: WordName
    kind: KindName
    names: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(max_length=NAMES_MAX)
    ] = ()
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]


_decoder = msgspec.json.Decoder(_Asked)
_encode = msgspec.json.Encoder().encode


class PolicyEndpoint(IntakeEndpoint):
    """`POST /v1/policy` logs one order; `GET` says what is ordered and which rules wait for approval."""

    scope_needed = SCOPE
    methods = ("GET", "POST")

    def __init__(
        self, policy: PolicyOrders, credentials: Credentials, limits: GatewayLimits, telemetry: Telemetry
    ) -> None:
        super().__init__(credentials, limits, telemetry, InFlight(limits))
        self._policy = policy

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Log an order, or say what is ordered."""
        if request.query:
            raise refusal("parameter-unknown", "query", "there are no parameters", "the body says it all")
        if request.method == "GET":
            return Answer(200, _encode(await asyncio.to_thread(self._policy.shown)))
        if request.media_type != b"application/json":
            raise unsupported_media_type(request.media_type, ("application/json",))
        body = await self.read(request, BODY_BYTES_MAX)
        try:
            asked = _decoder.decode(body)
        except msgspec.DecodeError as error:
            raise PermanentError(_malformed(str(error))) from None
        if asked.order in ("approve", "deny") and asked.kind != "rule":
            raise PermanentError(_malformed(f"{asked.order!r} of kind {asked.kind!r}: only rules wait"))
        found = await asyncio.to_thread(
            self._policy.order,
            asked.order,
            asked.kind,
            asked.names,
            by=credential.name,
            reason=asked.reason,
        )
        return Answer(201, _encode(found))


def _malformed(detail: str) -> Problem:
    return Problem(
        code="order-malformed",
        status=400,
        title="The order cannot be read",
        detail=detail[:500],
        where="body",
        rule='an order is {"order": "stop", "kind": "team", "names": ["Claims"], "reason": "..."}',
        fix="schemas/openapi.yaml describes the body",
    )
