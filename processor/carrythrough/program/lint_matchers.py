"""Matchers of a program map that can never match, match everything, or always lose to another."""

from __future__ import annotations

from carrythrough.program.lint_context import LintContext, Path, add_lint
from carrythrough.program.match_key import example_of
from carrythrough.program.matcher import Matcher
from carrythrough.program.precedence import MEMBERS, covers
from carrythrough.program.types import Activity, EventRule, Exclusion

_VERBS_BEGIN = "http://adlnet.gov/expapi/verbs/"
_WORDS = """answered attempted attended completed exited experienced failed initialized interacted launched
    mastered passed progressed registered responded resumed scored shared suspended terminated"""
_VERBS = frozenset(_WORDS.split())
"""ADL's verbs, which authors write by their last word."""
_FORCED_CHANNELS = {"observation": "observed", "job-aid-use": "support", "self-report": "voice"}


def impossible_matchers(context: LintContext) -> None:
    """Refuse matchers that match nothing, or everything."""
    for index, activity in enumerate(context.program.activities):
        path: Path = ("activities", index, "match")
        match = activity.match
        if all(not getattr(match, member) for member in (*MEMBERS, "registration", "extension")):
            add_lint(
                context,
                path,
                "match-all",
                f'activity "{activity.id}" matches every statement',
                "add what its statements have in common, for example activity_prefix",
            )
        elif (
            match.activity
            and match.activity_prefix
            and not any(name.startswith(match.activity_prefix) for name in match.activity)
        ):
            message = (
                f'activity "{activity.id}" can never match: no "activity" begins with an "activity_prefix"'
            )
            add_lint(context, path, "never-matches", message, "remove one of the two members")
        else:
            _left_out(context, activity, path)
        _not_absolute(context, activity, index)
    for index, rule in enumerate(context.program.events):
        _impossible_event_rule(context, index, rule)


def _left_out(context: LintContext, activity: Activity, path: Path) -> None:
    """Refuse a matcher all of whose values its own exclusion leaves out."""
    match, out = activity.match, activity.match.except_
    for member in Exclusion.__struct_fields__:
        given = getattr(match, member)
        gone = set(getattr(out, member))
        if member in ("activity", "activity_prefix") and given:
            all_gone = all(name in gone or name.startswith(out.activity_prefix) for name in given)
        else:
            # One of several context activities may be left out while another one still matches.
            single = member in ("activity_type", "verb") or len(given) == 1
            all_gone = bool(given) and single and set(given) <= gone
        if all_gone:
            message = f'activity "{activity.id}" can never match: "except" leaves out every "{member}" that it names'
            add_lint(
                context, (*path, "except"), "never-matches", message, f'remove "{member}" from one of the two'
            )
            return


def _not_absolute(context: LintContext, activity: Activity, index: int) -> None:
    match, path = activity.match, ("activities", index, "match")
    places: list[tuple[Path, str]] = [
        ((*path, member, v), value) for member in MEMBERS for v, value in enumerate(getattr(match, member))
    ]
    places += [
        ((*path, "except", member, v), value)
        for member in Exclusion.__struct_fields__
        for v, value in enumerate(getattr(match.except_, member))
    ]
    places += [((*path, "extension", x, "iri"), wanted.iri) for x, wanted in enumerate(match.extension)]
    for place, value in places:
        if not is_absolute(value):
            message = f'"{value[:200]}" is not an absolute IRI, so no statement can carry it'
            fix = "write it in full, with its scheme (xAPI 1.0.3 part 2, 2.2)"
            if "verb" in place and value.lower() in _VERBS:
                fix = f'did you mean "{_VERBS_BEGIN}{value.lower()}"?'
            add_lint(context, place, "never-matches", message, fix)


def is_absolute(iri: str) -> bool:
    """Say whether a text can be an absolute IRI: it has a scheme and no spaces."""
    return ":" in iri and not any(character.isspace() for character in iri)


def _impossible_event_rule(context: LintContext, index: int, rule: EventRule) -> None:
    path: Path = ("events", index, "match")
    if not (rule.match.kind or rule.match.kpi or rule.match.activity or rule.match.source):
        message = f'event rule "{rule.id}" matches every performance event'
        add_lint(
            context, path, "match-all", message, "name a kind, kpi, activity or source that its events share"
        )
    for e, entry in enumerate(rule.evidence):
        for kind in rule.match.kind:
            forced = _FORCED_CHANNELS.get(kind)
            if forced and entry.channel != forced:
                message = f'a "{kind}" event cannot be evidence in the channel "{entry.channel}"'
                place = ("events", index, "evidence", e, "channel")
                add_lint(context, place, "channel-conflict", message, f'write "{forced}"')


def shadowed(context: LintContext) -> None:
    """Warn of an activity all of whose evidence another one, preferred over it, always takes.

    Whatever covers a matcher also matches any one statement that the matcher matches, so one
    made-up statement finds the few that can.
    """
    activities = context.program.activities
    matcher = Matcher([activity.match for activity in activities])
    for number, activity in enumerate(activities):
        skills = {entry.skill for entry in activity.evidence}
        for other in matcher.find(example_of(activity.match)):
            if other == number or not skills:
                break  # they come by precedence: the rest gives way to this one
            rival = activities[other]
            if skills <= {entry.skill for entry in rival.evidence} and covers(rival.match, activity.match):
                add_lint(
                    context,
                    ("activities", number, "match"),
                    "shadowed",
                    f'activity "{activity.id}" never gives evidence: "{rival.id}" matches all of its '
                    "statements and is preferred",
                    "make this matcher narrower, or put it first",
                )
                break
