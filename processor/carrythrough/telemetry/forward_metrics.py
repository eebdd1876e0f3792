"""The metrics of forwarding; their labels are the names in the settings, at most `forward.target.TARGETS_MAX`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class ForwardMetrics:
    """Implements `forward.lane.Watcher`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.statements = Counter(
            "carrythrough_forward_statements_total",
            "Statements to other stores, by target and result (stored, refused); failed counts tries.",
            ["target", "result"],
            registry=registry,
        )
        self.position = Gauge(
            "carrythrough_forward_position",
            "Place up to which a target has everything: of the log, or of our own effects.",
            ["target", "feed"],
            registry=registry,
        )
        self.lag = Gauge(
            "carrythrough_forward_lag",
            "Log records or effects that a target has not been sent yet.",
            ["target", "feed"],
            registry=registry,
        )
        self.failing = Gauge(
            "carrythrough_forward_failing_seconds",
            "For how long every try has failed: alert on an hour.",
            ["target", "feed"],
            registry=registry,
        )
        self.dead = Gauge(
            "carrythrough_forward_dead_letters",
            "Statements that a target refuses for good: alert on any.",
            ["target"],
            registry=registry,
        )

    def forwarded(self, target: str, result: str, count: int) -> None:
        """Count statements by result: stored, refused, or failed (to be sent again)."""
        self.statements.labels(target, result).inc(count)

    def forward_standing(self, target: str, feed: str, position: int, lag: int, failing_s: float) -> None:
        """Show where a feed stands."""
        self.position.labels(target, feed).set(position)
        self.lag.labels(target, feed).set(lag)
        self.failing.labels(target, feed).set(failing_s)

    def forward_dead(self, target: str, count: int) -> None:
        """Show how many dead letters a target has."""
        self.dead.labels(target).set(count)
