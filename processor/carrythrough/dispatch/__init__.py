"""Outbox → adapters: retries, circuits, dead letters. The shell side of the actions that leave the house."""

from __future__ import annotations

from carrythrough.dispatch.dispatcher import Dispatcher, LaneStatus
from carrythrough.dispatch.events import (
    AdapterStateChanged,
    AttemptStarted,
    DeadLettered,
    Delivered,
    DispatchEvent,
    DispatchFault,
    DispatchTelemetry,
    RetryScheduled,
    SendOverran,
    SilentTelemetry,
    Skipped,
)
from carrythrough.dispatch.guards import Guard, let_pass
from carrythrough.dispatch.limits import AdapterLimits
from carrythrough.dispatch.registry import (
    BuiltAdapter,
    Discovery,
    build_adapters,
    discover,
    find_spec,
    read_config,
)
from carrythrough.dispatch.schedule import RetryDecision, Schedule, decide

__all__ = [
    "AdapterLimits",
    "AdapterStateChanged",
    "AttemptStarted",
    "BuiltAdapter",
    "DeadLettered",
    "Delivered",
    "Discovery",
    "DispatchEvent",
    "DispatchFault",
    "DispatchTelemetry",
    "Dispatcher",
    "Guard",
    "LaneStatus",
    "RetryDecision",
    "RetryScheduled",
    "Schedule",
    "SendOverran",
    "SilentTelemetry",
    "Skipped",
    "build_adapters",
    "decide",
    "discover",
    "find_spec",
    "let_pass",
    "read_config",
]
