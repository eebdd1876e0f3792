"""What must hold between the people of one roster file; each finding has its place, rule and cure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Protocol
from zoneinfo import ZoneInfo, available_timezones

from carrythrough.authoring.findings import Severity
from carrythrough.authoring.reading import did_you_mean, pointer_of
from carrythrough.authoring.source import Lint
from carrythrough.identity.actor import actor_key
from carrythrough.identity.claims import hash_names
from carrythrough.identity.person import Identifier, Person, Roster

SUGGESTED_MAX = 10
"""Unknown managers for whom a likely one is looked for; the search is slow in a large roster."""
YEAR_MIN, YEAR_MAX = 1900, 2100
"""Years of a working life: a date outside is a slip of the pen, or a way to say "no end"."""
CYCLE_SHOWN_MAX = 6
"""People of a circle that a message names."""

Path = tuple[str | int, ...]

ERROR_CODES = {
    "bad-date": "a date of the roster that no calendar has",
    "date-out-of-range": "a date of the roster outside the years 1900 to 2100",
    "dates-out-of-order": "a last day before the first one",
}
"""Codes of `date_faults`."""


class Places(Protocol):
    """Where values stand in a file."""

    def place(self, *path: str | int) -> tuple[int, int]:
        """Return (line, column) of the value at a path."""
        ...


class Checks:
    """The findings about one roster; `root` gives the places."""

    def __init__(self, roster: Roster, root: Places, filename: str) -> None:
        self.people = roster.people
        self.root = root
        self.filename = filename
        self._index: dict[str, int] = {}
        for index, person in enumerate(self.people):
            self._index.setdefault(person.id, index)
        for index, person in enumerate(self.people):
            for alias in person.aliases:
                self._index.setdefault(alias, index)

    def all(self) -> Iterator[Lint]:
        """Yield every finding, file order within each rule."""
        yield from self.ids()
        yield from self.identifiers()
        yield from self.managers()
        yield from self.cycles()
        yield from self.zones()
        yield from self.dates()

    def lint(
        self, path: Path, code: str, message: str, rule: str, fix: str, severity: Severity = "error"
    ) -> Lint:
        """Return a finding at the place of `path`."""
        line, column = self.root.place(*path)
        return Lint(
            code=code,
            file=self.filename,
            line=line,
            column=column,
            message=message,
            rule=rule,
            fix=fix,
            severity=severity,
            pointer=pointer_of(path),
        )

    def line(self, *path: str | int) -> int:
        """Return the line of what is at `path`."""
        return self.root.place(*path)[0]

    def ids(self) -> Iterator[Lint]:
        """Yield ids and aliases that name two people, and a roster of nobody."""
        if not self.people:
            rule = "a roster has at least one person"
            yield self.lint(("people",), "empty", "the roster has nobody in it", rule, "add a person")
        seen: dict[str, int] = {}
        for index, person in enumerate(self.people):
            first = seen.setdefault(person.id, index)
            if first != index:
                yield self.lint(
                    ("people", index, "id"),
                    "duplicate-id",
                    f'the id "{person.id}" is used in line {self.line("people", first, "id")} and in '
                    f"line {self.line('people', index, 'id')}",
                    "roster ids are unique",
                    "remove one of the two people, or give one another id",
                )
        for index, person in enumerate(self.people):
            for alias in person.aliases:
                owner = seen.setdefault(alias, index)
                if owner == index:
                    continue
                yield self.lint(
                    ("people", index, "aliases"),
                    "duplicate-id",
                    f'the alias "{alias}" of "{person.id}" names "{self.people[owner].id}" in line '
                    f"{self.line('people', owner)} too",
                    "an id or alias names one person",
                    "remove it from one of the two; if the two are one person, keep one entry with both ids",
                )

    def identifiers(self) -> Iterator[Lint]:
        """Yield identifiers that are none, and those that two people claim."""
        seen: dict[str, Path] = {}
        owners: dict[str, int] = {}
        for index, person in enumerate(self.people):
            for key, path in _keys(person, index):
                if not key:
                    yield self.lint(
                        path,
                        "bad-identifier",
                        f'an identifier of "{person.id}" does not have exactly one of its members',
                        "an identifier is one of mbox, mbox_sha1sum, openid, account",
                        "write one member for each list entry",
                    )
                elif owners.setdefault(key, index) != index:
                    first = self.people[owners[key]].id
                    yield self.lint(
                        path,
                        "duplicate-identifier",
                        f'"{key}" belongs to "{first}" in line {self.line(*seen[key])} and to '
                        f'"{person.id}" in line {self.line(*path)}',
                        "an identifier belongs to one person",
                        "remove it from one of the two",
                    )
                seen.setdefault(key, path)
        yield from self._hashes(owners, seen)

    def _hashes(self, owners: dict[str, int], seen: dict[str, Path]) -> Iterator[Lint]:
        """Yield hashes that are listed for one person and are those of another one's address."""
        if not any(key.startswith("mbox_sha1sum:") for key in owners):
            return
        for key, index in owners.items():
            for hashed in hash_names(key):
                other = owners.get(hashed, index)
                if other != index:
                    first, second = self.people[index].id, self.people[other].id
                    yield self.lint(
                        seen[hashed],
                        "hash-of-another",
                        f'a hash of "{second}" in line {self.line(*seen[hashed])} is that of an address of "{first}" '
                        f"in line {self.line(*seen[key])}: what names the hash is {second}'s, what names the address "
                        f"{first}'s",
                        "an address and its SHA-1 are one identifier, and belong to one person",
                        "remove one of the two; a change of a single person would be refused for it",
                        "warning",
                    )

    def managers(self) -> Iterator[Lint]:
        """Yield managers whom the roster does not know, and people who are their own."""
        suggested = 0
        for index, person in enumerate(self.people):
            path = ("people", index, "manager")
            if not person.manager:
                continue
            owner = self._index.get(person.manager)
            if owner is None:
                hint = did_you_mean(person.manager, self._index) if suggested < SUGGESTED_MAX else ""
                suggested += 1
                yield self.lint(
                    path,
                    "unknown-manager",
                    f'the manager of "{person.id}" is "{person.manager}", who is not on the roster',
                    "a manager is the id of a person on the roster; until they are, nothing goes to them",
                    hint or "add the manager, or leave the field out",
                    "warning",
                )
            elif owner == index:
                message = f'"{person.id}" is their own manager'
                rule = "nobody is their own manager"
                yield self.lint(path, "own-manager", message, rule, "leave the field out at the top")

    def cycles(self) -> Iterator[Lint]:
        """Yield one finding for each circle of managers, at its first person in the file."""
        done = bytearray(len(self.people))  # 1: on the way now, 2: known to end
        for start in range(len(self.people)):
            way: list[int] = []
            at: int | None = start
            while at is not None and not done[at]:
                done[at] = 1
                way.append(at)
                at = self._index.get(self.people[at].manager)
            if at is not None and done[at] == 1 and at in way:
                circle = way[way.index(at) :]
                if len(circle) > 1:
                    yield self._cycle(circle)
            for index in way:
                done[index] = 2

    def _cycle(self, circle: list[int]) -> Lint:
        first = min(circle)
        turned = circle[circle.index(first) :] + circle[: circle.index(first)]
        names = [self.people[index].id for index in turned]
        shown = " → ".join(names[:CYCLE_SHOWN_MAX])
        if len(names) > CYCLE_SHOWN_MAX:
            shown += f" → … ({len(names)} people)"
        return self.lint(
            ("people", first, "manager"),
            "manager-cycle",
            f"managers go in a circle: {shown} → {names[0]}",
            "whoever is somebody's manager is not below them",
            f'correct the manager of one of them, or leave it out for "{names[0]}"',
        )

    def zones(self) -> Iterator[Lint]:
        """Yield unknown time zones."""
        good: set[str] = set()
        for index, person in enumerate(self.people):
            if person.time_zone in good:
                continue
            if is_zone(person.time_zone):
                good.add(person.time_zone)
                continue
            yield self.lint(
                ("people", index, "time_zone"),
                "unknown-time-zone",
                f'"{person.time_zone}" is not a time zone that is known here',
                "time zones are IANA names such as Europe/Zurich",
                zone_hint(person.time_zone),
            )

    def dates(self) -> Iterator[Lint]:
        """Yield dates that do not exist, lie far off, or are in the wrong order."""
        for index, person in enumerate(self.people):
            if person.hire_date or person.exit_date or person.leave:
                for inner, finding in date_faults(person):
                    yield self.lint(("people", index, *inner), *finding)


