"""What the pages read: the same query object as REST, asked without blocking the event loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool

Json = dict[str, Any]
"""A plain dict ready for JSON, in the shapes of schemas/openapi.yaml."""


class RegistrationReads(Protocol):
    """What the pages read of cmi5 registrations; blocks, and must be safe to call from any thread."""

    def of_employee(self, subject: str) -> list[Json]:
        """Return the registrations of one employee, the one with the newest statement first."""
        ...


class PageQueries(Protocol):
    """The read methods that the pages use; times are ms since the epoch, scores 0..1.

    They block, and must be safe to call from any thread.
    """

    @property
    def registrations(self) -> RegistrationReads:
        """The reads of cmi5 registrations."""
        ...

    def summary(self) -> Json:
        """Return the counts, rates, delays, the clock and the program's goals."""
        ...

    def list_scores(self, now_ms: int, *, limit: int, cursor: str, names: bool) -> Json:
        """Return `{"scores", "next"}` ordered by subject, then skill."""
        ...

    def employee_scores(self, subject: str, now_ms: int, names: bool) -> Json | None:  # noqa: FBT001 - the shape of the port
        """Return all scores of one person."""
        ...

    def explanation(
        self,
        subject: str,
        skill_id: str,
        now_ms: int,
        *,
        at_ms: int | None = None,
        known_ms: int | None = None,
    ) -> Json | None:
        """Return the evidence and the reasons behind one score, None for an unknown skill.

        at_ms: as of this event time. known_ms: as it was shown at this time.
        """
        ...

    def groups(self, by: str, now_ms: int) -> Json:
        """Return the scores of the groups of one dimension and of the program."""
        ...

    def actions(self, *, limit: int, subject: str) -> Json:
        """Return `{"actions", "next"}`, newest first."""
        ...

    def subject(self, reference: str) -> str | None:
        """Return the pseudonym behind a pseudonym or a roster id."""
        ...

    def effects_after(self, seq: int, limit: int) -> Sequence[Any]:
        """Return committed effects after a number, in order; each with `seq`, `kind`, `body` (JSON)."""
        ...

    def last_seq(self) -> int:
        """Return the sequence number of the newest effect."""
        ...


async def ask(query: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Run one blocking read in a worker thread and return its answer."""
    return await run_in_threadpool(query, *args, **named)
