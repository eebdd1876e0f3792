"""`/v1/registrations/{registration}` and `/v1/employees/{reference}/registrations`: cmi5 registrations judged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from carrythrough.gateway.queries_api import check_parameters, refusal, reply
from carrythrough.xapi.formats import uuid_bytes

Handler = Callable[[Request], Awaitable[Response]]


class RegistrationsApi:
    """Handlers over `embedded.registrations.Registrations`."""

    def __init__(
        self,
        registrations: Any,
        guarded: Callable[[Handler], Handler],
        subject_of: Callable[[Request], Awaitable[str]],
        is_learners: Callable[[Request], Awaitable[bool]],
    ) -> None:
        """guarded: asks for the scope and answers refusals. subject_of: whom the path names.

        is_learners: whether who asks shows the learner what is for the learner alone.
        """
        self._registrations = registrations
        self._guarded = guarded
        self._subject_of = subject_of
        self._is_learners = is_learners

    def routes(self) -> list[Route]:
        """Return the routes."""
        one, of_employee = self._guarded(self.one), self._guarded(self.of_employee)
        return [
            Route("/v1/registrations/{registration}", one, methods=["GET"]),
            Route("/v1/employees/{reference}/registrations", of_employee, methods=["GET"]),
        ]

    async def one(self, request: Request) -> Response:
        """One registration with all its units."""
        check_parameters(request, ())
        text = request.path_params["registration"]
        registration = uuid_bytes(text)
        if registration is None:
            raise refusal(
                "parameter-invalid",
                "registration",
                f"{text[:80]!r} is not a UUID",
                "a registration is a UUID",
            )
        found = await run_in_threadpool(self._registrations.registration, registration)
        if found is None:
            raise refusal(
                "registration-unknown",
                "registration",
                f"no cmi5-defined statement names {text}",
                "a registration is known by its statements of the cmi5 category (cmi5 9.6.1)",
                404,
            )
        return reply(found if await self._is_learners(request) else without_the_learners_own(found))

    async def of_employee(self, request: Request) -> Response:
        """All registrations of one employee."""
        check_parameters(request, ())
        subject = await self._subject_of(request)
        found = await run_in_threadpool(self._registrations.of_employee, subject)
        if not await self._is_learners(request):
            found = [without_the_learners_own(one) for one in found]
        return reply({"subject": subject, "registrations": found})


def without_the_learners_own(registration: dict[str, Any]) -> dict[str, Any]:
    """Return a registration for others than the learner (see `gateway.learners_own`); it is not changed.

    Of units that are practice stays whether they are met, completed or passed, and not how each try went.
    """
    return {**registration, "units": [_withheld(unit) for unit in registration["units"]], "withheld": True}


def _withheld(unit: dict[str, Any]) -> dict[str, Any]:
    if not unit["practice"]:
        return unit
    passed = unit["passed"] and {**unit["passed"], "scaled": None}
    return {**unit, "passed": passed, "failed": None, "set_aside": []}
