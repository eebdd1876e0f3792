"""`/needs`: what the program, its teams, roles and sites need most, expected against actual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from carrythrough.gateway.pages.groups import DIMENSIONS
from carrythrough.gateway.pages.queries import Json, ask
from carrythrough.gateway.pages.render import page
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.gateway.pages.signin import signed_in


class NeedsReads(Protocol):
    """What the pages read of needs surveys; blocks, and must be safe to call from any thread."""

    def of_employee(self, subject: str, now_ms: int) -> Json:
        """Return the needs of one person, most pressing first."""
        ...

    def groups(self, by: str, now_ms: int) -> Json:
        """Return the needs of the groups of one dimension and of the program."""
        ...


class NeedsPage:
    """The page of needs."""

    def __init__(self, needs: NeedsReads, sessions: Sessions, now_ms: Callable[[], int]) -> None:
        self.needs = needs
        self.sessions = sessions
        self.now_ms = now_ms

    @signed_in
    async def show(self, request: Request) -> Response:
        """Return the needs of one dimension; an unknown one shows teams."""
        by = request.query_params.get("by", "team")
        by = by if by in DIMENSIONS else "team"
        found = await ask(self.needs.groups, by, self.now_ms())
        context = {"viewer": self.sessions.session_of(request), "found": found, "dimensions": DIMENSIONS}
        return page(request, "needs.html", context)
