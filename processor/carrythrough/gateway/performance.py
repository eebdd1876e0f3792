"""Performance events over HTTP: one, an array, lines of JSON, or CloudEvents in each of their content modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.events.admission import JSON_TYPES, LINES_TYPES
from carrythrough.events.message import events_of_message, is_binary
from carrythrough.events.performance import AdmittedEvent
from carrythrough.events.sense import refuse_reserved
from carrythrough.gateway.auth import Credential, Credentials
from carrythrough.gateway.intake import Answer, IntakeEndpoint, Request, Telemetry, unsupported_media_type
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.ports import Intake, Remark

MEDIA_TYPES = (*sorted(JSON_TYPES), *sorted(LINES_TYPES))

_encode = msgspec.json.Encoder().encode


class PerformanceEndpoint(IntakeEndpoint):
    """`POST /v1/performance-events`; answers `{"accepted", "known", "ids"}` after the durable append."""

    scope_needed = "events/write"

    def __init__(
        self,
        intake: Intake,
        credentials: Credentials,
        limits: GatewayLimits,
        now_ms: Callable[[], int],
        telemetry: Telemetry,
        in_flight: InFlight | None = None,
        remarks: Callable[[Sequence[AdmittedEvent]], list[Remark]] = lambda _: [],
    ) -> None:
        """remarks: what senders are told of events that were stored and may not do what was meant."""
        super().__init__(credentials, limits, telemetry, in_flight or InFlight(limits))
        self._intake = intake
        self._remarks = remarks

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Admit the events of a request and have them stored."""
        if request.query:
            raise PermanentError(_no_parameters(request.query))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.items()}
        if not is_binary(headers) and request.media_type.decode("latin-1") not in MEDIA_TYPES:
            raise unsupported_media_type(request.media_type, MEDIA_TYPES)
        limits = self._limits.events
        body = await self.read(request, limits.body_bytes_max)
        admitted = await self.admitted(body, partial(events_of_message, headers=headers, limits=limits))
        refuse_reserved(admitted)
        if not admitted:
            return Answer(200, _encode({"accepted": 0, "known": 0, "ids": []}))
        with self._in_flight.records_of(credential.name, len(admitted)):
            receipt = await self._intake.submit_events(admitted, credential.name)
        known = sum(receipt.known)
        accepted = len(receipt.ids) - known
        answer: dict[str, Any] = {"accepted": accepted, "known": known, "ids": receipt.ids}
        remarks = self._remarks(admitted)
        if remarks:
            answer["remarks"] = remarks
        return Answer(200, _encode(answer))


def _no_parameters(query: bytes) -> Problem:
    return Problem(
        code="parameter-unknown",
        status=400,
        title="The request cannot be understood",
        detail=f"{query.decode('latin-1')[:80]!r} stands after the address",
        where=query.decode("latin-1").partition("=")[0][:80],
        rule="this resource has no parameters",
        fix="leave the query string out",
    )
