"""Learning programs: who takes part, from when, and how the program reaches them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from carrythrough.program.part import Date, Id, Names, OptionalName, Part, Text, day_number

RolloutName = Literal["none", "randomised", "waitlist", "staggered"]
COHORT_PEOPLE_MAX = 100_000
"""Roster ids in one cohort; a larger cohort is told by role, team or site."""


class Cohort(Part, frozen=True, kw_only=True):
    """People who take part together: those listed, and those who fit every other member that is given.

    id: unique in its program. name: what people call it. start: first day; left out: that of the program. roles,
    teams, sites: as in the roster, any value of each. people: roster ids, who belong whatever else is said.
    comparison: these people do not get the program while it runs: others are compared with them.
    """

    id: Id
    name: OptionalName = ""
    start: Date | None = None
    roles: Names = ()
    teams: Names = ()
    sites: Names = ()
    people: Annotated[Names, Meta(max_length=COHORT_PEOPLE_MAX)] = ()
    comparison: bool = False

    def fits(self, role: str, team: str, site: str) -> bool:
        """Say whether somebody of this role, team and site belongs, without being listed."""
        return (
            bool(self.roles or self.teams or self.sites)
            and (not self.roles or role in self.roles)
            and (not self.teams or team in self.teams)
            and (not self.sites or site in self.sites)
        )


class LearningProgram(Part, frozen=True, kw_only=True):
    """A program that people take part in, cohort by cohort.

    id: how enriched events name it. name: what people call it. owner: who answers for it. skills: what it trains;
    left out: every skill of the map. start: first day. end: last day. rollout: how people come into it: at random
    ("randomised"), at random who waits ("waitlist"), in waves ("staggered"), or as it comes ("none"). cohorts: who
    takes part: the cohort that lists somebody, else the first that they fit; left out: everybody.
    """

    id: Id
    name: Text
    owner: OptionalName = ""
    skills: tuple[Id, ...] = ()
    start: Date | None = None
    end: Date | None = None
    rollout: RolloutName = "none"
    cohorts: Annotated[tuple[Cohort, ...], Meta(max_length=1000)] = ()

    def start_of(self, cohort: Cohort) -> int | None:
        """Return the first day of a cohort as days since the epoch; None when none is declared."""
        return day_number(cohort.start if cohort.start is not None else self.start)


def first_start(programs: tuple[LearningProgram, ...]) -> int | None:
    """Return the first day on which any cohort of any program starts (days since the epoch), None without one."""
    days = [
        day
        for program in programs
        for day in (
            day_number(program.start),
            *(program.start_of(c) for c in program.cohorts if not c.comparison),
        )
        if day is not None
    ]
    return min(days, default=None)


class Taking(Part, frozen=True, kw_only=True, array_like=True):
    """Somebody's place in a program. cohort: "" where the program has no cohorts. start_day: days since the epoch."""

    program: str
    cohort: str
    comparison: bool
    start_day: int | None


class Cohorts:
    """Who takes part in what, by roster id, role, team and site; answers are remembered by cohort, not by person."""

    def __init__(self, programs: tuple[LearningProgram, ...]) -> None:
        self._programs = programs
        self._listed: list[dict[str, int]] = []
        for program in programs:
            listed: dict[str, int] = {}
            for number, cohort in enumerate(program.cohorts):
                for person in cohort.people:
                    listed.setdefault(person, number)
            self._listed.append(listed)
        self._takings = [
            [_taking(program, cohort) for cohort in program.cohorts] or [_taking(program, None)]
            for program in programs
        ]

    def of(self, person: str, role: str = "", team: str = "", site: str = "") -> tuple[Taking, ...]:
        """Return the programs of somebody (roster id), in the order of the map; a cohort may start later.

        Who is listed belongs to that cohort; for the others the first cohort counts that they fit. () when the map
        has no programs.
        """
        found = []
        for program, listed, takings in zip(self._programs, self._listed, self._takings, strict=True):
            if not program.cohorts:
                found.append(takings[0])
                continue
            fitting = (n for n, cohort in enumerate(program.cohorts) if cohort.fits(role, team, site))
            number = listed[person] if person in listed else next(fitting, -1)
            if number >= 0:
                found.append(takings[number])
        return tuple(found)


def _taking(program: LearningProgram, cohort: Cohort | None) -> Taking:
    if cohort is None:
        return Taking(program=program.id, cohort="", comparison=False, start_day=day_number(program.start))
    return Taking(
        program=program.id,
        cohort=cohort.id,
        comparison=cohort.comparison,
        start_day=program.start_of(cohort),
    )
