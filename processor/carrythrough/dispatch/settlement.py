"""What a result means for its entry and for telemetry; runs in the dispatcher's thread only.

The outbox is always written first: when it raises, nothing else has happened yet and the same result
can be settled again.
"""

from __future__ import annotations

from collections.abc import Sequence

from carrythrough.dispatch.events import DeadLettered, Delivered, RetryScheduled, Skipped
from carrythrough.dispatch.lane import Completion, Lane
from carrythrough.dispatch.outcome import Blocked, Failed, Sent
from carrythrough.dispatch.reporter import Reporter
from carrythrough.dispatch.schedule import Schedule, decide
from carrythrough.ports import Clock, Outbox, OutboxEntry


class Settlement:
    """Writes results to the outbox and tells telemetry."""

    def __init__(self, outbox: Outbox, clock: Clock, schedule: Schedule, reporter: Reporter) -> None:
        self._outbox = outbox
        self._clock = clock
        self._schedule = schedule
        self._reporter = reporter

    def settle_sent(self, results: Sequence[tuple[Lane, Completion]]) -> None:
        """Record sends that went well, none of them late, at once; raises as `settle`.

        A commit waits for the disk, so one for each would make the disk set the pace.
        """
        now_ms = self._clock.now_ms()
        sent = [(c.attempt.entry, c.outcome) for _, c in results if isinstance(c.outcome, Sent)]
        self._outbox.delivered([(entry.entry, outcome.receipt) for entry, outcome in sent], now_ms)
        for lane, completion in results:
            lane.in_flight.pop(completion.attempt.entry.entry, None)
        for entry, outcome in sent:
            self._tell_delivered(entry, outcome, now_ms)

    def settle(self, lane: Lane, completion: Completion) -> None:
        """Record a result and let its entry go; raises what the outbox raises, having done nothing."""
        entry, outcome = completion.attempt.entry, completion.outcome
        now_ms = self._clock.now_ms()
        if completion.late:
            self._settle_late(lane, completion, now_ms)
            return
        if isinstance(outcome, Sent):
            self._delivered(entry, outcome, now_ms)
        elif isinstance(outcome, Blocked):
            self._skipped(entry, outcome, now_ms)
        elif isinstance(outcome, Failed):
            self._failed(entry, outcome, now_ms)
        lane.in_flight.pop(entry.entry, None)

    def give_up(self, entry: OutboxEntry, tries: int, reason: str, now_ms: int) -> None:
        """Move an entry to the dead letters after `tries` tries and say so."""
        self._outbox.give_up(entry.entry, reason, now_ms)
        self._reporter.emit(
            DeadLettered(adapter=entry.adapter, action=entry.action.id, attempt=tries, reason=reason)
        )

    def _settle_late(self, lane: Lane, completion: Completion, now_ms: int) -> None:
        """Hear a send that had been left behind: a success closes the entry and spares the retry."""
        entry = completion.attempt.entry
        if isinstance(completion.outcome, Sent) and entry.entry not in lane.in_flight:
            self._delivered(entry, completion.outcome, now_ms)
        lane.abandoned -= 1

    def _delivered(self, entry: OutboxEntry, sent: Sent, now_ms: int) -> None:
        self._outbox.delivered([(entry.entry, sent.receipt)], now_ms)
        self._tell_delivered(entry, sent, now_ms)

    def _tell_delivered(self, entry: OutboxEntry, sent: Sent, now_ms: int) -> None:
        self._reporter.emit(
            Delivered(
                adapter=entry.adapter,
                action=entry.action.id,
                attempt=entry.attempts + 1,
                seconds=sent.seconds,
                age_ms=now_ms - entry.action.as_of_ms,
            )
        )

    def _skipped(self, entry: OutboxEntry, blocked: Blocked, now_ms: int) -> None:
        self._outbox.skip(entry.entry, blocked.reason, now_ms)
        self._reporter.emit(
            Skipped(
                adapter=entry.adapter,
                action=entry.action.id,
                attempt=entry.attempts + 1,
                reason=blocked.reason,
            )
        )

    def _failed(self, entry: OutboxEntry, failed: Failed, now_ms: int) -> None:
        failure, tries = failed.failure, entry.attempts + 1
        decision = decide(
            self._schedule,
            failure,
            key=f"{entry.action.id}\x1f{entry.entry}",
            tries=tries,
            now_ms=now_ms,
            expires_ms=entry.action.expires_ms,
        )
        if decision.again:
            self._outbox.retry(entry.entry, decision.reason, decision.due_ms)
            self._reporter.emit(
                RetryScheduled(
                    adapter=entry.adapter,
                    action=entry.action.id,
                    attempt=tries,
                    kind=failure.kind.value,
                    error=failure.text,
                    due_ms=decision.due_ms,
                )
            )
        else:
            self.give_up(entry, tries, decision.reason, now_ms)
