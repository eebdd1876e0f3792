"""The metrics of bearer tokens: what the token endpoint answers, and how old the issuer's keys are."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class OAuthMetrics:
    """Counts by the error codes of RFC 6749 5.2, which are few."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.tokens = Counter(
            "carrythrough_token_requests_total",
            "Answers of the token endpoint, by result (given, or the error code).",
            ["result"],
            registry=registry,
        )
        self.keys_read = Gauge(
            "carrythrough_issuer_keys_read_seconds",
            "When the keys of the configured issuer were last read (Unix), 0 without one: alert when it grows old.",
            registry=registry,
        )

    def answered(self, result: str) -> None:
        """Count one answer of the token endpoint."""
        self.tokens.labels(result).inc()
