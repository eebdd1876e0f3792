"""How one try can end, as values that a worker hands to the dispatcher's own thread."""

from __future__ import annotations

import msgspec

from carrythrough.dispatch.schedule import Failure, FailureKind
from carrythrough.errors import PermanentError, TransientError
from carrythrough.plugin import GoneError, ThrottledError, one_line

ERROR_LENGTH_MAX = 500
"""Characters of an error that are kept in the outbox and the log."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The adapter took the action. seconds: duration of the send."""

    receipt: str
    seconds: float


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """A guard said no; the entry is closed with this reason."""

    reason: str


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The try failed. ours: the fault lay before the adapter (a guard, the directory)."""

    failure: Failure
    ours: bool = False


class Deferred(msgspec.Struct, frozen=True):
    """The entry was not tried (the adapter paused, or we stop): it stays due, nothing is counted."""


Outcome = Sent | Blocked | Failed | Deferred


def failure_of(error: BaseException) -> Failure:
    """Return what an exception out of an adapter means for the retry plan.

    Any exception that is none of ours is a FAULT and is tried again: it may be a network error that
    the plugin forgot to wrap, and the dead letter at the end of the plan catches a real bug.
    """
    if isinstance(error, PermanentError):
        kind = FailureKind.GONE if isinstance(error, GoneError) else FailureKind.PERMANENT
        return Failure(kind=kind, text=error_line(error))
    if isinstance(error, TransientError):
        kind = FailureKind.THROTTLED if isinstance(error, ThrottledError) else FailureKind.TRANSIENT
        return Failure(kind=kind, text=error_line(error), retry_after_s=error.retry_after_s)
    return Failure(kind=FailureKind.FAULT, text=error_line(error))


def error_line(error: BaseException) -> str:
    """Return one bounded line about an exception: our own sentence, or type and message."""
    if isinstance(error, PermanentError | TransientError):
        problem = error.problem
        parts = [problem.detail or problem.title, problem.fix and f"fix: {problem.fix}"]
        return one_line(" · ".join(filter(None, parts)), ERROR_LENGTH_MAX)
    return one_line(f"{type(error).__name__}: {error}", ERROR_LENGTH_MAX)
