"""What a map can tell apart in a statement: small numbers in place of the strings that it carries.

Most strings of a statement are named by no matcher, and most of those that are named are named by the same few.
Values that the same matchers name in the same way are one class, and what nobody names is class 0. Two statements
with the same classes are matched by the same matchers, whatever their strings are: so matchers are tested on the
classes, and the answer is remembered by them, of which there are few, and not by the strings, of which there is no end.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from carrythrough.program.match_key import MatchKey, Token, token
from carrythrough.program.precedence import in_profile
from carrythrough.program.prefixes import PrefixIndex
from carrythrough.program.types import Match
from carrythrough.xapi.extensions import Place, extensions_at, value_at
from carrythrough.xapi.statement import Activity, Extensions, Statement

Class = int | tuple[int, ...]
"""One class, or those of several values."""
Signature = tuple[Class, ...]
"""The class or classes of a statement at each of the positions below."""
ACTIVITY, TYPE, VERB, PARENT, GROUPING, CATEGORY, REGISTRATION, CARRIED = range(8)
Use = tuple[int, str]
"""A matcher, by number, and whether it asks for a value or leaves it out."""


def uses(matches: Sequence[Match], member: str) -> dict[str, frozenset[Use]]:
    """Return who names each value of a member, exclusions included."""
    found: dict[str, set[Use]] = {}
    for number, match in enumerate(matches):
        for role, part in (("in", match), ("out", match.except_)):
            for value in getattr(part, member, ()):
                text = value.lower() if member == "registration" else value
                found.setdefault(text, set()).add((number, role))
    return {value: frozenset(who) for value, who in found.items()}


def classes(values: Mapping[Any, Hashable]) -> dict[Any, int]:
    """Return the class of each value, from 1: the same for values that are used alike."""
    numbers: dict[Hashable, int] = {}
    return {value: numbers.setdefault(use, len(numbers) + 1) for value, use in values.items()}


class Names:
    """Classes of ids of which some are named in full and some by what they begin with.

    known: class of each id that is named in full, from 1. The rest has the class of its longest known
    beginning, below 0. begun: the numbers of all known beginnings of the ids of a class, where there are any.
    """

    def __init__(self, full: Mapping[str, Hashable], begun: Iterable[str], *, profiles: bool) -> None:
        self._index = PrefixIndex(begun)
        self._profiles = profiles
        self.known = classes({name: (who, self._longest(name)) for name, who in full.items()})
        self.open = bool(self._index.sorted)
        """Whether ids that are not known may still be told apart."""
        self.begun: dict[int, tuple[int, ...]] = {}
        for number in range(len(self._index.sorted)):
            self.begun[-1 - number] = self._chain(number)
        for name, number in self.known.items():
            longest = self._longest(name)
            if longest >= 0:
                self.begun[number] = self.begun[-1 - longest]
        self.numbers = {text: number for number, text in enumerate(self._index.sorted)}

    def of(self, name: str) -> int:
        """Return the class of any id."""
        known = self.known.get(name)
        return self.other(name) if known is None else known

    def other(self, name: str) -> int:
        """Return the class of an id that is not in `known`: 0, or below."""
        return -1 - self._longest(name) if self.open and name else 0

    def _longest(self, name: str) -> int:
        number = self._index.longest(name)
        if self._profiles:
            while number >= 0 and not in_profile(name, self._index.sorted[number]):
                number = self._index.parent[number]
        return number

    def _chain(self, number: int) -> tuple[int, ...]:
        """Return a known beginning and those that are beginnings of it in turn."""
        text, found = self._index.sorted[number], []
        while number >= 0:
            if not self._profiles or in_profile(text, self._index.sorted[number]):
                found.append(number)
            number = self._index.parent[number]
        return tuple(found)


class Reader:
    """Classes of the values at one place of the extensions, from `first` on: that of values nobody names."""

    def __init__(self, path: tuple[str, ...], values: Mapping[Token, Hashable], first: int) -> None:
        self.path = path
        self.values = {value: first + number for value, number in classes(values).items()}
        self.other = first

    def of(self, extensions: Extensions, iri: str) -> int:
        """Return the class of what is there, 0 for nothing."""
        value = value_at(extensions, iri, self.path)
        return 0 if value is None else self.values.get(token(value), self.other)

    def asked(self, equals: Iterable[Any]) -> frozenset[int]:
        """Return the classes of the values asked for; of all values when none is."""
        wanted = frozenset(self.values[token(value)] for value in equals)
        return wanted or frozenset((self.other, *self.values.values()))


class Signatures:
    """The classes of a set of matchers; never changed after."""

    def __init__(self, matches: Sequence[Match]) -> None:
        begun = [prefix for match in matches for prefix in match.activity_prefix]
        begun += [prefix for match in matches for prefix in match.except_.activity_prefix]
        profiles = [profile for match in matches for profile in match.profile]
        self.activity = Names(uses(matches, "activity"), begun, profiles=False)
        self.category = Names(uses(matches, "category"), profiles, profiles=True)
        self.types = classes(uses(matches, "activity_type"))
        self.verbs = classes(uses(matches, "verb"))
        self.parents = classes(uses(matches, "parent"))
        self.groupings = classes(uses(matches, "grouping"))
        self.registrations = classes(uses(matches, "registration"))
        self.readers = _readers(matches)
        places: dict[Place, dict[str, list[Reader]]] = {}
        for (place, iri, _), reader in self.readers.items():
            places.setdefault(place, {}).setdefault(iri, []).append(reader)
        self._places = tuple(places.items())
        self._around = bool(
            self.parents or self.groupings or self.category.known or self.category.open or self.registrations
        )

    def of(self, st: Statement) -> Signature:
        """Return the classes of a statement."""
        obj = st.object
        context = st.context
        activity = kind = registration = 0
        parent: Class = 0
        grouping: Class = 0
        category: Class = 0
        carried: Class = 0
        if type(obj) is Activity:
            names = self.activity
            known = names.known.get(obj.id)
            if known is not None:
                activity = known
            elif names.open:
                activity = names.other(obj.id)
            if self.types and obj.definition is not None:
                kind = self.types.get(obj.definition.type, 0)
        if self._around and context is not None:
            around = context.context_activities
            if around is not None:
                if around.parent:
                    parent = _classes(around.parent, self.parents.get)
                if around.grouping:
                    grouping = _classes(around.grouping, self.groupings.get)
                if around.category:
                    category = _classes(around.category, self.category.of)
            if self.registrations and context.registration is not None:
                registration = self.registrations.get(context.registration.lower(), 0)
        if self._places:
            carried = self._carried_by(st)
        verb = self.verbs.get(st.verb.id, 0)
        return (activity, kind, verb, parent, grouping, category, registration, carried)

    def of_key(self, key: MatchKey) -> Signature:
        """Return the classes of a statement that is given as what matchers read of it."""
        carried: list[int] = []
        for place, readers in self._places:
            _read(key.extensions.get(place, {}), readers, carried)
        return (
            self.activity.of(key.activity),
            self.types.get(key.activity_type, 0),
            self.verbs.get(key.verb, 0),
            _several([self.parents.get(name, 0) for name in key.parent]),
            _several([self.groupings.get(name, 0) for name in key.grouping]),
            _several([self.category.of(name) for name in key.category]),
            self.registrations.get(key.registration.lower(), 0),
            _several(carried),
        )

    def _carried_by(self, st: Statement) -> Class:
        found: list[int] = []
        for place, readers in self._places:
            extensions = extensions_at(st, place)
            if extensions:
                _read(extensions, readers, found)
        return _several(found) if found else 0


def _read(extensions: Extensions, readers: dict[str, list[Reader]], found: list[int]) -> None:
    """Add the classes of the extensions of one place, asked by whichever are fewer."""
    few = extensions if len(extensions) <= len(readers) else readers
    for iri in few:
        if iri in readers and iri in extensions:
            found += [reader.of(extensions, iri) for reader in readers[iri]]


def _classes(near: tuple[Activity, ...], number: Callable[[str], int | None]) -> Class:
    if len(near) == 1:
        return number(near[0].id) or 0
    return _several([number(one.id) or 0 for one in near])


def _several(found: list[int]) -> Class:
    """Return classes as a part of a signature: 0 and repeats say nothing, and order does not count."""
    if len(found) == 2 and not (found[0] and found[1]):
        return found[0] or found[1]
    known = {number for number in found if number}
    if len(known) > 1:
        return tuple(sorted(known))
    return known.pop() if known else 0


Readers = dict[tuple[Place, str, tuple[str, ...]], Reader]


def _readers(matches: Sequence[Match]) -> Readers:
    """Return what is read of extensions: by place, IRI and path."""
    asked: dict[tuple[Place, str, tuple[str, ...]], dict[Token, set[int]]] = {}
    for number, match in enumerate(matches):
        for one in match.extension:
            values = asked.setdefault((one.at, one.iri, one.path), {})
            for value in one.equals:
                values.setdefault(token(value), set()).add(number)
    found: Readers = {}
    first = 1
    for where, values in asked.items():
        found[where] = Reader(where[2], {value: frozenset(who) for value, who in values.items()}, first)
        first += len(values) + 1
    return found
