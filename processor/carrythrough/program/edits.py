"""The edit that answers a finding: the very lines to write, and where, so that a message can be followed by hand.

Only findings whose answer is always of one form have an edit; the values in it are a beginning to be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from carrythrough.authoring.source import Lint, Node
from carrythrough.program.courses import slug, unique
from carrythrough.program.map_text import UNNAMED_PROGRAM, scalar
from carrythrough.program.proposing import UNNAMED
from carrythrough.program.types import ProgramMap

AT_THE_END = "at the end"
Places = Sequence[Sequence[str | int]]
"""Paths of the values that findings are about."""


class Edit(msgspec.Struct, frozen=True):
    """Lines to write into a map. where: "at the end" or "after line 9"."""

    where: str
    text: str

    def instruction(self) -> str:
        """Return what to do with the text, as the beginning of a sentence."""
        return f"add {self.where}"


def advice(program: ProgramMap, root: Node, filename: str) -> list[Lint]:
    """Return what a map lacks that no single line of it is to blame for."""
    if program.goals:
        return []
    line, column = root.place("name")
    return [
        Lint(
            code="no-goal",
            file=filename,
            line=line,
            column=column,
            message="the map names no business goal, so nobody can say what the training is for",
            rule="a program map leads from a business goal through a KPI and a skill to activities",
            fix='add "goals", with the KPI that shows whether the goal is reached',
            severity="warning",
        )
    ]


def edits_for(
    lints: Sequence[Lint], program: ProgramMap, root: Node, text: str
) -> list[tuple[Lint, Edit | None]]:
    """Return each finding with the edit that answers it, None where only the author can say what to write.

    Findings that one edit answers together have it at the first of them.
    """
    lines = text.splitlines()
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return [(lint, None) for lint in lints]  # what is proposed is YAML, written key by key
    found: list[tuple[Lint, Edit | None]] = []
    answered: set[str] = set()
    for lint in lints:
        make = _EDITS.get(lint.code)
        edit = None
        if make is not None and not (lint.code in _TOGETHER and lint.code in answered):
            alike = [_steps(other) for other in lints if other.code == lint.code]
            edit = make(program, root, [_steps(lint)] if lint.code not in _TOGETHER else alike, lines)
            answered.add(lint.code)
        found.append((lint, edit))
    return found


def _steps(lint: Lint) -> list[str | int]:
    return [int(step) if step.isdigit() else step for step in lint.pointer.split("/")[1:]]


def _goal(program: ProgramMap, _root: Node, _at: Places, _lines: Sequence[str]) -> Edit | None:
    unnamed = program.name in (UNNAMED, UNNAMED_PROGRAM)
    goal = f"{UNNAMED} is done on the job" if unnamed else f'What "{program.name}" teaches is done on the job'
    return Edit(
        AT_THE_END,
        "goals:\n"
        "  - id: used-on-the-job\n"
        f"    name: {scalar(goal)}\n"
        "    kpis:\n"
        '      - {id: done-right, name: Share of checked work done right, unit: "%", direction: up, target: 90}',
    )


def _kpi_of_skill(program: ProgramMap, root: Node, at: Places, lines: Sequence[str]) -> Edit | None:
    kpis = [kpi.id for goal in program.goals for kpi in goal.kpis]
    return _below(root, ("skills", at[0][1]), f"kpis: [{kpis[0]}]", lines) if kpis else None


def _target(_program: ProgramMap, root: Node, at: Places, lines: Sequence[str]) -> Edit | None:
    return _below(root, at[0][:4], "target: 90", lines)


def _evidence(program: ProgramMap, root: Node, at: Places, lines: Sequence[str]) -> Edit | None:
    entry = f"evidence: [{{skill: {program.skills[0].id}, channel: exposure}}]"
    return _below(root, at[0][:2], entry, lines)


def _adapter(_program: ProgramMap, root: Node, at: Places, lines: Sequence[str]) -> Edit | None:
    return _below(root, at[0][:2], "adapters: [console]", lines)


def _job_evidence(program: ProgramMap, root: Node, at: Places, lines: Sequence[str]) -> Edit | None:
    skills = list(dict.fromkeys(program.objectives[int(steps[1])].skill for steps in at))
    taken = {rule.id for rule in program.events}
    names = (f"seen-{skills[0]}", "seen-on-the-job", "observed-on-the-job", f"{skills[0]}-seen-on-the-job")
    name = next((name for name in names if slug(name) not in taken), "seen-by-the-manager")
    lines_of_skills = "".join(f"\n      - {{skill: {skill}, channel: observed}}" for skill in skills)
    entry = f"  - id: {slug(name)}\n    match: {{kind: observation}}\n    evidence:{lines_of_skills}"
    if not program.events:
        return Edit(AT_THE_END, f"events:\n{entry}")
    line = _last_line(root, "events", lines)
    return Edit(f"after line {line}", entry) if line else None


def _skill_evidence(program: ProgramMap, root: Node, at: Places, lines: Sequence[str]) -> Edit | None:
    taken = {activity.id for activity in program.activities}
    entries = []
    for steps in at:
        skill = program.skills[int(steps[1])]
        name = unique(slug(f"{skill.id}-quiz"), taken)
        entries += [
            f"  - id: {name}",
            f"    name: {scalar(f'Quiz on {skill.name}')}",
            f"    match: {{activity_prefix: 'https://lms.example.org/{skill.id}/'}}",
            f"    evidence: [{{skill: {skill.id}, channel: learn, outcome: score}}]",
        ]
    if not program.activities:
        return (
            Edit(AT_THE_END, "\n".join(["activities:", *entries])) if "activities" not in root.keys else None
        )
    line = _last_line(root, "activities", lines)
    return Edit(f"after line {line}", "\n".join(entries)) if line else None


def _teaching(program: ProgramMap, root: Node, at: Places, lines: Sequence[str]) -> Edit | None:
    skill = program.objectives[int(at[0][1])].skill
    names = [part.id for part in program.activities if any(entry.skill == skill for entry in part.evidence)]
    return _below(root, at[0][:2], f"activities: [{', '.join(names)}]", lines) if names else None


_Make = Callable[[ProgramMap, Node, Places, Sequence[str]], Edit | None]
_TOGETHER = frozenset({"no-job-evidence", "skill-without-evidence"})
_EDITS: dict[str, _Make] = {
    "no-goal": _goal,
    "skill-without-kpi": _kpi_of_skill,
    "kpi-without-target": _target,
    "no-evidence": _evidence,
    "no-adapter": _adapter,
    "no-job-evidence": _job_evidence,
    "objective-without-activity": _teaching,
    "skill-without-evidence": _skill_evidence,
}


def _below(root: Node, path: Sequence[str | int], entry: str, lines: Sequence[str]) -> Edit | None:
    """Return an edit that adds a key to the mapping at `path`, None where it is not written key by key."""
    node = root
    for step in path:
        node = node.value[step]
    if not isinstance(node.value, dict) or not node.keys:
        return None
    key, (line, column) = max(node.keys.items(), key=lambda pair: pair[1])
    if "name" in node.keys:
        key, (line, column) = "name", node.keys["name"]
    value = node.value[key]
    is_simple = value.line == line and not isinstance(value.value, (dict, list))
    before = lines[line - 1][: column - 1] if line <= len(lines) else "{"
    if not is_simple or before.strip(" -"):
        return None
    return Edit(f"after line {line}", " " * (column - 1) + entry)


def _last_line(root: Node, section: str, lines: Sequence[str]) -> int:
    """Return the last line of a section whose entries are written one below the other, 0 for other writings."""
    start, column = root.keys.get(section, (0, 0))
    if not start or column != 1 or root.value[section].line == start:
        return 0
    following = [line for line, column in root.keys.values() if line > start and column == 1]
    end = min(following, default=len(lines) + 1) - 1
    while end > start and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return end


def with_activities(text: str, root: Node, entries: Sequence[str]) -> str | None:
    """Return the text of a map with entries added to its activities; None where they have to be pasted by hand.

    entries: lines as `map_text.entry_lines` gives them, indented by two.
    """
    lines = text.splitlines()
    if "activities" not in root.keys:
        return "\n".join([*lines, "", "activities:", *entries]) + "\n"
    start, _ = root.keys["activities"]
    activities = root.value["activities"]
    if activities.value == [] and lines[start - 1].replace(" ", "") == "activities:[]":
        return "\n".join([*lines[: start - 1], "activities:", *entries, *lines[start:]]) + "\n"
    line = _last_line(root, "activities", lines)
    if not line or not isinstance(activities.value, list):
        return None
    indent = lines[activities.line - 1].find("-")
    moved = [(" " * indent + entry[2:]) if entry.strip() else entry for entry in entries]
    return "\n".join([*lines[:line], "", *moved, *lines[line:]]) + "\n"
