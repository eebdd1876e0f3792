"""Which activity a statement belongs to when several match: the most specific, then the earlier.

The linter (what is shadowed) and the matcher (what is taken) must agree, so the order and the
meaning of "covers" stand here once.
"""

from __future__ import annotations

from carrythrough.program.types import Match

MEMBERS = ("activity", "activity_prefix", "parent", "grouping", "category", "activity_type", "verb")
"""The members of a matcher, from the most telling to the least."""


def precedence(match: Match, order: int) -> tuple[int, int, int, int]:
    """Return the sort key of a matcher, smallest first.

    That is: its most telling member, the length of its longest prefix, how many members it has,
    and its place in the file.
    """
    first = next((n for n, member in enumerate(MEMBERS) if getattr(match, member)), len(MEMBERS))
    prefix = max((len(text) for text in match.activity_prefix), default=0) if first == 1 else 0
    members = sum(1 for member in MEMBERS if getattr(match, member))
    return first, -prefix, -members, order


def covers(wide: Match, narrow: Match) -> bool:
    """Return whether every statement that `narrow` matches is matched by `wide` as well."""
    for member in MEMBERS:
        wanted = getattr(wide, member)
        if not wanted:
            continue
        given = getattr(narrow, member)
        if member == "activity_prefix":
            names = given or narrow.activity
            if not names or not all(name.startswith(wanted) for name in names):
                return False
        elif not given or not set(given) <= set(wanted):
            return False
    return True
