"""Roster text (YAML, JSON, CSV) to a checked `Roster`, every fault with its line and column.

Large rosters are JSON or CSV: these take a quick pass first, and the slow one that knows lines
only when something is wrong.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from carrythrough.authoring.reading import LINTS_MAX, did_you_mean, listing, pointer_of, read_as
from carrythrough.authoring.source import Lint, Node, SourceError, read_source, refusal
from carrythrough.identity.actor import actor_key
from carrythrough.identity.person import Identifier, Person, Roster

__all__ = ["Identifier", "Person", "Roster", "check_roster", "load_roster"]

ROSTER_CHARACTERS_MAX = 400_000_000
"""About a million people with all their fields."""
COLUMNS = {
    "id": "id",
    "name": "name",
    "email": "email",
    "mbox": "mbox",
    "mbox_sha1sum": "mbox_sha1sum",
    "openid": "openid",
    "account_home_page": "account_home_page",
    "account_name": "account_name",
    "manager": "manager",
    "team": "team",
    "role": "role",
    "site": "site",
    "time_zone": "time_zone",
    "work_hours": "work_hours",
    "days_off": "days_off",
    "locale": "locale",
    "opted_out": "opted_out",
}
SUGGESTED_MAX = 10
"""Unknown managers for whom a likely one is looked for; the search is slow in a large roster."""
_LISTS = frozenset({"days_off", "opted_out"})
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_IDENTIFIERS = ("mbox", "mbox_sha1sum", "openid")


def load_roster(text: str, filename: str) -> Roster:
    """Return the roster that `text` holds: YAML, JSON, or CSV when `filename` ends in ".csv".

    Raises PermanentError, code "bad-roster"; `where` is "file:line:column" of the first error,
    `detail` lists every finding.
    """
    roster, lints = check_roster(text, filename)
    if roster is None:
        raise refusal(lints, "bad-roster", "The roster is refused")
    return roster


def check_roster(text: str, filename: str) -> tuple[Roster | None, list[Lint]]:
    """Read and check a roster without raising: (roster or None when any lint is an error, all lints)."""
    is_csv = filename.lower().endswith(".csv")
    if not is_csv and (quick := _quick_json(text)) is not None:
        return quick, []
    try:
        root = _csv_nodes(text, filename) if is_csv else read_source(text, filename, ROSTER_CHARACTERS_MAX)
    except SourceError as error:
        return None, [error.lint]
    roster, lints = read_as(root, Roster, filename)
    if roster is None:
        return None, lints
    lints = list(islice(_Checks(roster, root, filename).all(), LINTS_MAX))
    return (None if any(lint.severity == "error" for lint in lints) else roster), lints


def _quick_json(text: str) -> Roster | None:
    """Return a faultless JSON roster quickly, None when it is anything else."""
    if text.lstrip("\ufeff \t\r\n")[:1] != "{" or len(text) > ROSTER_CHARACTERS_MAX:
        return None
    if "\\n" in text or "\\u000" in text:  # msgspec lets "$" match before a last newline: look closely
        return None
    try:
        document = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_unique)
        roster = msgspec.convert(document, Roster)
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None
    return None if next(_Checks(roster, Node({}, 1, 1), "").all(), None) else roster


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key is given twice")
    return mapping


class _Checks:
    """What must hold between people; `root` gives the places."""

    def __init__(self, roster: Roster, root: Node, filename: str) -> None:
        self.people = roster.people
        self.root = root
        self.filename = filename

    def all(self) -> Iterator[Lint]:
        """Yield every finding, file order within each rule."""
        yield from self.ids()
        yield from self.identifiers()
        yield from self.managers()
        yield from self.zones()

    def lint(self, path: tuple[str | int, ...], code: str, message: str, rule: str, fix: str) -> Lint:
        line, column = self.root.place(*path)
        return Lint(
            code=code,
            file=self.filename,
            line=line,
            column=column,
            message=message,
            rule=rule,
            fix=fix,
            pointer=pointer_of(path),
        )

    def line(self, *path: str | int) -> int:
        return self.root.place(*path)[0]

    def ids(self) -> Iterator[Lint]:
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

    def identifiers(self) -> Iterator[Lint]:
        seen: dict[str, tuple[str | int, ...]] = {}
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

    def managers(self) -> Iterator[Lint]:
        known = {person.id: person for person in self.people}
        suggested = 0
        for index, person in enumerate(self.people):
            path = ("people", index, "manager")
            if not person.manager:
                continue
            if person.manager not in known:
                hint = did_you_mean(person.manager, known) if suggested < SUGGESTED_MAX else ""
                suggested += 1
                yield self.lint(
                    path,
                    "unknown-manager",
                    f'the manager of "{person.id}" is "{person.manager}", who is not on the roster',
                    "a manager is the id of a person on the roster",
                    hint or "add the manager, or leave the field out",
                )
            elif person.manager == person.id:
                message = f'"{person.id}" is their own manager'
                rule = "nobody is their own manager"
                yield self.lint(path, "own-manager", message, rule, "leave the field out at the top")

    def zones(self) -> Iterator[Lint]:
        good: set[str] = set()
        for index, person in enumerate(self.people):
            if person.time_zone in good:
                continue
            if _is_zone(person.time_zone):
                good.add(person.time_zone)
                continue
            names = sorted(available_timezones())
            short = {name.rsplit("/", 1)[-1].lower(): name for name in names}
            guess = short.get(person.time_zone.lower().replace(" ", "_"))
            hint = f'did you mean "{guess}"?' if guess else did_you_mean(person.time_zone, names)
            yield self.lint(
                ("people", index, "time_zone"),
                "unknown-time-zone",
                f'"{person.time_zone}" is not a time zone that is known here',
                "time zones are IANA names such as Europe/Zurich",
                hint or "see the list at iana.org/time-zones",
            )


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    return True


def _keys(person: Person, index: int) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield (actor key or "" for a bad identifier, path) for each way a person appears."""
    for number, identifier in enumerate(person.identifiers):
        given = sum(1 for name in Identifier.__struct_fields__ if getattr(identifier, name) is not None)
        yield (actor_key(identifier) if given == 1 else ""), ("people", index, "identifiers", number)
    if person.email:
        yield f"mbox:mailto:{person.email.lower()}", ("people", index, "email")


