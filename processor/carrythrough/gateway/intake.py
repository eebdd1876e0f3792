"""What the intake endpoints have in common: who may send, how a body is read, how a fault is answered.

Bare ASGI, because a framework's routing costs as much as taking a statement in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec
import structlog

from carrythrough.errors import CarrythroughError, PermanentError, Problem
from carrythrough.gateway.auth import Credential, Credentials, challenge
from carrythrough.gateway.body import ClientGoneError, read_body
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.gateway.problems import (
    INTERNAL,
    Receive,
    Scope,
    Send,
    retry_headers,
    send_answer,
    send_problem,
)

Header = tuple[bytes, bytes]
Part = TypeVar("Part")

_logger = structlog.get_logger("carrythrough")


class Telemetry(Protocol):
    """What the intake tells those who watch it."""

    def refuse(self, problem: Problem) -> None:
        """Count a refused request under its problem code."""
        ...


class Answer(msgspec.Struct, frozen=True):
    """A successful answer; `body` is JSON unless `media_type` says otherwise, or empty.

    headers: beside those that every answer of the endpoint carries. A HEAD request gets the headers
    of the answer, its length included, without the body.
    """

    status: int
    body: bytes = b""
    media_type: bytes = b"application/json"
    headers: tuple[Header, ...] = ()


class Request(msgspec.Struct):
    """One request: method, headers (names in lower case), query string, path, and who sends it."""

    method: str
    headers: dict[bytes, bytes]
    query: bytes
    receive: Receive
    credential: Credential | None = None
    path: str = ""

    @property
    def media_type(self) -> bytes:
        """Return the media type of the body without parameters, in lower case; b"" when not given."""
        return self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()


class IntakeEndpoint:
    """An ASGI endpoint that takes records in or gives them out; subclasses say which, in `take`."""

    scope_needed = ""
    methods: tuple[str, ...] = ("POST",)

    def __init__(
        self, credentials: Credentials, limits: GatewayLimits, telemetry: Telemetry, in_flight: InFlight
    ) -> None:
        self._credentials = credentials
        self._limits = limits
        self._telemetry = telemetry
        self._in_flight = in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every fault becomes a problem, and none escapes."""
        headers = dict(scope["headers"])
        request = Request(scope["method"], headers, scope["query_string"], receive, path=scope["path"])
        try:
            answer = await self._answer(request)
        except ClientGoneError:
            return
        except CarrythroughError as error:
            await self._refuse(send, request, error.problem, retry_headers(error))
        except Exception:
            _logger.exception("intake_failed", endpoint=type(self).__name__)
            await self._refuse(send, request, INTERNAL, [])
        else:
            await send_answer(
                send,
                answer.status,
                answer.body,
                answer.media_type,
                [*answer.headers, *self.headers_for(request)],
                head=request.method == "HEAD",
            )

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Take the records of a request in; raises CarrythroughError."""
        raise NotImplementedError

    def scopes_for(self, request: Request) -> tuple[str, ...]:
        """Return the scopes of which a credential needs any one for `request`."""
        return (self.scope_needed,)

    def headers_for(self, request: Request) -> list[Header]:
        """Return the headers that every answer to `request` carries."""
        return []

    async def read(self, request: Request, bytes_max: int) -> bytes:
        """Return the body of a request; raises as `read_body`."""
        return await read_body(
            request.receive,
            request.headers,
            self._in_flight,
            bytes_max=bytes_max,
            seconds_max=self._limits.body_seconds_max,
        )

    async def admitted(self, body: bytes, admit: Callable[[bytes], Part]) -> Part:
        """Return `admit(body)`, in a thread when the body is so long that others would wait."""
        if len(body) < self._limits.thread_bytes_min:
            return admit(body)
        return await asyncio.to_thread(admit, body)

    async def _answer(self, request: Request) -> Answer:
        if request.method not in self.methods:
            raise PermanentError(_method(request.method, self.methods))
        return await self.take(request, self.sender_of(request))

    def sender_of(self, request: Request) -> Credential:
        """Return who sends, or raise PermanentError 401 or 403."""
        return self._credentials.require(request.headers.get(b"authorization"), *self.scopes_for(request))

    async def _refuse(self, send: Send, request: Request, problem: Problem, headers: list[Header]) -> None:
        self._telemetry.refuse(problem)
        headers = [*headers, *self.headers_for(request)]
        if problem.status == 401:
            headers.append(challenge(problem))
        elif problem.status == 405:
            headers.append((b"allow", ", ".join(self.methods).encode()))
        elif problem.status == 408:
            headers.append((b"connection", b"close"))
        await send_problem(send, problem, headers)


def unsupported_media_type(given: bytes, wanted: tuple[str, ...]) -> PermanentError:
    """Return the refusal of a body of another media type."""
    return PermanentError(
        Problem(
            code="media-type-unsupported",
            status=415,
            title="The body is of a kind that is not read here",
            detail=f"Content-Type is {given.decode('latin-1')[:80]}" if given else "Content-Type is missing",
            where="Content-Type",
            rule=f"read here: {', '.join(wanted)}",
            fix=f"send Content-Type: {wanted[0]} and a body of that kind",
        )
    )


def _method(method: str, methods: tuple[str, ...]) -> Problem:
    return Problem(
        code="method-not-allowed",
        status=405,
        title="This cannot be done here",
        detail=f"{method} is not answered at this address",
        rule=f"methods: {', '.join(methods)}",
        fix=f"use {' or '.join(methods)}",
    )
