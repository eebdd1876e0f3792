"""From what a map can tell apart in a statement to the matchers that hold, without asking each matcher.

Every matcher hangs on one of its members, the one that fewest matchers share (its anchor). A lookup asks a
dictionary a member, then tests what the matchers found there ask for beside. So the cost grows with the
matchers that nearly match, not with their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence

import msgspec

from carrythrough.program.match_key import MatchKey
from carrythrough.program.precedence import ORDER, precedence
from carrythrough.program.prefixes import PrefixIndex
from carrythrough.program.signature import (
    ACTIVITY,
    CARRIED,
    CATEGORY,
    GROUPING,
    PARENT,
    REGISTRATION,
    TYPE,
    VERB,
    Class,
    Names,
    Signature,
    Signatures,
)
from carrythrough.program.types import Exclusion, Match
from carrythrough.xapi.statement import Statement

__all__ = ["MatchKey", "Matcher", "PrefixIndex"]

_POSITION = {
    "activity": ACTIVITY,
    "activity_prefix": ACTIVITY,
    "activity_type": TYPE,
    "verb": VERB,
    "parent": PARENT,
    "grouping": GROUPING,
    "category": CATEGORY,
    "profile": CATEGORY,
    "registration": REGISTRATION,
    "extension": CARRIED,
}


class _Begun:
    """The classes of ids that begin with one of some texts, asked as a set would be."""

    def __init__(self, numbers: Iterable[int], names: Names) -> None:
        self.numbers = frozenset(numbers)
        self._begun = names.begun

    def __contains__(self, one: object) -> bool:
        chain = self._begun.get(one) if isinstance(one, int) else None
        return chain is not None and not self.numbers.isdisjoint(chain)


Wanted = tuple[int, Container[int]]
"""A position of the signature, and classes of which it must have one."""
_Slot = tuple[int, bool, int]
"""Where matchers hang: position, whether by a beginning, and the class or the number of the beginning."""


class _Test(msgspec.Struct, frozen=True, gc=False):
    """One matcher ready to be tested: all that is asked for, nothing that is left out. rank: in the precedence."""

    number: int
    rank: int
    asked: tuple[Wanted, ...]
    left_out: tuple[Wanted, ...]

    def holds(self, signature: Signature) -> bool:
        for position, wanted in self.asked:
            if not _has(signature[position], wanted):
                return False
        return not (self.left_out and any(_has(signature[position], out) for position, out in self.left_out))


def _has(given: Class, wanted: Container[int]) -> bool:
    if type(given) is int:
        return given in wanted
    return any(one in wanted for one in given)  # type: ignore[union-attr]


class Matcher:
    """An index over matchers; `tests_made` counts the full tests, for those who measure."""

    def __init__(self, matches: Sequence[Match]) -> None:
        self._signatures = Signatures(matches)
        self.signature = self._signatures.of
        """What the matchers can tell apart in a statement: equal ones are matched alike."""
        self.tests_made = 0
        order = sorted(range(len(matches)), key=lambda n: precedence(matches[n], n))
        slots = [self._slots(match) for match in matches]
        sharing = Counter(slot for given in slots for hung in given.values() for slot in hung)
        self._exact: list[tuple[int, dict[int, list[_Test]]]] = []
        by_class: dict[int, dict[int, list[_Test]]] = {}
        by_beginning: dict[int, dict[int, list[_Test]]] = {}
        for rank, number in enumerate(order):
            given = slots[number]
            if not given:
                continue
            anchor = min(given, key=lambda name: max(sharing[slot] for slot in given[name]))
            test = self._test(matches[number], number, rank, anchor)
            for position, begins, key in given[anchor]:
                index = by_beginning if begins else by_class
                index.setdefault(position, {}).setdefault(key, []).append(test)
        self._by_class = tuple(by_class.items())
        self._by_beginning = tuple(
            (position, self._names(position).begun, index) for position, index in by_beginning.items()
        )

    def find(self, key: MatchKey) -> list[int]:
        """Return the numbers of the matchers that hold for `key`, most specific first."""
        return self.holding(self._signatures.of_key(key))

    def match(self, st: Statement) -> list[int]:
        """Return the numbers of the matchers that hold for a statement, most specific first."""
        return self.holding(self.signature(st))

    def holding(self, signature: Signature) -> list[int]:
        """Return the numbers of the matchers that hold for a signature, most specific first."""
        found: dict[int, int] = {}
        for position, index in self._by_class:
            given = signature[position]
            if not given:
                continue
            for one in (given,) if type(given) is int else given:  # type: ignore[union-attr]
                for test in index.get(one, ()):
                    self.tests_made += 1
                    if test.holds(signature):
                        found[test.rank] = test.number
        for position, begun, index in self._by_beginning:
            given = signature[position]
            for one in (given,) if type(given) is int else given:  # type: ignore[union-attr]
                for number in begun.get(one, ()):
                    for test in index.get(number, ()):
                        self.tests_made += 1
                        if test.holds(signature):
                            found[test.rank] = test.number
        if len(found) < 2:
            return list(found.values())
        return [found[rank] for rank in sorted(found)]

    def _names(self, position: int) -> Names:
        return self._signatures.activity if position == ACTIVITY else self._signatures.category

    def _slots(self, match: Match) -> dict[str, list[_Slot]]:
        """Return where a matcher could hang, by member; of several extensions each is a member of its own."""
        found: dict[str, list[_Slot]] = {}
        for name, position, wanted in self._members(match):
            if isinstance(wanted, _Begun):
                found[name] = [(position, True, number) for number in wanted.numbers]
            else:
                found[name] = [(position, False, number) for number in wanted]
        return found

    def _test(self, match: Match, number: int, rank: int, anchor: str) -> _Test:
        """Return the test of a matcher that is found by its anchor, which need not be asked again."""
        asked = [(position, wanted) for name, position, wanted in self._members(match) if name != anchor]
        out = [
            (_POSITION[member], self._classes(member, given))
            for member in Exclusion.__struct_fields__
            if (given := getattr(match.except_, member))
        ]
        return _Test(number, rank, tuple(asked), tuple(out))

    def _members(self, match: Match) -> list[tuple[str, int, frozenset[int] | _Begun]]:
        """Return (name, position, classes) of each member that asks for something."""
        found: list[tuple[str, int, frozenset[int] | _Begun]] = []
        for member in ORDER:
            given = getattr(match, member)
            if given and member != "extension":
                found.append((member, _POSITION[member], self._classes(member, given)))
        for n, one in enumerate(match.extension):
            reader = self._signatures.readers[one.at, one.iri, one.path]
            found.append((f"extension {n}", CARRIED, reader.asked(one.equals)))
        return found

    def _classes(self, member: str, values: Iterable[str]) -> frozenset[int] | _Begun:
        signatures = self._signatures
        if member in ("activity_prefix", "profile"):
            names = signatures.activity if member == "activity_prefix" else signatures.category
            return _Begun((names.numbers[value] for value in values), names)
        numbers = {
            "activity": signatures.activity.known,
            "activity_type": signatures.types,
            "verb": signatures.verbs,
            "parent": signatures.parents,
            "grouping": signatures.groupings,
            "category": signatures.category.known,
            "registration": signatures.registrations,
        }[member]
        return frozenset(numbers[value.lower() if member == "registration" else value] for value in values)
