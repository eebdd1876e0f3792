"""Server-Sent Events: score changes, stage changes and actions, live and resumable.

A subscriber first reads what it missed from the table of effects, then listens.
One that cannot keep up is sent back to the table, never allowed to hold up the fold.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from carrythrough.embedded.hub import Hub, Published
from carrythrough.errors import PermanentError
from carrythrough.gateway.access import Access
from carrythrough.gateway.problems import problem_response
from carrythrough.gateway.queries_api import check_parameters, refusal, row_number

HEARTBEAT_S = 15.0
CATCH_UP_ROWS = 1_000
TYPES = ("score", "retracted", "stage", "action", "referral", "answer", "decision", "quarantine")
TYPES_DEFAULT = "score,stage,action"
SUBSCRIBERS_MAX = 500


class Stream:
    """The endpoint `GET /v1/stream`."""

    def __init__(self, queries: Any, hub: Hub, access: Access) -> None:
        self._queries = queries
        self._hub = hub
        self._access = access
        self._open = 0

    async def open(self, request: Request) -> Response:
        """Open a stream, or answer with a problem."""
        try:
            viewer = await self._access.require(request, "scores/read")
            check_parameters(request, ("types", "subject", "skill", "last-event-id"))
            wanted = await self._filter(request)
            after = await self._resume_from(request)
            if self._open >= SUBSCRIBERS_MAX:
                raise refusal(
                    "stream-full", "", f"{self._open} subscribers", f"at most {SUBSCRIBERS_MAX}", 503
                )
        except PermanentError as refused:
            return problem_response(refused.problem, {})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            self._events(request, viewer, after, wanted), 200, headers, "text/event-stream"
        )

    async def _still_allowed(self, request: Request, viewer: str) -> bool:
        """Say whether the session or credential still holds, so that no stream outlives a sign-out."""
        try:
            return await self._access.require(request, "scores/read") == viewer
        except PermanentError:
            return False

    async def _filter(self, request: Request) -> _Wanted:
        types = request.query_params.get("types", TYPES_DEFAULT).split(",")
        for name in types:
            if name not in TYPES:
                raise refusal("parameter-invalid", "types", f"{name!r}", f"types are {', '.join(TYPES)}")
        reference = request.query_params.get("subject", "")
        subject = await run_in_threadpool(self._queries.subject, reference) if reference else ""
        return _Wanted(frozenset(types), subject or reference, request.query_params.get("skill", ""))

    async def _resume_from(self, request: Request) -> int:
        text = request.headers.get("last-event-id") or request.query_params.get("last-event-id", "")
        if text == "":
            return int(await run_in_threadpool(self._queries.last_seq))
        after = row_number(text)
        if after is None:
            raise refusal(
                "parameter-invalid", "Last-Event-ID", f"{text[:80]!r}", "the id of an event of this stream"
            )
        return after

    async def _events(
        self, request: Request, viewer: str, after: int, wanted: _Wanted
    ) -> AsyncIterator[bytes]:
        subscription = self._hub.subscribe()
        self._open += 1
        try:
            yield b"retry: 1000\n\n"
            behind = True
            while not subscription.closed:
                if behind or subscription.overrun:
                    subscription.overrun = False
                    rows = await run_in_threadpool(self._queries.effects_after, after, CATCH_UP_ROWS)
                    behind = len(rows) == CATCH_UP_ROWS
                    if rows:
                        after = rows[-1].seq
                        if frames := wanted.frames(rows):
                            yield frames
                    continue
                batch = await subscription.get(HEARTBEAT_S)
                fresh = [entry for entry in batch if entry.seq > after]
                if fresh:
                    if fresh[0].seq != after + 1:
                        behind = True  # something was dropped or not yet seen: read it from the table
                        continue
                    after = fresh[-1].seq
                    if frames := wanted.frames(fresh):
                        yield frames
                elif not batch:
                    if not await self._still_allowed(request, viewer):
                        return
                    yield b": still here\n\n"
        finally:
            self._open -= 1
            self._hub.unsubscribe(subscription)


class _Wanted:
    """What a subscriber asked for."""

    def __init__(self, types: frozenset[str], subject: str, skill: str) -> None:
        self._types = types
        self._subject = subject
        self._skill = skill

    def frames(self, entries: Iterable[Published]) -> bytes:
        """Return the wire text of the entries that are wanted (perhaps empty)."""
        parts = [
            b"id: %d\nevent: %s\ndata: %s\n\n" % (entry.seq, entry.kind.encode(), entry.body)
            for entry in entries
            if entry.kind in self._types
            and self._subject in ("", entry.subject)
            and self._skill in ("", entry.skill)
        ]
        return b"".join(parts)
