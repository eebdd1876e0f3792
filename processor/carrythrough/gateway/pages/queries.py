"""What the pages read: the same query object as REST, asked without blocking the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool

Json = dict[str, Any]
"""A plain dict ready for JSON, in the shapes of schemas/openapi.yaml."""


class PageQueries(Protocol):
    """The read methods that the pages use; times are ms since the epoch, scores 0..1."""

    def summary(self) -> Json:
        """Return the counts, rates, delays, the clock and the program's goals."""
        ...

    def list_scores(self, *, now_ms: int, names: bool, limit: int, cursor: str | None = None) -> Json:
        """Return `{"scores", "next"}` ordered by subject, then skill."""
        ...

    def employee_scores(self, subject: str, now_ms: int, *, names: bool) -> Json | None:
        """Return all scores of one person, or None when nothing is known of them."""
        ...

    def explanation(self, subject: str, skill: str, now_ms: int) -> Json | None:
        """Return the evidence and the reasons behind one score, or None when there is none."""
        ...

    def actions(self, *, limit: int, cursor: str | None = None, subject: str | None = None) -> Json:
        """Return `{"actions", "next"}`, newest first."""
        ...

    def subject(self, ref: str) -> str | None:
        """Return the pseudonym behind a pseudonym or a roster id."""
        ...


async def ask(query: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Run one blocking read in a worker thread and return its answer."""
    return await run_in_threadpool(query, *args, **named)
