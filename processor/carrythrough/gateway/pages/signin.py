"""Sign-in by one-time link, and sign-out: the only request of a browser that changes anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from carrythrough.errors import PermanentError
from carrythrough.gateway.pages.render import PRIVATE, SECURITY_HEADERS, message, page
from carrythrough.gateway.pages.sessions import LINK_LIFE_S, SESSION_LIFE_S_MAX, Sessions, cookie_name
from carrythrough.gateway.problems import problem_response

Invite = Callable[[Request], Awaitable[object]]
"""Checks who asks for a link: returns, or raises PermanentError (401, 403)."""

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
    """`/signin`, `/signin/links` and `/signout`.

    invite: lets a request make a new link, or raises PermanentError; None where nobody may.
    """

    def __init__(self, sessions: Sessions, invite: Invite | None) -> None:
        self.sessions = sessions
        self._invite = invite

    async def enter(self, request: Request) -> Response:
        """Use the token of a link up and open a session, or say what to do instead."""
        if self.sessions.session_of(request):
            return RedirectResponse("/", 303, headers=SECURITY_HEADERS | PRIVATE)
        token = request.query_params.get("token", "")
        if not token:
            return self._page(request, "ask")
        if request.method == "HEAD" or "prefetch" in request.headers.get("sec-purpose", ""):
            # A look ahead by a browser or a mail scanner must not use the link up.
            return Response(status_code=503, headers=SECURITY_HEADERS | PRIVATE)
        secret = self.sessions.redeem(token)
        if secret is None:
            return self._page(request, "refused", 410)
        # A page that moves on by itself instead of a redirect: a Strict cookie set on a link that
        # was opened from a mail or a chat would not travel along a redirect.
        response = self._page(request, "done")
        response.set_cookie(
            cookie_name(request),
            secret,
            max_age=int(SESSION_LIFE_S_MAX),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    async def invite(self, request: Request) -> Response:
        """Return a new one-time link as JSON, for whoever the server lets ask for one."""
        if self._invite is None:
            return message(request, "No links from here", "This server gives out links when it starts.", 404)
        try:
            await self._invite(request)
        except PermanentError as refused:
            return problem_response(refused.problem, {})
        token = self.sessions.new_link_token()
        answer = {"url": f"{request.base_url}signin?token={token}", "expires_in_s": int(LINK_LIFE_S)}
        return JSONResponse(answer, 201, SECURITY_HEADERS | PRIVATE)

    def _page(self, request: Request, state: str, status: int = 200) -> Response:
        links = self._invite is not None
        return page(request, "signin.html", {"viewer": None, "state": state, "links": links}, status)

    async def leave(self, request: Request) -> Response:
        """End the session; refused (403) unless one of our own pages asks for it."""
        if not asked_by_our_page(request):
            text = "This request did not come from one of these pages, so nothing was changed."
            return message(request, "Not signed out", text, 403)
        secret = request.cookies.get(cookie_name(request))
        if secret:
            self.sessions.end(secret)
        response = RedirectResponse("/signin", 303, headers=SECURITY_HEADERS | PRIVATE)
        response.delete_cookie(cookie_name(request), httponly=True, samesite="strict")
        return response


def asked_by_our_page(request: Request) -> bool:
    """Compare host and port of Origin with ours; the scheme may differ behind a TLS proxy."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site") == "same-origin"
    return urlsplit(origin).netloc == request.headers.get("host")
