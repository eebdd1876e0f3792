"""Performance events from CSV: any delimiter, and a mapping for exports that name things their own way.

With a mapping, columns of the file that mean nothing here are left out. A row that is refused is kept as
its cells by column, so that it can be brought in again when the mapping, or the row, is mended.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from carrythrough.authoring.reading import did_you_mean, listing
from carrythrough.authoring.source import Lint
from carrythrough.cli.files.opening import InputFile
from carrythrough.cli.files.records import KEPT_BYTES_MAX, Piece, Refused
from carrythrough.cli.files.table_mapping import Mapping, load_mapping
from carrythrough.errors import PermanentError, Problem
from carrythrough.events.rows import AS_WRITTEN, COLUMNS, check_header, rows_to_events

__all__ = ["Mapping", "load_mapping", "pieces_of", "rows"]

DELIMITERS = ",;\t|"
KEPT_ROW = "csv_row"
"""The one member of a refused row as it is kept: {"csv_row": {column: cell}}."""


def pieces_of(file: InputFile, mapping: Mapping | None = None) -> Iterator[Piece | Refused]:
    """Yield the records of a file: the rows of a table, rows that were kept before, or the JSON as it is.

    Raises as `rows` and `InputFile.records`.
    """
    if file.found.layout == "csv":
        encoding = "utf-8" if mapping is None else mapping.encoding
        yield from rows(file.text(encoding), file.name, mapping)
        return
    for piece in file.records():
        again = _kept_row(piece) if isinstance(piece, Piece) else None
        if again is None or isinstance(piece, Refused):
            yield piece
            continue
        try:
            found = _Table(list(again), file.name, mapping).row(list(again.values()), piece.line)
        except PermanentError as error:  # rows of several tables may stand in one file
            found = Refused(piece.line, piece.raw, error.problem)
        if found is not None:
            yield found


def _kept_row(piece: Piece) -> dict[str, str] | None:
    """Return the cells of a row that was refused and kept, None for any other record."""
    if KEPT_ROW.encode() not in piece.raw[:40]:
        return None
    try:
        return msgspec.json.decode(piece.raw, type=dict[str, dict[str, str]]).get(KEPT_ROW)
    except msgspec.DecodeError:
        return None


def rows(text: Iterable[str], filename: str, mapping: Mapping | None = None) -> Iterator[Piece | Refused]:
    """Yield the event of each row as JSON, or why the row is none; rows that a filter keeps out are left out.

    Raises PermanentError "bad-event-file" when the header cannot be used or the text is no CSV.
    """
    source = _Lines(text)
    first = next(source, "")
    given: str = mapping.delimiter if mapping else ""
    delimiter: str = given or max(DELIMITERS, key=first.count)
    header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
    table = _Table(header, filename, mapping)
    reader = csv.reader(source, strict=True, delimiter=delimiter)
    source.taken.clear()
    line = 2
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                found = table.row(row, line)
                if found is not None:
                    yield found
            line += len(source.taken)
            source.taken.clear()
    except csv.Error as error:
        raise _unusable(
            f"{filename}:{line}:1",
            f"not readable as CSV from here on: {error}",
            "CSV as in RFC 4180",
            "close the quotes, and write a quote inside quotes twice",
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


class _Table:
    """The columns of one file, and its rows one by one."""

    def __init__(self, header: list[str], filename: str, mapping: Mapping | None) -> None:
        self._header = header
        self._filename = filename
        self._mapping = mapping
        self._constants = _constants(mapping)
        for place, name in enumerate(header, 1):
            if _is_broken(name):
                raise _unusable(
                    f"{filename}:1:{place}", f"the name of column {place} is not UTF-8", _UTF8, _MEND_ENCODING
                )
        self._columns = _columns(header, filename, mapping)
        self._filters = [] if mapping is None else [(header.index(f.column), f) for f in mapping.filters]

    def row(self, row: list[str], line: int) -> Piece | Refused | None:
        """Return the event of a row, why it is none, or None when a filter keeps it out."""
        if len(row) > len(self._header):
            detail = f"{len(row)} cells, but the first line names {len(self._header)} columns"
            fix = "put cells with commas into double quotes"
            return self._refused(
                row, line, "bad-row", detail, len(self._header) + 1, "a cell for each column", fix
            )
        for place, each in self._filters:
            cell = row[place].strip() if place < len(row) else ""
            if (each.one_of and cell not in each.one_of) or cell in each.not_in:
                return None
        for place in self._columns:
            if place < len(row) and _is_broken(row[place]):
                byte = next(c for c in row[place] if "\udc80" <= c <= "\udcff")
                detail = f'column "{self._header[place]}": the byte 0x{ord(byte) - 0xDC00:02X} is not UTF-8'
                return self._refused(row, line, "bad-encoding", detail, place + 1, _UTF8, _MEND_ENCODING)
        cells = {ours: row[place] if place < len(row) else "" for place, ours in self._columns.items()}
        conversion = AS_WRITTEN if self._mapping is None else self._mapping
        found = next(
            rows_to_events([cells | self._constants], self._filename, first_line=line, conversion=conversion)
        )
        if isinstance(found, Lint):
            place = self._place_of(found)
            return self._refused(row, line, found.code, found.message, place, found.rule, found.fix)
        return Piece(line, found.raw)

    def _place_of(self, lint: Lint) -> int:
        """Return the number of the column, as the file has it, that a lint is about."""
        name = lint.message.removeprefix('column "').partition('"')[0]
        return next((place + 1 for place, ours in self._columns.items() if ours == name), 1)

    def _refused(
        self, row: list[str], line: int, code: str, detail: str, column: int, rule: str, fix: str
    ) -> Refused:
        names = [*self._header, *(f"column {n + 1}" for n in range(len(self._header), len(row)))]
        cells = {name: cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for name, cell in zip(names, row, strict=False)}  # fmt: skip  # noqa: E501
        raw = json.dumps({KEPT_ROW: cells}, ensure_ascii=False, separators=(",", ":")).encode()
        problem = Problem(
            code=code,
            status=400,
            title="A row is not a performance event",
            detail=detail,
            where=f"{self._filename}:{line}:{column}",
            rule=rule,
            fix=fix,
        )
        return Refused(line, raw[:KEPT_BYTES_MAX], problem)


_UTF8 = "a table is UTF-8 text, or its mapping says how it is written"
_MEND_ENCODING = 'save the file as UTF-8, or add "encoding: windows-1252" (or what it is) to the mapping'


def _is_broken(cell: str) -> bool:
    return not cell.isascii() and any("\ud800" <= c <= "\udfff" for c in cell)


def _constants(mapping: Mapping | None) -> dict[str, Any]:
    return {} if mapping is None else dict(mapping.constants)


def _columns(header: list[str], filename: str, mapping: Mapping | None) -> dict[int, str]:
    """Return our name of each column that is used, by its place in the file."""
    if mapping is None:
        return dict(enumerate(check_header(header, filename)))
    wanted: dict[str, list[str]] = {}
    for ours, given in mapping.columns.items():
        wanted.setdefault(given, []).append(ours)
    for what, given in [(f'takes "{o}" from', g) for o, g in mapping.columns.items()] + [
        ("filters by", each.column) for each in mapping.filters
    ]:
        if given not in header:
            raise _unusable(
                f"{filename}:1:1",
                f'the mapping {what} the column "{given}", which the file does not have',
                f"columns of this file: {listing(header, 20)}",
                did_you_mean(given, header) or "correct the mapping",
            )
        if len(wanted.get(given, ())) > 1:
            names = " and ".join(wanted[given])
            fix = "map it once; a second meaning can be a constant"
            raise _unusable(
                f"{filename}:1:1", f'the column "{given}" is mapped to {names}', "each column once", fix
            )
    named = {
        place: wanted[name][0] if name in wanted else "" if name in mapping.columns else name
        for place, name in enumerate(header)
    }
    used = {place: ours for place, ours in named.items() if ours in COLUMNS and ours not in mapping.constants}
    check_header([*used.values(), *mapping.constants], filename)
    return used


def _unusable(where: str, detail: str, rule: str, fix: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="bad-event-file",
            status=422,
            title="The file of performance events cannot be used",
            detail=detail,
            where=where,
            rule=rule,
            fix=fix,
        )
    )
