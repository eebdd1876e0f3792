"""Who gets pushes: the mean of the last 30 days by team, role and site, small groups hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from carrythrough.impact.outcomes import DAY_MS
from carrythrough.impact.points import DecisionPoint
from carrythrough.scoring.groups import Key, Member, group_scores

EXPOSURE_DAYS = 30
PUSHES, REACHED = "pushes", "reached"


class Exposure(NamedTuple):
    """pushes: mean for a person in EXPOSURE_DAYS. reached: share of the people who got one or more, 0..1."""

    pushes: float
    reached: float
    people: int


def exposure(
    points: Iterable[DecisionPoint], people: Mapping[str, Mapping[str, str]], now_ms: int, minimum: int
) -> dict[Key, Exposure | str]:
    """Return the exposure of groups and of WHOLE, or why one is hidden (see `scoring.groups`).

    people: everybody who may be pushed, with their group in each dimension. minimum: people that a group needs.
    """
    counts = dict.fromkeys(people, 0)
    for point in points:
        if (
            point.pushed
            and not point.recipient
            and point.subject in counts
            and now_ms - point.as_of_ms < EXPOSURE_DAYS * DAY_MS
        ):
            counts[point.subject] += 1
    found = group_scores(
        {
            PUSHES: [Member(who, people[who], float(count), 0.0) for who, count in counts.items()],
            REACHED: [Member(who, people[who], float(count > 0), 0.0) for who, count in counts.items()],
        },
        minimum,
    )
    shown: dict[Key, Exposure | str] = {}
    for key, pushes in found[PUSHES].items():
        reached = found[REACHED][key]
        if isinstance(pushes, str) or isinstance(reached, str):
            shown[key] = pushes if isinstance(pushes, str) else str(reached)
        else:
            shown[key] = Exposure(pushes.value, reached.value, pushes.people)
    return shown
