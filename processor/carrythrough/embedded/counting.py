"""What one fold added to the counters of the installation, which summaries and reports of imports are made of."""

from __future__ import annotations

from collections.abc import Sequence

from carrythrough.pipeline.delta import Delta
from carrythrough.pipeline.effects import ActionRequested, Decision
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import Kind, Record
from carrythrough.pipeline.unmatched import why_unmatched

HOUR_MS = 3_600_000
UNMATCHED = "unmatched."
"""Prefix of the counters of records without evidence, by reason."""
_COUNTED = frozenset({Kind.STATEMENT, Kind.EVENT})


def counts_of(batch: Sequence[Record], delta: Delta, in_force: InForce) -> dict[str, int]:
    """Return how much to add to each counter; those that stay are left out.

    statements, events: records of the kind. evidence: pieces. unmatched: records without any; and by
    reason (`pipeline.unmatched`). refused: statements that are none. history: pieces older than
    the longest expiry of a rule, which decide nothing. decisions, actions: logged and asked for.
    """
    statements = sum(record.kind is Kind.STATEMENT for record in batch)
    events = sum(record.kind is Kind.EVENT for record in batch)
    counts = {"statements": statements, "events": events, "evidence": len(delta.added)}
    counts["refused"] = len(delta.refused)
    mapped = {row.position for row in delta.added}
    counts["unmatched"] = statements + events - len(mapped)
    if counts["unmatched"] > 0:
        for record in batch:
            if record.kind in _COUNTED and record.position not in mapped:
                name = UNMATCHED + why_unmatched(record, in_force)
                counts[name] = counts.get(name, 0) + 1
    counts["history"] = _history(batch, delta, in_force)
    for effect in delta.effects:
        if type(effect) is Decision:
            counts["decisions"] = counts.get("decisions", 0) + 1
        elif type(effect) is ActionRequested:
            counts["actions"] = counts.get("actions", 0) + 1
    return {name: value for name, value in counts.items() if value}


def _history(batch: Sequence[Record], delta: Delta, in_force: InForce) -> int:
    """Return how many new pieces were too old to decide anything, by the log time of the batch's first record."""
    if not delta.added:
        return 0
    news_ms = max((rule.expires_h for rule in in_force.program.reinforcement), default=0) * HOUR_MS
    oldest_ms = batch[0].stored_ms - news_ms
    return sum(row.evidence.t_ms < oldest_ms for row in delta.added)
