"""What a skill means on the job, as the program map in force says it: beside the score, for whoever reads one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from carrythrough.evidence.types import Y_ONE, Channel, Evidence
from carrythrough.pipeline.plan import InForce
from carrythrough.program.cohorts import Cohorts
from carrythrough.program.types import Objective, Skill

_EPOCH = dt.date(1970, 1, 1)
_ON_THE_JOB = (Channel.JOB, Channel.OBSERVED)


def meaning_part(
    subject: str, skill: Skill, in_force: InForce, rows: Iterable[Evidence]
) -> dict[str, object]:
    """Return objectives, other frameworks, what comes first, the person's programs, and which map says so.

    rows: the evidence of the person that counts. times_shown, last_shown_ms: successes on the job by what the
    objective names (`Objective.shown_by`), else by anything; null for none.
    """
    program = in_force.program
    jobs = [e for e in rows if e.skill == skill.id and e.channel in _ON_THE_JOB and e.w and 2 * e.y >= Y_ONE]
    return {
        "objectives": [
            _objective(objective, jobs) for objective in program.map.objectives if objective.skill == skill.id
        ],
        "frameworks": list(skill.frameworks),
        "requires": [
            {"skill": name, "skill_name": program.skills[name].name}
            for name in skill.requires
            if name in program.skills
        ],
        "programs": _programs(subject, skill, in_force),
        "map": {
            "id": program.id,
            "version": program.version,
            "name": program.map.name,
            "owner": program.map.owner,
        },
    }


def _objective(objective: Objective, jobs: list[Evidence]) -> dict[str, object]:
    shown = [e.t_ms for e in jobs if not objective.shown_by or e.rule in objective.shown_by]
    return {
        "id": objective.id,
        "statement": objective.statement,
        "times_shown": len(shown),
        "last_shown_ms": max(shown, default=None),
    }


def _programs(subject: str, skill: Skill, in_force: InForce) -> list[dict[str, object]]:
    """Return the programs that train the skill and that the person takes part in."""
    person = in_force.directory.person(subject)
    offers = tuple(
        offer for offer in in_force.program.map.programs if not offer.skills or skill.id in offer.skills
    )
    if person is None or not offers:
        return []
    by_id = {offer.id: offer for offer in offers}
    found: list[dict[str, object]] = []
    for taking in Cohorts(offers).of(person.id, person.role, person.team, person.site):
        offer = by_id[taking.program]
        cohort = next((cohort for cohort in offer.cohorts if cohort.id == taking.cohort), None)
        found.append(
            {
                "program": offer.id,
                "name": offer.name,
                "owner": offer.owner,
                "rollout": offer.rollout,
                "cohort": taking.cohort,
                "cohort_name": "" if cohort is None else cohort.name or cohort.id,
                "comparison": taking.comparison,
                "start": None
                if taking.start_day is None
                else (_EPOCH + dt.timedelta(taking.start_day)).isoformat(),
                "end": offer.end,
            }
        )
    return found
