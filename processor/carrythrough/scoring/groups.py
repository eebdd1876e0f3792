"""Scores of groups, and which of them must stay hidden so that no few people can be worked out from the rest.

A mean over fewer people than the minimum says too much about each of them. Hiding it is not enough: the
total less the other groups gives it back. So in each way of dividing people (by team, by role, by site) either
nothing is hidden, or at least two groups are, which together reach the minimum; and of two groups shown, one
inside the other, the rest must reach the minimum as well, and so must what groups of one dimension leave of those
of another that cover them (complementary suppression; cf. Willenborg and de Waal, Elements of statistical
disclosure control, 2001, ch. 4). Sums over three dimensions at once are not looked at. What changes from one day
to the next is not guarded against: somebody who joins moves the mean of the group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations, permutations
from typing import NamedTuple

Key = tuple[str, str]
"""(dimension, group): ("team", "north"). The whole is WHOLE."""

WHOLE: Key = ("program", "")
ALIKE_SHARE = 10
"""Two sets of people are taken for the same when they differ by no more than one in so many."""
SMALL, SIBLING = "small", "sibling"
"""Why a group is hidden: it is too small itself, or showing it would give a small one away."""


class Member(NamedTuple):
    """One person with a value: who, their group in each dimension, mean 0..1 and variance of the value."""

    subject: str
    groups: Mapping[str, str]
    value: float
    variance: float


class GroupScore(NamedTuple):
    """The mean over a group. people: with a value. variance: of the mean, people being independent."""

    value: float
    variance: float
    people: int


def group_scores(
    members: Mapping[str, Iterable[Member]], minimum: int, overall: str = ""
) -> dict[str, dict[Key, GroupScore | str]]:
    """Return the means of each variable: those of the groups and of WHOLE, or why one is hidden (SMALL, SIBLING).

    members: by variable, a skill or `overall`, which is computed from the skills. minimum: people that
    a group needs, at least 1.
    """
    people: dict[str, dict[Key, dict[str, Member]]] = {}
    for variable, found in members.items():
        groups = people[variable] = {WHOLE: {}}
        for member in found:
            groups[WHOLE][member.subject] = member
            for key in member.groups.items():
                groups.setdefault(key, {})[member.subject] = member
    sets = {v: {key: frozenset(found) for key, found in groups.items()} for v, groups in people.items()}
    hidden = suppressed_together(sets, minimum, overall)
    return {
        variable: {
            key: hidden[variable].get(key) or _mean(list(found.values())) for key, found in groups.items()
        }
        for variable, groups in people.items()
    }


def _mean(members: list[Member]) -> GroupScore:
    n = len(members)
    return GroupScore(sum(m.value for m in members) / n, sum(m.variance for m in members) / (n * n), n)


def suppressed_together(
    people: Mapping[str, Mapping[Key, frozenset[str]]], minimum: int, overall: str
) -> dict[str, dict[Key, str]]:
    """Return what to hide of each variable, so that the overall score gives no skill away, nor the skills it.

    In a group in which (nearly) everybody has the same skills, the mean overall score is a mean of the means
    of the skills: of the one and the others, all but one tell the last. There either none is hidden, or
    the overall score and a skill are.
    """
    forced: dict[str, set[Key]] = {variable: set() for variable in people}
    while True:
        hidden = {v: suppressed(groups, minimum, forced[v]) for v, groups in people.items()}
        more = _told_by_the_rest(people, hidden, overall)
        if not more:
            return hidden
        for variable, key in more:
            forced[variable].add(key)


def _told_by_the_rest(
    people: Mapping[str, Mapping[Key, frozenset[str]]], hidden: Mapping[str, Mapping[Key, str]], overall: str
) -> list[tuple[str, Key]]:
    more: list[tuple[str, Key]] = []
    for key, everybody in people.get(overall, {}).items():
        skills = [v for v in sorted(people) if v != overall and people[v].get(key)]
        if key == WHOLE or not skills or not all(_alike(people[v][key], everybody) for v in skills):
            continue
        out = [v for v in skills if key in hidden[v]]
        if out and key not in hidden[overall]:
            more.append((overall, key))
        elif key in hidden[overall] and not out:
            more.append((min(skills, key=lambda v: (len(people[v][key]), v)), key))
    return more


def _alike(some: frozenset[str], everybody: frozenset[str]) -> bool:
    return len(everybody - some) * ALIKE_SHARE <= len(everybody)


def suppressed(
    people: Mapping[Key, frozenset[str]], minimum: int, forced: Iterable[Key] = ()
) -> dict[Key, str]:
    """Return the groups to hide with the reason; what is shown then gives nothing under `minimum` people away.

    people: who is in each group; each dimension divides the people of WHOLE. Groups without anybody are
    hidden, and so are those in `forced`.
    """
    hidden = {key: SMALL for key, found in people.items() if len(found) < minimum}
    hidden |= {key: SIBLING for key in forced if key not in hidden}
    dimensions: dict[str, list[Key]] = {}
    for key in sorted(people):
        if key != WHOLE:
            dimensions.setdefault(key[0], []).append(key)
    nested = _nested(people)
    while more := _given_away(people, dimensions, nested, hidden, minimum):
        hidden |= dict.fromkeys(more, SIBLING)
    return hidden


def _given_away(
    people: Mapping[Key, frozenset[str]],
    dimensions: Mapping[str, list[Key]],
    nested: list[tuple[Key, Key]],
    hidden: Mapping[Key, str],
    minimum: int,
) -> list[Key]:
    """Return groups that have to be hidden too, as things stand; [] when what is shown is safe."""
    more: list[Key] = []
    for keys in dimensions.values():
        out = [key for key in keys if key in hidden and people[key]]
        shown = [key for key in keys if key not in hidden]
        exposed = 0 < sum(len(people[key]) for key in out) < minimum or len(out) == 1
        if exposed and shown:
            more.append(min(shown, key=lambda key: (len(people[key]), key)))
    for inner, outer in nested:
        rest = len(people[outer]) - len(people[inner])
        if inner not in hidden and outer not in hidden and 0 < rest < minimum:
            more.append(inner)
    return more or _cover_gives_away(people, dimensions, hidden, minimum)


def _cover_gives_away(
    people: Mapping[Key, frozenset[str]],
    dimensions: Mapping[str, list[Key]],
    hidden: Mapping[Key, str],
    minimum: int,
) -> list[Key]:
    """Return a group that others of its dimension and those of another, which cover them, make too telling.

    Teams that together hold a role: less the roles that lie within them they leave the people of other roles.
    What is not shown of a dimension counts as one group of it, the whole less the others, where the whole is shown.
    """
    parts = {name: _parts(people, keys, hidden) for name, keys in dimensions.items()}
    of_person = {
        name: {who: key for key, found in mine.items() for who in found} for name, mine in parts.items()
    }
    more: set[Key] = set()
    for covering, covered in permutations(sorted(parts), 2):
        covers = {frozenset(of_person[covering].get(who) for who in seed) for seed in parts[covered].values()}
        for cover in covers:
            if None in cover:
                continue
            union = frozenset[str]().union(*(parts[covering][key] for key in cover if key is not None))
            met = {key for who in union if (key := of_person[covered].get(who)) is not None}
            within = [key for key in met if parts[covered][key] <= union]
            rest = len(union) - sum(len(parts[covered][key]) for key in within)
            named = [key for key in within if key != WHOLE]
            if 0 < rest < minimum and named:
                more.add(min(named, key=lambda key: (len(people[key]), key)))
    return sorted(more)


def _parts(
    people: Mapping[Key, frozenset[str]], keys: Iterable[Key], hidden: Mapping[Key, str]
) -> dict[Key, frozenset[str]]:
    """Return the groups of a dimension whose means a reader knows, the rest of a shown whole under WHOLE."""
    known = {key: people[key] for key in keys if key not in hidden}
    rest = people[WHOLE].difference(*known.values()) if WHOLE in people and WHOLE not in hidden else None
    return {**known, WHOLE: rest} if rest else known


def _nested(people: Mapping[Key, frozenset[str]]) -> list[tuple[Key, Key]]:
    """Return (inner, outer) for groups of different dimensions of which one lies inside the other."""
    of_person: dict[str, list[Key]] = {}
    for key, found in people.items():
        for subject in found:
            of_person.setdefault(subject, []).append(key)
    meeting = {pair for keys in of_person.values() for pair in combinations(sorted(keys), 2)}
    inside: list[tuple[Key, Key]] = []
    for a, b in sorted(meeting):
        if people[a] < people[b]:
            inside.append((a, b))
        elif people[b] < people[a]:
            inside.append((b, a))
    return inside
