"""The page routes that gateway/app.py mounts."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from carrythrough.gateway.badges.book import BadgeBook
from carrythrough.gateway.pages.board import BoardReader
from carrythrough.gateway.pages.forms import FormPages
from carrythrough.gateway.pages.groups import GroupsPage, TeamReadings
from carrythrough.gateway.pages.matrix import MatrixPage
from carrythrough.gateway.pages.needs import NeedsPage, NeedsReads
from carrythrough.gateway.pages.person import PersonPage
from carrythrough.gateway.pages.queries import PageQueries
from carrythrough.gateway.pages.render import HERE, SECURITY_HEADERS
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.gateway.pages.signin import Invite, SignInPages
from carrythrough.gateway.pages.uplift import UpliftPage, UpliftReads


class StaticAssets(StaticFiles):
    """Our own scripts, styles and icons: revalidated on each use, so that an upgrade shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file with the security headers, or raise the 404 of StaticFiles."""
        response = await super().get_response(path, scope)
        response.headers.update(SECURITY_HEADERS | {"cache-control": "no-cache"})
        return response


def routes(  # noqa: PLR0913, PLR0917 - each is what one of the pages shows
    queries: PageQueries,
    sessions: Sessions,
    now_ms: Callable[[], int],
    invite: Invite | None = None,
    forms: FormPages | None = None,
    needs: NeedsReads | None = None,
    uplift: UpliftReads | None = None,
    team_readings: TeamReadings = list,
    badges: BadgeBook | None = None,
) -> list[BaseRoute]:
    """Return the routes of the pages: `/`, `/people/...`, `/groups`, `/forms/...`, `/signin...`, `/static/...`.

    queries: the object behind REST. now_ms: the server's clock (may be scaled), for words such as
    "2 days ago"; sessions keep their own, real time. invite: checks who may have a new sign-in link
    made (`POST /signin/links`); without it, links come only from `Sessions.new_link_token`. forms: the
    forms in which people answer; None where there are none. needs: what needs surveys say, for `/needs`. uplift: what
    pushes do, for `/uplift`.
    team_readings: the newest readings of teams, for `/groups`. badges: of people, for their pages.
    """
    boards = BoardReader(queries, now_ms)
    matrix = MatrixPage(queries, boards, sessions, now_ms)
    person = PersonPage(queries, sessions, now_ms, needs, badges)
    signin = SignInPages(sessions, invite)
    answering = (
        []
        if forms is None
        else [
            Route("/forms/{token}", forms.show, methods=["GET"]),
            Route("/forms/{token}", forms.submit, methods=["POST"]),
            Route("/people/{subject}/observe", forms.observe, methods=["GET"]),
        ]
    )
    if needs is not None:
        answering.append(Route("/needs", NeedsPage(needs, sessions, now_ms).show, methods=["GET"]))
    if uplift is not None:
        answering.append(Route("/uplift", UpliftPage(uplift, sessions, now_ms).show, methods=["GET"]))
    return [
        *answering,
        Route("/", matrix.show, methods=["GET"]),
        Route("/people/names", matrix.names, methods=["GET"]),
        Route("/people/{subject}", person.show, methods=["GET"]),
        Route("/groups", GroupsPage(queries, sessions, now_ms, team_readings).show, methods=["GET"]),
        Route("/signin", signin.enter, methods=["GET"]),
        Route("/signin/links", signin.invite, methods=["POST"]),
        Route("/signout", signin.leave, methods=["POST"]),
        Mount("/static", StaticAssets(directory=HERE / "static")),
    ]
