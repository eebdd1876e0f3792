"""Performance events from CSV exports: one row, one event, every fault with file, line and column.

A bad row stops nothing: it comes out as a lint in its place, so that an import can carry on and
end with a list of what to correct.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from carrythrough.authoring.reading import did_you_mean, listing
from carrythrough.authoring.source import Lint
from carrythrough.errors import PermanentError, Problem
from carrythrough.events.admission import DEFAULT_LIMITS, EventLimits, admit_document
from carrythrough.events.types import AdmittedEvent

COLUMNS = (
    "id",
    "source",
    "kind",
    "employee",
    "time",
    "skill",
    "activity",
    "kpi",
    "met",
    "score",
    "value",
    "assisted",
    "observer",
    "grain",
    "minutes_of_support",
)
"""Column names; id, source, kind, employee and time are required in every row."""
REQUIRED = ("id", "source", "kind", "employee", "time")

_TRUE = frozenset({"true", "yes", "y", "1"})
_FALSE = frozenset({"false", "no", "n", "0"})
_BOOLEANS = frozenset({"met", "assisted"})
_NUMBERS = frozenset({"score", "value", "minutes_of_support"})
Columns = Mapping[str, str]
"""Our column name to the name in the file, for files that call them otherwise."""


class _CellError(Exception):
    """A cell cannot be read: (column name, message, rule, fix)."""


def csv_to_events(
    lines: Iterable[str], filename: str, columns: Columns | None = None, limits: EventLimits = DEFAULT_LIMITS
) -> Iterator[AdmittedEvent | Lint]:
    """Yield an event or a lint for each row of CSV text with a header line.

    columns: our name → the file's, where they differ. Raises PermanentError, code
    "bad-event-file", when the header cannot be used or the text is no CSV.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = [name.strip().removeprefix("\ufeff") for name in next(reader, [])]
        names = check_header(header, filename, columns)
        line = reader.line_num + 1
        for row in reader:
            if any(cell.strip() for cell in row):
                if len(row) > len(header):
                    yield _too_many_cells(len(row), len(header), filename, line)
                else:
                    yield _row_event(dict(zip(names, row, strict=False)), names, filename, line, limits)
            line = reader.line_num + 1
    except csv.Error as error:
        raise _unusable(
            f"{filename}:{max(reader.line_num, 1)}:1",
            f"not readable as CSV: {error}",
            "CSV as in RFC 4180",
            "close the quotes, and write a quote inside quotes twice",
        ) from None


def rows_to_events(
    rows: Iterable[Mapping[str, str]],
    filename: str,
    columns: Columns | None = None,
    first_line: int = 2,
    limits: EventLimits = DEFAULT_LIMITS,
) -> Iterator[AdmittedEvent | Lint]:
    """Yield an event or a lint for each row that was read already, one line each from `first_line`."""
    for number, row in enumerate(rows):
        header = list(row)
        names = check_header(header, filename, columns)
        cells = {name: row[given] or "" for name, given in zip(names, header, strict=True)}
        yield _row_event(cells, names, filename, first_line + number, limits)


def check_header(header: list[str], filename: str, columns: Columns | None = None) -> list[str]:
    """Return our name of each column; raises PermanentError for unknown, repeated or missing ones."""
    ours = {given: name for name, given in (columns or {}).items()}
    for name in columns or {}:
        if name not in COLUMNS:
            raise _unusable(
                f"{filename}:1:1",
                f'the column mapping names "{name}", which is not a column here',
                f"columns are: {listing(COLUMNS, 20)}",
                did_you_mean(name, COLUMNS) or "remove it",
            )
    names = [ours.get(given, given) for given in header]
    for number, (name, given) in enumerate(zip(names, header, strict=True), 1):
        if name not in COLUMNS:
            raise _unusable(
                f"{filename}:1:{number}",
                f'unknown column "{given}"',
                f"columns are: {listing(COLUMNS, 20)}",
                did_you_mean(given, COLUMNS) or "remove it, or name it in the column mapping",
            )
        if name in names[: number - 1]:
            message = f'the column "{name}" is given twice'
            raise _unusable(f"{filename}:1:{number}", message, "each column once", "remove one of the two")
    for name in REQUIRED:
        if name not in names:
            raise _unusable(
                f"{filename}:1:1",
                f'the column "{name}" is missing',
                f"required columns are: {listing(REQUIRED)}",
                "begin the file with a line of column names, or name it in the column mapping",
            )
    return names


