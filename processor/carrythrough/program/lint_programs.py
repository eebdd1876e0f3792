"""Programs and cohorts of a map: their days, who belongs to them, and whether their design can tell anything."""

from __future__ import annotations

from collections.abc import Collection

from carrythrough.program.lint_context import LintContext, Path, add_lint, nearest
from carrythrough.program.part import day_number
from carrythrough.program.types import Cohort, LearningProgram

Named = tuple[Path, str, str]
"""(path, name, who names it)"""


def program_dates(context: LintContext) -> None:
    """Check that days exist and stand in order, and that programs have not ended."""
    for p, program in enumerate(context.program.programs):
        place: Path = ("programs", p)
        dates = [("start", program.start, place), ("end", program.end, place)]
        dates += [("start", cohort.start, (*place, "cohorts", c)) for c, cohort in enumerate(program.cohorts)]
        for member, date, path in dates:
            if date is not None and day_number(date) is None:
                message = f'program "{program.id}" names the day {date}, which does not exist'
                add_lint(context, (*path, member), "program-dates", message, "correct the day")
        _order(context, program, place)
        end, today = day_number(program.end), context.around.today
        if end is not None and today is not None and end < today:
            message = f'program "{program.id}" ended on {program.end}'
            add_lint(
                context, (*place, "end"), "program-ended", message, "move the end, or remove the program"
            )
        if (
            program.rollout != "none"
            and program.start is None
            and any(c.start is None for c in _all(program))
        ):
            message = f'program "{program.id}" is {program.rollout} and has no first day'
            add_lint(context, place, "program-without-start", message, 'add "start"')


def _all(program: LearningProgram) -> tuple[Cohort | LearningProgram, ...]:
    return program.cohorts or (program,)


def _order(context: LintContext, program: LearningProgram, place: Path) -> None:
    start, end = day_number(program.start), day_number(program.end)
    if start is not None and end is not None and end < start:
        message = f'program "{program.id}" ends on {program.end}, before it starts on {program.start}'
        add_lint(context, (*place, "end"), "program-dates", message, "correct start or end")
        return
    for c, cohort in enumerate(program.cohorts):
        begins = day_number(cohort.start)
        if begins is None:
            continue
        path = (*place, "cohorts", c, "start")
        if start is not None and begins < start:
            message = f'cohort "{cohort.id}" starts on {cohort.start}, before its program on {program.start}'
            add_lint(context, path, "program-dates", message, "correct one of the two")
        if end is not None and begins > end:
            message = (
                f'cohort "{cohort.id}" starts on {cohort.start}, after its program has ended on {program.end}'
            )
            add_lint(context, path, "program-dates", message, "correct one of the two")


def cohorts(context: LintContext) -> None:
    """Check that each cohort has members, and members of its own."""
    for p, program in enumerate(context.program.programs):
        listed: dict[str, str] = {}
        for c, cohort in enumerate(program.cohorts):
            path: Path = ("programs", p, "cohorts", c)
            if not (cohort.roles or cohort.teams or cohort.sites or cohort.people):
                message = f'nobody belongs to the cohort "{cohort.id}"'
                add_lint(context, path, "cohort-empty", message, 'add "teams", "roles", "sites" or "people"')
            rival = next((before for before in program.cohorts[:c] if _takes_all(before, cohort)), None)
            if rival is not None:
                message = f'all members of the cohort "{cohort.id}" belong to "{rival.id}" already'
                add_lint(
                    context,
                    path,
                    "cohort-overlap",
                    message,
                    "tell the two apart, or put the narrower one first",
                )
            for n, person in enumerate(cohort.people):
                if person in listed:
                    message = f'"{person}" belongs to the cohorts "{listed[person]}" and "{cohort.id}"'
                    add_lint(context, (*path, "people", n), "cohort-overlap", message, "name the person once")
                listed.setdefault(person, cohort.id)


