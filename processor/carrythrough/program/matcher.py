"""From what a map can tell apart in a statement to the matchers that hold, without asking each matcher.

Every matcher hangs on one of its members, the one that fewest matchers share (its anchor). Where many hang on the
same value they hang on a second one below it, and so on. A lookup asks a dictionary a member, then tests what the
few matchers found there ask for beside. So the cost grows with the matchers that nearly match, not with their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence

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
Slot = tuple[int, bool, int]
"""Where matchers hang: position, whether by a beginning, and the class or the number of the beginning."""
Test = tuple[int, tuple[Wanted, ...], tuple[Wanted, ...]]
"""One matcher ready to be tested: its rank in the precedence, all that it asks for, nothing that it leaves out."""
Node = tuple[tuple[int, ...], tuple[Test, ...], int, "dict[int, Node]"]
"""Matchers that hang together: ranks of those that ask for nothing more, the rest, and at which position (-1: none)
those hang that were taken out of the rest."""
TOGETHER_MAX = 4
"""So many matchers are tested one by one; where more hang together, a second value tells them apart."""
COPIES_MAX = 2
"""Matchers that list several values hang on each; beyond so many on average they stay, so that none multiply."""


class Matcher:
    """An index over matchers; `tests_made` counts the full tests, for those who measure."""

    def __init__(self, matches: Sequence[Match]) -> None:
        self._signatures = Signatures(matches)
        self.signature = self._signatures.of
        """What the matchers can tell apart in a statement: equal ones are matched alike."""
        self.tests_made = 0
        self.order = sorted(range(len(matches)), key=lambda n: precedence(matches[n], n))
        """The numbers of the matchers, most specific first: what a rank stands for."""
        members = [self._members(match) for match in matches]
        sharing = Counter(slot for given in members for _, at, wanted in given for slot in _slots(at, wanted))
        hung: dict[Slot, list[Test]] = {}
        for rank, number in enumerate(self.order):
            if not members[number]:
                continue
            anchor = min(
                members[number], key=lambda member: max(sharing[slot] for slot in _slots(*member[1:]))
            )
            asked = tuple((at, wanted) for name, at, wanted in members[number] if name != anchor[0])
            test = (rank, asked, self._left_out(matches[number]))
            for slot in _slots(*anchor[1:]):
                hung.setdefault(slot, []).append(test)
        by_class: dict[int, dict[int, Node]] = {}
        by_beginning: dict[int, dict[int, Node]] = {}
        for (position, begins, key), tests in hung.items():
            index = by_beginning if begins else by_class
            index.setdefault(position, {})[key] = _node(tests)
        self._by_class = tuple(by_class.items())
        self._by_beginning = tuple((at, self._names(at).begun, index) for at, index in by_beginning.items())

    def find(self, key: MatchKey) -> list[int]:
        """Return the numbers of the matchers that hold for `key`, most specific first."""
        return [self.order[rank] for rank in self.ranks(self._signatures.of_key(key))]

    def ranks(self, signature: Signature) -> list[int]:
        """Return the ranks (places in `order`) of the matchers that hold for a signature, smallest first."""
        found: list[int] = []
        for position, index in self._by_class:
            given = signature[position]
            if given:
                if type(given) is int:
                    node = index.get(given)
                    if node is not None:
                        self._add(node, signature, found)
                else:
                    for one in given:  # type: ignore[union-attr]
                        if one in index:
                            self._add(index[one], signature, found)
        for position, begun, index in self._by_beginning:
            given = signature[position]
            for one in (given,) if type(given) is int else given:  # type: ignore[union-attr]
                for number in begun.get(one, ()):
                    if number in index:
                        self._add(index[number], signature, found)
        return found if len(found) < 2 else sorted(set(found))

    def _add(self, node: Node, signature: Signature, found: list[int]) -> None:
        """Add the ranks of the matchers of a node that hold."""
        free, tests, position, children = node
        found += free
        if tests:
            self.tests_made += len(tests)
            for rank, asked, left_out in tests:
                for at, wanted in asked:
                    given = signature[at]
                    if given not in wanted if type(given) is int else not _has(given, wanted):
                        break
                else:
                    if not (left_out and any(_has(signature[at], out) for at, out in left_out)):
                        found.append(rank)
        if position >= 0:
            given = signature[position]
            for one in (given,) if type(given) is int else given:  # type: ignore[union-attr]
                child = children.get(one)
                if child is not None:
                    self._add(child, signature, found)

    def _names(self, position: int) -> Names:
        return self._signatures.activity if position == ACTIVITY else self._signatures.category

    def _left_out(self, match: Match) -> tuple[Wanted, ...]:
        if match.except_ == Exclusion():
            return ()
        return tuple(
            (_POSITION[member], self._classes(member, given))
            for member in Exclusion.__struct_fields__
            if (given := getattr(match.except_, member))
        )

    def _members(self, match: Match) -> list[tuple[str, int, frozenset[int] | _Begun]]:
        """Return (name, position, classes) of each member that asks for something, each extension on its own."""
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


def _slots(position: int, wanted: frozenset[int] | _Begun) -> list[Slot]:
    """Return where a matcher could hang by one of its members."""
    if isinstance(wanted, _Begun):
        return [(position, True, number) for number in wanted.numbers]
    return [(position, False, number) for number in wanted]


def _has(given: Class, wanted: Container[int]) -> bool:
    if type(given) is int:
        return given in wanted
    return any(one in wanted for one in given)  # type: ignore[union-attr]


def _node(tests: Sequence[Test]) -> Node:
    """Return the node of matchers that hang together."""
    free = tuple(rank for rank, asked, left_out in tests if not asked and not left_out)
    rest = [test for test in tests if test[1] or test[2]]
    if len(rest) > TOGETHER_MAX:
        position, below = _told_apart(rest)
        if below:
            moved = {test[0] for tests_ in below.values() for test in tests_}
            rest = [test for test in rest if test[0] not in moved]
            children = {key: _node([_without(test, position) for test in below[key]]) for key in below}
            return free, tuple(rest), position, children
    return free, tuple(rest), -1, {}


def _told_apart(tests: Sequence[Test]) -> tuple[int, dict[int, list[Test]]]:
    """Return the position that tells most of some matchers apart, and who asks for which class there."""
    best: tuple[int, dict[int, list[Test]]] = (-1, {})
    for position in range(CARRIED + 1):
        below: dict[int, list[Test]] = {}
        for test in tests:
            for one in _listed(test, position):
                below.setdefault(one, []).append(test)
        if len(below) > len(best[1]) and sum(map(len, below.values())) <= COPIES_MAX * len(tests):
            best = (position, below)
    # A position at which all ask for the same tells nothing apart.
    return best if len(best[1]) > 1 else (-1, {})


def _listed(test: Test, position: int) -> frozenset[int]:
    """Return the classes that a matcher asks for at a position, where it lists them, and only once."""
    found = [wanted for at, wanted in test[1] if at == position]
    return found[0] if len(found) == 1 and isinstance(found[0], frozenset) else frozenset()


def _without(test: Test, position: int) -> Test:
    return test[0], tuple(wanted for wanted in test[1] if wanted[0] != position), test[2]
