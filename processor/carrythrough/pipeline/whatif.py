"""What would raise a score most: each kind of evidence tried out on a copy, and the score read again."""

from __future__ import annotations

from typing import NamedTuple

from carrythrough.evidence.mapping import MANAGER_WEIGHT, P_ITEM_DEFAULT
from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.reading import Reading
from carrythrough.program.compile import Program
from carrythrough.program.event_matcher import CHANNELS
from carrythrough.program.types import Skill
from carrythrough.scoring.score import read_score, weigh
from carrythrough.scoring.state import LearnerState, PairState, apply

_SOURCE = b"\xff" * 16
"""No statement has this id: UUIDs of ours and of senders carry a version."""


class _Try(NamedTuple):
    code: str
    text: str
    channel: Channel
    weight: float


_TRIES = (
    _Try(
        "job-success", "One outcome on the job that meets the standard, without a job aid", Channel.JOB, 1.0
    ),
    _Try(
        "observation",
        "One observation by the manager that it went to the standard",
        Channel.OBSERVED,
        MANAGER_WEIGHT,
    ),
    _Try("practice", "One simulation or role play passed", Channel.PRACTICE, 1.0),
    _Try("review", "One question or assessment answered right", Channel.LEARN, 1.0),
)


def raises(
    learner: LearnerState, pair: PairState, at_ms: int, skill: Skill, in_force: InForce, reading: Reading
) -> list[dict[str, object]]:
    """Return what one more success of each kind, now, would do to the score, largest change first.

    Only kinds that the program map can bring about for the skill. Empty without a score.
    """
    if reading.score is None:
        return []
    before, model = reading.score.value, in_force.model
    possible = channels_of(in_force.program, skill.id)
    found: list[tuple[float, dict[str, object]]] = []
    for code, text, channel, weight in _TRIES:
        if channel not in possible:
            continue
        e = Evidence(_SOURCE, skill.id, channel, at_ms, Y_ONE, int(weight * W_ONE), P_ITEM_DEFAULT)
        person, twin = learner.copy(), pair.copy()
        person.pairs[skill.id] = twin
        apply(person, twin, e, assisted=False)
        after = read_score(person, twin, at_ms, model, weigh(twin, at_ms, volatile=skill.short_memory)).value
        points = round(100 * (after - before), 2)
        found.append((points, {"code": code, "text": text, "points": points, "score": round(after, 4)}))
    return [entry for _, entry in sorted(found, key=lambda pair: -pair[0])]


def channels_of(program: Program, skill_id: str) -> set[int]:
    """Return the outcome channels that the map can bring about for a skill.

    Work outcomes and observations may always come: an event can name its skill itself.
    """
    found = {int(Channel.JOB), int(Channel.OBSERVED)}
    for activity in program.map.activities:
        for rule in activity.evidence:
            if rule.skill == skill_id and rule.outcome != "none":
                found.add(CHANNELS[rule.channel])
    return found
