"""Turns a template and its data into an answer that a browser can be trusted with.

Everything is escaped by Jinja2, nothing may run that is not one of our own files, and
nothing with names in it is kept by a cache.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from carrythrough.gateway.pages import words

HERE = Path(__file__).parent

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

# Not "no-referrer": with it browsers send `Origin: null` on our own sign-out form.
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-frame-options": "DENY",
}

PRIVATE = {"cache-control": "no-store"}

_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(words.FILTERS)
_environment.globals.update(
    LEVELS=words.LEVELS, STAGES=words.STAGES, TRENDS=words.TRENDS, too_little=words.too_little
)


def page(request: Request, template: str, context: dict[str, Any], status: int = 200) -> Response:
    """Return a rendered page with the security headers; raises jinja2 errors for a wrong template."""
    html = _environment.get_template(template).render(request=request, **context)
    return HTMLResponse(html, status, headers=SECURITY_HEADERS | PRIVATE)


def message(request: Request, title: str, text: str, status: int, viewer: str | None = None) -> Response:
    """Return a page that says one thing in plain words and links back to the start."""
    return page(request, "message.html", {"title": title, "text": text, "viewer": viewer}, status)
