"""The one door from the dispatcher to telemetry, which must never end a thread of ours."""

from __future__ import annotations

import logging

from carrythrough.dispatch.events import DispatchEvent, DispatchFault, DispatchTelemetry
from carrythrough.dispatch.outcome import error_line

_LOG = logging.getLogger("carrythrough.dispatch")


class Reporter:
    """Passes events on; an error of telemetry is logged and goes no further."""

    def __init__(self, telemetry: DispatchTelemetry) -> None:
        self._telemetry = telemetry

    def emit(self, event: DispatchEvent) -> None:
        """Hand an event to telemetry; from any thread."""
        try:
            self._telemetry.emit(event)
        except Exception:  # noqa: BLE001 - logged with its traceback; delivery goes on
            _LOG.exception("telemetry refused a %s", type(event).__name__)

    def fault(self, adapter: str, where: str, error: BaseException) -> None:
        """Report that something broke in `where`: "outbox", "guard", "adapter" or "close"."""
        self.emit(DispatchFault(adapter=adapter, where=where, error=error_line(error)))
