"""What is wrong with a program map as a whole: references, duplicates, matchers, chains that break.

The loader has checked shapes; these checks need the whole map. An error refuses the map; a
warning says that evidence or a business link is missing, which is the author's to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from carrythrough.authoring.reading import did_you_mean, listing
from carrythrough.authoring.source import Lint, Node
from carrythrough.program.lint_context import LintContext, add_lint
from carrythrough.program.lint_matchers import impossible_matchers, shadowed
from carrythrough.program.types import Activity, EventRule, ProgramMap

__all__ = ["Lint", "lint_map"]

_OUTCOME_CHANNELS = ("learn", "practice", "job", "observed")


def lint_map(program: ProgramMap, root: Node, filename: str) -> list[Lint]:
    """Return every finding about the whole map, in the order of the file."""
    context = LintContext(program, root, filename)
    for check in _CHECKS:
        check(context)
    return sorted(context.lints, key=lambda lint: (lint.line, lint.column, lint.code))


def _duplicate_ids(context: LintContext) -> None:
    program = context.program
    sections: dict[str, list[tuple[str, tuple[str | int, ...]]]] = {
        section: [(part.id, (section, index, "id")) for index, part in enumerate(getattr(program, section))]
        for section in ("goals", "skills", "objectives", "activities", "events", "reinforcement")
    }
    sections["kpis"] = [
        (kpi.id, ("goals", g, "kpis", k, "id"))
        for g, goal in enumerate(program.goals)
        for k, kpi in enumerate(goal.kpis)
    ]
    for section, entries in sections.items():
        seen: dict[str, tuple[str | int, ...]] = {}
        for name, path in entries:
            if name in seen:
                line = context.root.place(*seen[name])[0]
                add_lint(
                    context,
                    path,
                    "duplicate-id",
                    f'the id "{name}" is used twice in {section}, first in line {line}',
                    f"ids are unique within {section}",
                    "rename one of the two",
                )
            seen.setdefault(name, path)


def _references(context: LintContext) -> None:
    program = context.program
    skills = {skill.id for skill in program.skills}
    kpis = {kpi.id for goal in program.goals for kpi in goal.kpis}
    activities = {activity.id for activity in program.activities}
    for path, name, known, what in _named(program):
        names = {"skill": skills, "kpi": kpis, "activity": activities}[known]
        if name in names:
            continue
        message = f'{what} names the {known} "{name}", which the map does not define'
        rule = f"every {known} that is named is defined in the map"
        fix = did_you_mean(name, sorted(names)) or f"define it, or use one of: {listing(sorted(names))}"
        if known == "skill":
            add_lint(context, path, "unknown-skill", message, rule, fix)
        elif known == "kpi":
            add_lint(context, path, "unknown-kpi", message, rule, fix)
        else:
            add_lint(context, path, "unknown-activity", message, rule, fix)


def _named(program: ProgramMap) -> Iterator[tuple[tuple[str | int, ...], str, str, str]]:
    """Yield (path, id, what kind it must be, who names it) for each reference inside the map."""
    for s, skill in enumerate(program.skills):
        for k, kpi in enumerate(skill.kpis):
            yield ("skills", s, "kpis", k), kpi, "kpi", f'skill "{skill.id}"'
    for o, objective in enumerate(program.objectives):
        yield ("objectives", o, "skill"), objective.skill, "skill", f'objective "{objective.id}"'
        for a, name in enumerate(objective.activities):
            yield ("objectives", o, "activities", a), name, "activity", f'objective "{objective.id}"'
    for a, part in enumerate(program.activities):
        who = f'activity "{part.id}"'
        for e, entry in enumerate(part.evidence):
            yield ("activities", a, "evidence", e, "skill"), entry.skill, "skill", who
    for r, rule in enumerate(program.events):
        for e, given in enumerate(rule.evidence):
            yield ("events", r, "evidence", e, "skill"), given.skill, "skill", f'event rule "{rule.id}"'
        for k, kpi in enumerate(rule.match.kpi):
            yield ("events", r, "match", "kpi", k), kpi, "kpi", f'event rule "{rule.id}"'


def _evidence_sense(context: LintContext) -> None:
    for a, activity in enumerate(context.program.activities):
        if not activity.evidence:
            add_lint(
                context,
                ("activities", a),
                "no-evidence",
                f'activity "{activity.id}" says nothing about any skill',
                "an activity without evidence only labels statements",
                'add an "evidence" entry, with "outcome: none" for mere exposure',
                "warning",
            )
        seen: set[str] = set()
        for e, entry in enumerate(activity.evidence):
            place: tuple[str | int, ...] = ("activities", a, "evidence", e)
            if entry.skill in seen:
                add_lint(
                    context,
                    (*place, "skill"),
                    "duplicate-evidence",
                    f'activity "{activity.id}" names the skill "{entry.skill}" twice',
                    "one statement gives one piece of evidence a skill",
                    "keep one entry, or use two activities that differ by verb",
                )
            seen.add(entry.skill)
            if entry.outcome != "none" and entry.channel not in _OUTCOME_CHANNELS:
                add_lint(
                    context,
                    (*place, "outcome"),
                    "channel-conflict",
                    f'the channel "{entry.channel}" carries no outcomes',
                    "only learn, practice, job and observed carry outcomes",
                    'write "outcome: none", or another channel',
                )


def _actions(context: LintContext) -> None:
    taken: dict[tuple[object, ...], str] = {}
    for r, rule in enumerate(context.program.reinforcement):
        if not (rule.title and rule.body):
            add_lint(
                context,
                ("reinforcement", r),
                "no-content",
                f'reinforcement rule "{rule.id}" has no {"title" if not rule.title else "body"} to send',
                "an action tells the person something: it has a title and a body",
                'add "title" and "body"',
            )
        if "not-enough-evidence" in rule.when.stage:
            add_lint(
                context,
                ("reinforcement", r, "when", "stage"),
                "acts-on-nothing",
                f'rule "{rule.id}" acts where there is not enough evidence',
                "where the score is uncertain, observe and send nothing",
                "choose the stage that the action is for",
            )
        if not rule.adapters:
            add_lint(
                context,
                ("reinforcement", r),
                "no-adapter",
                f'rule "{rule.id}" names no adapter, so nothing leaves the house',
                "an action is delivered by the adapters that its rule names",
                'add "adapters: [console]"',
                "warning",
            )
        first = taken.setdefault((rule.when, rule.skills, rule.action), rule.id)
        if first != rule.id:
            add_lint(
                context,
                ("reinforcement", r),
                "shadowed",
                f'rule "{rule.id}" has the stage and action of "{first}", which is taken first',
                "for one stage and action the first rule is used",
                "remove one of the two",
                "warning",
            )


def _business_chain(context: LintContext) -> None:
    program = context.program
    served = {kpi for skill in program.skills for kpi in skill.kpis}
    for s, skill in enumerate(program.skills):
        if not skill.kpis and program.goals:
            add_lint(
                context,
                ("skills", s),
                "skill-without-kpi",
                f'no KPI needs the skill "{skill.id}"',
                "a skill serves a KPI, or its business value cannot be shown",
                'add "kpis: [...]"',
                "warning",
            )
    for g, goal in enumerate(program.goals):
        for k, kpi in enumerate(goal.kpis):
            place: tuple[str | int, ...] = ("goals", g, "kpis", k)
            if kpi.id not in served:
                message = f'no skill serves the KPI "{kpi.id}"'
                rule = "a KPI that no skill serves cannot move because of learning"
                fix = "name it in a skill"
                add_lint(context, (*place, "id"), "kpi-without-skill", message, rule, fix, "warning")
            if kpi.target is None:
                message = f'KPI "{kpi.id}" has no target, so its readings are no outcomes'
                rule = "an outcome is about a standard"
                add_lint(context, place, "kpi-without-target", message, rule, 'add "target"', "warning")


def _dips(context: LintContext) -> None:
    for s, skill in enumerate(context.program.skills):
        for d, dip in enumerate(skill.dips):
            days = dip.days()
            if days is None or days[0] > days[1]:
                what = "has a day that does not exist" if days is None else "ends before it begins"
                message = f'a dip of the skill "{skill.id}" {what}'
                rule = "a dip goes from its first day to its last"
                add_lint(
                    context, ("skills", s, "dips", d), "dip-impossible", message, rule, "correct from and to"
                )


def _job_evidence(context: LintContext) -> None:
    program = context.program
    sources: tuple[Activity | EventRule, ...] = (*program.activities, *program.events)
    on_job = {e.skill for part in sources for e in part.evidence if e.channel in ("job", "observed")}
    for o, objective in enumerate(program.objectives):
        if objective.skill not in on_job:
            add_lint(
                context,
                ("objectives", o),
                "no-job-evidence",
                f'objective "{objective.id}" has no on-the-job evidence: nothing maps to "{objective.skill}" '
                "in the channels job or observed",
                "transfer is shown on the job (events that name the skill themselves count as well)",
                'add an "events" rule for the skill',
                "warning",
            )
    evidenced = {entry.skill for part in sources for entry in part.evidence}
    for s, skill in enumerate(program.skills):
        if skill.id not in evidenced:
            add_lint(
                context,
                ("skills", s),
                "skill-without-evidence",
                f'nothing in the map gives evidence of the skill "{skill.id}"',
                "a skill is scored from the evidence that activities and events give",
                "add it to the evidence of an activity or an event rule",
                "warning",
            )


_CHECKS: tuple[Callable[[LintContext], None], ...] = (
    _duplicate_ids,
    _references,
    impossible_matchers,
    shadowed,
    _evidence_sense,
    _actions,
    _business_chain,
    _dips,
    _job_evidence,
)
