"""Every metric of the product, in one place, with bounded labels.

No employee, statement or free text is ever a label. The reference page
docs/reference/metrics.md is generated from this module.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

from carrythrough import __version__
from carrythrough.dispatch.events import (
    AdapterStateChanged,
    DeadLettered,
    DispatchEvent,
    DispatchFault,
    RetryScheduled,
)
from carrythrough.errors import Problem
from carrythrough.pipeline.delta import Delta
from carrythrough.pipeline.records import Record
from carrythrough.ports import Receipt
from carrythrough.pull.intake import Taken
from carrythrough.telemetry.forward_metrics import ForwardMetrics
from carrythrough.telemetry.oauth_metrics import OAuthMetrics
from carrythrough.xapi.lenient import Repaired

DELAY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
RECENT_SAMPLES = 512
"""Delays kept for the medians that the live page shows."""
RATE_WINDOW_S = 10.0

_logger = structlog.get_logger("carrythrough")


class Telemetry:
    """Counters, gauges and histograms of one process, on a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        r = self.registry
        self.build_info = Gauge(
            "carrythrough_build_info", "Version of this process.", ["version"], registry=r
        )
        self.build_info.labels(__version__).set(1)
        self.records = Counter(
            "carrythrough_records_acknowledged_total",
            "Records acknowledged after their durable append.",
            registry=r,
        )
        self.refused = Counter(
            "carrythrough_requests_refused_total", "Requests refused, by problem code.", ["code"], registry=r
        )
        self.hook_bodies = Counter(
            "carrythrough_hook_bodies_total",
            "Bodies of webhooks, by webhook and what became of them (stored, repeated, filtered, empty, kept).",
            ["hook", "outcome"],
            registry=r,
        )
        self.repairs = Counter(
            "carrythrough_statement_repairs_total",
            "Repairs of what lenient credentials sent, by name; re-sends are not counted again.",
            ["repair"],
            registry=r,
        )
        self.set_aside = Counter(
            "carrythrough_statements_set_aside_total",
            "Statements of lenient credentials that no repair mends, by code; re-sends are not counted again.",
            ["code"],
            registry=r,
        )
        self.ack_seconds = Histogram(
            "carrythrough_acknowledgement_seconds",
            "From an admitted request to its durable append.",
            buckets=DELAY_BUCKETS_S,
            registry=r,
        )
        self.visible_seconds = Histogram(
            "carrythrough_fold_delay_seconds",
            "From the durable append of a record to its committed score (server clock).",
            buckets=DELAY_BUCKETS_S,
            registry=r,
        )
        self.intake_overloaded = Counter(
            "carrythrough_intake_overloaded_total",
            "Requests turned away because too much waited.",
            registry=r,
        )
        self.commit_failures = Counter(
            "carrythrough_commit_failures_total",
            "Groups that could not be committed, by code.",
            ["code"],
            registry=r,
        )
        self.documents = Counter(
            "carrythrough_documents_changed_total",
            "Documents stored and deleted, counted after their durable commit.",
            registry=r,
        )
        self.query_seconds = Histogram(
            "carrythrough_statement_query_seconds",
            "From a request for stored statements to its answer, waiting included.",
            buckets=DELAY_BUCKETS_S,
            registry=r,
        )
        self.given_out = Counter(
            "carrythrough_statements_given_out_total", "Statements in answers to queries.", registry=r
        )
        self.folded_records = Counter("carrythrough_records_folded_total", "Records folded.", registry=r)
        self.evidence = Counter(
            "carrythrough_evidence_total", "Pieces of evidence added to the ledger.", registry=r
        )
        self.unmatched = Counter(
            "carrythrough_records_unmatched_total",
            "Records that the program map says nothing about.",
            registry=r,
        )
        self.effects = Counter(
            "carrythrough_effects_total", "Effects produced, by kind.", ["kind"], registry=r
        )
        self.quarantined = Counter(
            "carrythrough_records_quarantined_total", "Records set aside because the fold raised: alert on any.",
            registry=r,
        )  # fmt: skip
        self.fold_loop_errors = Counter(
            "carrythrough_fold_loop_errors_total", "Errors of the fold loop itself: alert on any.", registry=r
        )
        self.fold_disk_waits = Counter(
            "carrythrough_fold_disk_waits_total", "Times that the fold waited for the disk.", registry=r
        )
        self.lag_records = Gauge(
            "carrythrough_fold_lag_records", "Records in the log not yet folded.", registry=r
        )
        self.unknown_actors = Gauge(
            "carrythrough_unknown_actors", "Actors with evidence whom the roster does not know: it waits for them.",
            registry=r,
        )  # fmt: skip
        self.index_lag_records = Gauge(
            "carrythrough_index_lag_records", "Records in the log that queries for statements do not see yet.",
            registry=r,
        )  # fmt: skip
        self.index_errors = Counter(
            "carrythrough_index_errors_total",
            "Times that the index of statements went back to what its file has; the log has it all.",
            registry=r,
        )
        self.index_unreadable = Counter(
            "carrythrough_index_unreadable_total",
            "Statements in the log that no query finds because no decoder reads them: alert on any.",
            registry=r,
        )
        self.deliveries = Counter(
            "carrythrough_deliveries_total", "Delivery attempts, by adapter and result.", ["adapter", "result"],
            registry=r,
        )  # fmt: skip
        self.dead_letters = Counter(
            "carrythrough_dead_letters_total",
            "Actions given up, by adapter: alert on any.",
            ["adapter"],
            registry=r,
        )
        self.pulled_statements = Counter(
            "carrythrough_pull_statements_total",
            "Statements read from other stores, by source and result (accepted, known, refused).",
            ["source", "result"],
            registry=r,
        )
        self.pull_failures = Counter(
            "carrythrough_pull_failures_total",
            "Looks into other stores that a fault stopped, by source and code.",
            ["source", "code"],
            registry=r,
        )
        self.pull_position = Gauge(
            "carrythrough_pull_position_seconds",
            "Time up to which a source was read, as the store stamps it (Unix).",
            ["source"],
            registry=r,
        )
        self.pull_success = Gauge(
            "carrythrough_pull_last_success_seconds",
            "When a source last gave a page that is durable now (Unix): alert when it grows old.",
            ["source"],
            registry=r,
        )
        self.consumed_records = Counter(
            "carrythrough_consume_events_total",
            "Performance events read from topics, by source and result (accepted, known, refused).",
            ["source", "result"],
            registry=r,
        )
        self.consume_failures = Counter(
            "carrythrough_consume_failures_total",
            "Readings of topics that a fault stopped, by source and code.",
            ["source", "code"],
            registry=r,
        )
        self.consume_lag_records = Gauge(
            "carrythrough_consume_lag_records",
            "Records that wait in a topic behind what is durable here: alert when it grows.",
            ["source"],
            registry=r,
        )
        self.rules_waiting = Gauge(
            "carrythrough_rules_waiting_for_approval",
            "Rules that would reach more people at once than the policy allows: alert when it is not 0.",
            registry=r,
        )
        self.forward = ForwardMetrics(r)
        self.oauth = OAuthMetrics(r)
        self._acks: deque[float] = deque(maxlen=RECENT_SAMPLES)
        self._visible: deque[float] = deque(maxlen=RECENT_SAMPLES)
        self._rates: deque[tuple[float, int]] = deque()
        self._committed: deque[tuple[int, float]] = deque(maxlen=RECENT_SAMPLES)

    def hook_body(self, hook: str, outcome: str) -> None:
        """Count what became of the body of a webhook; names are those of the settings."""
        self.hook_bodies.labels(hook, outcome).inc()

    def refuse(self, problem: Problem) -> None:
        """Count a refused request under its problem code."""
        self.refused.labels(problem.code).inc()

    def taken_leniently(self, items: Sequence[object], receipt: Receipt) -> None:
        """Count what was repaired and what was set aside in a request of a lenient credential."""
        for place, (item, known) in enumerate(zip(items, receipt.known, strict=True)):
            if known:
                continue
            if place in receipt.problems:
                self.set_aside.labels(receipt.problems[place].code).inc()
            elif isinstance(item, Repaired):
                for name in item.repairs:
                    self.repairs.labels(name).inc()

    def commit_failed(self, problem: Problem) -> None:
        """Count and log a group that could not be committed."""
        self.commit_failures.labels(problem.code).inc()
        _logger.error("commit_failed", code=problem.code, detail=problem.detail)

    def gave_out(self, statements: int, seconds: float) -> None:
        """Count an answer to a query for statements, and how long it took."""
        self.given_out.inc(statements)
        self.query_seconds.observe(seconds)

    def acknowledged(self, records: int, seconds: float) -> None:
        """Count records whose append is durable, and how long they waited for it."""
        self.records.inc(records)
        self.ack_seconds.observe(seconds)
        self._acks.append(seconds)
        now = time.monotonic()
        self._rates.append((now, records))
        while self._rates and self._rates[0][0] < now - RATE_WINDOW_S:
            self._rates.popleft()

    def committed(self, position: int) -> None:
        """Note when the log reached a position, to measure the delay to the fold.

        A deque, because one thread appends while another takes from the other end.
        """
        self._committed.append((position, time.monotonic()))

    def folded(self, batch: Sequence[Record], delta: Delta) -> None:
        """Count a folded batch and the delay of the groups that it completes; an empty one: part of a record."""
        self.folded_records.inc(len(batch))
        self.evidence.inc(len(delta.added))
        for kind, count in _kinds(delta).items():
            self.effects.labels(kind).inc(count)
        now = time.monotonic()
        last = batch[-1].position if batch else 0
        while self._committed and self._committed[0][0] <= last:
            delay = now - self._committed.popleft()[1]
            self.visible_seconds.observe(delay)
            self._visible.append(delay)

    def emit(self, event: DispatchEvent) -> None:
        """Count and log what the dispatcher did (`dispatch.events.DispatchTelemetry`)."""
        name = type(event).__name__
        self.deliveries.labels(event.adapter, name).inc()
        if isinstance(event, DeadLettered):
            self.dead_letters.labels(event.adapter).inc()
        loud = isinstance(event, DeadLettered | DispatchFault | AdapterStateChanged | RetryScheduled)
        (_logger.warning if loud else _logger.debug)(name, **msgspec.structs.asdict(event))

    def pulled(self, source: str, taken: Taken, stored_ms: int, success_ms: int) -> None:
        """Count a page read from another store (`pull.puller.Watcher`)."""
        for result, number in (
            ("accepted", taken.accepted),
            ("known", taken.known),
            ("refused", taken.refused),
        ):
            self.pulled_statements.labels(source, result).inc(number)
        self.pull_position.labels(source).set(stored_ms / 1000)
        self.pull_success.labels(source).set(success_ms / 1000)

    def pull_failed(self, source: str, problem: Problem) -> None:
        """Count a look into another store that a fault stopped (`pull.puller.Watcher`)."""
        self.pull_failures.labels(source, problem.code).inc()

    def consumed(self, source: str, taken: Taken) -> None:
        """Count a batch read from a topic (`consume.reader.Watcher`)."""
        for result, number in msgspec.structs.asdict(taken).items():
            self.consumed_records.labels(source, result).inc(number)

    def consume_lag(self, source: str, records: int) -> None:
        """Take note of what waits in a topic (`consume.reader.Watcher`)."""
        self.consume_lag_records.labels(source).set(records)

    def consume_failed(self, source: str, problem: Problem) -> None:
        """Count a reading of a topic that a fault stopped (`consume.reader.Watcher`)."""
        self.consume_failures.labels(source, problem.code).inc()

    def rate_per_s(self) -> float:
        """Return acknowledged records per second over the last RATE_WINDOW_S."""
        since = time.monotonic() - RATE_WINDOW_S
        return sum(count for at, count in tuple(self._rates) if at >= since) / RATE_WINDOW_S

    def medians_ms(self) -> tuple[float | None, float | None]:
        """Return the median acknowledgement and fold delay of the recent past in ms, None without any."""
        return _median_ms(self._acks), _median_ms(self._visible)


def _kinds(delta: Delta) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for effect in delta.effects:
        kind = str(effect.__struct_config__.tag)
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def _median_ms(samples: deque[float]) -> float | None:
    ordered = sorted(samples)
    return round(1000 * ordered[len(ordered) // 2], 2) if ordered else None
