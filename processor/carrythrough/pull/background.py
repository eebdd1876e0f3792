"""The sources of a running server: a thread each, which waits, looks, and outlives every fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, Generic, Protocol, TypeVar

import structlog

from carrythrough.errors import CarrythroughError, Problem, TransientError

BACKOFF_S_MAX = 300.0
"""A store that was away for a night is found again within five minutes."""
STOP_WAIT_S = 3.0
"""How long a stop waits for a page that is being taken; what is cut off is read again."""

_logger = structlog.get_logger("carrythrough.pull")


class Looker(Protocol):
    """What is run: one source, looked at by one thread."""

    @property
    def name(self) -> str:
        """Name of the source, for logs and metrics."""
        ...

    @property
    def every_s(self) -> float:
        """Seconds from the end of one look to the next."""
        ...

    def look(self, going_on: Callable[[Any], bool], /) -> object:
        """Take what there is until it is told not to go on; raises TransientError or PermanentError."""
        ...

    def interrupt(self) -> None:
        """Cut what the thread waits for, from another thread."""
        ...

    def fail(self, problem: Problem) -> None:
        """Note a fault where people look for it."""
        ...

    def close(self) -> None:
        """Let go of what it holds; safe to call twice."""
        ...


Source = TypeVar("Source", bound=Looker)


class BackgroundPull(Generic[Source]):
    """Runs sources until it is stopped."""

    def __init__(self, pullers: Iterable[Source]) -> None:
        self.pullers = list(pullers)
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(puller,), name=f"pull-{puller.name}", daemon=True)
            for puller in self.pullers
        ]

    def start(self) -> None:
        """Start every source."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop: requests under way are cut, pages being taken are finished."""
        self._ended.set()
        for puller in self.pullers:
            puller.interrupt()
        deadline = time.monotonic() + STOP_WAIT_S
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        for puller, thread in zip(self.pullers, self._threads, strict=True):
            if not thread.is_alive():
                puller.close()

    def _run(self, puller: Source) -> None:
        failures = 0
        while not self._ended.is_set():
            try:
                puller.look(lambda _: not self._ended.is_set())
                failures = 0
                wait_s = puller.every_s
            except CarrythroughError as error:
                if self._ended.is_set():
                    return
                failures += 1
                wait_s = backoff_s(puller.name, failures, error)
                self._note(puller, error.problem)
            except Exception as error:
                failures += 1
                wait_s = BACKOFF_S_MAX
                _logger.exception("pull_broke", source=puller.name)
                self._note(puller, _fault(error))
            self._ended.wait(wait_s)

    def _note(self, puller: Source, problem: Problem) -> None:
        _logger.warning("pull_failed", source=puller.name, code=problem.code, detail=problem.detail)
        try:
            puller.fail(problem)
        except (CarrythroughError, OSError):
            _logger.exception("pull_fault_not_noted", source=puller.name)


def backoff_s(name: str, failures: int, error: CarrythroughError) -> float:
    """Return how long to wait after failure number `failures` (from 1) in a row.

    1 s, doubled each time up to BACKOFF_S_MAX, spread by ±20 % by name, and never shorter than the
    store asked for. What a person must mend is tried every BACKOFF_S_MAX: they may have mended it.
    """
    if not isinstance(error, TransientError):
        return BACKOFF_S_MAX
    plain = min(BACKOFF_S_MAX, 2.0 ** min(failures - 1, 20))
    digest = blake2b(f"{name}\x1f{failures}".encode(), digest_size=8).digest()
    spread = 0.8 + 0.4 * int.from_bytes(digest, "big") / 2.0**64
    return max(error.retry_after_s, plain * spread)


def _fault(error: Exception) -> Problem:
    return Problem(
        code="pull-bug",
        status=500,
        title="Reading a source failed through a fault of ours",
        detail=f"{type(error).__name__}: {error}",
        rule="no answer of a store may stop the reading for good",
        fix="report this with the server's log; reading is tried again",
    )
