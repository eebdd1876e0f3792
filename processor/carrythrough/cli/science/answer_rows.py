"""Rows and cells of answer files as people have them: what can be found out is, what cannot is named by its place.

Plain or gzipped, with or without a byte order mark, cells apart at commas, semicolons or tabs; columns in any
order and case; times in seconds, milliseconds or finer units since 1970, or as ISO 8601.
"""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import msgspec

from carrythrough.errors import PermanentError, Problem

YEAR_MOST: Final = 9_999
CELL_BYTES_MAX: Final = 131_072
"""Longest cell, that of Python's csv module: a longer one is a quote that nobody closed."""
_GZIP = b"\x1f\x8b"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = (",", "\t", ";")
_SEPARATORS = ("|", "~~", ";", ",")
"""What is looked for between the skills of a row, in this order."""
_WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
_TRAINING = frozenset({"train", "training", "valid", "validation", "val", "dev"})
_UNITS = ((1e11, 1.0, "seconds"), (1e14, 1e-3, "milliseconds"), (1e17, 1e-6, "microseconds"))
"""(numbers below this, seconds of one, name); 1e11 seconds are the year 5138, 1e11 milliseconds 1973."""
_FINEST = (1e-9, "nanoseconds")


class Time(msgspec.Struct, frozen=True, gc=False):
    """One time as it stands in a file: a number since 1970 whose unit the file tells, or seconds of a date."""

    value: float
    is_date: bool

    @staticmethod
    def unit(times: Sequence[Time]) -> tuple[float, str]:
        """Return (seconds, name) of the unit of a file's numbers: the largest number decides for all of them."""
        largest = max((time.value for time in times if not time.is_date), default=None)
        if largest is None:
            return 1.0, "dates and times of day"
        return next(((seconds, name) for below, seconds, name in _UNITS if largest < below), _FINEST)

    def ms(self, unit: float) -> int:
        """Return ms since the epoch; unit: seconds of one, for numbers."""
        return round(self.value * (1.0 if self.is_date else unit) * 1000.0)


class Rows:
    """The rows of one file, with cells that say where they are when they are wrong."""

    def __init__(self, path: Path, reader: csv.DictReader[str]) -> None:
        self.path = path
        self._reader = reader
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        self.columns = frozenset(reader.fieldnames)

    @property
    def line(self) -> int:
        """Return the line that was read last, from 1."""
        return self._reader.line_num

    def __iter__(self) -> Iterator[dict[str, str]]:
        for row in self._reader:
            if None in row or None in row.values():
                raise self.wrong("", f"{len(self.columns)} cells", "another number of cells")
            yield row

    def need(self, *names: str) -> None:
        """Raise when a column is missing."""
        for name in names:
            if name not in self.columns:
                there = ", ".join(sorted(self.columns)) or "none"
                raise data_error(f"{self.path}:1", f"there is no column {name}; columns: {there}")

    def wrong(self, column: str, expected: str, found: str) -> PermanentError:
        """Return the error for a cell of the present row."""
        where = f"{self.path}:{self.line}" + (f", column {column}" if column else "")
        return data_error(where, f"expected {expected}, found {found[:60]}")

    def text(self, row: dict[str, str], column: str) -> str:
        """Return a cell that may not be empty."""
        value = row[column].strip()
        if not value:
            raise self.wrong(column, "a value", "an empty cell")
        return value

    def number(self, row: dict[str, str], column: str) -> float:
        """Return a cell as a finite number."""
        try:
            value = float(row[column])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.wrong(column, "a number", repr(row[column]))
        return value

    def share(self, row: dict[str, str], column: str) -> float:
        """Return a cell as an outcome, 0..1."""
        word = row[column].strip().lower()
        if word in _WORDS:
            return _WORDS[word]
        value = self.number(row, column)
        if not 0.0 <= value <= 1.0:
            raise self.wrong(column, "0, 1 or something between them", repr(row[column]))
        return value

    def time(self, row: dict[str, str], column: str) -> Time:
        """Return a cell as a time."""
        text = self.text(row, column)
        try:
            time = Time(float(text), is_date=False)
        except ValueError:
            time = Time(self._iso_s(text, column), is_date=True)
        highest = YEAR_MOST * 366.0 * 86_400.0 * (1.0 if time.is_date else 1e9)
        if not 0.0 <= time.value <= highest:
            raise self.wrong(column, "a number since 1970, or a date and time", repr(text))
        return time

    def _iso_s(self, text: str, column: str) -> float:
        try:
            moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        except ValueError:
            expected = "seconds since 1970, or a date and time such as 2026-03-01T10:00:00Z"
            raise self.wrong(column, expected, repr(text)) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def is_test(self, row: dict[str, str]) -> bool:
        """Return whether the row is a test row; rows that others choose settings by are learnt from."""
        word = row["split"].strip().lower()
        if word not in _TRAINING and word != "test":
            raise self.wrong("split", "train or test", repr(row["split"]))
        return word == "test"


