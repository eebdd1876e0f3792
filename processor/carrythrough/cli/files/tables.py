"""Performance events from CSV: any delimiter, and a mapping for exports that name things their own way.

The mapping is a YAML or JSON file: `columns` (our name: the name in the file) and `constants` (our
name: one value for all rows). With a mapping, columns of the file that mean nothing here are left out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from carrythrough.authoring.reading import did_you_mean, listing, read_as
from carrythrough.authoring.source import Lint, SourceError, read_source, refusal
from carrythrough.cli.files.records import Piece, Refused
from carrythrough.errors import PermanentError, Problem
from carrythrough.events.rows import COLUMNS, check_header, rows_to_events

DELIMITERS = ",;\t|"


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a file's columns become ours."""

    columns: dict[str, str] = {}
    constants: dict[str, str] = {}


def load_mapping(path: Path) -> Mapping:
    """Return the mapping that a file holds; raises PermanentError with file:line:column."""
    name = str(path)
    try:
        root = read_source(path.read_text(encoding="utf-8"), name)
    except SourceError as error:
        raise refusal([error.lint], "bad-mapping", "The column mapping is refused") from None
    except (OSError, UnicodeDecodeError) as error:
        lint = Lint(
            code="unreadable", file=name, line=1, column=1, message=str(error), fix="name a UTF-8 file"
        )
        raise refusal([lint], "bad-mapping", "The column mapping cannot be read") from error
    mapping, lints = read_as(root, Mapping, name)
    if mapping is not None:
        lints = [
            Lint(
                code="unknown-column",
                file=name,
                line=root.place(part, given)[0],
                column=root.place(part, given)[1],
                message=f'"{given}" is not a column here',
                rule=f"columns are: {listing(COLUMNS, 20)}",
                fix=did_you_mean(given, COLUMNS) or "write our name on the left and the file's on the right",
                pointer=f"/{part}/{given}",
            )
            for part, names in (("columns", mapping.columns), ("constants", mapping.constants))
            for given in names
            if given not in COLUMNS
        ]
    if mapping is None or lints:
        raise refusal(lints, "bad-mapping", "The column mapping is refused")
    return mapping


def rows(text: Iterable[str], filename: str, mapping: Mapping | None = None) -> Iterator[Piece | Refused]:
    """Yield the event of each row as JSON, or why the row is none.

    Raises PermanentError "bad-event-file" when the header cannot be used or the text is no CSV.
    """
    source = _Lines(text)
    first = next(source, "")
    delimiter = max(DELIMITERS, key=first.count)
    header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
    columns = _columns(header, filename, mapping)
    constants = mapping.constants if mapping else {}
    reader = csv.reader(source, strict=True, delimiter=delimiter)
    source.taken.clear()
    line = 2
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield _row(row, header, columns, constants, filename, line, "".join(source.taken))
            line += len(source.taken)
            source.taken.clear()
    except csv.Error as error:
        raise PermanentError(
            Problem(
                code="bad-event-file",
                status=422,
                title="The file of performance events cannot be used",
                detail=f"not readable as CSV from here on: {error}",
                where=f"{filename}:{line}:1",
                rule="CSV as in RFC 4180",
                fix="close the quotes, and write a quote inside quotes twice",
            )
        ) from None


class _Lines:
    """Text lines that remembers which ones the CSV reader took for the row under way."""

    def __init__(self, text: Iterable[str]) -> None:
        self._lines = iter(text)
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken.append(line)
        return line


def _columns(header: list[str], filename: str, mapping: Mapping | None) -> dict[int, str]:
    """Return our name of each column that is used, by its place in the file."""
    if mapping is None:
        return dict(enumerate(check_header(header, filename)))
    wanted = {given: ours for ours, given in mapping.columns.items()}
    named = {
        place: wanted.get(name, "" if name in mapping.columns else name) for place, name in enumerate(header)
    }
    used = {p: ours for p, ours in named.items() if ours in COLUMNS and ours not in mapping.constants}
    for ours, given in mapping.columns.items():
        if given not in header:
            raise PermanentError(
                Problem(
                    code="bad-event-file",
                    status=422,
                    title="The file of performance events cannot be used",
                    detail=f'the mapping takes "{ours}" from the column "{given}", which the file does not have',
                    where=f"{filename}:1:1",
                    rule=f"columns of this file: {listing(header, 20)}",
                    fix=did_you_mean(given, header) or "correct the mapping",
                )
            )
    check_header([*used.values(), *mapping.constants], filename)
    return used


def _row(
    row: list[str],
    header: list[str],
    columns: dict[int, str],
    constants: dict[str, str],
    filename: str,
    line: int,
    text: str,
) -> Piece | Refused:
    raw = text.rstrip("\r\n").encode("utf-8", "surrogateescape")
    if len(row) > len(header):
        detail = f"{len(row)} cells, but the first line names {len(header)} columns"
        fix = "put cells with commas into double quotes"
        return Refused(
            line, raw, _problem("bad-row", detail, f"{filename}:{line}", "a cell for each column", fix)
        )
    cells = {ours: row[place] for place, ours in columns.items() if place < len(row)}
    cells |= dict.fromkeys((ours for ours in columns.values() if ours not in cells), "")
    found = next(rows_to_events([cells | constants], filename, first_line=line))
    if isinstance(found, Lint):
        where = f"{filename}:{line}:{_column(found, columns)}"
        return Refused(line, raw, _problem(found.code, found.message, where, found.rule, found.fix))
    return Piece(line, found.raw)


def _column(lint: Lint, columns: dict[int, str]) -> int:
    """Return the number of the column, as the file has it, that a lint is about."""
    name = lint.message.removeprefix('column "').partition('"')[0]
    return next((place + 1 for place, ours in columns.items() if ours == name), 1)


def _problem(code: str, detail: str, where: str, rule: str, fix: str) -> Problem:
    return Problem(
        code=code,
        status=400,
        title="A row is not a performance event",
        detail=detail,
        where=where,
        rule=rule,
        fix=fix,
    )
