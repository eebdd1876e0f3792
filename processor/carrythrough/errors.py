"""The three kinds of error and the problem that every error a user can meet carries.

Permanent: the same input will fail again. Transient: worth another try after
`retry_after_s`. Bug: our fault; it stops what is broken and is loud, but one
record never stops the stream (see `embedded.loop`).
"""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What was wrong, where, by which rule, and what fixes it (RFC 9457 body with our members).

    `code` is a stable kebab-case name listed in `ERROR_CODES` (documented in
    docs/reference/errors.md). `where` is a JSON pointer ("/3/actor/mbox"), "file:line:column",
    or a configuration key. `rule` names the requirement, with its source where it has one.
    """

    code: str
    status: int
    title: str
    detail: str
    where: str = ""
    rule: str = ""
    fix: str = ""

    def sentence(self) -> str:
        """Return the problem as one plain line for terminals and logs."""
        parts = [f"{self.title}: {self.detail}" if self.detail else self.title]
        if self.where:
            parts.append(f"at {self.where}")
        if self.rule:
            parts.append(f"rule: {self.rule}")
        if self.fix:
            parts.append(f"fix: {self.fix}")
        return " · ".join(parts)


class CarrythroughError(Exception):
    """Base of every error that we raise on purpose; carries the `Problem` to show."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence())
        self.problem = problem


class PermanentError(CarrythroughError):
    """The same input fails again: refuse it, or set it aside with its reason."""


class TransientError(CarrythroughError):
    """Worth another try after `retry_after_s` seconds (never negative)."""

    def __init__(self, problem: Problem, retry_after_s: float = 1.0) -> None:
        super().__init__(problem)
        self.retry_after_s = retry_after_s


class BugError(CarrythroughError):
    """Our own fault; reported loudly, stops what is broken and nothing else."""


def wrong_setting(where: str, detail: str) -> PermanentError:
    """Return the fault of one setting (settings-invalid); where: its key, such as `pull.campus.endpoint`."""
    return PermanentError(
        Problem(
            code="settings-invalid",
            status=400,
            title="A setting has a wrong value",
            detail=detail,
            where=where,
            rule="docs/reference/settings.md lists type and range of each setting",
            fix=f"correct {where}",
        )
    )
