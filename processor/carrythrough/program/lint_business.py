"""The business end of a program map: goals, KPIs with their targets and baselines, skills and what ages them."""

from __future__ import annotations

from collections.abc import Iterator

from carrythrough.program.cohorts import first_start
from carrythrough.program.lint_context import LintContext, Path, add_lint
from carrythrough.program.lint_matchers import is_absolute
from carrythrough.program.part import day_number
from carrythrough.program.skills import HALF_LIFE_BETWEEN_DAYS, HALF_LIFE_LONG_DAYS, HALF_LIFE_SHORT_DAYS
from carrythrough.program.types import Kpi, ProgramMap, Skill

HINT_FACTOR = 2.5
"""A half-life hint further than this from the one that scoring takes is not what happens."""
_FIX_WINDOW = 'write "from" and "to", or "days"'


def kpis_of(program: ProgramMap) -> Iterator[tuple[Path, Kpi]]:
    """Yield each KPI with its path."""
    for g, goal in enumerate(program.goals):
        for k, kpi in enumerate(goal.kpis):
            yield ("goals", g, "kpis", k), kpi


def business_chain(context: LintContext) -> None:
    """Warn of goals, KPIs and skills that the chain from business goal to skill does not reach."""
    program = context.program
    served = {kpi for skill in program.skills for kpi in skill.kpis}
    for s, skill in enumerate(program.skills):
        if not skill.kpis and program.goals:
            message = f'no KPI needs the skill "{skill.id}"'
            add_lint(context, ("skills", s), "skill-without-kpi", message, 'add "kpis: [...]"')
    for g, goal in enumerate(program.goals):
        if not goal.kpis:
            message = f'the goal "{goal.id}" has no KPI'
            add_lint(
                context,
                ("goals", g),
                "goal-without-kpi",
                message,
                "add the figure that the business looks at",
            )
    for place, kpi in kpis_of(program):
        if kpi.id not in served:
            message = f'no skill serves the KPI "{kpi.id}"'
            add_lint(context, (*place, "id"), "kpi-without-skill", message, "name it in a skill")
        if kpi.target is None and not kpi.targets:
            message = f'KPI "{kpi.id}" has no target, so its readings are no outcomes'
            add_lint(context, place, "kpi-without-target", message, 'add "target"')


def kpi_targets(context: LintContext) -> None:
    """Refuse targets of some people that name nobody, or the same people twice."""
    for place, kpi in kpis_of(context.program):
        seen: set[tuple[str, str]] = set()
        for t, own in enumerate(kpi.targets):
            who = own.role, own.site
            path = (*place, "targets", t)
            if not (own.role or own.site):
                message = f'a target of its own of "{kpi.id}" names neither role nor site'
                add_lint(context, path, "target-for-nobody", message, 'add "role" or "site", or use "target"')
            elif who in seen:
                words = " at ".join(filter(None, who))
                message = f'"{kpi.id}" has two targets for {words}'
                add_lint(context, path, "duplicate-target", message, "keep one of the two")
            seen.add(who)


def kpi_baselines(context: LintContext) -> None:
    """Check the baseline windows: that their days exist, in order, before the program."""
    start = first_start(context.program.programs)
    for place, kpi in kpis_of(context.program):
        window = kpi.baseline
        if window is None:
            continue
        path = (*place, "baseline")
        first, last = day_number(window.from_), day_number(window.to)
        if (window.from_ and first is None) or (window.to and last is None):
            message = f'the baseline of "{kpi.id}" names a day that does not exist'
            add_lint(context, path, "baseline-impossible", message, "correct the day")
            continue
        end = last if last is not None else None if start is None else start - 1
        if window.days is not None and window.from_ is not None:
            message = (
                f'the baseline of "{kpi.id}" says twice how long it is: from a day, and for so many days'
            )
            add_lint(context, path, "baseline-impossible", message, _FIX_WINDOW)
        elif first is not None and end is not None and first > end:
            what = "begins after its last day" if last is not None else "begins when the program has started"
            message = f'the baseline of "{kpi.id}" {what}'
            add_lint(context, path, "baseline-impossible", message, 'correct "from" or "to"')
        elif end is None:
            message = f'the baseline of "{kpi.id}" has no last day, and no program of the map has a first one'
            add_lint(context, path, "baseline-open", message, 'add "to", or "start" to the program')
        if last is not None and start is not None and last >= start:
            message = f'the baseline of "{kpi.id}" runs on after the first cohort has started'
            add_lint(
                context,
                (*path, "to"),
                "baseline-in-program",
                message,
                'leave "to" out: it is then the day before',
            )


def skill_settings(context: LintContext) -> None:
    """Check what skills say of themselves: target, memory, dips, frameworks, and whose they are."""
    some_roles = any(skill.roles for skill in context.program.skills)
    for s, skill in enumerate(context.program.skills):
        place: Path = ("skills", s)
        if skill.target in (0.0, 1.0):
            what = "no score ever reaches" if skill.target else "every score reaches"
            message = f'{what} the target of "{skill.id}"'
            fix = "write a target that good people meet, such as 0.8"
            add_lint(context, (*place, "target"), "target-unreachable", message, fix)
        if some_roles and not skill.roles:
            message = f'no role needs the skill "{skill.id}"'
            add_lint(context, place, "skill-without-role", message, 'add "roles: {role: 1.0}"')
        _half_life(context, skill, place)
        for f, iri in enumerate(skill.frameworks):
            if not is_absolute(iri):
                message = f'"{iri[:200]}" is not an absolute IRI'
                fix = "write the IRI of the skill in the framework, with its scheme"
                add_lint(context, (*place, "frameworks", f), "bad-iri", message, fix)
        for d, dip in enumerate(skill.dips):
            days = dip.days()
            if days is None or days[0] > days[1]:
                what = "has a day that does not exist" if days is None else "ends before it begins"
                message = f'a dip of the skill "{skill.id}" {what}'
                add_lint(context, (*place, "dips", d), "dip-impossible", message, "correct from and to")


def _half_life(context: LintContext, skill: Skill, place: Path) -> None:
    taken = HALF_LIFE_SHORT_DAYS if skill.short_memory else HALF_LIFE_LONG_DAYS
    hint = skill.half_life_days
    at = (*place, "volatile" if hint is None else "half_life_days")
    if hint is not None and skill.volatile and hint >= HALF_LIFE_BETWEEN_DAYS:
        message = f'"{skill.id}" is volatile and has a half-life of {hint} days'
        add_lint(context, at, "half-life-conflict", message, "remove one of the two")
    elif hint is not None and not taken / HINT_FACTOR <= hint <= taken * HINT_FACTOR:
        message = (
            f'a half-life of {hint} days is far from the {taken} days that scoring takes for "{skill.id}"'
        )
        fix = f"write {taken}, or leave it out and review the target instead"
        add_lint(context, at, "half-life-out-of-sense", message, fix)
    elif skill.opportunity_days > taken:
        message = (
            f'the job offers a chance to use "{skill.id}" every {skill.opportunity_days} days, and outcomes count half '
            f"after {taken}"
        )
        fix = (
            "remove volatile"
            if taken == HALF_LIFE_SHORT_DAYS and hint is None
            else "let simulations keep it alive"
        )
        fix = "write half_life_days: 90" if hint is not None and skill.short_memory else fix
        add_lint(context, (*place, "opportunity_days"), "half-life-out-of-sense", message, fix)
