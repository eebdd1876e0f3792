"""`GET /v1/enriched` and `/v1/enriched/stream`: enriched statements for other services, page by page or live.

Both are read by position: the `next` of a page or the id of the last event is all that a reader keeps, and a
reader that ignores what it has passed sees each statement once.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from carrythrough.errors import PermanentError
from carrythrough.gateway.access import Access
from carrythrough.gateway.problems import problem_response
from carrythrough.gateway.queries_api import check_parameters, limit_of, refusal, row_number

SCOPE = "scores/read"
POLL_S = 1.0
"""How long a stream that has caught up waits for the fold to say something before it looks all the same."""
HEARTBEAT_S = 15.0
PAGE = 200
"""Events derived at once for a stream: about 20 ms of one thread, then others get their turn."""
SUBSCRIBERS_MAX = 50
"""Streams at once: each derives its own events, which costs far more than passing a score change on."""

Handler = Callable[[Request], Awaitable[Response]]


class EnrichedApi:
    """Handlers over `embedded.enriching.Enriching`."""

    def __init__(
        self, enriching: Any, hub: Any, access: Access, guarded: Callable[[Handler], Handler]
    ) -> None:
        """hub: tells when there may be more, and when the server stops."""
        self._enriching = enriching
        self._hub = hub
        self._access = access
        self._guarded = guarded
        self._open = 0

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/v1/enriched", self._guarded(self.page), methods=["GET"]),
            Route("/v1/enriched/stream", self.stream, methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        """A page of enriched events after a position of the log."""
        check_parameters(request, ("after", "limit"))
        after = _position(request.query_params.get("after", "0"), "after")
        found = await run_in_threadpool(self._enriching.page, after, limit_of(request))
        events = b",".join(body for _, body in found.events)
        more = b"true" if found.more else b"false"
        body = b'{"events":[%s],"next":%d,"more":%s}' % (events, found.next, more)
        return Response(body, 200, {"Cache-Control": "no-store"}, "application/json")

    async def stream(self, request: Request) -> Response:
        """The same as Server-Sent Events; the id of each is its position."""
        try:
            viewer = await self._access.require(request, SCOPE)
            check_parameters(request, ("last-event-id",))
            text = request.headers.get("last-event-id") or request.query_params.get("last-event-id", "")
            after = _position(text, "Last-Event-ID") if text else self._enriching.end
            if self._open >= SUBSCRIBERS_MAX:
                raise refusal(
                    "stream-full", "", f"{self._open} subscribers", f"at most {SUBSCRIBERS_MAX}", 503
                )
        except PermanentError as refused:
            return problem_response(refused.problem, {})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(request, viewer, after), 200, headers, "text/event-stream")

    async def _events(self, request: Request, viewer: str, after: int) -> AsyncIterator[bytes]:
        self._open += 1
        subscription = self._hub.subscribe()
        quiet_since_s = time.monotonic()
        try:
            yield b"retry: 1000\n\n"
            while not subscription.closed:
                found = await run_in_threadpool(self._enriching.page, after, PAGE)
                after = found.next
                if found.events:
                    quiet_since_s = time.monotonic()
                    yield b"".join(b"id: %d\nevent: enriched\ndata: %s\n\n" % entry for entry in found.events)
                if found.more:
                    continue
                await subscription.get(POLL_S)
                if time.monotonic() - quiet_since_s >= HEARTBEAT_S:
                    quiet_since_s = time.monotonic()
                    if not await self._still_allowed(request, viewer):
                        return
                    yield b": still here\n\n"
        finally:
            self._open -= 1
            self._hub.unsubscribe(subscription)

    async def _still_allowed(self, request: Request, viewer: str) -> bool:
        """Say whether the session or credential still holds, so that no stream outlives a sign-out."""
        try:
            return await self._access.require(request, SCOPE) == viewer
        except PermanentError:
            return False


def _position(text: str, where: str) -> int:
    number = row_number(text)
    if number is None:
        raise refusal(
            "parameter-invalid",
            where,
            f"{text[:80]!r}",
            "a position: the next of a page, or the id of an event",
        )
    return number
