"""What is wrong with a program map as a whole: each check stands in a module by its subject, this runs them all.

The loader has checked shapes; these checks need the whole map. An error refuses the map; a
warning says that evidence or a business link is missing, which is the author's to decide.
"""

from __future__ import annotations

from collections.abc import Callable

from carrythrough.authoring.source import Lint, Node
from carrythrough.program.lint_actions import actions, needs, policy
from carrythrough.program.lint_business import business_chain, kpi_baselines, kpi_targets, skill_settings
from carrythrough.program.lint_conditions import conditions, shadowed_rules
from carrythrough.program.lint_content import content
from carrythrough.program.lint_context import ALONE, LintContext, Surroundings
from carrythrough.program.lint_evidence import event_sense, evidence_sense, modalities
from carrythrough.program.lint_items import item_answers
from carrythrough.program.lint_matchers import impossible_matchers, shadowed
from carrythrough.program.lint_names import ambiguous_ids, duplicate_ids, references, required_in_circles
from carrythrough.program.lint_objectives import job_evidence, objectives
from carrythrough.program.lint_overlaps import overlapping_activities, overlapping_events
from carrythrough.program.lint_prefixes import open_prefixes
from carrythrough.program.lint_programs import cohorts, known_people, program_dates, rollouts
from carrythrough.program.lint_tests import map_tests
from carrythrough.program.types import ProgramMap

__all__ = ["Lint", "Surroundings", "lint_map"]


def lint_map(
    program: ProgramMap, root: Node, filename: str, surroundings: Surroundings = ALONE
) -> list[Lint]:
    """Return every finding about the whole map, in the order of the file."""
    context = LintContext(program, root, filename, surroundings)
    for check in _CHECKS:
        check(context)
    return sorted(context.lints, key=lambda lint: (lint.line, lint.column, lint.code))


_CHECKS: tuple[Callable[[LintContext], None], ...] = (
    duplicate_ids,
    ambiguous_ids,
    references,
    required_in_circles,
    impossible_matchers,
    shadowed,
    open_prefixes,
    overlapping_activities,
    overlapping_events,
    evidence_sense,
    event_sense,
    modalities,
    content,
    actions,
    conditions,
    shadowed_rules,
    policy,
    needs,
    business_chain,
    kpi_targets,
    kpi_baselines,
    skill_settings,
    objectives,
    job_evidence,
    item_answers,
    program_dates,
    cohorts,
    rollouts,
    known_people,
    map_tests,
)
