"""Who and what the forms are about, by the roster and the program map in force."""

from __future__ import annotations

from collections.abc import Callable

from carrythrough.gateway.pages.answers import Reader
from carrythrough.pipeline.plan import InForce


class RosterFormPeople:
    """Implements `LinkPeople` and `AnswerPeople` of the gateway's pages over the versions in force."""

    def __init__(self, in_force: Callable[[], InForce]) -> None:
        self._in_force = in_force

    def person(self, subject: str) -> tuple[str, str] | None:
        """Return (roster id, name) behind a pseudonym; the id stands for a name that the roster lacks."""
        person = self._in_force().directory.person(subject)
        return None if person is None else (person.id, person.name or person.id)

    def reader(self, subject: str) -> Reader | None:
        """Return who is behind a pseudonym, as the pages of answers know them."""
        person = self._in_force().directory.person(subject)
        return None if person is None else Reader(subject, person.id, person.locale)

    def skill(self, skill: str) -> str | None:
        """Return the name of a skill."""
        found = self._in_force().program.skills.get(skill)
        return None if found is None else found.name

    def skills_of(self, subject: str) -> list[tuple[str, str]]:
        """Return the skills that a person's role needs: those that name the role, or no role at all."""
        in_force = self._in_force()
        person = in_force.directory.person(subject)
        role = "" if person is None else person.role
        skills = in_force.program.skills.values()
        return [
            (skill.id, skill.name) for skill in skills if not skill.roles or not role or role in skill.roles
        ]

    def subject(self, employee: str) -> str | None:
        """Return the pseudonym of a roster id, or of a pseudonym that the roster knows."""
        directory = self._in_force().directory
        if directory.knows(employee):
            return directory.subject_of_employee(employee)
        return employee if directory.person(employee) is not None else None

    def manager_of(self, subject: str) -> str | None:
        """Return the pseudonym of a person's manager."""
        return self._in_force().directory.manager_of(subject)
