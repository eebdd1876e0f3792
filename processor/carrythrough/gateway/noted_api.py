"""`/v1/team-readings` and `/v1/waiting-events`: what was sent about teams, and what waits for the program map."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from carrythrough.gateway.queries_api import check_parameters, read_limit, refusal, reply

Handler = Callable[[Request], Awaitable[Response]]
NAME_CHARACTERS_MAX = 200


class NotedReads(Protocol):
    """What the shell has noted of events that are no evidence; both block."""

    def waiting_answer(self) -> list[dict[str, Any]]:
        """Return {"name", "events"} of each name that events wait for."""
        ...

    def team_answer(self, team: str, kpi: str, limit: int) -> list[dict[str, Any]]:
        """Return the newest readings of a team or KPI ("": any)."""
        ...


class NotedApi:
    """Handlers over `NotedReads`."""

    def __init__(self, noted: NotedReads, guarded: Callable[[Handler], Handler]) -> None:
        """guarded: asks for the scope scores/read and answers refusals."""
        self._noted = noted
        self._guarded = guarded

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/v1/team-readings", self._guarded(self.team_readings), methods=["GET"]),
            Route("/v1/waiting-events", self._guarded(self.waiting), methods=["GET"]),
        ]

    async def team_readings(self, request: Request) -> Response:
        """Readings of teams, newest first."""
        check_parameters(request, ("team", "kpi", "limit"))
        named = {name: request.query_params.get(name, "") for name in ("team", "kpi")}
        for name, value in named.items():
            if len(value) > NAME_CHARACTERS_MAX:
                rule = f"at most {NAME_CHARACTERS_MAX} characters"
                raise refusal("parameter-invalid", name, f"{value[:80]!r} …", rule)
        limit = read_limit(request.query_params.get("limit"))
        found = await run_in_threadpool(self._noted.team_answer, named["team"], named["kpi"], limit)
        return reply({"readings": found})

    async def waiting(self, request: Request) -> Response:
        """Names that events wait for."""
        check_parameters(request, ())
        return reply({"waiting": await run_in_threadpool(self._noted.waiting_answer)})
