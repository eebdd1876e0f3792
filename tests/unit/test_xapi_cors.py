"""Proves which browser content may use the xAPI resources where origins are listed, and where any may."""

from __future__ import annotations

import pytest

from carrythrough.gateway.xapi.cors import answer_headers, preflight_headers

LISTED = ("https://courses.example.org", "http://localhost:3000")


@pytest.mark.parametrize(
    ("origin", "allowed", "answered"),
    [
        (b"https://courses.example.org", LISTED, b"https://courses.example.org"),
        (b"https://evil.example", LISTED, None),
        (b"https://courses.example.org.evil.example", LISTED, None),
        (b"null", LISTED, None),
        (b"https://evil.example", ("*",), b"*"),
        (None, LISTED, None),
        (b"https://courses.example.org", (), None),
    ],
)
def test_who_may_ask(origin: bytes | None, allowed: tuple[str, ...], answered: bytes | None):
    methods = ("POST", "GET", "HEAD")
    found = dict(answer_headers(origin, allowed))
    assert found.get(b"access-control-allow-origin") == answered
    # What is answered to one origin must not be given to another from a cache.
    assert (found.get(b"vary") == b"Origin") is (answered not in {None, b"*"})
    assert b"access-control-allow-credentials" not in found
    preflight = dict(preflight_headers(origin, allowed, methods))
    assert preflight[b"allow"] == b"POST, GET, HEAD, OPTIONS"
    assert (b"access-control-allow-headers" in preflight) is (answered is not None)
