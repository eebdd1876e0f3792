"""`/`: the program, its goals, and people × skills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from carrythrough.gateway.pages import words
from carrythrough.gateway.pages.board import (
    GROUP_MIN,
    SORTS,
    Board,
    BoardReader,
    View,
    mean_score,
    select,
)
from carrythrough.gateway.pages.queries import Json, PageQueries, ask
from carrythrough.gateway.pages.render import PRIVATE, SECURITY_HEADERS, page
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.gateway.pages.signin import signed_in

NAMES_MAX = 200
"""Names asked for at once by the live feed."""

FEED_EFFECTS = 60
"""Effects before the page was made that the live feed begins with."""

TEXT_MAX = 100
"""Characters of a search text that are looked at."""


class MatrixPage:
    """The start page and the names that its live feed asks for."""

    def __init__(
        self, queries: PageQueries, boards: BoardReader, sessions: Sessions, now_ms: Callable[[], int]
    ) -> None:
        self.queries = queries
        self.boards = boards
        self.sessions = sessions
        self.now_ms = now_ms

    @signed_in
    async def show(self, request: Request) -> Response:
        """Return the matrix for the filters in the query string; a wrong filter value shows nothing."""
        # Before the board: an effect between the two is then repeated on the stream, never lost.
        seq = await ask(self.queries.last_seq)
        summary = await ask(self.queries.summary)
        board = await self.boards.board()
        view = _view(request, board)
        known = [skill["id"] for skill in summary["program"]["skills"] if skill["id"] in board.skills]
        skills = {skill: board.skills[skill] for skill in known}
        context = {
            "viewer": self.sessions.session_of(request),
            "summary": summary,
            "goals": _goals(board, summary["program"]),
            "group_min": GROUP_MIN,
            "board": board,
            "skills": skills,
            "columns": {view.skill: skills[view.skill]} if view.skill in skills else skills,
            "view": view,
            "selection": select(board, view),
            "filtered": bool(view.text or view.team or view.skill or view.stage),
            "sorts": SORTS,
            "link": lambda **changes: _link(view, **changes),
            "minimum": minimum_outcomes(summary),
            "now_ms": self.now_ms(),
            "live": live_words(summary),
            "seq": seq,
            "resume_after": max(0, seq - FEED_EFFECTS),
        }
        return page(request, "matrix.html", context)

    @signed_in
    async def names(self, request: Request) -> Response:
        """Return `{"names": {subject: name}}` for the people of the feed who are not on the page."""
        wanted = request.query_params.getlist("subject")[:NAMES_MAX]
        names = {subject: await self.boards.name(subject) for subject in wanted}
        return JSONResponse({"names": names}, headers=SECURITY_HEADERS | PRIVATE)


def minimum_outcomes(summary: Json) -> int:
    """Return how many outcomes a score needs in this program."""
    return int(summary["program"].get("minimum_outcomes", 5))


def live_words(summary: Json) -> Json:
    """Return the word tables that the live script needs, so that it never words anything itself."""
    return {
        "stages": {code: stage.word for code, stage in words.STAGES.items()},
        "actions": words.ACTIONS,
        "recipients": words.RECIPIENTS,
        "minimum": minimum_outcomes(summary),
    }


def _view(request: Request, board: Board) -> View:
    asked = request.query_params
    sort = asked.get("sort", "name")
    page_text = asked.get("page", "1")
    return View(
        text=asked.get("text", "").strip()[:TEXT_MAX],
        team=asked.get("team", ""),
        skill=asked.get("skill", ""),
        stage=asked.get("stage", ""),
        sort=sort if sort in SORTS or sort in board.skills else "name",
        descending=asked.get("dir") == "desc",
        page=int(page_text) if page_text.isascii() and page_text.isdigit() and len(page_text) < 7 else 1,
    )


def _link(view: View, **changes: Any) -> str:
    """Return the address of the same view with some of it changed."""
    changed = msgspec.structs.replace(view, **({"page": 1} | changes))
    parts = {
        "text": changed.text,
        "team": changed.team,
        "skill": changed.skill,
        "stage": changed.stage,
        "sort": changed.sort if changed.sort != "name" else "",
        "dir": "desc" if changed.descending else "",
        "page": str(changed.page) if changed.page > 1 else "",
    }
    query = urlencode({name: value for name, value in parts.items() if value})
    return f"/?{query}" if query else "/"


def _goals(board: Board, program: Json) -> list[Json]:
    """Return each goal with its KPIs and the mean score of the skills that serve one of them."""
    goals: list[Json] = []
    for goal in program["goals"]:
        kpis = {kpi["id"] for kpi in goal["kpis"]}
        skills = {skill["id"]: skill["name"] for skill in program["skills"] if kpis & set(skill["kpis"])}
        mean, people = mean_score(board, list(skills))
        goals.append(
            {
                "name": goal["name"],
                "kpis": goal["kpis"],
                "skills": list(skills.values()),
                "mean": mean,
                "people": people,
            }
        )
    return goals
