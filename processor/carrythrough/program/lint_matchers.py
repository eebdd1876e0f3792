"""Matchers of a program map that can never match, match everything, or always lose to another."""

from __future__ import annotations

from carrythrough.program.lint_context import LintContext, add_lint
from carrythrough.program.matcher import Matcher, MatchKey
from carrythrough.program.precedence import MEMBERS, covers
from carrythrough.program.types import Activity, EventRule, Match

_FORCED_CHANNELS = {"observation": "observed", "job-aid-use": "support", "self-report": "voice"}


def impossible_matchers(context: LintContext) -> None:
    """Refuse matchers that match nothing, or everything."""
    for index, activity in enumerate(context.program.activities):
        path = ("activities", index, "match")
        match = activity.match
        if match == Match():
            add_lint(
                context,
                path,
                "match-all",
                f'activity "{activity.id}" matches every statement',
                "a matcher names at least one activity, prefix, type, category, parent, grouping or verb",
                "add what its statements have in common, for example activity_prefix",
            )
        elif (
            match.activity
            and match.activity_prefix
            and not any(name.startswith(match.activity_prefix) for name in match.activity)
        ):
            add_lint(
                context,
                path,
                "never-matches",
                f'activity "{activity.id}" can never match: no "activity" begins with an "activity_prefix"',
                "all members of a matcher must hold at once",
                "remove one of the two members",
            )
        _not_absolute(context, activity, index)
    for index, rule in enumerate(context.program.events):
        _impossible_event_rule(context, index, rule)


def _not_absolute(context: LintContext, activity: Activity, index: int) -> None:
    for member in MEMBERS:
        for v, value in enumerate(getattr(activity.match, member)):
            if ":" in value and not any(c.isspace() for c in value):
                continue
            place: tuple[str | int, ...] = ("activities", index, "match", member, v)
            add_lint(
                context,
                place,
                "never-matches",
                f'"{value}" is not an absolute IRI, so no statement can carry it',
                "activity ids, types and verbs are absolute IRIs (xAPI 1.0.3 part 2, 2.2)",
                "write it in full, with its scheme",
            )


def _impossible_event_rule(context: LintContext, index: int, rule: EventRule) -> None:
    path: tuple[str | int, ...] = ("events", index, "match")
    if not (rule.match.kind or rule.match.kpi or rule.match.activity or rule.match.source):
        add_lint(
            context,
            path,
            "match-all",
            f'event rule "{rule.id}" matches every performance event',
            "an event rule names at least one kind, kpi, activity or source",
            "add what its events have in common",
        )
    for e, entry in enumerate(rule.evidence):
        for kind in rule.match.kind:
            forced = _FORCED_CHANNELS.get(kind)
            if forced and entry.channel != forced:
                add_lint(
                    context,
                    ("events", index, "evidence", e, "channel"),
                    "channel-conflict",
                    f'a "{kind}" event cannot be evidence in the channel "{entry.channel}"',
                    "self-reports and job-aid use are never outcomes; observations are their own channel",
                    f'write "{forced}"',
                )


def shadowed(context: LintContext) -> None:
    """Warn of an activity all of whose evidence another one, preferred over it, always takes.

    Whatever covers a matcher also matches any one statement that the matcher matches, so one
    made-up statement finds the few that can.
    """
    activities = context.program.activities
    matcher = Matcher([activity.match for activity in activities])
    for number, activity in enumerate(activities):
        skills = {entry.skill for entry in activity.evidence}
        for other in matcher.find(_example(activity.match)):
            if other == number or not skills:
                break  # they come by precedence: the rest gives way to this one
            rival = activities[other]
            if skills <= {entry.skill for entry in rival.evidence} and _covers(rival.match, activity.match):
                add_lint(
                    context,
                    ("activities", number, "match"),
                    "shadowed",
                    f'activity "{activity.id}" never gives evidence: "{rival.id}" matches all of its '
                    "statements and is preferred",
                    "one statement gives one piece of evidence a skill, from the most specific activity, "
                    "the earlier on a tie",
                    "make this matcher narrower, or put it first",
                    "warning",
                )
                break


def _covers(wide: Match, narrow: Match) -> bool:
    """Say whether `wide` surely matches all that `narrow` does; what it asks for beyond ids, `narrow` asks too."""
    beyond = ("extension", "registration", "profile", "except_")
    return covers(wide, narrow) and all(
        getattr(wide, member) in (getattr(Match(), member), getattr(narrow, member)) for member in beyond
    )


def _example(match: Match) -> MatchKey:
    """Return the key of some statement that `match` holds for."""
    first = {member: getattr(match, member)[:1] for member in MEMBERS}
    return MatchKey(
        activity="".join(first["activity"] or first["activity_prefix"]),
        activity_type="".join(first["activity_type"]),
        verb="".join(first["verb"]),
        parent=first["parent"],
        grouping=first["grouping"],
        category=first["category"],
    )
