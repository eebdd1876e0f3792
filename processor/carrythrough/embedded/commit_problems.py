"""What a sender is told when a commit is refused or fails."""

from __future__ import annotations

from carrythrough.errors import Problem
from carrythrough.pipeline.records import Kind

QUEUE_BYTES_MAX = 64 * 1024 * 1024
"""Bytes waiting for a commit beyond which new requests get 503 with Retry-After."""

OVERLOADED = Problem(
    code="intake-overloaded",
    status=503,
    title="Too much is waiting to be written",
    detail=f"more than {QUEUE_BYTES_MAX} bytes wait for the disk",
    rule="QUEUE_BYTES_MAX bounds the memory of unacknowledged requests",
    fix="send again after Retry-After seconds; nothing of this request was stored",
)
DISK_FULL = Problem(
    code="disk-full",
    status=503,
    title="The disk is full",
    detail="the log could not grow, so nothing of this request was stored",
    where="data_dir",
    rule="a statement is acknowledged only when it is on disk",
    fix="free space on the volume of the data folder; senders may re-send, nothing is counted twice",
)


def disk_error(error: BaseException) -> Problem:
    """Return what to say of a file that SQLite could not read or write."""
    return Problem(
        code="disk-error",
        status=503,
        title="The log could not be written",
        detail=f"{type(error).__name__}: {error}",
        where="data_dir",
        rule="a statement is acknowledged only when it is on disk",
        fix="look at the volume of the data folder; nothing of this request was stored",
    )


def bug(error: BaseException) -> Problem:
    """Return what to say of an error that nobody expected."""
    return Problem(
        code="commit-bug",
        status=500,
        title="The commit failed through a fault of ours",
        detail=f"{type(error).__name__}: {error}",
        rule="nothing is acknowledged that was not committed",
        fix="report this with the server's log; the request may be sent again",
    )


def conflict(index: int, key: str, difference: str, kind: Kind) -> Problem:
    """Return the refusal of a record whose id is stored with other content; index: its place in the request."""
    what = "statement" if kind is Kind.STATEMENT else "event"
    return Problem(
        code=f"{what}-conflict",
        status=409,
        title=f"Another {what} has this id",
        detail=f"{key} is stored with other content: {difference}",
        where=f"/{index}",
        rule="xAPI 1.0.3 part 3 section 2.1.1: a statement id is never reused for other content"
        if what == "statement"
        else "an event id stands for one event of its source for ever",
        fix="give the new statement an id of its own, or send the stored content again"
        if what == "statement"
        else 'send what is right now as a new event with an id of its own and "corrects": the id of this one; '
        "or send the stored content again",
    )
