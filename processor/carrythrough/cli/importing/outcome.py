"""What an import came to: the numbers of the installation after it, less those before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ADDED = {
    "statements": "statements",
    "events": "events",
    "evidence": "evidence",
    "history": "history",
    "unmatched": "unmatched",
    "refused": "refused",
    "set_aside": "quarantined",
    "decisions": "decisions",
    "actions_requested": "actions_requested",
    "people_new": "employees",
    "scores_new": "scored_pairs",
}
"""Our name: that of the summary (`GET /v1/summary`)."""


def came_to(before: Mapping[str, Any], now: Mapping[str, Any], *, actions_waiting: int) -> dict[str, Any]:
    """Return what was added between two summaries, and what there is now.

    statements, events: new ones. evidence: new pieces, of which `history` were too old to decide anything.
    unmatched: records without evidence, by reason in `unmatched_by`. refused: statements of lenient
    senders that are none. set_aside: records that could not be scored. decisions, actions_requested: what
    was decided and asked for meanwhile. people_new, scores_new: people with evidence and scores that
    came to be; employees, scores: how many there are. skills: the same by skill. actions_waiting: for a
    server to send.
    """
    found: dict[str, Any] = {name: now[theirs] - before[theirs] for name, theirs in _ADDED.items()}
    reasons = {name: n - before["unmatched_by"].get(name, 0) for name, n in now["unmatched_by"].items()}
    found["unmatched_by"] = {name: n for name, n in sorted(reasons.items(), key=lambda e: -e[1]) if n}
    earlier = {entry["skill"]: entry for entry in before["skills"]}
    none = {"people": 0, "scored": 0}
    found["skills"] = [
        {
            "skill": entry["skill"],
            "people": entry["people"],
            "people_new": entry["people"] - earlier.get(entry["skill"], none)["people"],
            "scores": entry["scored"],
            "scores_new": entry["scored"] - earlier.get(entry["skill"], none)["scored"],
        }
        for entry in now["skills"]
    ]
    return found | {
        "employees": now["employees"],
        "scores": now["scored_pairs"],
        "actions_waiting": actions_waiting,
    }
