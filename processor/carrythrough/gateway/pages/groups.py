"""`/groups`: teams, roles or sites beside the whole program, with small groups hidden."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from carrythrough.gateway.pages.queries import PageQueries, ask
from carrythrough.gateway.pages.render import page
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.gateway.pages.signin import signed_in

DIMENSIONS = {"team": "Teams", "role": "Roles", "site": "Sites"}


class GroupsPage:
    """The page of groups."""

    def __init__(self, queries: PageQueries, sessions: Sessions, now_ms: Callable[[], int]) -> None:
        self.queries = queries
        self.sessions = sessions
        self.now_ms = now_ms

    @signed_in
    async def show(self, request: Request) -> Response:
        """Return the groups of one dimension; an unknown one shows teams."""
        by = request.query_params.get("by", "team")
        by = by if by in DIMENSIONS else "team"
        found = await ask(self.queries.groups, by, self.now_ms())
        summary = await ask(self.queries.summary)
        context = {
            "viewer": self.sessions.session_of(request),
            "found": found,
            "skills": summary["program"]["skills"],
            "dimensions": DIMENSIONS,
            "summary": summary,
        }
        return page(request, "groups.html", context)
