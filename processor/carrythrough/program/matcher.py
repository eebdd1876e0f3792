"""From the fields of a statement to the matchers that hold, without asking each matcher.

Every matcher hangs on one of its members, the one that fewest matchers share (its anchor).
A lookup asks six dictionaries and one sorted list of prefixes, then tests only the matchers
found there. So the cost grows with the matchers that nearly match, not with their number.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from carrythrough.program.precedence import MEMBERS, precedence
from carrythrough.program.types import Match


class MatchKey(msgspec.Struct, frozen=True, array_like=True):
    """What matchers read of a statement.

    activity, activity_type: id and type of the object ("" when it is no activity). verb: its id.
    parent, grouping, category: ids of the context activities.
    """

    activity: str = ""
    activity_type: str = ""
    verb: str = ""
    parent: tuple[str, ...] = ()
    grouping: tuple[str, ...] = ()
    category: tuple[str, ...] = ()


class _Test(msgspec.Struct, frozen=True):
    """One matcher ready to be tested; empty members hold always. rank: place in the precedence."""

    number: int
    rank: int
    activity: frozenset[str]
    prefixes: tuple[str, ...]
    activity_type: frozenset[str]
    verb: frozenset[str]
    parent: frozenset[str]
    grouping: frozenset[str]
    category: frozenset[str]

    def holds(self, key: MatchKey) -> bool:
        return (
            (not self.activity or key.activity in self.activity)
            and (not self.prefixes or (key.activity != "" and key.activity.startswith(self.prefixes)))
            and (not self.activity_type or key.activity_type in self.activity_type)
            and (not self.verb or key.verb in self.verb)
            and (not self.parent or not self.parent.isdisjoint(key.parent))
            and (not self.grouping or not self.grouping.isdisjoint(key.grouping))
            and (not self.category or not self.category.isdisjoint(key.category))
        )


class PrefixIndex:
    """All stored prefixes of a text in O(log n + hits): sorted, each linked to its longest prefix."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        self.sorted = sorted(set(prefixes))
        self.parent: list[int] = []
        open_: list[int] = []
        for number, text in enumerate(self.sorted):
            while open_ and not text.startswith(self.sorted[open_[-1]]):
                open_.pop()
            self.parent.append(open_[-1] if open_ else -1)
            open_.append(number)

    def of(self, text: str) -> list[str]:
        """Return the stored prefixes of `text`, longest first.

        The greatest stored string not after `text` has every stored prefix of `text` as its own
        prefix or is one itself, so its chain of links holds them all.
        """
        found: list[str] = []
        number = bisect_right(self.sorted, text) - 1
        while number >= 0:
            if text.startswith(self.sorted[number]):
                found.append(self.sorted[number])
            number = self.parent[number]
        return found


class Matcher:
    """An index over matchers; `tests_made` counts the full tests, for those who measure."""

    def __init__(self, matches: Sequence[Match]) -> None:
        order = sorted(range(len(matches)), key=lambda n: precedence(matches[n], n))
        ranks = {number: rank for rank, number in enumerate(order)}
        self.tests_made = 0
        self._tests = [_test(match, n, ranks[n]) for n, match in enumerate(matches)]
        self._index: dict[str, dict[str, list[_Test]]] = {member: {} for member in MEMBERS}
        sharing = Counter(
            (member, value) for match in matches for member in MEMBERS for value in getattr(match, member)
        )
        for match, test in zip(matches, self._tests, strict=True):
            given = [member for member in MEMBERS if getattr(match, member)]
            if not given:
                continue
            anchor = min(given, key=lambda m: max(sharing[m, value] for value in getattr(match, m)))
            for value in getattr(match, anchor):
                self._index[anchor].setdefault(value, []).append(test)
        self._prefixes = PrefixIndex(self._index["activity_prefix"])
        self.reads = frozenset(member for match in matches for member in MEMBERS if getattr(match, member))

    def find(self, key: MatchKey) -> list[int]:
        """Return the numbers of the matchers that hold for `key`, most specific first."""
        found: dict[int, int] = {}
        for test in self._candidates(key):
            if test.rank not in found:
                self.tests_made += 1
                if test.holds(key):
                    found[test.rank] = test.number
        return [found[rank] for rank in sorted(found)]

    def _candidates(self, key: MatchKey) -> list[_Test]:
        index = self._index
        found = list(index["activity"].get(key.activity, ()))
        if key.activity and self._prefixes.sorted:
            for prefix in self._prefixes.of(key.activity):
                found += index["activity_prefix"][prefix]
        found += index["activity_type"].get(key.activity_type, ())
        found += index["verb"].get(key.verb, ())
        for member, names in (("parent", key.parent), ("grouping", key.grouping), ("category", key.category)):
            if names and index[member]:
                for name in names:
                    found += index[member].get(name, ())
        return found


def _test(match: Match, number: int, rank: int) -> _Test:
    return _Test(
        number=number,
        rank=rank,
        activity=frozenset(match.activity),
        prefixes=match.activity_prefix,
        activity_type=frozenset(match.activity_type),
        verb=frozenset(match.verb),
        parent=frozenset(match.parent),
        grouping=frozenset(match.grouping),
        category=frozenset(match.category),
    )
