"""The alternate request syntax of 1.0.3 (Communication 1.3): a POST that stands for another request.

`POST …?method=GET` with a form as its body: fields that are named as headers are headers, `content` is
the body, every other field is a query parameter. 9274.1.1 leaves it out, so 2.0 refuses it.
"""

from __future__ import annotations

import re
from typing import NoReturn
from urllib.parse import quote_plus

from carrythrough.errors import PermanentError
from carrythrough.gateway.intake import Request
from carrythrough.gateway.problems import Message, Receive
from carrythrough.gateway.xapi import parameters

FORM = b"application/x-www-form-urlencoded"
HEADERS = frozenset(
    {
        "authorization",
        "x-experience-api-version",
        "content-type",
        "content-length",
        "if-match",
        "if-none-match",
        "accept",
        "accept-language",
        "accept-encoding",
        "content-language",
    }
)
"""Fields that are headers, in lower case; `Content-Length` is that of the content and not needed."""
RULE = "Communication 1.3.s3"

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def is_alternate(request: Request) -> bool:
    """Say whether a request is in the alternate syntax."""
    return request.method == "POST" and any(name == "method" for name, _ in parameters.pairs(request.query))


def unfold(request: Request, body: bytes) -> None:
    """Turn `request` into the one that its form stands for; raises PermanentError 400.

    request: a POST with ?method=. body: its form. Changes method, query, headers and receive. A field
    that is named as a header counts before the header of the request itself: what the form says is meant.
    """
    method = _method(request.query)
    if request.media_type not in {FORM, b""}:
        parameters.refuse(
            "alternate-syntax-form",
            "Content-Type",
            f"Content-Type is {request.headers.get(b'content-type', b'').decode('latin-1')[:80]}",
            rule=f"{RULE}.b9",
            fix=f"send the form as {FORM.decode()}",
        )
    headers, query, content = _fields(body)
    if headers.get(b"content-type", b"").startswith(b"multipart/"):
        parameters.refuse(
            "alternate-syntax-form",
            "content",
            "the content is multipart, which a form cannot carry",
            rule=f"{RULE}: attachments cannot be sent in this syntax",
            fix="send statements with attachments as a request of their own",
        )
    kept = {
        name: value
        for name, value in request.headers.items()
        if name not in {b"content-type", b"content-length", b"content-encoding"}
    }
    if content is not None:
        headers.setdefault(b"content-type", b"application/json")
    request.method = method
    request.query = query
    request.headers = {**kept, **headers}
    request.headers[b"content-length"] = b"%d" % len(content or b"")
    request.receive = _replay(content or b"")


def _method(query: bytes) -> str:
    given = parameters.pairs(query)
    if len(given) > 1:
        other = next((name for name, _ in given if name != "method"), "method")
        parameters.refuse(
            "alternate-syntax-form",
            other,
            f"the address has {other[:80]!r} beside method",
            rule=f"{RULE}.b3: no other query string parameter",
            fix="put every other parameter into the form",
        )
    return given[0][1]


def _fields(body: bytes) -> tuple[dict[bytes, bytes], bytes, bytes | None]:
    """Return the headers, the query string and the content that a form holds."""
    headers: dict[bytes, bytes] = {}
    query: list[str] = []
    content: bytes | None = None
    seen: set[str] = set()
    try:
        given = parameters.pairs(body)
    except PermanentError:
        _refuse_form("it cannot be taken apart")
    for name, value in given:
        if _NAME.fullmatch(name) is None:
            _refuse_form(f"{name[:80]!r} names no field")
        if name in seen:
            parameters.refuse(
                "parameter-repeated", name, f"{name[:80]} is given more than once", fix="give it once"
            )
        seen.add(name)
        if name.lower() in HEADERS:
            headers[name.lower().encode()] = value.encode()
        elif name == "content":
            content = value.encode()
        else:
            query.append(f"{quote_plus(name)}={quote_plus(value)}")
    headers.pop(b"content-length", None)
    return headers, "&".join(query).encode(), content


def _refuse_form(why: str) -> NoReturn:
    parameters.refuse(
        "alternate-syntax-form",
        "",
        f"the body is not a form: {why}",
        rule=f"{RULE}.b4",
        fix="send the body as name=value pairs, percent-encoded",
    )


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
