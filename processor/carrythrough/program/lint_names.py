"""Names of a program map: ids used twice, references to what is not there, and skills that wait for each other."""

from __future__ import annotations

from collections.abc import Iterator

from carrythrough.program.lint_context import LintContext, Path, add_lint, nearest
from carrythrough.program.types import MapTest, ProgramMap

_SECTIONS = (
    "goals", "skills", "objectives", "activities", "events", "reinforcement", "programs", "items", "tests",
)  # fmt: skip
Named = tuple[Path, str, str, str]
"""(path, id, what kind it must be, who names it)"""


def duplicate_ids(context: LintContext) -> None:
    """Refuse ids that are used twice in their section, cohorts within their program."""
    program = context.program
    sections: dict[str, list[tuple[str, Path]]] = {
        section: [(part.id, (section, index, "id")) for index, part in enumerate(getattr(program, section))]
        for section in _SECTIONS
    }
    sections["kpis"] = [
        (kpi.id, ("goals", g, "kpis", k, "id"))
        for g, goal in enumerate(program.goals)
        for k, kpi in enumerate(goal.kpis)
    ]
    for p, part in enumerate(program.programs):
        sections[f'the cohorts of "{part.id}"'] = [
            (cohort.id, ("programs", p, "cohorts", c, "id")) for c, cohort in enumerate(part.cohorts)
        ]
    for section, entries in sections.items():
        seen: dict[str, Path] = {}
        for name, path in entries:
            if name in seen:
                line = context.root.place(*seen[name])[0]
                message = f'the id "{name}" is used twice in {section}, first in line {line}'
                add_lint(context, path, "duplicate-id", message, "rename one of the two")
            seen.setdefault(name, path)


def ambiguous_ids(context: LintContext) -> None:
    """Warn of an event rule that has the id of an activity."""
    activities = {part.id for part in context.program.activities}
    for e, rule in enumerate(context.program.events):
        if rule.id in activities:
            message = f'"{rule.id}" is the id of an activity and of an event rule'
            add_lint(context, ("events", e, "id"), "ambiguous-id", message, f'write "{rule.id[:56]}-at-work"')


def references(context: LintContext) -> None:
    """Refuse references to what the map does not define."""
    program = context.program
    activities = {activity.id for activity in program.activities}
    known: dict[str, set[str]] = {
        "skill": {skill.id for skill in program.skills},
        "kpi": {kpi.id for goal in program.goals for kpi in goal.kpis},
        "activity": activities,
        "source": activities | {rule.id for rule in program.events},
        "rule": {rule.id for rule in program.reinforcement},
    }
    for path, name, kind, who in (*_named(program), *_named_by_items(program)):
        names = known[kind]
        if name in names:
            continue
        what = (
            "activity or event rule"
            if kind == "source"
            else "rule of reinforcement"
            if kind == "rule"
            else kind
        )
        message = f'{who} names the {what} "{name}", which the map does not define'
        fix = nearest(context, name, names, "define it")
        if kind == "skill":
            add_lint(context, path, "unknown-skill", message, fix)
        elif kind == "kpi":
            add_lint(context, path, "unknown-kpi", message, fix)
        elif kind == "activity":
            add_lint(context, path, "unknown-activity", message, fix)
        elif kind == "source":
            add_lint(context, path, "unknown-source", message, fix)
        else:
            add_lint(context, path, "unknown-rule", message, fix)


def _named(program: ProgramMap) -> Iterator[Named]:
    """Yield each reference inside the map."""
    for s, skill in enumerate(program.skills):
        who = f'skill "{skill.id}"'
        yield from ((("skills", s, "kpis", k), kpi, "kpi", who) for k, kpi in enumerate(skill.kpis))
        yield from ((("skills", s, "requires", r), n, "skill", who) for r, n in enumerate(skill.requires))
    for o, objective in enumerate(program.objectives):
        who, at = f'objective "{objective.id}"', ("objectives", o)
        yield (*at, "skill"), objective.skill, "skill", who
        yield from (((*at, "activities", a), n, "activity", who) for a, n in enumerate(objective.activities))
        yield from (((*at, "shown_by", b), n, "source", who) for b, n in enumerate(objective.shown_by))
    for a, part in enumerate(program.activities):
        for e, entry in enumerate(part.evidence):
            yield ("activities", a, "evidence", e, "skill"), entry.skill, "skill", f'activity "{part.id}"'
    for r, rule in enumerate(program.events):
        who = f'event rule "{rule.id}"'
        for e, given in enumerate(rule.evidence):
            yield ("events", r, "evidence", e, "skill"), given.skill, "skill", who
        yield from (
            (("events", r, "match", "kpi", k), kpi, "kpi", who) for k, kpi in enumerate(rule.match.kpi)
        )
    for r, reaction in enumerate(program.reinforcement):
        for s, name in enumerate(reaction.skills):
            yield ("reinforcement", r, "skills", s), name, "skill", f'rule "{reaction.id}"'
    for p, offer in enumerate(program.programs):
        for s, name in enumerate(offer.skills):
            yield ("programs", p, "skills", s), name, "skill", f'program "{offer.id}"'
    for t, test in enumerate(program.tests):
        yield from _named_by_test(test, ("tests", t, "expect"))


def _named_by_items(program: ProgramMap) -> Iterator[Named]:
    for i, item in enumerate(program.items):
        yield ("items", i, "skill"), item.skill, "skill", f'item "{item.id}"'


def _named_by_test(test: MapTest, at: Path) -> Iterator[Named]:
    who, expect = f'test "{test.id}"', test.expect
    for e, entry in enumerate(expect.evidence or ()):
        yield (*at, "evidence", e, "skill"), entry.skill, "skill", who
        if entry.by is not None:
            yield (*at, "evidence", e, "by"), entry.by, "source", who
    yield from (((*at, "actions", a), name, "rule", who) for a, name in enumerate(expect.actions or ()))
    yield from (((*at, "stages", name), name, "skill", who) for name in expect.stages)


def required_in_circles(context: LintContext) -> None:
    """Refuse skills that require each other; each circle is reported once, where it closes."""
    required = {skill.id: skill.requires for skill in context.program.skills}
    places = {skill.id: s for s, skill in enumerate(context.program.skills)}
    done: set[str] = set()
    for start in required:
        trail: list[str] = []
        at: dict[str, int] = {}
        work: list[tuple[str, int]] = [(start, 0)]
        while work:
            name, number = work.pop()
            if number == 0:
                at[name] = len(trail)
                trail.append(name)
            steps = required[name]
            while number < len(steps) and (steps[number] in done or steps[number] not in required):
                number += 1
            if number == len(steps):
                done.add(name)
                del at[trail.pop()]
                continue
            work.append((name, number + 1))
            if steps[number] in at:
                circle = [*trail[at[steps[number]] :], steps[number]]
                path = ("skills", places[name], "requires", number)
                message = f"these skills wait for each other: {' → '.join(circle)}"
                add_lint(context, path, "requires-cycle", message, f'remove "{steps[number]}" here')
            else:
                work.append((steps[number], 0))
