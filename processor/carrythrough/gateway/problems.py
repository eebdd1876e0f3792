"""Problems as HTTP answers: `application/problem+json` (RFC 9457) for Starlette and for bare ASGI."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

import msgspec
from starlette.responses import Response

from carrythrough.errors import CarrythroughError, Problem, TransientError

MEDIA_TYPE = "application/problem+json"

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Scope = MutableMapping[str, Any]

_encode = msgspec.json.Encoder().encode

INTERNAL = Problem(
    code="internal-error",
    status=500,
    title="A fault of ours",
    detail="the request could not be handled, and nothing of it was stored",
    rule="a request is answered with what it asked for or with a reason",
    fix="send it again; report it with the server's log when it stays",
)


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer for a problem; members code, status, title, detail, where, rule, fix."""
    return Response(_encode(problem), problem.status, headers, MEDIA_TYPE)


async def send_problem(send: Send, problem: Problem, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Answer with a problem on a bare ASGI connection; `headers` are added."""
    await send_answer(send, problem.status, _encode(problem), MEDIA_TYPE.encode(), headers)


async def send_answer(
    send: Send,
    status: int,
    body: bytes,
    media_type: bytes,
    headers: Iterable[tuple[bytes, bytes]] = (),
    *,
    head: bool = False,
) -> None:
    """Answer with a whole body on a bare ASGI connection; an empty body has no media type.

    head: the request was HEAD, whose answer has the headers of the body and not the body (RFC 9110 9.3.2).
    """
    sent = list(headers)
    if body:
        sent.append((b"content-type", media_type))
    if status not in {204, 304}:
        sent.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": b"" if head else body})


def retry_headers(error: CarrythroughError) -> list[tuple[bytes, bytes]]:
    """Return the Retry-After header (whole seconds, at least 1) of an error worth another try."""
    if not isinstance(error, TransientError):
        return []
    return [(b"retry-after", b"%d" % max(1, math.ceil(error.retry_after_s)))]