@contextmanager
def opened(path: Path) -> Iterator[Rows]:
    """Open an answer file; what goes wrong while it is read becomes PermanentError (science-data)."""
    rows = None
    try:
        with _text(path) as lines:
            rows = Rows(path, csv.DictReader(lines, delimiter=_delimiter(lines)))
            yield rows
    except UnicodeDecodeError as error:
        raise unreadable(path, f"it is no UTF-8 text: {error}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, str(error)) from None
    except csv.Error as error:
        where = f"{path}:{rows.line}" if rows is not None else str(path)
        raise data_error(where, f"{error}; is a quotation mark left open?") from None


def _text(path: Path) -> IO[str]:
    with path.open("rb") as start:
        first = start.read(2)
    if first in _UTF_16:
        raise unreadable(path, "it is UTF-16 text, not UTF-8")
    if first == _GZIP:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _delimiter(lines: IO[str]) -> str:
    """Return what stands between the cells of the header, and go back to the beginning."""
    header = lines.readline(CELL_BYTES_MAX)
    lines.seek(0)
    return max(_DELIMITERS, key=header.count)


def skills_of(cells: Sequence[str], separator: str) -> tuple[dict[str, tuple[str, ...]], str]:
    """Return the skills of each cell as it stands in the file, at least one, and what separates them ("" nothing).

    separator: as the caller says, else the first of `|`, `~~`, `;` and `,` that some cell has; a comma only
    where a part of such a cell is somewhere a whole cell, for names of skills have commas too.
    """
    distinct = {cell: cell.strip() for cell in cells}
    whole = set(distinct.values())
    mark = separator or next((s for s in _SEPARATORS if _separates(s, whole)), "")
    found: dict[str, tuple[str, ...]] = {}
    for cell, text in distinct.items():
        parts = text.split(mark) if mark else [text]
        found[cell] = tuple(dict.fromkeys(part.strip() for part in parts if part.strip())) or ("",)
    return found, mark if any(mark in text for text in whole) else ""


def _separates(mark: str, whole: set[str]) -> bool:
    having = [text for text in whole if mark in text]
    if mark != ",":
        return bool(having)
    return any(part.strip() in whole for text in having for part in text.split(mark))


_RULE = "answer files have the columns that `carrythrough bench-science --help` names, one answer a row"


def data_error(where: str, detail: str) -> PermanentError:
    """Return the error for an answer file; where: file, line and column, as far as known."""
    return PermanentError(
        Problem(
            code="science-data",
            status=400,
            title="The answer file cannot be used",
            detail=detail,
            where=where,
            rule=_RULE,
            fix="correct the file, or name another --format or --separator",
        )
    )


def unreadable(path: Path, detail: str) -> PermanentError:
    """Return the error for a file as a whole."""
    return data_error(str(path), detail)
