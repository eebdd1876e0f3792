"""A first map without any statements: activities from the ids that the author knows, read by their words."""

from __future__ import annotations

from collections.abc import Sequence

from carrythrough.program.activities import Activity, ActivityEvidence, Match
from carrythrough.program.courses import slug, spoken, unique
from carrythrough.program.natures import Nature, nature_of_id, tail
from carrythrough.program.proposing import UNNAMED, Proposal, ProposedActivity, ProposedSkill
from carrythrough.program.readings import Reading

_EXPOSED = Reading(
    "exposure", "none", 1.0, item=False, reason="by its id something to watch or read: exposure"
)
_READINGS = {
    Nature.PRACTICE: Reading(
        "practice", "score", 1.0, item=False, reason="by its id a simulation: how well it went counts"
    ),
    Nature.OPINION: Reading(
        "voice", "none", 0.0, item=False, reason="by its id a survey: opinions count nothing"
    ),
    Nature.JOB_AID: Reading(
        "support", "none", 1.0, item=False, reason="by its id a job aid: using it is support"
    ),
    Nature.MEDIA: _EXPOSED,
}
_SCORED = Reading(
    "learn",
    "score",
    1.0,
    item=False,
    reason="scores and successes are outcomes of learning; what has none is exposure",
)


def first_proposal(skills: Sequence[tuple[str, str]], name: str, activities: Sequence[str]) -> Proposal:
    """Return a map to begin with. activities: ids of objects; one that ends in "/" or "*" is a beginning of ids."""
    title = name or UNNAMED
    named = [ProposedSkill(*skill, "") for skill in skills or [(slug(title, "skill"), title)]]
    taken: set[str] = set()
    found = []
    for iri in activities:
        reading = _READINGS.get(nature_of_id(iri) or Nature.OTHER, _SCORED)
        begins = iri.endswith(("/", "*", "#"))
        bare = iri.removesuffix("*")
        evidence = ActivityEvidence(
            skill=named[0].id, channel=reading.channel, outcome=reading.outcome, weight=reading.weight
        )
        activity = Activity(
            id=unique(slug(tail(bare), "activity"), taken),
            name=spoken(tail(bare)),
            match=Match(activity_prefix=(bare,)) if begins else Match(activity=(bare,)),
            modality="support" if reading.channel == "support" else "formal",
            evidence=(evidence,),
        )
        found.append(ProposedActivity(activity, 0, 0, (), reading.reason))
    return Proposal(tuple(named), tuple(found), (), 0, 0, 0)