def _takes_all(first: Cohort, second: Cohort) -> bool:
    """Say whether everybody of `second` belongs to `first`, as far as roles, teams and sites tell."""
    members = ("roles", "teams", "sites")
    if second.people or not any(getattr(first, member) for member in members):
        return False
    return all(
        not getattr(first, member)
        or (bool(getattr(second, member)) and set(getattr(second, member)) <= set(getattr(first, member)))
        for member in members
    ) and any(getattr(second, member) for member in members)


def rollouts(context: LintContext) -> None:
    """Warn of designs without anything to compare."""
    for p, program in enumerate(context.program.programs):
        path: Path = ("programs", p, "rollout")
        compared = any(cohort.comparison for cohort in program.cohorts)
        starts = {program.start_of(cohort) for cohort in program.cohorts if not cohort.comparison}
        message = fix = ""
        if program.rollout == "randomised" and not compared and len(starts) < 2:
            message = f'program "{program.id}" is randomised, and no cohort is there to be compared with'
            fix = 'add a cohort with "comparison: true"'
        elif program.rollout in ("waitlist", "staggered") and not compared and len(starts) < 2:
            message = (
                f'program "{program.id}" is {program.rollout}, and all of its cohorts start on the same day'
            )
            fix = 'give the cohorts their own "start"'
        elif program.rollout == "none" and compared:
            message = (
                f'program "{program.id}" has a comparison cohort, and does not say how people came into it'
            )
            fix = 'write "rollout: randomised" if chance decided, else "staggered"'
        if message:
            add_lint(context, path, "rollout-without-comparison", message, fix)


def known_people(context: LintContext) -> None:
    """Warn of roles, teams, sites and people that the roster does not have, where there is one."""
    around, program = context.around, context.program
    roles: list[Named] = [
        (("skills", s, "roles", role), role, f'skill "{skill.id}"')
        for s, skill in enumerate(program.skills)
        for role in skill.roles
    ]
    roles += [
        (("tests", t, "role"), test.role, f'test "{test.id}"')
        for t, test in enumerate(program.tests)
        if test.role
    ]
    teams: list[Named] = []
    sites: list[Named] = []
    people: list[Named] = []
    for g, goal in enumerate(program.goals):
        for k, kpi in enumerate(goal.kpis):
            for t, own in enumerate(kpi.targets):
                path: Path = ("goals", g, "kpis", k, "targets", t)
                roles += [((*path, "role"), own.role, f'KPI "{kpi.id}"')] if own.role else []
                sites += [((*path, "site"), own.site, f'KPI "{kpi.id}"')] if own.site else []
    for p, offer in enumerate(program.programs):
        for c, cohort in enumerate(offer.cohorts):
            for member, found in (("roles", roles), ("teams", teams), ("sites", sites), ("people", people)):
                found += [
                    (("programs", p, "cohorts", c, member, n), name, f'cohort "{cohort.id}"')
                    for n, name in enumerate(getattr(cohort, member))
                ]
    for path, name, who, fix in _strangers(context, roles, around.roles):
        add_lint(
            context,
            path,
            "unknown-role",
            f'{who} names the role "{name}", which nobody in the roster has',
            fix,
        )
    for path, name, who, fix in _strangers(context, teams, around.teams):
        add_lint(
            context,
            path,
            "unknown-team",
            f'{who} names the team "{name}", which nobody in the roster is in',
            fix,
        )
    for path, name, who, fix in _strangers(context, sites, around.sites):
        add_lint(
            context,
            path,
            "unknown-site",
            f'{who} names the site "{name}", where nobody in the roster is',
            fix,
        )
    for path, name, who, fix in _strangers(context, people, around.people):
        add_lint(context, path, "unknown-person", f'{who} names "{name}", who is not in the roster', fix)


def _strangers(
    context: LintContext, named: list[Named], known: Collection[str] | None
) -> list[tuple[Path, str, str, str]]:
    if known is None:
        return []
    return [
        (path, name, who, nearest(context, name, known, "add it to the roster"))
        for path, name, who in named
        if name not in known
    ]
