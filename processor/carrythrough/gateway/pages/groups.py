"""`/groups`: teams, roles or sites beside the whole program, with small groups hidden."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from carrythrough.gateway.pages.queries import Json, PageQueries, ask
from carrythrough.gateway.pages.render import page
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.gateway.pages.signin import signed_in

TeamReadings = Callable[[], list[Json]]
"""Returns readings of teams, newest first: {"team", "kpi", "time", "value"}; blocks."""
DIMENSIONS = {"team": "Teams", "role": "Roles", "site": "Sites"}


class GroupsPage:
    """The page of groups."""

    def __init__(
        self,
        queries: PageQueries,
        sessions: Sessions,
        now_ms: Callable[[], int],
        team_readings: TeamReadings = list,
    ) -> None:
        self.queries = queries
        self._team_readings = team_readings
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
            "readings": newest_of_each(await ask(self._team_readings)) if by == "team" else [],
        }
        return page(request, "groups.html", context)


def newest_of_each(readings: list[Json]) -> list[Json]:
    """Return the newest reading of each team and KPI, by team, of readings that are newest first."""
    found: dict[tuple[str, str], Json] = {}
    for reading in readings:
        found.setdefault((reading["team"], reading["kpi"]), reading)
    return [found[key] for key in sorted(found)]
