"""Roster tables (CSV with any delimiter) as the documents that the same people in JSON would be.

Cells are put into the one form that a person has (dates, lists, yes and no); what cannot be put into
it stays as it was written, so that the reader of people says what is wrong with it. Rows go a quick way
first, and with places (`nodes`) only when something has to be placed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from typing import Any

import msgspec

from carrythrough.authoring.reading import LINTS_MAX
from carrythrough.authoring.source import Lint, Node, SourceError, node_of
from carrythrough.identity.columns import ColumnMapping, DateOrder, columns_of

DELIMITERS = ",;\t|"
NO_END_YEARS = ("9999", "4712", "2999")
"""Years with which HR systems write "no end": SAP 9999-12-31, Oracle 4712-12-31, others 2999-12-31."""
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SEPARATOR_LINE = re.compile(r"\Asep=([,;|\t])\r?\n", re.IGNORECASE)
_IDENTIFIERS = ("mbox", "mbox_sha1sum", "openid")
_TRUE = frozenset({"true", "yes", "y", "1", "active", "employed", "aktiv", "ja", "oui"})
_FALSE = frozenset({"false", "no", "n", "0", "inactive", "suspended", "terminated", "inaktiv", "nein", "non"})
_ISO = re.compile(r"([0-9]{4})[-/.]?([0-9]{2})[-/.]?([0-9]{2})(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?\Z")
_DOTTED = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})\Z")
_SLASHED = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4})\Z")


class Row(msgspec.Struct, frozen=True):
    """One person as a table has them. columns: the column, from 1, of each field (and of each identifier)."""

    line: int
    person: dict[str, Any]
    columns: dict[str, int]


class Table(msgspec.Struct, frozen=True):
    """The rows of a table that could be read, and every finding; with an error among them it is refused."""

    rows: list[Row]
    lints: list[Lint]


def read_table(text: str, filename: str, mapping: ColumnMapping | None = None) -> Table:
    """Return the rows of a CSV text; raises `SourceError` with file:line:column when it is no table."""
    rows: list[Row] = []
    lints = walk_table(text, filename, mapping, rows.append)
    return Table(rows, lints)


def walk_table(
    text: str, filename: str, mapping: ColumnMapping | None, take: Callable[[Row], object]
) -> list[Lint]:
    """Hand each row of a CSV text to `take` and return every finding; raises as `read_table`.

    The delimiter is what the first line has most of; a line `sep=;`, as Excel writes it, decides. After
    LINTS_MAX findings reading stops.
    """
    text = text.removeprefix("\ufeff")
    delimiter, skipped = "", 0
    if (said := _SEPARATOR_LINE.match(text)) is not None:
        delimiter, skipped, text = said[1], 1, text[said.end() :]
    first = text[: text.find("\n")] if "\n" in text else text
    delimiter = delimiter or max(DELIMITERS, key=first.count)
    reader = csv.reader(_LINE.findall(text), strict=True, delimiter=delimiter)
    seen: dict[tuple[str, ...], int] = {}
    try:
        header = [name.strip() for name in next(reader, [])]
        columns, lints = columns_of(header, skipped + 1, filename, mapping)
        if any(lint.severity == "error" for lint in lints):
            return lints
        assemble = _Assembler(columns, mapping)
        line = skipped + reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) > len(header):
                    lints.append(_too_many(len(cells), header, line, filename, delimiter))
                elif (before := seen.setdefault(tuple(cells), line)) == line:
                    take(assemble.row(cells, line))
                else:
                    lints.append(_repeated(before, line, filename))
                if len(lints) >= LINTS_MAX:
                    break
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        fix = "close the quotes, and write a quote inside quotes twice"
        message = f"not readable as CSV: {error}"
        raise SourceError(
            Lint(
                code="syntax",
                file=filename,
                line=skipped + max(reader.line_num, 1),
                column=1,
                message=message,
                rule="CSV as in RFC 4180, any delimiter",
                fix=fix,
            )
        ) from None
    return lints


def nodes(table: Table) -> Node:
    """Return the rows as the nodes that the same roster in YAML would have."""
    return Node({"people": Node([_node(row) for row in table.rows], 1, 1)}, 1, 1, {"people": (1, 1)})


class RowPlaces:
    """The places in a table, looked up where something has to be placed; most tables need none."""

    def __init__(self, read: Callable[[], Table]) -> None:
        """read: reads the table again, with its rows."""
        self._read = read
        self._rows: list[Row] | None = None

    def place(self, *path: str | int) -> tuple[int, int]:
        """Return (line, column) of what is at ("people", number, field, …), as `Node.place` does."""
        if len(path) < 2 or not isinstance(path[1], int):
            return 1, 1
        if self._rows is None:
            self._rows = self._read().rows
        return _node(self._rows[path[1]]).place(*path[2:])


def _node(row: Row) -> Node:
    fields: dict[str, Node] = {}
    for name, value in row.person.items():
        column = row.columns.get(name, 1)
        node = node_of(value)
        if name == "identifiers":
            for number, identifier in enumerate(node.value):
                _place(identifier, row.line, row.columns.get(f"identifiers {number}", 1))
            column = row.columns.get("identifiers 0", 1)
            node.line, node.column = row.line, column
        else:
            _place(node, row.line, column)
        if name == "week":
            for day, inner in node.value.items():
                inner.column = row.columns.get(f"hours_{day}", column)
        fields[name] = node
    return Node(fields, row.line, 1, {name: (row.line, row.columns.get(name, 1)) for name in fields})


def _place(node: Node, line: int, column: int) -> None:
    node.line, node.column = line, column
    inner = node.value.values() if isinstance(node.value, dict) else node.value
    if isinstance(node.value, (dict, list)):
        for child in inner:
            _place(child, line, column)
        if isinstance(node.value, dict):
            node.keys = dict.fromkeys(node.value, (line, column))


class _Assembler:
    """Puts the cells of one row together to a person."""

    def __init__(self, columns: dict[int, str], mapping: ColumnMapping | None) -> None:
        self._columns = tuple(columns.items())
        self._numbers = {name: place + 1 for place, name in columns.items()}
        self._constants = dict(mapping.constants) if mapping else {}
        order = mapping.dates if mapping else None
        self._form: dict[str, Callable[[str], Any]] = {
            **dict.fromkeys(("hire_date", "exit_date"), lambda cell: _date(cell, order)),
            **dict.fromkeys(("days_off", "opted_out"), _words),
            **dict.fromkeys(("aliases", "former_emails", "cohorts"), _listed),
            "leave": lambda cell: [_leave(part, order) for part in re.split(r"[;|]", cell) if part.strip()],
            "active": _yes,
        }

    def row(self, cells: list[str], line: int) -> Row:
        person: dict[str, Any] = {}
        loose: dict[str, str] = {}
        count = len(cells)
        for name, value in self._constants.items():
            self._put(name, value.strip(), person, loose)
        for place, name in self._columns:
            if place < count and (cell := cells[place].strip()):
                self._put(name, cell, person, loose)
        numbers = self._numbers
        if loose:
            numbers = dict(numbers)
            self._gather(person, loose, numbers)
        return Row(line, person, numbers)

    def _put(self, name: str, cell: str, person: dict[str, Any], loose: dict[str, str]) -> None:
        if name in _LOOSE:
            loose[name] = cell
            return
        form = self._form.get(name)
        value = cell if form is None else form(cell)
        if value not in ("", []):
            person[name] = value

    def _gather(self, person: dict[str, Any], loose: dict[str, str], numbers: dict[str, int]) -> None:
        """Put what several columns say together: identifiers, parts of a name, hours by day."""
        identifiers: list[dict[str, Any]] = []
        for name in _IDENTIFIERS:
            if name in loose:
                numbers[f"identifiers {len(identifiers)}"] = numbers.get(name, 1)
                identifiers.append({name: loose[name]})
        account = {
            key: loose[name]
            for key, name in (("homePage", "account_home_page"), ("name", "account_name"))
            if name in loose
        }
        if account and ("name" in account or "account_home_page" not in self._constants):
            number = numbers.get("account_name") or numbers.get("account_home_page", 1)
            numbers[f"identifiers {len(identifiers)}"] = number
            identifiers.append({"account": account})
        if identifiers:
            person["identifiers"] = identifiers
        parts = [loose[name] for name in ("given_name", "family_name") if name in loose]
        if parts and "name" not in person:
            person["name"] = " ".join(parts)
        week = {name[6:]: cell for name, cell in loose.items() if name.startswith("hours_")}
        if week:
            person["week"] = {day: "" if cell.lower() in {"off", "-"} else cell for day, cell in week.items()}


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = tuple(f"hours_{day}" for day in _DAYS)
_LOOSE = frozenset((*_IDENTIFIERS, "account_home_page", "account_name", "given_name", "family_name", *_HOURS))


def _words(cell: str) -> list[str]:
    return cell.replace(";", " ").replace(",", " ").split()


def _listed(cell: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;,|]", cell) if part.strip()]


def _yes(cell: str) -> bool | str:
    """Return what a cell says about being employed; anything unknown stays text, which the reader refuses."""
    low = cell.lower()
    return True if low in _TRUE else False if low in _FALSE else cell


def _date(cell: str, order: DateOrder | None) -> str:
    """Return a date as YYYY-MM-DD, "" for a year that means no end; what is no date stays as it is.

    1.3.2026 is the first of March. 03/04/2026 can be two days, so it is only read when `order` says which.
    """
    if (iso := _ISO.match(cell)) is not None:
        year, month, day = iso.groups()
    elif (dotted := _DOTTED.match(cell)) is not None:
        day, month, year = dotted.groups()
    elif (slashed := _SLASHED.match(cell)) is not None and order is not None:
        first, second, year = slashed.groups()
        day, month = (first, second) if order == "day-first" else (second, first)
    else:
        return cell
    return "" if year in NO_END_YEARS else f"{year}-{month:0>2}-{day:0>2}"


def _leave(part: str, order: DateOrder | None) -> dict[str, str] | str:
    """Return "2026-07-06/2026-07-17" (also with ".." and an open end) as a leave; else the text."""
    ends = [end.strip() for end in part.split("..", 1)] if ".." in part else _halves(part.strip())
    if not ends[0]:
        return part
    made = {"from": _date(ends[0], order)}
    if len(ends) > 1 and ends[1] and (end := _date(ends[1], order)):
        made["to"] = end
    elif len(ends) == 1:
        made["to"] = made["from"]
    return made


def _halves(part: str) -> list[str]:
    """Return the two dates of an interval with "/" (ISO 8601), one for a single day."""
    sides = part.split("/")
    if len(sides) <= 2:
        return [end.strip() for end in sides]
    half = (len(sides) + 1) // 2
    return ["/".join(sides[:half]).strip(), "/".join(sides[half:]).strip()]


def _too_many(count: int, header: list[str], line: int, filename: str, delimiter: str) -> Lint:
    what = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}[delimiter]
    return Lint(
        code="syntax",
        file=filename,
        line=line,
        column=len(header) + 1,
        message=f"{count} cells, but the first line names {len(header)} columns",
        rule=f"the delimiter of this file is taken to be {what}",
        fix=f"put cells with {what} into double quotes",
    )


def _repeated(before: int, line: int, filename: str) -> Lint:
    return Lint(
        code="repeated-row",
        file=filename,
        line=line,
        column=1,
        message=f"the row is the same as line {before}, and is left out",
        rule="one row for each person",
        fix="remove one of the two",
        severity="warning",
    )
