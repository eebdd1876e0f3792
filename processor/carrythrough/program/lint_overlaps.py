"""Matchers that share records and evidence without one being a special case of the other.

Of two activities that match a statement the more specific one is taken, so an activity inside another is how
maps are meant to be written. Two that merely meet are usually an accident: each looks as if it had all of its
statements, and one of them loses those that they share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from carrythrough.program.lint_context import LintContext, add_lint
from carrythrough.program.precedence import covers, precedence
from carrythrough.program.prefixes import PrefixIndex
from carrythrough.program.types import EventMatch, EventRule, Match

PAIRS_MAX = 200_000
"""Pairs of matchers compared, about half a second; a map with more that nearly meet has other worries."""
FINDINGS_MAX = 50
"""Overlaps reported: they come in families, and mending the first ones mends many."""


def overlapping_activities(context: LintContext) -> None:
    """Warn of two activities that give the same skill and channel for some statements, neither inside the other."""
    activities = context.program.activities
    groups: dict[tuple[str, str], list[int]] = {}
    for number, activity in enumerate(activities):
        for entry in activity.evidence:
            groups.setdefault((entry.skill, entry.channel), []).append(number)
    told: set[tuple[int, int]] = set()
    left = PAIRS_MAX
    for (skill, channel), numbers in groups.items():
        for one, other in _near([activities[n].match for n in numbers]):
            pair = numbers[one], numbers[other]
            left -= 1
            if left < 0 or len(told) >= FINDINGS_MAX:
                return
            first, second = (activities[n] for n in pair)
            nested = covers(first.match, second.match) or covers(second.match, first.match)
            if pair in told or nested or not _meet(first.match, second.match):
                continue
            told.add(pair)
            wins = min(pair, key=lambda n: precedence(activities[n].match, n))
            add_lint(
                context,
                ("activities", pair[1], "match"),
                "overlapping-evidence",
                f'some statements match "{first.id}" and "{second.id}", and both say how "{skill}" went in the channel '
                f'"{channel}"; "{activities[wins].id}" gets them',
                f"tell the two apart by verb, type or prefix, or leave {_what(first.match, second.match)} out of one "
                'with "except"',
            )


def _what(first: Match, second: Match) -> str:
    """Return what two matchers can be told apart by, as people say it."""
    shared = set(first.verb) & set(second.verb)
    return f'the verb "{min(shared)}"' if shared else "what they share"


def _near(matches: Sequence[Match]) -> Iterator[tuple[int, int]]:
    """Yield pairs of numbers, smaller first, whose ids can meet; each pair once or a few times.

    Matchers with ids or beginnings of ids meet those with the same ids, and those whose beginnings fit;
    matchers with neither may meet any other.
    """
    names: dict[str, list[int]] = {}
    prefixes: dict[str, list[int]] = {}
    free: list[int] = []
    for number, match in enumerate(matches):
        for name in match.activity:
            names.setdefault(name, []).append(number)
        for prefix in () if match.activity else match.activity_prefix:
            prefixes.setdefault(prefix, []).append(number)
        if not match.activity and not match.activity_prefix:
            free.append(number)
    index = PrefixIndex(prefixes)
    for number, match in enumerate(matches):
        for text in match.activity or match.activity_prefix:
            yield from ((other, number) for other in names.get(text, ()) if other < number)
            for prefix in index.of(text):
                yield from (_ordered(number, other) for other in prefixes[prefix] if other != number)
    loose = set(free)
    for one in free:
        yield from (_ordered(one, n) for n in range(len(matches)) if n != one and (n > one or n not in loose))


def _ordered(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def _meet(one: Match, other: Match) -> bool:
    """Say whether some statement is likely to match both, their ids aside.

    A statement may have two parents, but matchers that name different ones are meant to be different.
    """
    members = ("activity_type", "verb", "parent", "grouping", "category", "profile", "registration")
    return (
        _ids_meet(one, other)
        and not any(_apart(getattr(one, member), getattr(other, member)) for member in members)
        and not _leaves_out(one, other)
        and not _leaves_out(other, one)
        and not _extensions_apart(one, other)
    )


def _ids_meet(one: Match, other: Match) -> bool:
    if not (one.activity or one.activity_prefix) or not (other.activity or other.activity_prefix):
        return True
    if one.activity and other.activity:
        return not set(one.activity).isdisjoint(other.activity)
    if one.activity:
        return any(name.startswith(other.activity_prefix) for name in one.activity)
    if other.activity:
        return any(name.startswith(one.activity_prefix) for name in other.activity)
    return any(a.startswith(b) or b.startswith(a) for a in one.activity_prefix for b in other.activity_prefix)


def _apart(one: Iterable[str], other: Iterable[str]) -> bool:
    first, second = set(one), set(other)
    return bool(first) and bool(second) and first.isdisjoint(second)


def _leaves_out(one: Match, other: Match) -> bool:
    """Say whether the exclusion of `one` leaves out all that `other` matches."""
    out = one.except_
    names = other.activity or other.activity_prefix
    if names and all(name in out.activity or name.startswith(out.activity_prefix) for name in names):
        return True
    return any(
        getattr(other, member) and set(getattr(other, member)) <= set(getattr(out, member))
        for member in ("activity_type", "verb", "parent", "grouping", "category")
    )


def _extensions_apart(one: Match, other: Match) -> bool:
    for a in one.extension:
        for b in other.extension:
            same = (a.iri, a.at, a.path) == (b.iri, b.at, b.path)
            if same and _apart(map(repr, a.equals), map(repr, b.equals)):
                return True
    return False


def overlapping_events(context: LintContext) -> None:
    """Warn of event rules that lose events to an earlier rule: all of them, or those that both match."""
    rules = context.program.events
    groups: dict[str, list[int]] = {}
    for number, rule in enumerate(rules):
        for skill in {entry.skill for entry in rule.evidence}:
            groups.setdefault(skill, []).append(number)
    told: set[int] = set()
    left = PAIRS_MAX
    for numbers in groups.values():
        for place, later in enumerate(numbers):
            for earlier in numbers[:place]:
                left -= 1
                if left < 0 or len(told) >= FINDINGS_MAX:
                    return
                if later not in told and _overlap(context, earlier, later):
                    told.add(later)


def _overlap(context: LintContext, earlier: int, later: int) -> bool:
    """Report what an earlier event rule takes from a later one, if anything."""
    first, second = context.program.events[earlier], context.program.events[later]
    path = ("events", later, "match")
    skills = {entry.skill for entry in first.evidence}
    if {entry.skill for entry in second.evidence} <= skills and _covers_events(first.match, second.match):
        message = (
            f'event rule "{second.id}" never gives evidence: "{first.id}" matches all of its events first'
        )
        add_lint(
            context, path, "shadowed", message, f'put it before "{first.id}", or make "{first.id}" narrower'
        )
        return True
    shared = _shared(first, second)
    if shared is None or not _events_meet(first.match, second.match):
        return False
    if _covers_events(second.match, first.match):
        return False  # the special case stands first, as it should
    message = (
        f'some events match "{first.id}" and "{second.id}", and both say how "{shared[0]}" went in the channel '
        f'"{shared[1]}"; "{first.id}" gets them'
    )
    add_lint(
        context, path, "overlapping-evidence", message, "tell the two apart by kind, kpi, activity or source"
    )
    return True


def _shared(first: EventRule, second: EventRule) -> tuple[str, str] | None:
    given = {(entry.skill, entry.channel) for entry in first.evidence}
    return min(given & {(entry.skill, entry.channel) for entry in second.evidence}, default=None)


_EVENT_MEMBERS = EventMatch.__struct_fields__


def _covers_events(wide: EventMatch, narrow: EventMatch) -> bool:
    return all(
        not getattr(wide, member)
        or (bool(getattr(narrow, member)) and set(getattr(narrow, member)) <= set(getattr(wide, member)))
        for member in _EVENT_MEMBERS
    )


def _events_meet(one: EventMatch, other: EventMatch) -> bool:
    return not any(_apart(getattr(one, member), getattr(other, member)) for member in _EVENT_MEMBERS)
