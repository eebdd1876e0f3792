"""Adapter `console`: one readable line an action on standard error, for demos and first steps."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    Recipient,
    TransientError,
    delivery_problem,
    one_line,
)

LINE_LENGTH_MAX = 400
"""Characters of a line; a longer body would push the lines before it off the screen."""


class ConsoleConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `console`."""

    names: Annotated[
        bool, Meta(description="show the person's name instead of the pseudonym (terminals are often logged)")
    ] = False


class ConsoleAdapter:
    """Prints to standard error, so that standard output stays free for what a script reads."""

    def __init__(self, config: ConsoleConfig) -> None:
        self._names = config.names
        self._lock = threading.Lock()

    def check(self) -> str:
        """Say that standard error is there; raises TransientError when it is closed."""
        self._require_stream()
        return "prints one line an action to standard error"

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Print the line; raises TransientError when standard error is closed or its reader is gone."""
        line = self._line(action, recipient, idempotency_key)
        with self._lock:
            self._require_stream()
            try:
                print(line, file=sys.stderr, flush=True)
            except (OSError, ValueError) as error:
                detail = f"standard error takes no line: {error}"
                raise TransientError(delivery_problem("delivery-failed", detail)) from error
        return "printed to standard error"

    def close(self) -> None:
        """Leave standard error open: it is not ours."""

    def _line(self, action: ActionRequested, recipient: Recipient | None, key: str) -> str:
        who = recipient.name if self._names and recipient is not None and recipient.name else action.recipient
        words = [
            f"{datetime.now(UTC):%H:%M:%SZ} {action.action} → {who}",
            action.skill_name or action.skill,
            action.title,
            action.body,
            action.link,
            action.why and f"because {action.why}",
        ]
        text = f"{one_line(' · '.join(filter(None, words)), LINE_LENGTH_MAX)} · {key}"
        encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
        return text.encode(encoding, "replace").decode(encoding)

    def _require_stream(self) -> None:
        if sys.stderr is None or sys.stderr.closed:
            raise TransientError(delivery_problem("delivery-failed", "the process has no standard error"))


SPEC = AdapterSpec(
    name="console",
    kind="terminal",
    summary="Prints one readable line an action to standard error.",
    stability="stable",
    config=ConsoleConfig,
    example={"names": False},
    factory=ConsoleAdapter,
)