def _csv_nodes(text: str, filename: str) -> Node:
    """Return CSV rows as the nodes that the same roster in YAML would have."""
    reader = csv.reader(_LINE.findall(text.removeprefix("\ufeff")), strict=True)
    people: list[Node] = []
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(header, filename)
        line = reader.line_num + 1
        for row in reader:
            if any(cell.strip() for cell in row):
                people.append(_row_node(header, row, line, filename))
            line = reader.line_num + 1
    except csv.Error as error:
        raise SourceError(
            Lint(
                code="syntax",
                file=filename,
                line=max(reader.line_num, 1),
                column=1,
                message=f"not readable as CSV: {error}",
                fix="close the quotes, and write a quote inside quotes twice",
            )
        ) from None
    return Node({"people": Node(people, 1, 1)}, 1, 1, {"people": (1, 1)})


def _check_header(header: list[str], filename: str) -> None:
    for number, name in enumerate(header, 1):
        again = name in header[: number - 1]
        if name in COLUMNS and not again:
            continue
        message = f'the column "{name}" is given twice' if again else f'unknown column "{name}"'
        raise SourceError(
            Lint(
                code="unknown-column",
                file=filename,
                line=1,
                column=number,
                message=message,
                rule=f"columns are: {listing(COLUMNS, 20)}",
                fix=did_you_mean(name, COLUMNS) or "remove it",
            )
        )
    if "id" not in header:
        fix = "begin the file with a line of column names"
        message = 'the first line has no column "id"'
        raise SourceError(
            Lint(code="missing-field", file=filename, line=1, column=1, message=message, fix=fix)
        )


def _row_node(header: list[str], row: list[str], line: int, filename: str) -> Node:
    if len(row) > len(header):
        message = f"{len(row)} cells, but the first line names {len(header)} columns"
        raise SourceError(
            Lint(
                code="syntax",
                file=filename,
                line=line,
                column=len(header) + 1,
                message=message,
                fix="put cells with commas into double quotes",
            )
        )
    cells = {name: (cell.strip(), n) for n, (name, cell) in enumerate(zip(header, row, strict=False), 1)}
    fields: dict[str, Node] = {}
    identifiers: list[Node] = []
    for name, (cell, column) in cells.items():
        if not cell:
            continue
        if name in _IDENTIFIERS:
            identifiers.append(Node({name: Node(cell, line, column)}, line, column))
        elif name in _LISTS:
            words = cell.replace(";", " ").replace(",", " ").split()
            fields[name] = Node([Node(word, line, column) for word in words], line, column)
        elif not name.startswith("account_"):
            fields[name] = Node(cell, line, column)
    account = {
        key: Node(cells[name][0], line, cells[name][1])
        for key, name in (("homePage", "account_home_page"), ("name", "account_name"))
        if cells.get(name, ("",))[0]
    }
    if account:
        column = next(iter(account.values())).column
        identifiers.append(Node({"account": Node(account, line, column)}, line, column))
    if identifiers:
        fields["identifiers"] = Node(identifiers, line, identifiers[0].column)
    return Node(fields, line, 1)
