"""One lane an adapter: its own queue and threads, so that a hanging adapter delays nobody else.

A Python thread cannot be stopped from outside. A send that outlives its limit is therefore left
behind: its thread is counted as abandoned, a new one takes its place, and at `abandoned_max` the lane
takes nothing more until some return. What a late thread brings back is still heard.

`in_flight` belongs to the dispatcher's thread alone; workers see only the queue and their attempt.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

import msgspec

from carrythrough.dispatch.allowance import Allowance
from carrythrough.dispatch.circuit import Circuit
from carrythrough.dispatch.limits import AdapterLimits
from carrythrough.dispatch.outcome import Deferred, Failed, Outcome
from carrythrough.dispatch.schedule import Failure, FailureKind
from carrythrough.ports import Adapter, OutboxEntry


class Attempt:
    """One try of one entry; knows whether its worker or the dispatcher ended it first."""

    __slots__ = ("_abandoned", "_ended", "_lock", "entry", "started_s")

    def __init__(self, entry: OutboxEntry) -> None:
        self.entry = entry
        self.started_s = 0.0
        self._lock = threading.Lock()
        self._ended = False
        self._abandoned = False

    def end(self) -> bool:
        """Note that the worker came back; True when the dispatcher had abandoned it before."""
        with self._lock:
            self._ended = True
            return self._abandoned

    def abandon(self) -> bool:
        """Leave the worker behind; False when it came back in time after all, or was left before."""
        with self._lock:
            if self._ended or self._abandoned:
                return False
            self._abandoned = True
            return True


class Completion(msgspec.Struct, frozen=True):
    """What became of an attempt. late: it had been abandoned, and counted as failed, before."""

    lane: str
    attempt: Attempt
    outcome: Outcome
    late: bool = False


Execute = Callable[["Lane", OutboxEntry], Outcome]
Report = Callable[[Completion], None]


class Lane:
    """The waiting and running attempts of one adapter."""

    def __init__(
        self, name: str, adapter: Adapter, limits: AdapterLimits, execute: Execute, report: Report
    ) -> None:
        self.name = name
        self.adapter = adapter
        self.limits = limits
        self.circuit = Circuit(limits.failures_before_pause, limits.pause_s, limits.pause_s_max)
        self.in_flight: dict[int, Attempt] = {}
        self.allowance = Allowance(limits.rate_per_s)
        self.abandoned = 0
        self._holding = False
        self._execute = execute
        self._report = report
        self._queue: queue.SimpleQueue[Attempt | None] = queue.SimpleQueue()
        self._workers = 0
        self._threads_made = 0

    @property
    def stuck(self) -> bool:
        """True while so many sends hang that no further thread may be spent on this adapter."""
        return self.abandoned >= self.limits.abandoned_max

    def room(self, now_ms: int) -> int:
        """Return how many more entries the lane takes now (0 while paused, disabled or stuck, or out of rate).

        While paused, disabled or stuck it also hands back, untried, what waits in its queue.
        """
        full = self.limits.concurrency + self.limits.queue_max
        capacity = 0 if self.stuck else self.circuit.under_way_max(now_ms, full)
        self._holding = capacity == 0
        room = max(0, capacity - len(self.in_flight))
        allowed = self.allowance.left(time.monotonic())
        return room if allowed is None else min(room, allowed)

    def offer(self, entry: OutboxEntry) -> None:
        """Take an entry, and start a worker for it while there are fewer than `concurrency`."""
        attempt = Attempt(entry)
        self.allowance.take()
        self.in_flight[entry.entry] = attempt
        if self._workers < min(self.limits.concurrency, len(self.in_flight)):
            self._start_worker()
        self._queue.put(attempt)

    def abandon_overruns(self, now_s: float) -> list[Completion]:
        """Leave sends behind that started over `send_timeout_s` ago, each as a failed completion."""
        limit_s = self.limits.send_timeout_s
        found = []
        for attempt in self.in_flight.values():
            if not attempt.started_s or now_s - attempt.started_s < limit_s or not attempt.abandon():
                continue
            self.abandoned += 1
            self._workers -= 1
            failure = Failure(kind=FailureKind.TRANSIENT, text=f"no answer within {limit_s:g} s")
            found.append(Completion(self.name, attempt, Failed(failure=failure)))
        self._holding = self._holding or self.stuck
        for _ in range(min(len(found), self._queue.qsize())):
            self._start_worker()
        return found

    def stop(self) -> None:
        """Let running sends end, hand waiting ones back untried, and let the workers go."""
        self._holding = True
        for _ in range(self._workers):
            self._queue.put(None)

    def _start_worker(self) -> None:
        self._workers += 1
        self._threads_made += 1
        name = f"dispatch-{self.name}-{self._threads_made}"
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while (attempt := self._queue.get()) is not None:
            attempt.started_s = time.monotonic()
            held = self._holding or not self.circuit.lets_pass()
            outcome: Outcome = Deferred() if held else self._execute(self, attempt.entry)
            late = attempt.end()
            self._report(Completion(self.name, attempt, outcome, late))
            if late:
                return
