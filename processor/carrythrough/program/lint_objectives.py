"""Objectives of a program map: that activities lead to them, and that the job shows them."""

from __future__ import annotations

from carrythrough.program.lint_context import LintContext, add_lint
from carrythrough.program.types import Activity, EventRule

_ON_THE_JOB = ("job", "observed")


def objectives(context: LintContext) -> None:
    """Warn of objectives that nothing teaches, and of activities that say nothing about their skill."""
    said = {part.id: {entry.skill for entry in part.evidence} for part in context.program.activities}
    for o, objective in enumerate(context.program.objectives):
        if not objective.activities:
            message = f'nothing in the map teaches or practises the objective "{objective.id}"'
            fix = 'add "activities: [...]"'
            add_lint(context, ("objectives", o), "objective-without-activity", message, fix)
        for a, name in enumerate(objective.activities):
            if name in said and objective.skill not in said[name]:
                message = (
                    f'activity "{name}" says nothing about "{objective.skill}", the skill of "{objective.id}"'
                )
                fix = f'add evidence of "{objective.skill}" to the activity, or take it out of the objective'
                add_lint(context, ("objectives", o, "activities", a), "unrelated-activity", message, fix)


def job_evidence(context: LintContext) -> None:
    """Warn of objectives that nothing on the job shows, and of skills without any evidence."""
    program = context.program
    sources: tuple[Activity | EventRule, ...] = (*program.activities, *program.events)
    on_job = {e.skill for part in sources for e in part.evidence if e.channel in _ON_THE_JOB}
    shows = {
        (part.id, entry.skill) for part in sources for entry in part.evidence if entry.channel in _ON_THE_JOB
    }
    known = {part.id for part in sources}
    skills = {skill.id for skill in program.skills}
    for o, objective in enumerate(program.objectives):
        for b, name in enumerate(objective.shown_by):
            if name in known and (name, objective.skill) not in shows:
                message = f'"{name}" gives no evidence of "{objective.skill}" in the channels job or observed'
                fix = "name an event rule that does, or add that evidence to it"
                add_lint(context, ("objectives", o, "shown_by", b), "no-job-evidence", message, fix)
        if not objective.shown_by and objective.skill in skills and objective.skill not in on_job:
            message = (
                f'objective "{objective.id}" has no on-the-job evidence: nothing maps to "{objective.skill}" '
                "in the channels job or observed"
            )
            fix = 'add an "events" rule for the skill'
            add_lint(context, ("objectives", o), "no-job-evidence", message, fix)
    evidenced = {entry.skill for part in sources for entry in part.evidence}
    evidenced |= {item.skill for item in program.items}
    for s, skill in enumerate(program.skills):
        if skill.id not in evidenced:
            message = f'nothing in the map gives evidence of the skill "{skill.id}"'
            fix = "add it to the evidence of an activity or an event rule"
            add_lint(context, ("skills", s), "skill-without-evidence", message, fix)
