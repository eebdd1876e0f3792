"""What reading commands ask, whoever answers: a running server over HTTP, or a data folder directly.

The answers have the shapes of the REST API (docs/reference and schemas/openapi.yaml).
"""

from __future__ import annotations

from typing import Any, Protocol

Answer = dict[str, Any]


class Reader(Protocol):
    """Answers questions about scores and what was set aside; raises CarrythroughError."""

    @property
    def place(self) -> str:
        """Where the answers come from, as people name it."""
        ...

    def scores(self, *, skill: str, stage: str, team: str, limit: int) -> tuple[list[Answer], bool]:
        """Return at most `limit` scores ordered by subject and skill, and whether there are more."""
        ...

    def employee(self, reference: str) -> Answer:
        """Return all skills of one employee (roster id or pseudonym)."""
        ...

    def explanation(
        self, reference: str, skill: str, at_ms: int | None, known_ms: int | None = None
    ) -> Answer:
        """Return one score explained: as of now or of an event time, with what is known now or was at a time."""
        ...

    def registration(self, reference: str) -> Answer:
        """Return one cmi5 registration (UUID), judged."""
        ...

    def registrations(self, reference: str) -> Answer:
        """Return the cmi5 registrations of one employee (roster id or pseudonym)."""
        ...

    def reviews(self, reference: str) -> Answer:
        """Return the knowledge items of one employee and when each is due again."""
        ...

    def groups(self, by: str) -> Answer:
        """Return the scores of teams, roles or sites and of the program."""
        ...

    def needs(self, reference: str) -> Answer:
        """Return the needs of one employee (roster id or pseudonym), most pressing first."""
        ...

    def group_needs(self, by: str) -> Answer:
        """Return the needs of teams, roles or sites and of the program."""
        ...

    def uplift(self, worth: float) -> Answer:
        """Return what pushes do. worth: the effect that is worth finding, 0..1."""
        ...

    def enriched(self, after: int, limit: int) -> Answer:
        """Return {"events": JSON bytes, "next", "more"}: enriched statements after a position of the log."""
        ...

    def set_aside(self, limit: int) -> list[Answer]:
        """Return the newest records that could not be folded."""
        ...

    def dead_letters(self, limit: int) -> list[Answer]:
        """Return the newest actions that were given up."""
        ...

    def summary(self) -> Answer:
        """Return the numbers of the installation."""
        ...