def _row_event(
    cells: Mapping[str, str], names: list[str], filename: str, line: int, limits: EventLimits
) -> AdmittedEvent | Lint:
    try:
        return admit_document(_document(cells), "", limits)
    except _CellError as error:
        name, message, rule, fix = error.args
        return _cell_lint("bad-cell", names, name, f"{filename}:{line}", message, rule, fix)
    except PermanentError as error:
        problem = error.problem
        name = _column_of(problem.where, names)
        where = f"{filename}:{line}"
        return _cell_lint(problem.code, names, name, where, problem.detail, problem.rule, problem.fix)


def _cell_lint(code: str, names: list[str], name: str, where: str, message: str, rule: str, fix: str) -> Lint:
    filename, _, line = where.rpartition(":")
    return Lint(
        code=code,
        file=filename,
        line=int(line),
        column=names.index(name) + 1 if name in names else 1,
        message=f'column "{name}": {message}',
        rule=rule,
        fix=fix,
    )


def _column_of(pointer: str, names: list[str]) -> str:
    """Return the column that a fault at `pointer` is about."""
    parts = pointer.strip("/").split("/")
    for part in reversed(parts):
        if part in COLUMNS:
            return part
    if parts[0] == "outcome":
        return next((name for name in ("met", "score", "value") if name in names), "met")
    return parts[0] or "id"


def _document(cells: Mapping[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    outcome: dict[str, Any] = {}
    for name, text in cells.items():
        cell = text.strip()
        if not cell:
            continue
        value: Any = cell
        if name in _BOOLEANS:
            value = _boolean(name, cell)
        elif name in _NUMBERS:
            value = _number(name, cell)
        if name in ("met", "score", "value"):
            outcome[name] = value
        elif name == "observer":
            document[name] = {"role": cell.lower()}
        else:
            document[name] = value
    if outcome:
        document["outcome"] = outcome
    return document


def _boolean(name: str, cell: str) -> bool:
    word = cell.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    rule = "yes or no is written true/false, yes/no, y/n or 1/0"
    raise _CellError(name, f'"{cell[:40]}" is neither yes nor no', rule, "write true or false")


def _number(name: str, cell: str) -> float:
    try:
        return float(cell) if cell.isascii() and "_" not in cell else float("nan_")
    except ValueError:
        fix = "write digits and a point, for example 0.8"
        if cell.endswith("%") and name == "score":
            fix = "write a share: 80 % is 0.8"
        elif "," in cell:
            fix = "write a decimal point in place of the comma, and no separators"
        rule = "numbers are digits with a decimal point"
        raise _CellError(name, f'"{cell[:40]}" is not a number', rule, fix) from None


def _too_many_cells(cells: int, header: int, filename: str, line: int) -> Lint:
    return Lint(
        code="bad-row",
        file=filename,
        line=line,
        column=header + 1,
        message=f"{cells} cells, but the first line names {header} columns",
        rule="a row has at most as many cells as the first line",
        fix="put cells with commas into double quotes",
    )


def _unusable(where: str, detail: str, rule: str, fix: str) -> PermanentError:
    title = "The file of performance events cannot be used"
    problem = Problem(
        code="bad-event-file", status=422, title=title, detail=detail, where=where, rule=rule, fix=fix
    )
    return PermanentError(problem)
