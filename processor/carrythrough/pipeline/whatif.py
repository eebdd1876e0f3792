"""What would raise a score most: each kind of evidence tried out on a copy, and the score read again."""

from __future__ import annotations

from typing import NamedTuple

from carrythrough.evidence.mapping import MANAGER_WEIGHT, P_ITEM_DEFAULT, W_MAX
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

    Only kinds that the program map can bring about for the skill, with the largest weight that it gives them.
    Empty without a score.
    """
    if reading.score is None:
        return []
    before, model = reading.score.value, in_force.model
    weights = weights_of(in_force.program, skill.id)
    found: list[tuple[float, dict[str, object]]] = []
    for code, text, channel, weight in _TRIES:
        w = min(int(weight * weights.get(channel, 0.0) * W_ONE + 0.5), W_MAX)
        if not w:
            continue
        e = Evidence(_SOURCE, skill.id, channel, at_ms, Y_ONE, w, P_ITEM_DEFAULT)
        person, twin = learner.copy(), pair.copy()
        person.pairs[skill.id] = twin
        apply(person, twin, e, assisted=False)
        after = read_score(person, twin, at_ms, model, weigh(twin, at_ms, volatile=skill.short_memory)).value
        points = round(100 * (after - before), 2)
        found.append((points, {"code": code, "text": text, "points": points, "score": round(after, 4)}))
    return [entry for _, entry in sorted(found, key=lambda pair: -pair[0])]


def weights_of(program: Program, skill_id: str) -> dict[int, float]:
    """Return the largest weight of an outcome of a skill by channel, for the channels that the map can bring about.

    Work outcomes and observations may always come: an event can name its skill itself. Those count by the rules of
    the map about the skill, and as 1 where there is none.
    """
    found: dict[int, float] = {}
    for activity in program.map.activities:
        for rule in activity.evidence:
            if rule.skill == skill_id and rule.outcome != "none":
                _raise_to(found, CHANNELS[rule.channel], rule.weight)
    for event in program.map.events:
        for entry in event.evidence:
            if entry.skill == skill_id:
                _raise_to(found, CHANNELS[entry.channel], entry.weight)
    for channel in (Channel.JOB, Channel.OBSERVED):
        found.setdefault(channel, 1.0)
    return found


def _raise_to(found: dict[int, float], channel: int, weight: float) -> None:
    found[channel] = max(found.get(channel, 0.0), weight)
