"""`POST /v1/hooks/NAME`: verify who sends, map the body, store the events, keep what does not map.

Answers: 200 with what was stored, or 202 where nothing was (the body held no event, or was kept until
the mapping is mended). A sender is asked to send again only where that helps: nothing was kept (503), or
it is not who it says (401). So a wrong mapping here never makes a vendor switch the webhook off.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Protocol

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.events.admission import EventLimits, read_json
from carrythrough.events.body_mapping import Mapped, Unmapped, map_body
from carrythrough.events.types import AdmittedEvent
from carrythrough.gateway.auth import Credential, Credentials
from carrythrough.gateway.intake import Answer, IntakeEndpoint, Request, Telemetry
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.gateway.webhooks.hooks import Hook
from carrythrough.gateway.webhooks.kept import KeptBodies
from carrythrough.gateway.webhooks.signatures import verify
from carrythrough.ports import Intake

PATH = "/v1/hooks/"
BODY_BYTES_MAX = 1 << 20
"""Bytes of one body; the largest that a vendor named in how-to/webhooks.md sends is far smaller."""
DEPTH_MAX = 64
"""Levels of nesting in a body: vendors nest deeper than events do."""
DELIVERIES_MAX = 20_000
"""Deliveries remembered by their id, the newest; a repeat beyond them is known by the ids of its events."""
PROBLEMS_SHOWN_MAX = 20

_encode = msgspec.json.Encoder().encode


class HookTelemetry(Telemetry, Protocol):
    """What webhooks tell those who watch them."""

    def hook_body(self, hook: str, outcome: str) -> None:
        """Count what became of a body: stored, repeated, filtered, empty or kept."""
        ...


class WebhookEndpoint(IntakeEndpoint):
    """All webhooks of an installation; who sends is proved by the signature, not by a credential."""

    parameter = "name"

    def __init__(
        self,
        intake: Intake,
        hooks: Mapping[str, Hook],
        kept: KeptBodies,
        limits: GatewayLimits,
        telemetry: HookTelemetry,
        *,
        now_s: Callable[[], float] = time.time,
        in_flight: InFlight | None = None,
    ) -> None:
        """now_s: the real clock, by which senders sign."""
        super().__init__(Credentials([]), limits, telemetry, in_flight or InFlight(limits))
        self._intake = intake
        self._hooks = hooks
        self._kept = kept
        self._tell = telemetry.hook_body
        self._now_s = now_s
        self._deliveries = _Deliveries()

    def sender_of(self, request: Request) -> Credential:
        """Return whom the address names; the proof that it is them is in the body, which is read next."""
        hook = self._hooks.get(request.path.removeprefix(PATH).strip("/"))
        if hook is None:
            raise PermanentError(_unknown(request.path))
        return Credential(name=hook.source, key=hook.source, hash="", scopes=())

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Verify, map and store one body."""
        hook = self._hooks[request.path.removeprefix(PATH).strip("/")]
        body = await self.read(request, BODY_BYTES_MAX)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.items()}
        proof = verify(hook.settings, hook.secrets, headers, body, self._now_s(), request.method)
        digest = blake2b(body, digest_size=16).digest()
        if proof.delivery and self._deliveries.repeats(hook.name, proof.delivery, digest):
            self._tell(hook.name, "repeated")
            return _answer(200, reason="this delivery was taken before")
        answer = await self._mapped(hook, body)
        if proof.delivery:
            self._deliveries.remember(hook.name, proof.delivery, digest)
        return answer

    async def _mapped(self, hook: Hook, body: bytes) -> Answer:
        document = read_json(body, "", EventLimits(depth_max=DEPTH_MAX))
        try:
            mapped = await self.admitted(body, lambda _: map_body(hook.mapping, document, hook.source))
        except PermanentError as error:
            mapped = Mapped([], [Unmapped(0, error.problem)], 0, 1)
        ids, known, conflicts = await self._stored(hook, mapped.events)
        refused = [*(one.problem for one in mapped.refused), *conflicts]
        if refused:
            await asyncio.to_thread(self._kept.keep, hook.name, body, _together(refused))
            self._tell(hook.name, "kept")
            return _answer(200 if ids else 202, ids, known, problems=refused)
        if not ids:
            outcome = "filtered" if mapped.filtered else "empty"
            self._tell(hook.name, outcome)
            said = "the filters keep it out" if mapped.filtered else "each points at nothing in it"
            return _answer(202, reason=said)
        self._tell(hook.name, "stored")
        return _answer(200, ids, known)

    async def _stored(self, hook: Hook, events: list[AdmittedEvent]) -> tuple[list[str], int, list[Problem]]:
        """Store events together, or each alone when one is refused; return ids, how many were known, and refusals."""
        if not events:
            return [], 0, []
        with self._in_flight.records_of(hook.source, len(events)):
            try:
                receipt = await self._intake.submit_events(events, hook.source)
                return receipt.ids, sum(receipt.known), []
            except PermanentError as error:
                if len(events) == 1:
                    return [], 0, [error.problem]
            ids: list[str] = []
            known, refused = 0, []
            for event in events:
                try:
                    receipt = await self._intake.submit_events([event], hook.source)
                except PermanentError as error:
                    refused.append(error.problem)
                else:
                    ids += receipt.ids
                    known += sum(receipt.known)
        return ids, known, refused


class _Deliveries:
    """The newest deliveries by their id, with what they said."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def repeats(self, hook: str, delivery: str, digest: bytes) -> bool:
        """Say whether a delivery was taken before; raises PermanentError 409 when it said something else then."""
        before = self._seen.get((hook, delivery))
        if before is not None and before != digest:
            raise PermanentError(_other_content(delivery))
        return before is not None

    def remember(self, hook: str, delivery: str, digest: bytes) -> None:
        """Remember a delivery that was taken, dropping the oldest beyond DELIVERIES_MAX."""
        self._seen[hook, delivery] = digest
        if len(self._seen) > DELIVERIES_MAX:
            self._seen.popitem(last=False)


def _answer(
    status: int,
    ids: list[str] | None = None,
    known: int = 0,
    *,
    reason: str = "",
    problems: list[Problem] | None = None,
) -> Answer:
    ids = ids or []
    value: dict[str, Any] = {"accepted": len(ids) - known, "known": known, "ids": ids}
    if reason:
        value["reason"] = reason
    if problems:
        value["kept"] = len(problems)
        value["problems"] = problems[:PROBLEMS_SHOWN_MAX]
    return Answer(status, _encode(value))


def _together(problems: list[Problem]) -> Problem:
    """Return the first of several problems, saying how many more there are."""
    first = problems[0]
    if len(problems) == 1:
        return first
    more = (
        f"{first.detail}\nand {len(problems) - 1} more in this body, the next at {problems[1].where or '/'}"
    )
    return msgspec.structs.replace(first, detail=more)


def _unknown(path: str) -> Problem:
    return Problem(
        code="hook-unknown",
        status=404,
        title="There is no such webhook",
        detail=f"{path[:100]!r} is no webhook of this installation",
        where=path[:100],
        rule="the settings webhooks.NAME name them; the address is /v1/hooks/NAME",
        fix="correct the address at the sender, or add the webhook to the settings",
    )


def _other_content(delivery: str) -> Problem:
    return Problem(
        code="hook-delivery-conflict",
        status=409,
        title="Another body has this delivery id",
        detail=f"{delivery!r} was taken before with other content",
        where="delivery",
        rule="a delivery that is sent again says the same",
        fix="give each delivery an id of its own",
    )
