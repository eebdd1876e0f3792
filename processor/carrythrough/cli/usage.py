"""The error of a command that was called wrongly: shown like every other, and exit code 2."""

from __future__ import annotations

from carrythrough.errors import CarrythroughError, Problem


class UsageError(CarrythroughError):
    """The command line itself is wrong: nothing was done."""


def wrong_usage(detail: str, fix: str, *, where: str = "", rule: str = "") -> UsageError:
    """Return the error for arguments that do not go together."""
    return UsageError(
        Problem(
            code="usage",
            status=400,
            title="The command line is not understood",
            detail=detail,
            where=where,
            rule=rule,
            fix=fix,
        )
    )
