"""Delivery straight into a data folder: the embedded server without HTTP, in this process.

It scores what it stores and sends nothing: actions that become due wait in the outbox until a server
runs on the folder, whose settings and people are there then.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog

from carrythrough.cli.files.records import Kind
from carrythrough.cli.importing.delivery import Sent, body_of
from carrythrough.cli.importing.outcome import came_to
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError, Problem
from carrythrough.events.performance import admit_events
from carrythrough.pipeline.records import Kind as RecordKind
from carrythrough.settings import Settings
from carrythrough.telemetry.lines import to_standard_error
from carrythrough.xapi.admission import Limits, admit

CREDENTIAL = "ingest"
"""Who sent it, in the log; statements without an id are known again under the same name only."""
POLL_S = 0.02


class FolderDelivery:
    """Implements `delivery.Delivery`; raises PermanentError for a folder in use or a missing program map."""

    connections = 1
    tells_known = True

    def __init__(self, settings: Settings) -> None:
        self._limits = Limits()
        self._runtime = open_for_import(settings)
        self._closed = False
        self._settle(
            lambda _: None
        )  # what an earlier run stored and did not come to score is not of this one
        self._before = self._runtime.queries.summary()

    def send(self, kind: Kind, version: str, raws: Sequence[bytes]) -> Sent:
        """See `delivery.Delivery`."""
        body = body_of(raws)
        items: list[Any]
        if kind == "statements":
            items, record_kind = list(admit(body, self._limits, version)), RecordKind.STATEMENT
        else:
            items, record_kind = list(admit_events(body, "application/json")), RecordKind.EVENT
        if len(items) != len(raws):
            raise PermanentError(_several(len(items), len(raws)))
        receipt = self._runtime.committer.submit_now(record_kind, items, CREDENTIAL)
        known = sum(receipt.known)
        return Sent(len(items) - known, known)

    def folded(self, waiting: Callable[[int], None]) -> dict[str, Any] | None:
        """See `delivery.Delivery`."""
        self._settle(waiting)
        now = self._runtime.queries.summary(afresh=True)
        return came_to(self._before, now, actions_waiting=int(now["actions"].get("pending", 0)))

    def close(self) -> None:
        """See `delivery.Delivery`."""
        if not self._closed:
            self._closed = True
            self._runtime.stop()

    def _settle(self, waiting: Callable[[int], None]) -> None:
        """Wait until everything stored is scored."""
        runtime = self._runtime
        while (left := runtime.log.end - runtime.state.position) > 0:
            waiting(left)
            time.sleep(POLL_S)


def open_for_import(settings: Settings) -> Embedded:
    """Return a started server without HTTP that sends nothing; raises PermanentError as `FolderDelivery`."""
    _require_program(settings)
    _log_to_stderr()
    runtime = Embedded(settings)
    try:
        runtime.start(deliver=False)
    except BaseException:
        runtime.stop()
        raise
    return runtime


def _require_program(settings: Settings) -> None:
    """Refuse a new data folder without a program map before anything is created."""
    if settings.program or (Path(settings.data_dir) / "log.sqlite").exists():
        return
    raise PermanentError(
        Problem(
            code="program-missing",
            status=400,
            title="There is no program map",
            detail=f"the data folder {settings.data_dir} is new, so nothing says what statements are evidence of",
            where="--program",
            rule="scores need a program map: business goal, KPI, skill, objective, activity",
            fix="give --program FILE (and --roster FILE) this once; or name a data folder that exists with --data-dir, "
            "or a running server with --url",
        )
    )


def _several(found: int, sent: int) -> Problem:
    return Problem(
        code="json-malformed",
        status=400,
        title="Not JSON",
        detail=f"{found} values where {sent} are expected",
        rule="one JSON object is one record, and a line of a .jsonl file holds one",
        fix="put each record on a line of its own, or all of them into one array",
    )


def _log_to_stderr() -> None:
    """Keep the server's log lines off the result: warnings and worse go to stderr.

    Without the values of variables, which the default shows beside a traceback: they hold names and addresses.
    """
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            plain,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=to_standard_error,
        cache_logger_on_first_use=False,
    )
