"""Whether a map and a roster speak of the same roles: a role that nobody has makes a skill important to nobody."""

from __future__ import annotations

from collections.abc import Collection

from carrythrough.authoring.reading import did_you_mean, listing
from carrythrough.authoring.source import Lint, Node
from carrythrough.program.types import ProgramMap


def role_lints(program: ProgramMap, root: Node, filename: str, roles: Collection[str]) -> list[Lint]:
    """Return a warning for each role of the map that nobody in the roster has. roles: those of the roster."""
    known = sorted(roles)
    found = []
    for number, skill in enumerate(program.skills):
        for role in skill.roles:
            if role in roles:
                continue
            line, column = root.place("skills", number, "roles", role)
            found.append(
                Lint(
                    code="role-without-people",
                    file=filename,
                    line=line,
                    column=column,
                    message=f'nobody in the roster has the role "{role}", to which the skill "{skill.id}" matters',
                    rule="a skill is scored for the people whose role needs it",
                    fix=did_you_mean(role, known)
                    or f"the roster has: {listing(known) if known else 'no roles at all'}",
                    severity="warning",
                    pointer=f"/skills/{number}/roles/{role}",
                )
            )
    return found
