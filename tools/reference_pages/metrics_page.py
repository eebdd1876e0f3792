"""Writes docs/reference/metrics.md: every metric with its type, labels and meaning."""

from __future__ import annotations

from pathlib import Path

from carrythrough.telemetry.metrics import Telemetry

INTRODUCTION = """\
# Metrics

`GET /metrics` on its own port (setting `metrics_port`, 9464 by default), in the Prometheus text format.
Units are base units. No person, statement or free text is ever a label. A histogram `x` gives
`x_bucket`, `x_sum` and `x_count`.
"""


def metrics_page(root: Path) -> str:
    """Return the page as Markdown, from a fresh registry."""
    del root
    telemetry = Telemetry()
    # prometheus_client offers no public way to ask a metric without samples for its label names.
    labels = {
        metric.name: getattr(collector, "_labelnames", ())
        for collector in vars(telemetry).values()
        if hasattr(collector, "describe")
        for metric in collector.describe()
    }
    lines = [INTRODUCTION, "| Metric | Type | Labels | Meaning |", "|---|---|---|---|"]
    # The process metrics exist on Linux only; the page must not depend on where it is generated.
    ours = [metric for metric in telemetry.registry.collect() if metric.name.startswith("carrythrough_")]
    for metric in sorted(ours, key=lambda metric: metric.name):
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        named = ", ".join(f"`{label}`" for label in labels.get(metric.name, ())) or "–"
        lines.append(f"| `{name}` | {metric.type} | {named} | {metric.documentation} |")
    lines += ["", "Beside these, the standard `process_*` metrics of the Prometheus client (Linux)."]
    return "\n".join(lines)
