"""When to try again: a pure decision, so that its every case is a plain test.

The default plan is ten tries over about three days: gaps of 5 s, 25 s, 2 min, 10 min, 52 min,
4 h, 22 h, 24 h and 24 h (5·5^k seconds, at most a day), in all 75 hours before jitter. It follows
the Standard Webhooks recommendation (several tries within minutes, the last days later).
"""

from __future__ import annotations

import enum
import math
from hashlib import blake2b
from typing import Annotated

import msgspec


class FailureKind(enum.StrEnum):
    """What a failed try says about the next one."""

    TRANSIENT = "transient"
    """The receiver could not take it now."""
    THROTTLED = "throttled"
    """The receiver named a pause."""
    PERMANENT = "permanent"
    """The receiver never takes this action."""
    GONE = "gone"
    """The receiver never takes any action again: the circuit disables its adapter."""
    FAULT = "fault"
    """The adapter, a guard or the directory broke; perhaps a bug, perhaps an unwrapped network error."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One failed try. text: one line for people, without secrets. retry_after_s: not before, ≥ 0."""

    kind: FailureKind
    text: str
    retry_after_s: float = 0.0


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The retry plan; every number in it is a limit with a reason.

    Gap k (from 0) is first_delay_s·factor^k seconds, at most delay_s_max, then spread by up to
    ±jitter of itself so that what failed together does not come back together.
    """

    tries_max: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    first_delay_s: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    factor: Annotated[float, msgspec.Meta(ge=1, le=100)] = 5.0
    delay_s_max: Annotated[float, msgspec.Meta(gt=0)] = 86_400.0
    jitter: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.2
    retry_after_s_max: Annotated[float, msgspec.Meta(gt=0)] = 86_400.0
    """A receiver may ask for a pause, but not silence us for ever with a mistaken header."""


class RetryDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with an entry after a failed try.

    again: True → due again at `due_ms` (> now); False → dead letter with `reason`.
    """

    again: bool
    due_ms: int
    reason: str


def decide(
    schedule: Schedule, failure: Failure, *, key: str, tries: int, now_ms: int, expires_ms: int
) -> RetryDecision:
    """Return what follows the failed try number `tries` (from 1) of the entry that `key` names.

    The wait is never shorter than the receiver's own Retry-After (bounded by retry_after_s_max). An
    action that would be due at or after `expires_ms` is given up now, with the last error as reason.
    """
    if failure.kind in (FailureKind.PERMANENT, FailureKind.GONE):
        return RetryDecision(again=False, due_ms=0, reason=failure.text)
    if tries >= schedule.tries_max:
        return RetryDecision(again=False, due_ms=0, reason=f"gave up after {tries} tries: {failure.text}")
    wait_s = max(_backoff_s(schedule, key, tries), _named_wait_s(schedule, failure.retry_after_s, key, tries))
    due_ms = now_ms + max(1, math.ceil(wait_s * 1000))
    if due_ms >= expires_ms:
        reason = f"expires before the next try, after {tries} of {schedule.tries_max}: {failure.text}"
        return RetryDecision(again=False, due_ms=0, reason=reason)
    return RetryDecision(again=True, due_ms=due_ms, reason=failure.text)


def _backoff_s(schedule: Schedule, key: str, tries: int) -> float:
    """Return the planned wait after try number `tries`, jitter included."""
    plain = min(schedule.delay_s_max, schedule.first_delay_s * schedule.factor ** (tries - 1))
    return plain * (1.0 + schedule.jitter * (2.0 * _chance(key, tries) - 1.0))


def _named_wait_s(schedule: Schedule, retry_after_s: float, key: str, tries: int) -> float:
    """Return the receiver's own wait, bounded, and spread only upwards: before it is too early."""
    if math.isnan(retry_after_s) or retry_after_s <= 0:
        return 0.0
    return min(retry_after_s, schedule.retry_after_s_max) * (
        1.0 + schedule.jitter * 0.5 * _chance(key, tries)
    )


def _chance(key: str, tries: int) -> float:
    """Return a number in [0, 1) that depends on the entry and the try only."""
    digest = blake2b(f"{key}\x1f{tries}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64
