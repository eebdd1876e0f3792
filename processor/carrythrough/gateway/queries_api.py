"""The read API: scores, explanations, actions and the summary, over the query object of a shell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.access import Access
from carrythrough.gateway.auth import challenge
from carrythrough.gateway.learners_own import reviews_for_others, without_the_learners_own
from carrythrough.gateway.problems import problem_response

LIMIT_DEFAULT = 100
LIMIT_MAX = 500
NUMBER_DIGITS_MAX = 18
"""More digits may not fit into a number of 64 bits, which stores of every kind have."""
TIME_MIN_MS = -62_135_596_800_000
TIME_MAX_MS = 253_402_300_799_999
"""Years 1 and 9999: a local time near their ends lies outside of them in UTC, and cannot be written."""
GROUP_DIMENSIONS = ("team", "role", "site")

Handler = Callable[[Request], Awaitable[Response]]
_encode = msgspec.json.Encoder().encode


class QueriesApi:
    """Handlers of the read API; `queries` has the read methods of `embedded.queries.Queries`."""

    def __init__(self, queries: Any, access: Access, now_ms: Callable[[], int]) -> None:
        self._queries = queries
        self._access = access
        self._now_ms = now_ms

    def routes(self) -> list[Route]:
        """Return the routes of the read API."""
        return [
            Route("/v1/employees/{reference}/scores", self.guarded(self.employee_scores), methods=["GET"]),
            Route("/v1/employees/{reference}/explanation", self.guarded(self.explanation), methods=["GET"]),
            Route("/v1/employees/{reference}/reviews", self.guarded(self.reviews), methods=["GET"]),
            Route("/v1/scores", self.guarded(self.scores), methods=["GET"]),
            Route("/v1/groups", self.guarded(self.groups, "groups/read"), methods=["GET"]),
            Route("/v1/actions", self.guarded(self.actions), methods=["GET"]),
            Route("/v1/quarantine", self.guarded(self.quarantine), methods=["GET"]),
            Route("/v1/dead-letters", self.guarded(self.dead_letters), methods=["GET"]),
            Route("/v1/summary", self.guarded(self.summary), methods=["GET"]),
        ]

    def guarded(self, handler: Handler, *others: str) -> Handler:
        """Ask for the scope scores/read or one of `others`, and answer every refusal as a problem."""

        async def guarded(request: Request) -> Response:
            try:
                await self._access.require(request, "scores/read", *others)
                return await handler(request)
            except PermanentError as refused:
                headers = {}
                if refused.problem.status == 401:
                    headers["WWW-Authenticate"] = challenge(refused.problem)[1].decode()
                return problem_response(refused.problem, headers)

        return guarded

    async def employee_scores(self, request: Request) -> Response:
        """All skills of one employee."""
        check_parameters(request, ())
        subject = await self.subject(request)
        names = await self._access.names(request)
        return reply(
            await run_in_threadpool(self._queries.employee_scores, subject, self._now_ms(), names=names)
        )

    async def explanation(self, request: Request) -> Response:
        """One score explained: now, as of an event time, or as it was shown at a time."""
        check_parameters(request, ("skill", "at", "as_known_at"))
        subject = await self.subject(request)
        skill = request.query_params.get("skill", "")
        if not skill:
            raise refusal(
                "parameter-missing", "skill", "skill is missing", "an explanation is about one skill"
            )
        at_ms, known_ms = _time(request, "at"), _time(request, "as_known_at")
        found = await run_in_threadpool(
            self._queries.explanation, subject, skill, self._now_ms(), at_ms=at_ms, known_ms=known_ms
        )
        if found is None:
            raise refusal(
                "skill-unknown",
                "skill",
                f"{skill!r} is not in the program map"
                + ("" if known_ms is None else " that was in force then"),
                "skill is an id; what was shown at a time goes by the map that was in force then",
                404,
            )
        learners = await self._access.is_learners(request)
        return reply(found if learners else without_the_learners_own(found))

    async def reviews(self, request: Request) -> Response:
        """The knowledge items of one employee, and when each is due again."""
        check_parameters(request, ())
        subject = await self.subject(request)
        found = await run_in_threadpool(self._queries.reviews, subject, self._now_ms())
        if not await self._access.is_learners(request):
            found["skills"] = [reviews_for_others(part) for part in found["skills"]]
        return reply(found)

    async def scores(self, request: Request) -> Response:
        """A page of scores."""
        check_parameters(request, ("limit", "cursor", "skill", "stage", "team"))
        query = request.query_params
        names = await self._access.names(request)
        return reply(
            await run_in_threadpool(
                self._queries.list_scores,
                self._now_ms(),
                limit=limit_of(request),
                cursor=query.get("cursor", ""),
                skill=query.get("skill", ""),
                stage=query.get("stage", ""),
                team=query.get("team", ""),
                names=names,
            )
        )

    async def groups(self, request: Request) -> Response:
        """Scores of teams, roles or sites and of the program, with what must stay hidden hidden."""
        check_parameters(request, ("by",))
        by = request.query_params.get("by", "team")
        if by not in GROUP_DIMENSIONS:
            raise refusal("parameter-invalid", "by", f"{by!r}", f"by is one of {', '.join(GROUP_DIMENSIONS)}")
        return reply(await run_in_threadpool(self._queries.groups, by, self._now_ms()))

    async def actions(self, request: Request) -> Response:
        """A page of actions, newest first."""
        check_parameters(request, ("limit", "cursor", "subject"))
        reference = request.query_params.get("subject", "")
        subject = await run_in_threadpool(self._queries.subject, reference) if reference else ""
        if subject is None:
            raise _unknown_employee(reference)
        cursor = request.query_params.get("cursor", "")
        return reply(
            await run_in_threadpool(
                self._queries.actions, limit=limit_of(request), cursor=cursor, subject=subject
            )
        )

    async def quarantine(self, request: Request) -> Response:
        """A page of records that were set aside."""
        check_parameters(request, ("limit", "cursor"))
        cursor = request.query_params.get("cursor", "")
        return reply(
            await run_in_threadpool(self._queries.quarantine, limit=limit_of(request), cursor=cursor)
        )

    async def dead_letters(self, request: Request) -> Response:
        """A page of actions that were given up."""
        check_parameters(request, ("limit", "cursor"))
        cursor = request.query_params.get("cursor", "")
        return reply(
            await run_in_threadpool(self._queries.dead_letters, limit=limit_of(request), cursor=cursor)
        )

    async def summary(self, request: Request) -> Response:
        """The numbers of the installation."""
        check_parameters(request, ())
        return reply(await run_in_threadpool(self._queries.summary))

    async def subject(self, request: Request) -> str:
        """Return the pseudonym of whom the path names; raises PermanentError 404."""
        reference = request.path_params["reference"]
        subject = await run_in_threadpool(self._queries.subject, reference)
        if subject is None:
            raise _unknown_employee(reference)
        return str(subject)


def reply(value: Any, status: int = 200) -> Response:
    """Return a JSON response that no cache keeps."""
    return Response(_encode(value), status, {"Cache-Control": "no-store"}, "application/json")


def refusal(code: str, where: str, detail: str, rule: str, status: int = 400) -> PermanentError:
    """Return the error for a wrong parameter."""
    return PermanentError(
        Problem(
            code=code,
            status=status,
            title="A parameter is wrong" if status == 400 else "Not found",
            detail=detail,
            where=where,
            rule=rule,
            fix="schemas/openapi.yaml lists every parameter",
        )
    )


def check_parameters(request: Request, allowed: tuple[str, ...]) -> None:
    """Refuse a parameter that the resource does not have, so that a misspelt filter is not ignored."""
    for name in request.query_params:
        if name not in allowed:
            raise refusal(
                "parameter-unknown",
                name,
                f"{name!r} is not known here",
                f"parameters: {', '.join(allowed) or 'none'}",
            )


def limit_of(request: Request) -> int:
    """Return the page size asked for."""
    return read_limit(request.query_params.get("limit"))


def read_limit(text: str | None) -> int:
    """Return a page size, LIMIT_DEFAULT for None; raises PermanentError 400."""
    if text is None:
        return LIMIT_DEFAULT
    number = row_number(text)
    if number is None or not 1 <= number <= LIMIT_MAX:
        raise refusal(
            "parameter-invalid", "limit", f"{text[:80]!r}", f"limit is a whole number from 1 to {LIMIT_MAX}"
        )
    return number


def row_number(text: str) -> int | None:
    """Return a whole number of at most 64 bits, None for other text (also for digits other than 0 to 9)."""
    if len(text) <= NUMBER_DIGITS_MAX and text.isascii() and text.isdigit():
        return int(text)
    return None


def _time(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    time_ms = None if moment is None or moment.tzinfo is None else milliseconds(moment)
    if time_ms is None:
        raise refusal(
            "parameter-invalid",
            name,
            f"{text[:80]!r}",
            "times are RFC 3339 with a zone: 2026-11-21T20:00:00Z",
        )
    return time_ms


def milliseconds(moment: dt.datetime) -> int | None:
    """Return a time with a zone as ms since the epoch, None where UTC has no year from 1 to 9999 for it."""
    found = int(moment.timestamp() * 1000)
    return found if TIME_MIN_MS <= found <= TIME_MAX_MS else None


def _unknown_employee(reference: str) -> PermanentError:
    return refusal(
        "employee-unknown",
        "reference",
        f"{reference[:100]!r} is neither a roster id nor a pseudonym with evidence",
        "employees are named by roster id or pseudonym, never by e-mail",
        404,
    )
