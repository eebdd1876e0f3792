"""What the dispatcher tells telemetry: one type an event, so that log line and counter are one call.

No event carries a name, an address or a secret. `action` is the id of the action, for the log line
only; metric labels use `adapter` and the type of the event.
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class DispatchEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events. adapter: name of the adapter in the settings, "" when none is meant."""

    adapter: str


class AttemptStarted(DispatchEvent, frozen=True, kw_only=True):
    """The guards let an action pass and it is being sent. attempt: 1 for the first try."""

    action: str
    attempt: int


class Delivered(DispatchEvent, frozen=True, kw_only=True):
    """The adapter took an action. seconds: duration of the send; age_ms: time since it was requested."""

    action: str
    attempt: int
    seconds: float
    age_ms: int


class RetryScheduled(DispatchEvent, frozen=True, kw_only=True):
    """A try failed and another follows at `due_ms`. kind: a `FailureKind` value."""

    action: str
    attempt: int
    kind: str
    error: str
    due_ms: int


class DeadLettered(DispatchEvent, frozen=True, kw_only=True):
    """An action was given up and waits in the dead letters with its reason."""

    action: str
    attempt: int
    reason: str


class Skipped(DispatchEvent, frozen=True, kw_only=True):
    """A guard closed an action before a try: expired, opted out or switched off."""

    action: str
    attempt: int
    reason: str


class SendOverran(DispatchEvent, frozen=True, kw_only=True):
    """A send outlived its limit; its thread was left behind. abandoned: how many there are now."""

    action: str
    seconds: float
    abandoned: int


class AdapterStateChanged(DispatchEvent, frozen=True, kw_only=True):
    """An adapter became "ready", "paused", "probing" or "disabled". until_ms: end of a pause, else 0."""

    state: str
    reason: str
    until_ms: int


class DispatchFault(DispatchEvent, frozen=True, kw_only=True):
    """Something of ours or of a plugin broke (outbox call, guard, adapter bug); alert on it."""

    where: str
    error: str


class DispatchTelemetry(Protocol):
    """Where events go; called from several threads, must not block and must not raise."""

    def emit(self, event: DispatchEvent) -> None:
        """Write the log line and count."""
        ...


class SilentTelemetry:
    """Telemetry that keeps nothing, for tools that send a single action."""

    def emit(self, event: DispatchEvent) -> None:
        """Drop the event."""
