"""Sign-in by one-time link, and sign-out: the only request of the pages that changes anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from carrythrough.gateway.pages.render import PRIVATE, SECURITY_HEADERS, message, page
from carrythrough.gateway.pages.sessions import SESSION_LIFE_S_MAX, Sessions, cookie_name

Handler = Callable[[Any, Request], Awaitable[Response]]


def signed_in(handler: Handler) -> Handler:
    """Let a page method run only with a session; everybody else goes to `/signin` (303).

    The page's object must hold its `Sessions` as `sessions`.
    """

    @wraps(handler)
    async def guarded(self: Any, request: Request) -> Response:
        if self.sessions.session_of(request) is None:
            return RedirectResponse("/signin", 303, headers=SECURITY_HEADERS | PRIVATE)
        return await handler(self, request)

    return guarded


class SignInPages:
    """`/signin` and `/signout`."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions

    async def enter(self, request: Request) -> Response:
        """Use the token of a link up and open a session, or say what to do instead."""
        if self.sessions.session_of(request):
            return RedirectResponse("/", 303, headers=SECURITY_HEADERS | PRIVATE)
        token = request.query_params.get("token", "")
        if not token:
            return page(request, "signin.html", {"viewer": None, "state": "ask"})
        if request.method == "HEAD" or "prefetch" in request.headers.get("sec-purpose", ""):
            # A look ahead by a browser or a mail scanner must not use the link up.
            return Response(status_code=503, headers=SECURITY_HEADERS | PRIVATE)
        secret = self.sessions.redeem(token)
        if secret is None:
            return page(request, "signin.html", {"viewer": None, "state": "refused"}, 410)
        # A page that moves on by itself instead of a redirect: a Strict cookie set on a link that
        # was opened from a mail or a chat would not travel along a redirect.
        response = page(request, "signin.html", {"viewer": None, "state": "done"})
        response.set_cookie(
            cookie_name(request),
            secret,
            max_age=int(SESSION_LIFE_S_MAX),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    async def leave(self, request: Request) -> Response:
        """End the session; refused (403) unless one of our own pages asks for it."""
        if not _asked_by_our_page(request):
            text = "This request did not come from one of these pages, so nothing was changed."
            return message(request, "Not signed out", text, 403)
        secret = request.cookies.get(cookie_name(request))
        if secret:
            self.sessions.end(secret)
        response = RedirectResponse("/signin", 303, headers=SECURITY_HEADERS | PRIVATE)
        response.delete_cookie(cookie_name(request), httponly=True, samesite="strict")
        return response


def _asked_by_our_page(request: Request) -> bool:
    """Compare host and port of Origin with ours; the scheme may differ behind a TLS proxy."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site") == "same-origin"
    return urlsplit(origin).netloc == request.headers.get("host")
