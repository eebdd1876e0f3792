"""The dispatcher: carries actions from the outbox to the adapters, at least once each.

Order for one action: 1 the dispatcher's thread reads it from the outbox and notes it as in flight;
2 a worker of its adapter's lane checks expiry, opt-out and kill switches; 3 the worker sends, with the
action's id as the idempotency key; 4 the dispatcher's thread writes the result to the outbox; 5 only
then the entry stops being in flight. A crash between 3 and 4 sends again after the restart, with the
same key: receivers that ignore a key they have seen take each action once.

Only one thread, the one in `run`, ever calls the outbox. Workers call the adapters, the directory and
the guards. Nothing here runs in the thread that takes statements in: `notify` only sets a flag.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

import msgspec

from carrythrough.dispatch.addressing import addressed_to
from carrythrough.dispatch.circuit import AdapterState
from carrythrough.dispatch.events import AdapterStateChanged, AttemptStarted, DispatchTelemetry, SendOverran
from carrythrough.dispatch.guards import Guard, reason_to_close
from carrythrough.dispatch.lane import Completion, Lane
from carrythrough.dispatch.limits import AdapterLimits
from carrythrough.dispatch.outcome import Blocked, Failed, Outcome, Sent, error_line, failure_of
from carrythrough.dispatch.registry import BuiltAdapter
from carrythrough.dispatch.reporter import Reporter
from carrythrough.dispatch.schedule import Failure, FailureKind, Schedule
from carrythrough.dispatch.settlement import Settlement
from carrythrough.pipeline.effects import ActionRequested
from carrythrough.plugin import one_line
from carrythrough.ports import Adapter, Clock, Directory, Outbox, OutboxEntry

POLL_S = 1.0
"""How often the outbox is read when nobody calls `notify`; also how late a retry may be."""
BURY_BATCH_MAX = 200
"""Entries of a disabled or unknown adapter that move to the dead letters in one turn."""
UNKNOWN_CHECK_S = 60.0
"""How often the outbox is searched for entries of adapters that the settings do not name."""
STOP_GRACE_S = 10.0
"""How long `stop` waits for sends under way."""
CLOSE_GRACE_S = 2.0
"""How long one adapter may take to close before it is left to the end of the process."""


class LaneStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter as seen from outside.

    state: an `AdapterState` value, or "stuck" while too many of its sends hang. until_ms: end of a
    pause, else 0. in_flight: entries held (waiting, being sent or being recorded). abandoned: sends
    left behind that still hold a thread.
    """

    adapter: str
    state: str
    reason: str
    until_ms: int
    in_flight: int
    abandoned: int