Finding = tuple[str, str, str, str]
"""(code, message, rule, fix)."""


def date_faults(person: Person) -> Iterator[tuple[Path, Finding]]:
    """Yield (path inside the person, finding) for each date that does not exist, is far off, or out of order."""
    days: dict[Path, dt.date] = {}
    given: list[tuple[Path, str]] = [(("hire_date",), person.hire_date), (("exit_date",), person.exit_date)]
    for number, away in enumerate(person.leave):
        given += [(("leave", number, "from"), away.start), (("leave", number, "to"), away.end)]
    for path, text in given:
        if not text:
            continue
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            finding = ("bad-date", f'"{text}" is no day of the calendar', "dates exist", "correct the day")
            yield path, finding
            continue
        if YEAR_MIN <= day.year <= YEAR_MAX:
            days[path] = day
            continue
        fix = "leave the field out when there is no end" if day.year > YEAR_MAX else "correct the year"
        rule = f"dates of work lie in the years {YEAR_MIN} to {YEAR_MAX}"
        yield path, ("date-out-of-range", f'"{text}" of "{person.id}" lies far off', rule, fix)
    pairs: list[tuple[Path, Path]] = [(("hire_date",), ("exit_date",))]
    pairs += [(("leave", n, "from"), ("leave", n, "to")) for n in range(len(person.leave))]
    for first, last in pairs:
        if first in days and last in days and days[last] < days[first]:
            names = " and ".join(str(path[-1]) for path in (first, last))
            message = f'{names} of "{person.id}" are the wrong way round: {days[first]}, {days[last]}'
            yield last, ("dates-out-of-order", message, f"{names} are in this order", "swap or correct them")


def is_zone(name: str) -> bool:
    """Say whether a text is an IANA time zone that is known here."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    return True


def zone_hint(name: str) -> str:
    """Return what to write instead of an unknown time zone."""
    names = sorted(available_timezones())
    short = {known.rsplit("/", 1)[-1].lower(): known for known in names}
    guess = short.get(name.lower().replace(" ", "_"))
    hint = f'did you mean "{guess}"?' if guess else did_you_mean(name, names)
    return hint or "see the list at iana.org/time-zones"


def _keys(person: Person, index: int) -> Iterator[tuple[str, Path]]:
    """Yield (actor key or "" for a bad identifier, path) for each way a person appears."""
    for number, identifier in enumerate(person.identifiers):
        given = sum(1 for name in Identifier.__struct_fields__ if getattr(identifier, name) is not None)
        yield (actor_key(identifier) if given == 1 else ""), ("people", index, "identifiers", number)
    if person.email:
        yield f"mbox:mailto:{person.email.lower()}", ("people", index, "email")
    for number, address in enumerate(person.former_emails):
        yield f"mbox:mailto:{address.lower()}", ("people", index, "former_emails", number)
