"""Which activity a statement belongs to when several match: the most specific, then the earlier.

The linter (what is shadowed) and the matcher (what is taken) must agree, so the order and the
meaning of "covers" stand here once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from carrythrough.program.match_key import token
from carrythrough.program.types import Exclusion, ExtensionMatch, Match

MEMBERS = (
    "activity",
    "activity_prefix",
    "parent",
    "grouping",
    "category",
    "profile",
    "activity_type",
    "verb",
)
"""The members of a matcher that list IRIs or beginnings of them."""
ORDER = (
    "activity",
    "activity_prefix",
    "registration",
    "extension",
    "parent",
    "grouping",
    "category",
    "profile",
    "activity_type",
    "verb",
)
"""All members that ask for something, from the most telling to the least."""


def precedence(match: Match, order: int) -> tuple[int, int, int, int]:
    """Return the sort key of a matcher, smallest first.

    That is: its most telling member, the length of its longest prefix, how much it asks for (its members, each
    extension, and an exclusion), and its place in the file.
    """
    first = next((n for n, member in enumerate(ORDER) if getattr(match, member)), len(ORDER))
    prefix = max((len(text) for text in match.activity_prefix), default=0) if first == 1 else 0
    asked = sum(1 for member in ORDER if getattr(match, member)) + max(len(match.extension) - 1, 0)
    return first, -prefix, -asked - (match.except_ != Exclusion()), order


def in_profile(category: str, profile: str) -> bool:
    """Say whether a category names a profile, a version of it, or one of its concepts.

    Versions and concepts of a profile are IRIs below that of the profile itself (xAPI Profiles, part 2, 3.0).
    """
    rest = category[len(profile) :]
    return category.startswith(profile) and (not rest or profile[-1:] in _ENDS or rest[0] in _ENDS)


_ENDS = frozenset("/#?")


def covers(wide: Match, narrow: Match) -> bool:
    """Return whether every statement that `narrow` matches is surely matched by `wide` as well."""
    return all(_held(wide, narrow, member) for member in ORDER if getattr(wide, member)) and all(
        set(getattr(wide.except_, member)) <= set(getattr(narrow.except_, member))
        for member in Exclusion.__struct_fields__
    )


def _held(wide: Match, narrow: Match, member: str) -> bool:
    """Say whether whatever meets `narrow` meets one member of `wide`, which is given."""
    if member == "activity_prefix":
        beginning = wide.activity_prefix
        return any(
            names and all(name.startswith(beginning) for name in names)
            for names in (narrow.activity, narrow.activity_prefix)
        )
    if member == "profile":
        return any(
            names and all(any(in_profile(name, profile) for profile in wide.profile) for name in names)
            for names in (narrow.profile, narrow.category)
        )
    if member == "extension":
        return all(any(_implies(given, wanted) for given in narrow.extension) for wanted in wide.extension)
    given, wanted = (
        {text.lower() if member == "registration" else text for text in getattr(match, member)}
        for match in (narrow, wide)
    )
    return bool(given) and given <= wanted


def _implies(given: ExtensionMatch, wanted: ExtensionMatch) -> bool:
    """Say whether a statement that carries `given` surely carries `wanted`."""
    if (given.at, given.iri, given.path) != (wanted.at, wanted.iri, wanted.path):
        return False
    return not wanted.equals or (bool(given.equals) and _tokens(given.equals) <= _tokens(wanted.equals))


def _tokens(values: Iterable[Any]) -> set[Any]:
    return {token(value) for value in values}
