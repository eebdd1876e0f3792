"""What lets content in a browser talk to the xAPI resources from another origin (Fetch standard, CORS).

Credentials travel in Authorization, which a script has to set itself, and never in a cookie: so a
page of a stranger can do nothing with the rights of whoever looks at it, and any origin may be allowed.
"""

from __future__ import annotations

Header = tuple[bytes, bytes]

ANY_ORIGIN = "*"
MAX_AGE_S = 7_200
"""How long a browser may remember the answer to a preflight; Chromium keeps none longer."""
EXPOSED = (
    b"X-Experience-API-Version, X-Experience-API-Consistent-Through, X-Experience-API-Hash, "
    b"ETag, Last-Modified, Content-Length, Retry-After, WWW-Authenticate"
)
"""Headers of an answer that a script may read; without this it sees six that CORS names."""
SENT = (
    b"Authorization, Content-Type, X-Experience-API-Version, X-Experience-API-Hash, "
    b"Content-Transfer-Encoding, If-Match, If-None-Match, Accept, Accept-Language, Content-Language"
)


def answer_headers(origin: bytes | None, allowed: tuple[str, ...]) -> list[Header]:
    """Return the headers that let a script of `origin` read an answer; none when it may not or is none."""
    if origin is None:
        return []
    headers = _allow_origin(origin, allowed)
    if headers:
        headers.append((b"access-control-expose-headers", EXPOSED))
    return headers


def preflight_headers(
    origin: bytes | None, allowed: tuple[str, ...], methods: tuple[str, ...]
) -> list[Header]:
    """Return the headers of an answer to OPTIONS beside `answer_headers`: what a browser may send."""
    listed = ", ".join((*methods, "OPTIONS")).encode()
    headers = [(b"allow", listed)]
    if origin is not None and _allow_origin(origin, allowed):
        headers += [
            (b"access-control-allow-methods", listed),
            (b"access-control-allow-headers", SENT),
            (b"access-control-max-age", b"%d" % MAX_AGE_S),
        ]
    return headers


def _allow_origin(origin: bytes, allowed: tuple[str, ...]) -> list[Header]:
    if ANY_ORIGIN in allowed:
        return [(b"access-control-allow-origin", b"*")]
    if origin.decode("latin-1") in allowed:
        return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
    return []
