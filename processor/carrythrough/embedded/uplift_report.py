"""The report on what pushes do, read from one state file: decisions held against what followed them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import apsw
import msgspec

from carrythrough.embedded.database import select
from carrythrough.embedded.decisions import read_decisions
from carrythrough.embedded.feedback import read_warnings, shown
from carrythrough.embedded.pair_histories import read_histories
from carrythrough.embedded.presenting import rfc3339
from carrythrough.embedded.terms import Terms
from carrythrough.impact.exposure import EXPOSURE_DAYS, Exposure, exposure
from carrythrough.impact.holdout import HoldoutComparison
from carrythrough.impact.report import OutcomeReport, Part, Report, report
from carrythrough.impact.sequence import ALPHA, PEOPLE_LEAST
from carrythrough.impact.verdict import Estimate
from carrythrough.impact.weighted import LEVEL
from carrythrough.pipeline.plan import InForce
from carrythrough.reinforcement.guards import in_holdout
from carrythrough.reinforcement.presence import absence_at
from carrythrough.scoring.groups import WHOLE, Key

DIMENSIONS = ("team", "role", "site")
_RULES = "SELECT DISTINCT adapter, json_extract(CAST(body AS TEXT), '$.rule') FROM outbox"


def read_report(connection: apsw.Connection, in_force: InForce, now_ms: int, worth: float) -> dict[str, Any]:
    """Return what can be said at a time, ready for JSON; raises apsw.Error."""
    points, left_out = read_decisions(connection)
    found = report(
        points,
        read_histories(connection, Terms(connection), (point.subject for point in points)),
        _carried(connection),
        now_ms,
        worth,
    )
    minimum = in_force.program.policy.minimum_group
    shares = exposure(points, _people(in_force, now_ms), now_ms, minimum)
    return {
        "as_of": rfc3339(now_ms),
        "worth": worth,
        "level": LEVEL,
        "anytime_level": 1.0 - ALPHA,
        "least_people": PEOPLE_LEAST,
        **_shown(found),
        "decisions_left_out": left_out,
        "holdout": {"share": in_force.program.policy.holdout, **_comparison(found.holdout)},
        "warnings": [shown(owned, in_force) for owned in read_warnings(connection, in_force, now_ms)],
        "exposure": {
            "days": EXPOSURE_DAYS,
            "minimum": minimum,
            "program": _exposure(shares.get(WHOLE, "small")),
            "groups": _groups(shares),
        },
    }


def _carried(connection: apsw.Connection) -> dict[str, frozenset[str]]:
    """Return the rules whose actions each adapter was given."""
    found: dict[str, set[str]] = {}
    for adapter, rule in select(connection, _RULES):
        found.setdefault(adapter, set()).add(rule)
    return {adapter: frozenset(rules) for adapter, rules in found.items()}


def _people(in_force: InForce, now_ms: int) -> dict[str, dict[str, str]]:
    """Return everybody who may be pushed, with their groups."""
    share = in_force.program.policy.holdout
    return {
        subject: {name: str(getattr(person, name)) for name in DIMENSIONS}
        for subject, person in in_force.directory.people.items()
        if not in_holdout(subject, share) and absence_at(person, now_ms) not in ("suspended", "left")
    }


def _shown(found: Report) -> dict[str, Any]:
    return {
        "rung": found.rung,
        "decisions": found.decisions,
        "randomised": found.randomised,
        "people": found.people,
        "outcomes": [_outcome(outcome) for outcome in found.outcomes],
    }


def _outcome(found: OutcomeReport) -> dict[str, Any]:
    return {
        "outcome": found.outcome,
        "words": found.words,
        "open": found.open,
        "whole": _part(found.whole),
        **{f"by_{table}": [_part(part) for part in parts] for table, parts in found.tables.items()},
    }


def _part(part: Part) -> dict[str, Any]:
    return {"name": part.name, "words": part.words, **_figures(part.found)}


def _figures(found: Estimate | HoldoutComparison) -> dict[str, Any]:
    """Return the members of an estimate, shares rounded to 4 digits."""
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in msgspec.structs.asdict(found).items()
    }


def _comparison(found: HoldoutComparison) -> dict[str, Any]:
    shown = _figures(found)
    without = found.without_results
    shown["without_results"] = (
        None if without is None else {"held": round(without[0], 4), "others": round(without[1], 4)}
    )
    return shown


def _groups(shares: Mapping[Key, Exposure | str]) -> list[dict[str, Any]]:
    """Return the groups of each dimension that divides people at all."""
    named = {dimension for dimension, group in shares if group}
    return [
        {"by": by, "group": group, **_exposure(shares[by, group])}
        for by in DIMENSIONS
        for dimension, group in sorted(shares)
        if dimension == by and by in named
    ]


def _exposure(found: Exposure | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"pushes": None, "reached": None, "people": None, "hidden": found}
    return {
        "pushes": round(found.pushes, 4),
        "reached": round(found.reached, 4),
        "people": found.people,
        "hidden": None,
    }
