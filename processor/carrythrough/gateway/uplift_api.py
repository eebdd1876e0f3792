"""`/v1/uplift`: what pushes do, and how sure that is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from carrythrough.gateway.queries_api import check_parameters, refusal, reply
from carrythrough.impact.worth import WORTH, WORTH_MAX, WORTH_MIN

DIGITS_MAX = 12
"""A share needs no more; a longer text is none."""

Handler = Callable[[Request], Awaitable[Response]]


class UpliftApi:
    """Handlers over `embedded.uplift.UpliftReads`."""

    def __init__(self, uplift: Any, guarded: Callable[..., Handler], now_ms: Callable[[], int]) -> None:
        self._uplift = uplift
        self._guarded = guarded
        self._now_ms = now_ms

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/v1/uplift", self._guarded(self.report, "groups/read"), methods=["GET"])]

    async def report(self, request: Request) -> Response:
        """Effects with intervals, the comparison with the holdout, and who gets pushes."""
        check_parameters(request, ("worth",))
        worth = read_worth(request.query_params.get("worth"))
        return reply(await run_in_threadpool(self._uplift.report, self._now_ms(), worth))


def read_worth(text: str | None) -> float:
    """Return the effect that is worth finding, WORTH for None; raises PermanentError 400."""
    if text is None:
        return WORTH
    try:
        worth = float(text) if len(text) <= DIGITS_MAX and text.isascii() else 0.0
    except ValueError:
        worth = 0.0
    if not WORTH_MIN <= worth <= WORTH_MAX:
        raise refusal(
            "parameter-invalid",
            "worth",
            f"{text[:80]!r}",
            f"worth is a difference of shares from {WORTH_MIN} to {WORTH_MAX}: 0.05 for 5 points of 100",
        )
    return worth
