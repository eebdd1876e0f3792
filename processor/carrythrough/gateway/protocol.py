"""uvicorn's HTTP protocol with the bounds that it lacks: heads in bytes and seconds, and connections.

Without them anybody, known or not, can make the server hold an endless header line, or keep
connections open that never ask for anything. Everything from the first byte of a request's body on
is bounded where bodies are read (`gateway.body`).

It leans on the callbacks of `HttpToolsProtocol`, which are those of the `httptools` parser.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from carrythrough.errors import Problem
from carrythrough.gateway.limits import GatewayLimits
from carrythrough.gateway.problems import MEDIA_TYPE


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection; give uvicorn the class of `bounded_protocol(limits)` as its `http`."""

    limits = GatewayLimits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._silent_bytes = 0
        self._head_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a connection, or turn it away when there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections_max:
            self._refuse(_too_many_connections(self.limits))
            return
        self._head_since = self.loop.time()
        self._timer = self.loop.call_later(self.limits.head_seconds_max, self._look_at_the_clock)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection and its timer."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; refuse a head (or what stands around a body) that does not end."""
        self._silent_bytes += len(data)
        super().data_received(data)
        # The callbacks below set it back when a head is complete and while a body comes in.
        if self._silent_bytes > self.limits.head_bytes_max:
            self._refuse(_head_too_large(self.limits))

    def on_message_begin(self) -> None:
        """A request begins: its head has to be complete in time."""
        super().on_message_begin()
        if self._head_since is None:
            self._head_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._silent_bytes = 0
        self._head_since = None
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body has come."""
        self._silent_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete; the next one may begin in the same data."""
        self._silent_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with a problem as well."""
        self._refuse(_MALFORMED)

    def _look_at_the_clock(self) -> None:
        since, now = self._head_since, self.loop.time()
        if since is not None and now - since >= self.limits.head_seconds_max:
            self._refuse(_head_too_slow(self.limits))
            return
        again_at = (now if since is None else since) + self.limits.head_seconds_max
        self._timer = self.loop.call_at(again_at, self._look_at_the_clock)

    def _refuse(self, problem: Problem) -> None:
        """Answer and close, unless another answer is on its way: then only close."""
        if self.transport.is_closing():
            return
        cycle: Any = self.cycle  # None before the first request, whatever its annotation says
        if cycle is None or cycle.response_complete:
            body = msgspec.json.encode(problem)
            head = (
                f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\n"
                f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
            )
            retry = "retry-after: 1\r\n" if problem.status == HTTPStatus.SERVICE_UNAVAILABLE else ""
            self.transport.write(f"{head}{retry}\r\n".encode() + body)
        self.transport.close()


def bounded_protocol(limits: GatewayLimits) -> type[asyncio.Protocol]:
    """Return the protocol class that holds `limits`, for `uvicorn.Config(http=…)`."""
    return cast(
        "type[asyncio.Protocol]", type("BoundedHttpProtocol", (BoundedHttpProtocol,), {"limits": limits})
    )


_MALFORMED = Problem(
    code="http-malformed",
    status=400,
    title="Not HTTP",
    detail="the request cannot be read as HTTP/1.1",
    rule="RFC 9112",
    fix="send the request with an HTTP library",
)


def _head_too_large(limits: GatewayLimits) -> Problem:
    return Problem(
        code="head-too-large",
        status=431,
        title="The head of the request is too large",
        detail="the address and the headers do not end",
        rule=f"Limit head_bytes_max = {limits.head_bytes_max}",
        fix="send fewer and shorter headers; records belong into the body",
    )


def _head_too_slow(limits: GatewayLimits) -> Problem:
    return Problem(
        code="head-too-slow",
        status=408,
        title="The request did not arrive in time",
        detail="its head is not complete",
        rule=f"Limit head_seconds_max = {limits.head_seconds_max:g}",
        fix="open a connection when there is something to send",
    )


def _too_many_connections(limits: GatewayLimits) -> Problem:
    return Problem(
        code="connections-full",
        status=503,
        title="Too many connections",
        detail="no further connection can be taken now",
        rule=f"Limit connections_max = {limits.connections_max}",
        fix="use a connection for many requests, and try again after Retry-After seconds",
    )
