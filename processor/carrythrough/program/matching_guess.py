"""The matcher for a set of statements: the widest that reads well and takes none of anybody else's.

Tried in this order: the few ids themselves, the course that the context names with the type, a common beginning
of the ids, the type alone. A matcher always names its verbs, so that what was not looked at gives no evidence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from carrythrough.program.activities import Exclusion, Match
from carrythrough.program.natures import Nature
from carrythrough.program.readings import Cell, Reading

IDS_LISTED_MAX = 50
"""Longer lists of ids are given only where nothing else tells statements apart."""
IDS_MAX = 400
_BORDER = re.compile(r".*[/#?=&:+]", re.DOTALL)


class Bucket:
    """Statements that are to become one activity of the map."""

    def __init__(self, course: str, nature: Nature, activity_type: str, reading: Reading) -> None:
        self.course = course
        self.nature = nature
        self.activity_type = activity_type
        self.reading = reading
        self.cells: list[Cell] = []

    @property
    def verbs(self) -> tuple[str, ...]:
        """Return the ids of the verbs, the most frequent first."""
        return tuple(cell.verb for cell in sorted(self.cells, key=lambda cell: (-cell.statements, cell.verb)))

    @property
    def statements(self) -> int:
        """Return how many statements there are."""
        return sum(cell.statements for cell in self.cells)

    @property
    def activities(self) -> Counter[str]:
        """Return how many statements each object id has."""
        total: Counter[str] = Counter()
        for cell in self.cells:
            total.update(cell.activities)
        return total

    @property
    def by_ids(self) -> bool:
        """Say whether its activities are best named one by one."""
        return self.nature == Nature.CONFIDENCE or len(self.activities) == 1

    def member(self) -> str:
        """Return where the context of all its statements names the course, "" when it does not."""
        shared = set.intersection(*(cell.members or set() for cell in self.cells))
        return next((name for name in ("grouping", "parent", "category") if name in shared), "")


def matcher_for(bucket: Bucket, buckets: Sequence[Bucket]) -> Match:
    """Return the matcher of `bucket`; of several that are right, the first in the order above.

    What other activities name one by one is left out of it.
    """
    ids = sorted(bucket.activities)
    rivals = [cell for other in buckets if other is not bucket and not other.by_ids for cell in other.cells]
    rivals = [cell for cell in rivals if cell.verb in bucket.verbs]
    if bucket.by_ids and len(ids) <= IDS_LISTED_MAX:
        apart = bucket.activity_type and any(cell.activity_type != bucket.activity_type for cell in rivals)
        types = (bucket.activity_type,) if apart else ()
        return Match(activity=tuple(ids), activity_type=types, verb=bucket.verbs)
    listed = [cell for other in buckets if other is not bucket and other.by_ids for cell in other.cells]
    listed = [cell for cell in listed if cell.verb in bucket.verbs]
    for match in _candidates(bucket, ids):
        if not any(_reaches(match, cell) for cell in rivals):
            return _without(match, listed, ids)
    if len(ids) <= IDS_MAX:
        return Match(activity=tuple(ids), verb=bucket.verbs)
    return _without(next(iter(_candidates(bucket, ids))), listed, ids)


def _without(match: Match, listed: Iterable[Cell], own: Collection[str]) -> Match:
    """Return the matcher without the activities that are named one by one elsewhere, and are not its own as well."""
    reached = sorted(
        {name for cell in listed if _reaches(match, cell) for name in cell.activities} - set(own)
    )
    if not reached or len(reached) > IDS_LISTED_MAX:
        return match
    return msgspec.structs.replace(match, except_=Exclusion(activity=tuple(reached)))


def _candidates(bucket: Bucket, ids: Sequence[str]) -> Iterator[Match]:
    types = (bucket.activity_type,) if bucket.activity_type else ()
    member = bucket.member()
    if member:
        around = {member: (bucket.course,)}
        yield Match(**around, activity_type=types, verb=bucket.verbs)  # type: ignore[arg-type]
    prefix = common_beginning(ids)
    if prefix:
        yield Match(activity_prefix=(prefix,), verb=bucket.verbs)
        if types:
            yield Match(activity_prefix=(prefix,), activity_type=types, verb=bucket.verbs)
    if types:
        yield Match(activity_type=types, verb=bucket.verbs)
    if len(ids) <= IDS_LISTED_MAX:
        yield Match(activity=tuple(ids), verb=bucket.verbs)
    yield Match(verb=bucket.verbs)


def common_beginning(ids: Collection[str]) -> str:
    """Return what all ids begin with, up to a border, "" when that is no more than a scheme and a host."""
    if not ids:
        return ""
    # What the first and the last of sorted texts share, all share.
    first, last = min(ids), max(ids)
    same = next(
        (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last))
    )
    found = _BORDER.match(first[:same])
    prefix = found.group() if found else ""
    _, scheme, rest = prefix.partition("://")
    path = rest.partition("/")[2] if scheme else prefix.partition(":")[2]
    return prefix if path else ""


def _reaches(match: Match, cell: Cell) -> bool:
    """Say whether a matcher holds for some statement of a cell, whose verb it names."""
    if match.activity_type and cell.activity_type not in match.activity_type:
        return False
    for member in ("grouping", "parent", "category"):
        wanted = getattr(match, member)
        if wanted and not (cell.course in wanted and member in cell.named):
            return False
    if match.activity_prefix:
        return any(name.startswith(match.activity_prefix) for name in cell.activities)
    return not match.activity or any(name in cell.activities for name in match.activity)
