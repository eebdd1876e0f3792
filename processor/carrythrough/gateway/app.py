"""The HTTP application: intake as bare ASGI, everything else through Starlette."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from carrythrough.embedded.runtime import Embedded
from carrythrough.gateway.access import NAMES_SCOPE, Access
from carrythrough.gateway.answer_links import public_address
from carrythrough.gateway.auth import Credentials
from carrythrough.gateway.badges.book import BadgeBook
from carrythrough.gateway.badges.endpoints import BadgesApi
from carrythrough.gateway.contests import REQUESTS_PATH, ContestRequestsEndpoint, ContestsEndpoint
from carrythrough.gateway.enriched_api import EnrichedApi
from carrythrough.gateway.limits import GatewayLimits
from carrythrough.gateway.needs_api import NeedsApi
from carrythrough.gateway.noted_api import NotedApi
from carrythrough.gateway.oauth_own import OwnTokens
from carrythrough.gateway.oauth_token import TokenEndpoint
from carrythrough.gateway.pages.answers import AnswerPages
from carrythrough.gateway.pages.form_links import PATH as FORM_LINKS_PATH
from carrythrough.gateway.pages.form_links import FormLinks
from carrythrough.gateway.pages.forms import FormPages
from carrythrough.gateway.pages.review import ReviewPages
from carrythrough.gateway.pages.routes import routes as page_routes
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.gateway.performance import PerformanceEndpoint
from carrythrough.gateway.policy_api import PolicyEndpoint
from carrythrough.gateway.queries_api import QueriesApi, reply
from carrythrough.gateway.registrations_api import RegistrationsApi
from carrythrough.gateway.roster.endpoints import (
    CHANGES_PATH,
    PEOPLE_PATH,
    UNKNOWN_PATH,
    ChangesEndpoint,
    PeopleEndpoint,
    PersonEndpoint,
    UnknownEndpoint,
)
from carrythrough.gateway.roster.people import People
from carrythrough.gateway.scim.endpoint import PATH as SCIM_PATH
from carrythrough.gateway.scim.endpoint import ScimEndpoint
from carrythrough.gateway.signed_links import SignedLinks
from carrythrough.gateway.stream import Stream
from carrythrough.gateway.uplift_api import UpliftApi
from carrythrough.gateway.webhooks.endpoint import PATH as HOOKS_PATH
from carrythrough.gateway.webhooks.endpoint import WebhookEndpoint
from carrythrough.gateway.webhooks.hooks import load_hooks
from carrythrough.gateway.webhooks.kept import KeptBodies
from carrythrough.gateway.xapi.resources import Stores, resources

Asgi = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
EVENTS_PATH = "/v1/performance-events"
TEAM_READINGS_MAX = 2_000
"""Readings of teams that the page of groups looks at, newest first; REST has all of them."""
CONTESTS_PATH = "/v1/contests"
POLICY_PATH = "/v1/policy"


class Gateway:
    """Sends intake straight to its endpoints and the rest to Starlette, whose routing costs as much as a post.

    intake: path → endpoint; a path that ends in a slash stands for everything below it that is not named.
    """

    def __init__(self, intake: dict[str, Asgi], app: Starlette) -> None:
        self._intake = intake
        self.app = app

    @property
    def routes(self) -> list[BaseRoute]:
        """Return the routes behind the intake endpoints."""
        return self.app.routes

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "http":
            endpoint = self._intake.get(scope["path"]) or self._above(scope["path"])
            if endpoint is not None:
                await endpoint(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _above(self, path: str) -> Asgi | None:
        """Return the endpoint of `path` without needless slashes, else that of the nearest folder it is in.

        Senders put an address together from parts that end or begin with a slash, or do not.
        """
        path = "/" + "/".join(part for part in path.split("/") if part)
        found = self._intake.get(path)
        while found is None and path:
            path = path[: path.rstrip("/").rfind("/") + 1]
            found = self._intake.get(path)
        return found


def build_app(
    runtime: Embedded,
    credentials: Credentials,
    sessions: Sessions,
    limits: GatewayLimits,
    tokens: OwnTokens | None = None,
) -> Gateway:
    """Return the whole HTTP application over a runtime that is started.

    tokens: what the token endpoint gives out; without it there is none.
    """
    now_ms = runtime.clock.now_ms
    access = Access(credentials, sessions.session_of)
    api = QueriesApi(runtime.queries, access, now_ms)
    links = SignedLinks(runtime.folder_lock.tenant_key())
    forms = FormPages(runtime.form_people, runtime, links, sessions, now_ms)
    queries = runtime.queries
    book = BadgeBook(
        queries.passages.carried,
        lambda: queries.in_force,
        queries.badge_key,
        public_address(runtime.settings.public_url, runtime.settings.authority_home),
        runtime.folder_lock.tenant_key(),
    )
    app = Starlette(
        routes=[
            *api.routes(),
            *NotedApi(runtime.noted, api.guarded).routes(),
            *RegistrationsApi(
                runtime.queries.registrations, api.guarded, api.subject, access.is_learners
            ).routes(),
            *BadgesApi(book, runtime.answer_links, api.guarded, api.subject, access.names, now_ms).routes(),
            *NeedsApi(runtime.needs, api.guarded, api.subject, access.is_learners, now_ms).routes(),
            *UpliftApi(runtime.queries.uplift, api.guarded, now_ms).routes(),
            *EnrichedApi(runtime.enriching, runtime.hub, access, api.guarded).routes(),
            Route("/v1/stream", Stream(runtime.queries, runtime.hub, access).open, methods=["GET"]),
            Route("/healthz", _probe(runtime.healthy), methods=["GET"]),
            Route("/readyz", _probe(runtime.ready), methods=["GET"]),
            *(
                []
                if tokens is None
                else TokenEndpoint(credentials, tokens, runtime.telemetry.oauth.answered).routes()
            ),
            Route(
                FORM_LINKS_PATH,
                FormLinks(runtime.form_people, links, access.require_credential).make,
                methods=["POST"],
            ),
            *AnswerPages(runtime.form_people, runtime, runtime.answer_links, now_ms).routes(),
            *ReviewPages(
                runtime.form_people, runtime, runtime.answer_links, runtime.review_desk, now_ms
            ).routes(),
            Mount(
                "/",
                routes=page_routes(
                    runtime.queries,
                    sessions,
                    now_ms,
                    _invite(access),
                    forms,
                    runtime.needs,
                    runtime.queries.uplift,
                    lambda: runtime.noted.team_answer("", "", TEAM_READINGS_MAX),
                    book,
                ),
            ),
        ]
    )
    changing = threading.Lock()
    people = People(runtime.roster_changes, changing)
    intake: dict[str, Asgi] = {
        **resources(
            runtime.settings.xapi_mounts,
            tuple(runtime.settings.xapi_origins),
            Stores(
                runtime,
                runtime.statements,
                runtime.documents,
                runtime.person_of,
                runtime.settings.authority_home,
                runtime.folder_lock.tenant_key(),
            ),
            credentials,
            limits,
            runtime.telemetry,
            now_ms,
        ),
        CONTESTS_PATH: ContestsEndpoint(
            runtime.contests, runtime.queries.subject, credentials, limits, runtime.telemetry
        ),
        POLICY_PATH: PolicyEndpoint(runtime.policy, credentials, limits, runtime.telemetry),
        REQUESTS_PATH: ContestRequestsEndpoint(
            runtime.contests, runtime.queries.subject, credentials, limits, runtime.telemetry
        ),
        HOOKS_PATH: WebhookEndpoint(
            runtime,
            load_hooks(runtime.settings.webhooks),
            KeptBodies(runtime.folder_lock.path),
            limits,
            runtime.telemetry,
        ),
        f"{SCIM_PATH}/": ScimEndpoint(
            runtime.roster_changes, runtime.provisioned, changing, credentials, limits, runtime.telemetry
        ),
        PEOPLE_PATH: PeopleEndpoint(people, credentials, limits, runtime.telemetry),
        f"{PEOPLE_PATH}/": PersonEndpoint(people, credentials, limits, runtime.telemetry),
        CHANGES_PATH: ChangesEndpoint(people, credentials, limits, runtime.telemetry),
        UNKNOWN_PATH: UnknownEndpoint(runtime.unknown, people, credentials, limits, runtime.telemetry),
        EVENTS_PATH: PerformanceEndpoint(
            runtime, credentials, limits, now_ms, runtime.telemetry, remarks=runtime.remarks.of
        ),
    }
    return Gateway(intake, app)


def _invite(access: Access) -> Callable[[Request], Awaitable[str]]:
    async def invite(request: Request) -> str:
        return await access.require_credential(request, NAMES_SCOPE)

    return invite


def _probe(good: Callable[[], bool]) -> Callable[[Request], Awaitable[Response]]:
    async def probe(_: Request) -> Response:
        fine = good()
        return reply({"status": "ok" if fine else "failing"}, 200 if fine else 503)

    return probe
