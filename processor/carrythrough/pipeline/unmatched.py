"""Why a record became no evidence: asked of the few that did not, for the counts that an import ends with."""

from __future__ import annotations

from typing import Literal

from carrythrough.events.performance import PerformanceEvent
from carrythrough.evidence.cmi5 import mark_of
from carrythrough.evidence.needs import carries_needs, survey_of
from carrythrough.pipeline.plan import InForce, subject_of_event, voided_by
from carrythrough.pipeline.records import Kind, Record
from carrythrough.xapi.statement import Statement

Why = Literal[
    "voids-another",
    "retracts-another",
    "needs-survey",
    "needs-unreadable",
    "action-answer",
    "nobody",
    "course-lifecycle",
    "no-activity",
    "no-event-rule",
    "unknown-kpi",
    "team-grain",
    "nothing-new",
]

WORDS: dict[Why, str] = {
    "voids-another": "took another statement back",
    "retracts-another": "took another event back",
    "needs-survey": "answers of a needs survey (kept apart from outcomes)",
    "needs-unreadable": "a needs survey that cannot be read: see the xAPI profile for what the extension holds",
    "action-answer": "an answer to an action (no evidence; it says what the person wants)",
    "nobody": "about a group, or about nobody who can be told",
    "course-lifecycle": "lifecycle of a cmi5 course (launched, terminated ...)",
    "no-activity": "no activity of the program map matches",
    "no-event-rule": "no event rule and no skill of the program map matches",
    "unknown-kpi": "of a KPI that the program map does not name",
    "team-grain": "about a whole team",
    "nothing-new": "matched, and what it says was known or says nothing",
}


def why_unmatched(record: Record, in_force: InForce) -> Why:
    """Return why a statement or event gave no new evidence under the versions in force."""
    if record.kind is Kind.EVENT:
        return _why_event(record.content, in_force)
    statement: Statement = record.content
    if voided_by(statement) is not None:
        return "voids-another"
    if carries_needs(statement):
        return "needs-unreadable" if survey_of(statement) is None else "needs-survey"
    if not in_force.directory.subject_of_actor(statement.actor):
        return "nobody"
    if in_force.program.match_statement(statement):
        return "nothing-new"
    return "course-lifecycle" if mark_of(statement, record.id, record.t_ms) is not None else "no-activity"


def _why_event(event: PerformanceEvent, in_force: InForce) -> Why:
    if event.kind == "retraction":
        return "retracts-another"
    if event.kind in ("needs-survey", "action-answer"):
        return event.kind
    kpi = in_force.program.kpis.get(event.kpi)
    if event.kpi and kpi is None:
        return "unknown-kpi"
    if event.grain == "team" or (kpi is not None and kpi.grain == "team"):
        return "team-grain"
    if not in_force.program.match_event(event):
        return "no-event-rule"
    return "nothing-new" if subject_of_event(event, in_force.directory) else "nobody"
