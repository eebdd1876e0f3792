"""Which knowledge items of a person are due: schedules of all items, from the ledger rows that count."""

from __future__ import annotations

from collections.abc import Iterable

from carrythrough.evidence.types import Channel, Evidence
from carrythrough.program.types import Skill
from carrythrough.scoring.spacing import Answer, Schedule, desired_retention, recall, schedule

ITEMS_SHOWN_MAX = 200
"""Items listed for one skill, those due first."""


def schedules(rows: Iterable[Evidence], skill: Skill) -> list[Schedule]:
    """Return the schedule of each item of a skill, the one due first first.

    rows: evidence that counts, of any skill. Only learn and practice evidence about an item of its own
    (`item: activity` in the map) is a review.
    """
    answers: dict[str, list[Answer]] = {}
    for e in rows:
        if e.skill == skill.id and e.item and e.channel <= Channel.PRACTICE and e.w:
            answers.setdefault(e.item, []).append(Answer(e.t_ms, e.source, e.y))
    retention = desired_retention(safety_critical=skill.safety_critical)
    found = [schedule(item, given, retention) for item, given in answers.items()]
    return sorted(found, key=lambda s: (s.due_ms, s.item))


def reviews_part(rows: Iterable[Evidence], skill: Skill, now_ms: int) -> dict[str, object]:
    """Return the items of a skill as plain values: how many, how many are due, and the first of them."""
    found = schedules(rows, skill)
    return {
        "desired_retention": desired_retention(safety_critical=skill.safety_critical),
        "items": len(found),
        "due": sum(s.due_ms <= now_ms for s in found),
        "recall": round(sum(recall(s, now_ms) for s in found) / len(found), 4) if found else None,
        "schedules": [
            {
                "item": s.item,
                "due_ms": s.due_ms,
                "is_due": s.due_ms <= now_ms,
                "last_ms": s.last_ms,
                "recall": round(recall(s, now_ms), 4),
                "stability_days": round(s.stability, 3),
                "difficulty": round(s.difficulty, 3),
                "answers": s.answers,
                "lapses": s.lapses,
            }
            for s in found[:ITEMS_SHOWN_MAX]
        ],
    }
