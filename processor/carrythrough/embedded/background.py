"""What learns and looks beside the pipeline, on threads of its own: the shadow learners and program feedback.

Both bring numpy with them, 20 MB that a server without them does not need, so they are loaded when they begin.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import apsw
import structlog

from carrythrough.embedded.store import StateFile
from carrythrough.pipeline.plan import InForce

if TYPE_CHECKING:
    from carrythrough.embedded.shadowing import ShadowThread

LOOK_S = 3600.0
"""Modules are looked at once an hour; how often an owner is told is bounded by the week."""
FIRST_LOOK_S = 60.0

_logger = structlog.get_logger("carrythrough.feedback")


class FeedbackThread:
    """Looks for modules with weak transfer until it is stopped, where the map names an owner."""

    def __init__(
        self,
        state: StateFile,
        in_force: Callable[[], InForce],
        adapters: tuple[str, ...],
        now_ms: Callable[[], int],
        notify: Callable[[], None],
    ) -> None:
        """adapters: names of those that tell owners. notify: says that the outbox has something new."""
        self._state = state
        self._in_force = in_force
        self._adapters = adapters
        self._now_ms = now_ms
        self._notify = notify
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the present look."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> int:
        """Look now; return how many owners were told. Raises apsw.Error."""
        program = self._in_force().program.map
        if not self._adapters or not (program.owner or any(one.owner for one in program.programs)):
            return 0
        from carrythrough.embedded.feedback import Messenger  # noqa: PLC0415 - numpy comes with it

        told = Messenger(self._state, self._in_force, lambda: self._adapters, self._now_ms).tell()
        if told:
            self._notify()
        return told

    def _run(self) -> None:
        rest_s = FIRST_LOOK_S
        while not self._ended.wait(rest_s):
            rest_s = LOOK_S
            try:
                self.look()
            except apsw.Error as error:  # the disk may be full or busy; the next look tries again
                _logger.warning("feedback_waits", error=f"{type(error).__name__}: {error}")


class Background:
    """Both, started and stopped together."""

    def __init__(self, state: StateFile, in_force: Callable[[], InForce], feedback: FeedbackThread) -> None:
        self._state = state
        self._in_force = in_force
        self._feedback = feedback
        self._shadow: ShadowThread | None = None

    def start(self, *, shadow: bool) -> None:
        """Start looking, and learning where `shadow` is wanted."""
        self._feedback.start()
        if shadow:
            from carrythrough.embedded.shadowing import ShadowThread  # noqa: PLC0415 - numpy comes with it

            path = self._state.path
            self._shadow = ShadowThread(path.parent, path, lambda: self._in_force().model)
            self._shadow.start()

    def stop(self) -> None:
        """Stop both; safe before a start."""
        self._feedback.stop()
        if self._shadow is not None:
            self._shadow.stop()
