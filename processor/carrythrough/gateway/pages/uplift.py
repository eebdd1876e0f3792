"""`/uplift`: what pushes do, as intervals on one scale; the comparison with the holdout; who gets pushes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from starlette.requests import Request
from starlette.responses import Response

from carrythrough.gateway.pages.groups import DIMENSIONS
from carrythrough.gateway.pages.queries import Json, ask
from carrythrough.gateway.pages.render import page
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.gateway.pages.signin import signed_in

SCALES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Half widths of the scale; the smallest that holds every interval of a table is taken."""
TABLES = {"action": "By action", "stage": "By stage", "adapter": "By adapter"}


class UpliftReads(Protocol):
    """What the page reads; blocks, and must be safe to call from any thread."""

    def report(self, now_ms: int) -> Json:
        """Return effects with intervals, the comparison with the holdout and the exposure of groups."""
        ...


class Drawn(NamedTuple):
    """An interval on a scale of 0..100 with 50 for no effect: x and width of both, x of the effect."""

    any_x: float
    any_width: float
    look_x: float
    look_width: float
    effect_x: float


class UpliftPage:
    """The page of what pushes do."""

    def __init__(self, uplift: UpliftReads, sessions: Sessions, now_ms: Callable[[], int]) -> None:
        self.uplift = uplift
        self.sessions = sessions
        self.now_ms = now_ms

    @signed_in
    async def show(self, request: Request) -> Response:
        """Return the report with its intervals drawn."""
        found = await ask(self.uplift.report, self.now_ms())
        context = {
            "viewer": self.sessions.session_of(request),
            "found": found,
            "tables": TABLES,
            "dimensions": DIMENSIONS,
            "scales": [scale_of(outcome) for outcome in found["outcomes"]],
            "drawn": drawn,
        }
        return page(request, "uplift.html", context)


def scale_of(outcome: Json) -> float:
    """Return half the width of the scale on which every interval of an outcome is drawn."""
    ends = [
        abs(part[end])
        for part in _parts(outcome)
        for end in ("anytime_low", "anytime_high", "low", "high")
        if part[end] is not None
    ]
    return next((scale for scale in SCALES if max(ends, default=0.0) <= scale), SCALES[-1])


def drawn(part: Json, scale: float) -> Drawn | None:
    """Return an estimate on a scale, cut at its ends; None for one without figures."""
    if part["effect"] is None:
        return None
    x = {
        name: min(max(50.0 + 50.0 * part[name] / scale, 0.0), 100.0)
        for name in ("anytime_low", "anytime_high", "low", "high", "effect")
    }
    return Drawn(
        x["anytime_low"],
        x["anytime_high"] - x["anytime_low"],
        x["low"],
        x["high"] - x["low"],
        x["effect"],
    )


def _parts(outcome: Json) -> Iterator[Json]:
    yield outcome["whole"]
    for table in TABLES:
        yield from outcome[f"by_{table}"]
