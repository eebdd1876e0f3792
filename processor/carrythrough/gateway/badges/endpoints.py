"""`/v1/badges`, `/v1/employees/{reference}/badges` and the page of a link: badges for whoever may see them.

What the issuer is, its keys and what a badge stands for are public, since a badge that its reader cannot check is
worth nothing. Whose badge it is says only the badge itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from carrythrough.errors import PermanentError
from carrythrough.gateway.badges.book import BADGE, Badge, BadgeBook
from carrythrough.gateway.badges.credential import (
    ACHIEVEMENTS_PATH,
    CONTEXTS,
    ISSUER_PATH,
    achievement,
    issuer,
)
from carrythrough.gateway.badges.signing import KEYS_PATH
from carrythrough.gateway.problems import problem_response
from carrythrough.gateway.queries_api import check_parameters, refusal, reply
from carrythrough.gateway.signed_links import SignedLinks

Handler = Callable[[Request], Awaitable[Response]]
COMPACT_JWS = "application/vc+jwt"


class BadgesApi:
    """Handlers over a `BadgeBook`."""

    def __init__(
        self,
        book: BadgeBook,
        links: SignedLinks,
        guarded: Callable[..., Handler],
        subject: Callable[[Request], Awaitable[str]],
        names: Callable[[Request], Awaitable[bool]],
        now_ms: Callable[[], int],
    ) -> None:
        """links: those of the dispatcher, for `BADGE`. names: whether who asks may see names."""
        self._book, self._links = book, links
        self._guarded, self._subject, self._names = guarded, subject, names
        self._now_ms = now_ms

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(ISSUER_PATH, _public(self.issuer), methods=["GET"]),
            Route(KEYS_PATH, _public(self.keys), methods=["GET"]),
            Route(KEYS_PATH + "/{key}", _public(self.one_key), methods=["GET"]),
            Route(ACHIEVEMENTS_PATH + "/{skill}", _public(self.achievement), methods=["GET"]),
            Route("/v1/employees/{reference}/badges", self._guarded(self.of_employee), methods=["GET"]),
            Route("/v1/employees/{reference}/badges/{skill}", self._guarded(self.badge), methods=["GET"]),
            Route("/badge/{token}", _public(self.by_link), methods=["GET"]),
        ]

    async def issuer(self, _request: Request) -> Response:
        """Say who issues."""
        return reply({"@context": list(CONTEXTS)} | issuer(self._book.base, self._book.issuer_name))

    async def keys(self, _request: Request) -> Response:
        """Return the public keys as a JWK set (RFC 7517 5)."""
        return reply({"keys": [(await run_in_threadpool(self._book.key)).public]})

    async def one_key(self, request: Request) -> Response:
        """Return one public key, as the `kid` of a badge names it."""
        key = await run_in_threadpool(self._book.key)
        if request.path_params["key"] != key.id:
            raise refusal(
                "key-unknown", "key", "no badge was signed with it here", "keys are named by badges", 404
            )
        return reply(key.public)

    async def achievement(self, request: Request) -> Response:
        """Say what the badge for a skill stands for."""
        skill = self._book.skill(request.path_params["skill"])
        if skill is None:
            raise _no_badge(request.path_params["skill"])
        return reply({"@context": list(CONTEXTS)} | achievement(self._book.base, skill))

    async def of_employee(self, request: Request) -> Response:
        """List the badges of one person and how long they have carried each skill through."""
        check_parameters(request, ())
        subject = await self._subject(request)
        found = await run_in_threadpool(self._book.of, subject, self._now_ms())
        return reply({"employee": subject, "badges": [shown(badge) for badge in found]})

    async def badge(self, request: Request) -> Response:
        """Return one badge: its JSON and the same signed; with the name of the person where that is asked for."""
        check_parameters(request, ("name",))
        wanted = request.query_params.get("name", "false")
        if wanted not in ("true", "false"):
            raise refusal(
                "parameter-invalid", "name", f"{wanted[:40]!r}", "send true or false, in lower case"
            )
        subject = await self._subject(request)
        with_name = wanted == "true" and await self._names(request)
        made, signed = await self._signed(subject, request.path_params["skill"], with_name=with_name)
        return reply({"credential": made, "signed": signed, "format": COMPACT_JWS})

    async def by_link(self, request: Request) -> Response:
        """Give a person the signed badge that their link names, as a file for a wallet; `?name=true` adds the name."""
        link = self._links.read(BADGE, request.path_params["token"])
        with_name = request.query_params.get("name") == "true"
        skill = link.claims["skill"]
        _, signed = await self._signed(link.claims["by"], skill, with_name=with_name)
        headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{skill}.jwt"'}
        return Response(signed, 200, headers, COMPACT_JWS)

    async def _signed(self, subject: str, skill: str, *, with_name: bool) -> tuple[dict[str, Any], str]:
        made = await run_in_threadpool(self._book.signed, subject, skill, with_name=with_name)
        if made is None:
            raise _no_badge(skill)
        return made


def shown(badge: Badge) -> dict[str, Any]:
    """Return a badge as REST and the pages show it."""
    achieved = dt.datetime.fromtimestamp(badge.achieved_ms // 1000, dt.UTC).isoformat().replace("+00:00", "Z")
    return {
        "skill": badge.skill,
        "skill_name": badge.skill_name,
        "achieved": achieved,
        "streak_days": badge.streak_days,
    }


def _no_badge(skill: str) -> PermanentError:
    rule = "a badge is for a skill that was carried through and that the program map recognises"
    return refusal("badge-unknown", "skill", f"no badge for {skill[:64]!r}", rule, 404)


def _public(handler: Handler) -> Handler:
    """Answer every refusal as a problem; nobody has to say who they are."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except PermanentError as refused:
            return problem_response(refused.problem, {})

    return answered
