"""What activities and event rules say about skills: evidence that is missing, twice there, or can say nothing."""

from __future__ import annotations

from carrythrough.program.lint_context import LintContext, Path, add_lint
from carrythrough.program.types import DIFFICULTY_DEFAULT, ActivityEvidence

OUTCOME_CHANNELS = ("learn", "practice", "job", "observed")
"""The channels that carry outcomes."""
_UNFIT: dict[str, tuple[str, ...]] = {
    "support": ("learn", "practice", "job", "observed"),
    "on-the-job": ("learn", "practice"),
    "formal": ("job", "observed"),
    "mentoring": ("job",),
    "coaching": ("job",),
    "social": ("job",),
}
"""Modality → channels that it cannot be evidence in."""
_FIT = {"support": "support", "on-the-job": "job"}


def evidence_sense(context: LintContext) -> None:
    """Check the evidence of each activity: that there is some, once a skill, with an outcome that can be read."""
    for a, activity in enumerate(context.program.activities):
        if not activity.evidence:
            message = f'activity "{activity.id}" says nothing about any skill'
            fix = 'add an "evidence" entry, with "outcome: none" for mere exposure'
            add_lint(context, ("activities", a), "no-evidence", message, fix)
        seen: set[str] = set()
        for e, entry in enumerate(activity.evidence):
            place: Path = ("activities", a, "evidence", e)
            if entry.skill in seen:
                message = f'activity "{activity.id}" names the skill "{entry.skill}" twice'
                fix = "keep one entry, or use two activities that differ by verb"
                add_lint(context, (*place, "skill"), "duplicate-evidence", message, fix)
            seen.add(entry.skill)
            if entry.outcome != "none" and entry.channel not in OUTCOME_CHANNELS:
                message = f'the channel "{entry.channel}" carries no outcomes'
                fix = 'write "outcome: none", or another channel'
                add_lint(context, (*place, "outcome"), "channel-conflict", message, fix)
            _extensions(context, entry, place)
            _unused(context, entry, place)


def _extensions(context: LintContext, entry: ActivityEvidence, place: Path) -> None:
    for member, asked, given in (
        ("extension", entry.outcome == "extension", entry.extension),
        ("item_extension", entry.item == "extension", entry.item_extension),
    ):
        word = "outcome" if member == "extension" else "item"
        if asked and given is None:
            message = f'the {word} is to be read from an extension, and "{member}" does not say which'
            add_lint(context, (*place, word), "extension-missing", message, f'add "{member}: {{iri: ...}}"')
        elif given is not None and not asked:
            message = f'"{member}" is given, and nothing reads it'
            add_lint(
                context,
                (*place, member),
                "setting-unused",
                message,
                f'write "{word}: extension", or remove it',
            )
        if given is not None and (":" not in given.iri or " " in given.iri):
            message = f'"{given.iri[:200]}" is not an absolute IRI, so no statement can carry it'
            add_lint(
                context, (*place, member, "iri"), "bad-iri", message, "write it in full, with its scheme"
            )
    if entry.extension is not None and entry.extension.worst == entry.extension.best:
        message = f"worst and best of the scale are both {entry.extension.best:g}"
        fix = "write the number that means not at all, and the one that means perfect"
        add_lint(context, (*place, "extension"), "scale-impossible", message, fix)


def _unused(context: LintContext, entry: ActivityEvidence, place: Path) -> None:
    if entry.channel not in OUTCOME_CHANNELS:
        return
    if entry.outcome == "none":
        unused = [
            name
            for name, is_set in (
                ("item", entry.item != "none"),
                ("difficulty", entry.difficulty != DIFFICULTY_DEFAULT),
                ("weight", entry.weight != 1.0),
            )
            if is_set
        ]
        for name in unused:
            message = f'"{name}" is set, and there is no outcome that it could act on'
            add_lint(
                context,
                (*place, name),
                "setting-unused",
                message,
                'add "outcome: score" and the like, or remove it',
            )
    elif entry.weight == 0.0:
        message = f'the outcome of "{entry.skill}" is read and weighs nothing'
        add_lint(
            context, (*place, "weight"), "weight-zero", message, 'write "outcome: none", or a weight above 0'
        )


def event_sense(context: LintContext) -> None:
    """Check the evidence of each event rule: once a skill, of KPIs that say something about one person."""
    program = context.program
    teams = {kpi.id for goal in program.goals for kpi in goal.kpis if kpi.grain == "team"}
    sources = {kpi.id: kpi.source for goal in program.goals for kpi in goal.kpis}
    for r, rule in enumerate(program.events):
        if not rule.evidence:
            message = f'event rule "{rule.id}" says nothing about any skill'
            add_lint(context, ("events", r), "no-evidence", message, 'add an "evidence" entry')
        seen: set[str] = set()
        for e, entry in enumerate(rule.evidence):
            place: Path = ("events", r, "evidence", e)
            if entry.skill in seen:
                message = f'event rule "{rule.id}" names the skill "{entry.skill}" twice'
                # Maps with this came into force before: the first entry was taken, and is.
                add_lint(context, (*place, "skill"), "setting-unused", message, "keep one entry")
            seen.add(entry.skill)
            if entry.weight == 0.0 and entry.channel in OUTCOME_CHANNELS:
                message = f'event rule "{rule.id}" gives "{entry.skill}" outcomes that weigh nothing'
                add_lint(
                    context,
                    (*place, "weight"),
                    "weight-zero",
                    message,
                    "write a weight above 0, or remove the rule",
                )
        for k, kpi in enumerate(rule.match.kpi):
            home = sources.get(kpi, "")
            if home and rule.match.source and home not in rule.match.source:
                message = f'event rule "{rule.id}" takes "{kpi}" from {rule.match.source[0]}, not from {home}'
                path = ("events", r, "match", "source", 0)
                add_lint(
                    context, path, "source-conflict", message, f'write "source: {home}", or leave it out'
                )
            if kpi in teams:
                message = (
                    f'event rule "{rule.id}" takes readings of "{kpi}", a KPI of the whole team, as evidence'
                )
                fix = "use a KPI of single people, or leave the rule out: the KPI itself stays in the map"
                add_lint(context, ("events", r, "match", "kpi", k), "team-kpi", message, fix)


def modalities(context: LintContext) -> None:
    """Warn of evidence in a channel that does not fit how people learn in the activity."""
    for a, activity in enumerate(context.program.activities):
        for e, entry in enumerate(activity.evidence):
            if entry.channel in _UNFIT.get(activity.modality, ()):
                message = f'activity "{activity.id}" is {activity.modality}, and gives evidence of "{entry.channel}"'
                fit = _FIT.get(activity.modality)
                fix = f'write "channel: {fit}"' if fit else 'write "modality: on-the-job" if it is real work'
                fix = f"{fix}, or another modality" if fit else f"{fix}, else another channel"
                add_lint(
                    context, ("activities", a, "evidence", e, "channel"), "modality-conflict", message, fix
                )