class Dispatcher:
    """Sends what the outbox holds: `start`, then `notify` on every commit of new work, then `stop`."""

    def __init__(
        self,
        outbox: Outbox,
        adapters: Mapping[str, Adapter],
        directory: Directory,
        clock: Clock,
        guards: Guard,
        telemetry: DispatchTelemetry,
        *,
        schedule: Schedule | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        """Take the ports; starts nothing. An adapter from `registry.build_adapters` brings its limits."""
        self.dress: Callable[[ActionRequested, str], ActionRequested] = lambda action, _: action
        """Puts on an action what only the adapter of that name is to see of it; set it before the start."""
        self._outbox = outbox
        self._directory = directory
        self._clock = clock
        self._guard = guards
        self._reporter = Reporter(telemetry)
        self._settlement = Settlement(outbox, clock, schedule or Schedule(), self._reporter)
        self._poll_s = poll_s
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._runner: threading.Thread | None = None
        self._grace_s = STOP_GRACE_S
        self._arrived: queue.SimpleQueue[Completion] = queue.SimpleQueue()
        self._unsettled: deque[Completion] = deque()
        self._lanes = {name: self._lane(name, adapter) for name, adapter in adapters.items()}
        self._shown = dict.fromkeys(self._lanes, AdapterState.READY.value)
        self._unknown_checked_s = float("-inf")
        self._turned_s = time.monotonic()

    def start(self) -> None:
        """Run in a thread of its own; calling it again does nothing."""
        if self._runner is None:
            self._runner = threading.Thread(target=self.run, name="dispatch", daemon=True)
            self._runner.start()

    def notify(self) -> None:
        """Say that new work was committed; from any thread, never blocks."""
        self._wake.set()

    def stop(self, grace_s: float = STOP_GRACE_S) -> bool:
        """Take nothing new, wait up to `grace_s` for sends under way, close the adapters.

        Returns True when nothing was left under way. What was not sent stays in the outbox. Safe to
        call twice, without a start, and from another thread than the one in `run`.
        """
        if not self._stopping.is_set():
            self._grace_s = grace_s
            self._stopping.set()
            self._wake.set()
            if self._runner is None:
                self._wind_down()
        if self._runner is not threading.current_thread():
            self._ended.wait(grace_s + CLOSE_GRACE_S * (len(self._lanes) + 1))
        return not any(lane.in_flight for lane in self._lanes.values())

    def status(self) -> list[LaneStatus]:
        """Return how each adapter is doing, by name."""
        return [
            LaneStatus(
                adapter=name,
                state=_state_word(lane),
                reason=lane.circuit.reason,
                until_ms=lane.circuit.until_ms,
                in_flight=len(lane.in_flight),
                abandoned=lane.abandoned,
            )
            for name, lane in sorted(self._lanes.items())
        ]

    def seconds_since_turn(self) -> float:
        """Return the age of the last turn of the loop, for the liveness probe."""
        return time.monotonic() - self._turned_s

    def run(self) -> None:
        """Work in the calling thread until `stop`; never raises, whatever a port does."""
        self._runner = threading.current_thread()
        self._wake.set()
        while not self._stopping.is_set():
            self._wake.wait(self._pause_s())
            self._wake.clear()
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 - one broken call must never end the loop
                self._reporter.fault("", "outbox", error)
            self._turned_s = time.monotonic()
        self._wind_down()

    # In the dispatcher's thread.

    def _pause_s(self) -> float:
        """Return how long to wait for news: less than a poll where a rate lets the next action go before."""
        waits = [lane.allowance.wait_s() for lane in self._lanes.values() if lane.limits.rate_per_s]
        return min([self._poll_s, *(max(wait, 0.001) for wait in waits if wait)])

    def _turn(self) -> None:
        for lane in self._lanes.values():
            self._leave_overruns(lane)
        self._settle_arrived()
        now_ms = self._clock.now_ms()
        for lane in self._lanes.values():
            self._fill(lane, now_ms)
            self._show_state(lane)
        self._bury_unknown(now_ms)

    def _leave_overruns(self, lane: Lane) -> None:
        for completion in lane.abandon_overruns(time.monotonic()):
            lane.circuit.learn(completion.outcome, self._clock.now_ms())
            self._unsettled.append(completion)
            self._reporter.emit(
                SendOverran(
                    adapter=lane.name,
                    action=completion.attempt.entry.action.id,
                    seconds=lane.limits.send_timeout_s,
                    abandoned=lane.abandoned,
                )
            )

    def _settle_arrived(self) -> None:
        """Write every result that has come; what the outbox refuses now is tried again next turn."""
        while not self._arrived.empty():
            self._unsettled.append(self._arrived.get_nowait())
        self._settle_sent()
        for _ in range(len(self._unsettled)):
            completion = self._unsettled.popleft()
            try:
                self._settlement.settle(self._lanes[completion.lane], completion)
            except Exception as error:  # noqa: BLE001 - the result must survive whatever the outbox raises
                self._unsettled.append(completion)
                self._reporter.fault(completion.lane, "outbox", error)
                return

    def _settle_sent(self) -> None:
        """Write the sends that went well in one commit; where that fails each is tried by itself."""
        sent = [c for c in self._unsettled if isinstance(c.outcome, Sent) and not c.late]
        if len(sent) < 2:
            return
        try:
            self._settlement.settle_sent([(self._lanes[c.lane], c) for c in sent])
        except Exception as error:  # noqa: BLE001 - the results must survive whatever the outbox raises
            self._reporter.fault("", "outbox", error)
            return
        settled = set(map(id, sent))
        self._unsettled = deque(c for c in self._unsettled if id(c) not in settled)

    def _fill(self, lane: Lane, now_ms: int) -> None:
        room = lane.room(now_ms)
        if lane.circuit.state is AdapterState.DISABLED:
            self._bury_disabled(lane, now_ms)
        enough = room >= lane.limits.queue_max // 2 or lane.limits.rate_per_s > 0
        if room == 0 or (lane.in_flight and not enough):
            return  # a read gives the entries in flight too, so it should bring a good number of others
        # Entries in flight are still due in the outbox and come first: ask for that many more.
        for entry in self._outbox.due(now_ms, len(lane.in_flight) + room, lane.name):
            if entry.entry not in lane.in_flight and room > 0:
                lane.offer(entry)
                room -= 1

    def _bury_disabled(self, lane: Lane, now_ms: int) -> None:
        reason = f"the adapter is disabled: {lane.circuit.reason}"
        for entry in self._outbox.due(now_ms, BURY_BATCH_MAX, lane.name):
            if entry.entry not in lane.in_flight:
                self._settlement.give_up(entry, entry.attempts, reason, now_ms)

    def _bury_unknown(self, now_ms: int) -> None:
        if time.monotonic() - self._unknown_checked_s < UNKNOWN_CHECK_S:
            return
        self._unknown_checked_s = time.monotonic()
        for entry in self._outbox.due(now_ms, BURY_BATCH_MAX):
            if entry.adapter not in self._lanes:
                reason = f"the settings name no adapter {entry.adapter!r}: add it under `adapters` and replay"
                self._settlement.give_up(entry, entry.attempts, reason, now_ms)

    def _show_state(self, lane: Lane) -> None:
        word = _state_word(lane)
        if word != self._shown[lane.name]:
            self._shown[lane.name] = word
            circuit = lane.circuit
            self._reporter.emit(
                AdapterStateChanged(
                    adapter=lane.name, state=word, reason=circuit.reason, until_ms=circuit.until_ms
                )
            )

    def _wind_down(self) -> None:
        for lane in self._lanes.values():
            lane.stop()
        deadline_s = time.monotonic() + self._grace_s
        self._settle_arrived()
        while any(lane.in_flight for lane in self._lanes.values()):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                break
            self._wake.wait(min(left_s, self._poll_s))
            self._wake.clear()
            self._settle_arrived()
        closers = [
            threading.Thread(target=self._close, args=(lane,), daemon=True) for lane in self._lanes.values()
        ]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join(CLOSE_GRACE_S)
        self._ended.set()

    # In a worker's thread.

    def _execute(self, lane: Lane, entry: OutboxEntry) -> Outcome:
        outcome = self._tried(lane, entry)
        lane.circuit.learn(outcome, self._clock.now_ms())
        return outcome

    def _tried(self, lane: Lane, entry: OutboxEntry) -> Outcome:
        action = entry.action
        try:
            reason, recipient = reason_to_close(
                action, lane.name, now_ms=self._clock.now_ms(), directory=self._directory, guard=self._guard
            )
            action, unsayable = addressed_to(action, recipient, self._directory)
        except Exception as error:  # noqa: BLE001 - a broken guard holds the action back, never lets it pass
            self._reporter.fault(lane.name, "guard", error)
            text = f"the check before sending failed, so nothing was sent: {error_line(error)}"
            return Failed(failure=Failure(kind=FailureKind.FAULT, text=text), ours=True)
        if reason := reason or unsayable:
            return Blocked(reason=one_line(reason))
        self._reporter.emit(AttemptStarted(adapter=lane.name, action=action.id, attempt=entry.attempts + 1))
        begun_s = time.monotonic()
        try:
            receipt = lane.adapter.send(self.dress(action, lane.name), recipient, action.id)
        except BaseException as error:  # noqa: BLE001 - not even SystemExit from a plugin may take a worker
            failure = failure_of(error)
            if failure.kind is FailureKind.FAULT:
                self._reporter.fault(lane.name, "adapter", error)
            return Failed(failure=failure)
        return Sent(receipt=one_line(str(receipt)), seconds=time.monotonic() - begun_s)

    def _report(self, completion: Completion) -> None:
        self._arrived.put(completion)
        self._wake.set()

    def _close(self, lane: Lane) -> None:
        try:
            lane.adapter.close()
        except Exception as error:  # noqa: BLE001 - the others must still be closed
            self._reporter.fault(lane.name, "close", error)

    def _lane(self, name: str, adapter: Adapter) -> Lane:
        limits = adapter.limits if isinstance(adapter, BuiltAdapter) else AdapterLimits()
        return Lane(name, adapter, limits, self._execute, self._report)


def _state_word(lane: Lane) -> str:
    """Return the state of an adapter for people: the circuit's, unless its threads are all stuck."""
    return "stuck" if lane.stuck else lane.circuit.state.value
