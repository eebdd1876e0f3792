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
from carrythrough.events.conversion import Conversion, converted
from carrythrough.events.fields import FIELDS, PERSONS, FieldError, document_of, field_of
from carrythrough.events.types import AdmittedEvent

COLUMNS = FIELDS
"""Column names; id, source, kind, time and one that says whom it is about are required in every row."""
REQUIRED = ("id", "source", "kind", "time")

AS_WRITTEN = Conversion()
"""No conversion: numbers with a point, yes and no in English, times as RFC 3339."""
Columns = Mapping[str, str]
"""Our column name to the name in the file, for files that call them otherwise."""


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
    rows: Iterable[Mapping[str, Any]],
    filename: str,
    columns: Columns | None = None,
    first_line: int = 2,
    limits: EventLimits = DEFAULT_LIMITS,
    conversion: Conversion = AS_WRITTEN,
) -> Iterator[AdmittedEvent | Lint]:
    """Yield an event or a lint for each row that was read already, one line each from `first_line`."""
    for number, row in enumerate(rows):
        header = list(row)
        names = check_header(header, filename, columns)
        cells = {
            name: "" if row[given] is None else row[given] for name, given in zip(names, header, strict=True)
        }
        yield _row_event(cells, names, filename, first_line + number, limits, conversion)


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
    if header and not {name.lower() for name in names} & set(COLUMNS):
        raise _unusable(
            f"{filename}:1:1",
            f'the first line names no column that is known here: "{listing(header, 3)[:100]}"',
            "the first line of a table names its columns",
            f"begin the file with a line of column names, for example {','.join((*REQUIRED, 'employee'))}; or take "
            "the columns as they are through a mapping",
        )
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
    if not any(name in names for name in (*PERSONS, "retracts")):
        raise _unusable(
            f"{filename}:1:1",
            'the column "employee" is missing, and so is every other that says whom a row is about',
            f"one of these columns is required: {listing(PERSONS)}",
            "begin the file with a line of column names, or name it in the column mapping",
        )
    return names


def _row_event(
    cells: Mapping[str, Any],
    names: list[str],
    filename: str,
    line: int,
    limits: EventLimits,
    conversion: Conversion = AS_WRITTEN,
) -> AdmittedEvent | Lint:
    try:
        return admit_document(_document(cells, conversion), "", limits)
    except FieldError as error:
        where = f"{filename}:{line}"
        return _cell_lint("bad-cell", names, error.field, where, error.message, error.rule, error.fix)
    except PermanentError as error:
        problem = error.problem
        name = field_of(problem.where, names)
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


def _document(cells: Mapping[str, Any], conversion: Conversion) -> dict[str, Any]:
    return document_of(
        {
            name: converted(name, cell.strip() if isinstance(cell, str) else cell, conversion)
            for name, cell in cells.items()
        }
    )


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
