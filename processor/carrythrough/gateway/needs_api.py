"""`/v1/needs` and `/v1/employees/{reference}/needs`: what matters and is expected, against what is.

How able people say they are is for themselves alone (`gateway.learners_own`): others see what they were asked to
share, importance and expectation, and of their confidence only the means of groups.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from carrythrough.gateway.queries_api import GROUP_DIMENSIONS, check_parameters, refusal, reply

Handler = Callable[[Request], Awaitable[Response]]


class NeedsApi:
    """Handlers over `embedded.needs.NeedsReads`."""

    def __init__(
        self,
        needs: Any,
        guarded: Callable[..., Handler],
        subject_of: Callable[[Request], Awaitable[str]],
        is_learners: Callable[[Request], Awaitable[bool]],
        now_ms: Callable[[], int],
    ) -> None:
        self._needs = needs
        self._guarded = guarded
        self._subject_of = subject_of
        self._is_learners = is_learners
        self._now_ms = now_ms

    def routes(self) -> list[Route]:
        """Return the routes."""
        groups = self._guarded(self.groups, "groups/read")
        return [
            Route("/v1/needs", groups, methods=["GET"]),
            Route("/v1/employees/{reference}/needs", self._guarded(self.of_employee), methods=["GET"]),
        ]

    async def groups(self, request: Request) -> Response:
        """Needs of teams, roles or sites and of the program, with what must stay hidden hidden."""
        check_parameters(request, ("by",))
        by = request.query_params.get("by", "team")
        if by not in GROUP_DIMENSIONS:
            raise refusal("parameter-invalid", "by", f"{by!r}", f"by is one of {', '.join(GROUP_DIMENSIONS)}")
        return reply(await run_in_threadpool(self._needs.groups, by, self._now_ms()))

    async def of_employee(self, request: Request) -> Response:
        """The needs of one employee, most pressing first."""
        check_parameters(request, ())
        subject = await self._subject_of(request)
        found = await run_in_threadpool(self._needs.of_employee, subject, self._now_ms())
        return reply(found if await self._is_learners(request) else without_the_learners_own(found))


def without_the_learners_own(found: dict[str, Any]) -> dict[str, Any]:
    """Return the needs of one employee for others than the learner; the answer given is not changed.

    Skills are put in order again by what is left: a place between two priorities would tell the hidden one.
    """
    skills = sorted((_withheld(entry) for entry in found["skills"]), key=_pressing)
    return {**found, "skills": skills, "withheld": True}


def _withheld(entry: dict[str, Any]) -> dict[str, Any]:
    """Leave out the learner's confidence, earlier ones too, and what could be worked out from the present one."""
    told = entry["actual_by"] == "stated" and entry["learner"]["confidence"] is not None
    return {
        **entry,
        "learner": {**entry["learner"], "confidence": None},
        "disagreement": {**entry["disagreement"], "confidence": None},
        **(dict.fromkeys(("actual", "gap", "priority", "level")) if told else {}),
        "history": [
            {**said, "confidence": None} if said["respondent"] == "learner" else said
            for said in entry["history"]
        ],
    }


def _pressing(entry: dict[str, Any]) -> tuple[float, str]:
    priority = entry["priority"]
    return (1.0 if priority is None else -priority, entry["skill"])
