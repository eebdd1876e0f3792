"""The circuit of one adapter: after repeated failures it pauses, then lets one action try.

Without it a receiver that is down would eat the tries of every waiting action. Workers report each
outcome the moment it is there, so that the next one in the queue is already held back; the dispatcher's
thread alone ends pauses. Times come in as values.
"""

from __future__ import annotations

import enum
import math
import threading

from carrythrough.dispatch.outcome import Failed, Outcome, Sent
from carrythrough.dispatch.schedule import Failure, FailureKind


class AdapterState(enum.StrEnum):
    """What an adapter may do now."""

    READY = "ready"
    PAUSED = "paused"
    PROBING = "probing"
    """A pause ended: one action at a time until the receiver answers."""
    DISABLED = "disabled"
    """The receiver is gone; nothing is sent until the process starts anew."""


class Circuit:
    """State of one adapter; `failures_max` failures in a row open it for pause_s·2^n seconds."""

    def __init__(self, failures_max: int, pause_s: float, pause_s_max: float) -> None:
        self.state = AdapterState.READY
        self.reason = ""
        self.until_ms = 0
        self._failures_max = failures_max
        self._pause_s = pause_s
        self._pause_s_max = pause_s_max
        self._failures = 0
        self._pauses = 0
        self._lock = threading.Lock()

    def lets_pass(self) -> bool:
        """Say whether a waiting action may be sent at this moment."""
        return self.state in (AdapterState.READY, AdapterState.PROBING)

    def under_way_max(self, now_ms: int, otherwise: int) -> int:
        """Return how many actions may be under way now: 0, 1 for a probe, or `otherwise`."""
        with self._lock:
            if self.state is AdapterState.PAUSED and now_ms >= self.until_ms:
                self.state = AdapterState.PROBING
            if self.state is AdapterState.READY:
                return otherwise
            return 1 if self.state is AdapterState.PROBING else 0

    def learn(self, outcome: Outcome, now_ms: int) -> None:
        """Take in what a try says about the receiver; skips and faults of ours say nothing."""
        with self._lock:
            if self.state is AdapterState.DISABLED:
                return
            if isinstance(outcome, Sent):
                self._answered()
            elif isinstance(outcome, Failed) and not outcome.ours:
                self._failed(outcome.failure, now_ms)

    def _failed(self, failure: Failure, now_ms: int) -> None:
        if failure.kind is FailureKind.GONE:
            self.state, self.reason, self.until_ms = AdapterState.DISABLED, failure.text, 0
        elif failure.kind is FailureKind.PERMANENT:
            self._answered()
        elif failure.kind is FailureKind.THROTTLED:
            self._pause(now_ms, failure.retry_after_s, failure.text)
        else:
            self._no_answer(now_ms, failure.text)

    def _answered(self) -> None:
        """Note that the receiver took or refused an action; during a pause that ends nothing."""
        self._failures = 0
        if self.state is AdapterState.PROBING:
            self.state, self.reason, self.until_ms, self._pauses = AdapterState.READY, "", 0, 0

    def _no_answer(self, now_ms: int, reason: str) -> None:
        """Note a failure; the last straw, and every failed probe, starts a pause twice as long."""
        if self.state is AdapterState.READY:
            self._failures += 1
            if self._failures < self._failures_max:
                return
        elif self.state is not AdapterState.PROBING:
            return
        self._pause(now_ms, self._pause_s * 2.0 ** min(self._pauses, 30), reason)
        self._pauses += 1

    def _pause(self, now_ms: int, pause_s: float, reason: str) -> None:
        bounded_s = min(pause_s, self._pause_s_max) if math.isfinite(pause_s) else self._pause_s_max
        until_ms = now_ms + math.ceil(bounded_s * 1000)
        if self.state is AdapterState.PAUSED and until_ms <= self.until_ms:
            return
        self.state, self.reason, self.until_ms, self._failures = AdapterState.PAUSED, reason, until_ms, 0
