"""`/people/{subject}`: one person and one skill, with everything that the score rests on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from carrythrough.gateway.badges.book import BadgeBook
from carrythrough.gateway.badges.endpoints import shown
from carrythrough.gateway.learners_own import without_the_learners_own
from carrythrough.gateway.needs_api import without_the_learners_own as needs_for_others
from carrythrough.gateway.pages.board import display_name
from carrythrough.gateway.pages.matrix import live_words, minimum_outcomes
from carrythrough.gateway.pages.needs import NeedsReads
from carrythrough.gateway.pages.queries import Json, PageQueries, ask
from carrythrough.gateway.pages.render import message, page
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.gateway.pages.signin import signed_in
from carrythrough.gateway.queries_api import milliseconds
from carrythrough.gateway.registrations_api import without_the_learners_own as registration_for_others
from carrythrough.program.wording import addressed

EVIDENCE_ROWS_MAX = 200
"""Rows of evidence on one page, newest first; REST has all of them."""

TRAJECTORY_ROWS_MAX = 500
"""Points of the chart and rows of its table, newest kept."""

ACTION_ROWS_MAX = 50
"""Actions on one page, newest first."""

COURSES_MAX = 20
"""cmi5 registrations on one page, those with the newest statement; REST has all of them."""


class PersonPage:
    """The page of one person."""

    def __init__(
        self,
        queries: PageQueries,
        sessions: Sessions,
        now_ms: Callable[[], int],
        needs: NeedsReads | None = None,
        badges: BadgeBook | None = None,
    ) -> None:
        self.badges = badges
        self.needs = needs
        self.queries = queries
        self.sessions = sessions
        self.now_ms = now_ms

    @signed_in
    async def show(self, request: Request) -> Response:
        """Return the page of one person and skill (the weakest by default); 404 for the unknown."""
        now_ms = self.now_ms()
        viewer = self.sessions.session_of(request)
        subject = await ask(self.queries.subject, request.path_params["subject"])
        scores = await ask(self.queries.employee_scores, subject, now_ms, names=True) if subject else None
        if scores is None:
            text = "Nothing is known about this person. The link may be old, or mistyped."
            return message(request, "No such person", text, 404, viewer)
        skill = _chosen(scores, request.query_params.get("skill", ""))
        looked = {name: _moment(request.query_params.get(name, "")) for name in ("at", "as_known_at")}
        explanation = None
        if skill:
            explanation = await ask(
                self.queries.explanation,
                subject,
                skill["skill"],
                now_ms,
                at_ms=looked["at"],
                known_ms=looked["as_known_at"],
            )
            explanation = explanation and without_the_learners_own(explanation)
        actions = await ask(self.queries.actions, subject=subject, limit=ACTION_ROWS_MAX)
        summary = await ask(self.queries.summary)
        courses = await ask(self.queries.registrations.of_employee, subject)
        context = {
            "viewer": viewer,
            "subject": subject,
            "person": display_name(scores, subject),
            "scores": scores,
            "skill": skill,
            "explanation": explanation,
            "looked_back": explanation is not None and any(looked.values()),
            "evidence": explanation["evidence"][:EVIDENCE_ROWS_MAX] if explanation else [],
            "evidence_max": EVIDENCE_ROWS_MAX,
            "trajectory": _scored(explanation["trajectory"])[-TRAJECTORY_ROWS_MAX:] if explanation else [],
            "actions": [readable(action) for action in actions["actions"]],
            "badges": await self._badges(subject, now_ms),
            "courses": [registration_for_others(one) for one in courses[:COURSES_MAX]],
            "needs": await self._needs(subject, now_ms),
            "more_actions": bool(actions["next"]),
            "minimum": minimum_outcomes(summary),
            "summary": summary,
            "now_ms": now_ms,
            "live": live_words(summary),
        }
        return page(request, "person.html", context)

    async def _badges(self, subject: str, now_ms: int) -> list[Json]:
        if self.badges is None:
            return []
        return [shown(badge) for badge in await ask(self.badges.of, subject, now_ms)]

    async def _needs(self, subject: str, now_ms: int) -> Json | None:
        """Return what needs surveys say about somebody as others than the learner see it."""
        if self.needs is None:
            return None
        found: Json = await ask(self.needs.of_employee, subject, now_ms)
        return needs_for_others(found)


def readable(action: Json) -> Json:
    """Return an action whose title has the words in place of names that nobody has filled in (`program.wording`)."""
    return action | {"title": addressed(action["title"], {})[0]}


def _moment(text: str) -> int | None:
    """Return a time in ms since the epoch, None for text that is none (then the page shows the present).

    The browser's own field sends local time without a zone, which the page has announced as UTC.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return milliseconds(moment)


def _chosen(scores: Json, asked: str) -> Json | None:
    """Return the SkillScore that was asked for, else the weakest one with a score, else the first."""
    skills: list[Json] = scores["skills"]
    for skill in skills:
        if skill["skill"] == asked:
            return skill
    scored = [skill for skill in skills if skill["score"] is not None]
    if scored:
        return min(scored, key=lambda skill: skill["score"])
    return skills[0] if skills else None


def _scored(trajectory: list[Json]) -> list[Json]:
    """Return the points from the first score on; what came before had too little evidence to show."""
    first = next((i for i, point in enumerate(trajectory) if point["score"] is not None), len(trajectory))
    return trajectory[first:]
