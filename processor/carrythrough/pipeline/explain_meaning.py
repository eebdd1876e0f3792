"""What a skill means on the job, as the program map in force says it: beside the score, for whoever reads one."""

from __future__ import annotations

from carrythrough.program.compile import Program
from carrythrough.program.types import Skill


def meaning_part(skill: Skill, program: Program) -> dict[str, object]:
    """Return objectives (what the person will do), the same skill in other frameworks, and what comes first."""
    known = program.skills
    return {
        "objectives": [
            {"id": objective.id, "statement": objective.statement}
            for objective in program.map.objectives
            if objective.skill == skill.id
        ],
        "frameworks": list(skill.frameworks),
        "requires": [
            {"skill": name, "skill_name": known[name].name} for name in skill.requires if name in known
        ],
    }
