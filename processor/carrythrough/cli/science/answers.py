"""Answer files for the exam: what columns they need, in which order they are played, what is wrong with a bad one.

Three formats. `assistments`: learner, item, skills, correct and optionally split; no times, so each
answer of a person is one day after the one before. `cloze`: user, t (seconds), kc, outcome and
optionally cluster, answer, latency_ms. `csv`: learner, item, skills, correct and optionally time
(seconds since the epoch, or ISO 8601) and split. All of them plain or gzipped.
"""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.scoring.decay import DAY_MS

Format = Literal["assistments", "cloze", "csv"]

SYNTHETIC_START_MS = 10_957 * DAY_MS
"""2000-01-01: where time begins for files without times."""
SYNTHETIC_UNIT_MS = DAY_MS
"""One answer of a person is one unit; the shortest half-life of the state is one unit too."""
YEAR_MOST = 9_999
_GZIP = b"\x1f\x8b"
_OUTCOMES = {"CORRECT": 1.0, "INCORRECT": 0.0, "HINT": 0.0, "STUDY": None}
"""DataShop's outcomes; a hint asked for is not a success, and a study trial shows the answer."""
_WORDS = {"true": 1.0, "false": 0.0}


class Answer(msgspec.Struct, frozen=True, gc=False):
    """One row. y: 0..1, None for something shown without a question.

    t_ms: when it happened, asked_ms: when the question was put (the same where the file does not say),
    both ms since the epoch. judged: its prediction counts in the figures.
    """

    person: str
    item: str
    skills: tuple[str, ...]
    y: float | None
    t_ms: int
    asked_ms: int
    judged: bool


class AnswerFile(msgspec.Struct, frozen=True):
    """The rows in the order in which they are played. split: the file names test rows, which come last."""

    answers: list[Answer]
    split: bool
    timed: bool


def load_answers(path: Path, form: Format, separator: str = "|") -> AnswerFile:
    """Return the answers of a file; separator: between the skills of one row.

    Raises PermanentError (science-data) that names the line and the column of what cannot be used.
    """
    try:
        with _opened(path) as lines:
            rows = _Rows(path, csv.DictReader(lines))
            found = _cloze(rows) if form == "cloze" else _columns(rows, separator, timed=form == "csv")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as error:
        raise _unreadable(path, str(error)) from None
    if not any(answer.y is not None for answer in found.answers):
        raise _unreadable(path, "no answer in it")
    return found


def _opened(path: Path) -> IO[str]:
    with path.open("rb") as start:
        zipped = start.read(2) == _GZIP
    if zipped:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


class _Rows:
    """The rows of one file, with cells that say where they are when they are wrong."""

    def __init__(self, path: Path, reader: csv.DictReader[str]) -> None:
        self.path = path
        self._reader = reader
        self.columns = frozenset(reader.fieldnames or ())

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
                raise _data_error(f"{self.path}:1", f"there is no column {name}; columns: {there}")

    def wrong(self, column: str, expected: str, found: str) -> PermanentError:
        """Return the error for a cell of the present row."""
        where = f"{self.path}:{self._reader.line_num}" + (f", column {column}" if column else "")
        return _data_error(where, f"expected {expected}, found {found[:60]}")

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

    def time_ms(self, row: dict[str, str], column: str) -> int:
        """Return a cell as ms since the epoch."""
        text = self.text(row, column)
        try:
            seconds = float(text)
        except ValueError:
            seconds = self._iso_s(text, column)
        if not 0.0 <= seconds <= YEAR_MOST * 366.0 * 86_400.0:
            raise self.wrong(column, "seconds since 1970, or a date and time", repr(text))
        return round(seconds * 1000.0)

    def _iso_s(self, text: str, column: str) -> float:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self.wrong(column, "seconds since 1970, or a date and time", repr(text)) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def split(self, row: dict[str, str]) -> bool:
        """Return whether the row is a test row."""
        word = row["split"].strip().lower()
        if word not in {"train", "test"}:
            raise self.wrong("split", "train or test", repr(row["split"]))
        return word == "test"


def _columns(rows: _Rows, separator: str, *, timed: bool) -> AnswerFile:
    """Read learner, item, skills, correct; with times in order of time, else the persons in turn."""
    rows.need("learner", "item", "skills", "correct")
    timed = timed and "time" in rows.columns
    split = "split" in rows.columns
    answers: list[Answer] = []
    for row in rows:
        person = rows.text(row, "learner")
        skills = tuple(dict.fromkeys(s.strip() for s in row["skills"].split(separator) if s.strip()))
        t_ms = rows.time_ms(row, "time") if timed else 0
        test = rows.split(row) if split else True
        y = rows.share(row, "correct")
        answers.append(Answer(person, row["item"].strip(), skills or ("",), y, t_ms, t_ms, test))
    if split and not any(answer.judged for answer in answers):  # nothing would be judged: as without a split
        split, answers = False, [msgspec.structs.replace(answer, judged=True) for answer in answers]
    parts = [[a for a in answers if not a.judged], [a for a in answers if a.judged]] if split else [answers]
    arranged = _by_time if timed else _in_turn
    played = [answer for part in parts for answer in arranged(part)]
    return AnswerFile(played if timed else _given_times(played), split, timed)


def _cloze(rows: _Rows) -> AnswerFile:
    """Read DataShop-like cloze trials; the sentence and the answer are skills beside the item itself."""
    rows.need("user", "t", "kc", "outcome")
    beside = [name for name in ("cluster", "answer") if name in rows.columns]
    answers: list[Answer] = []
    for row in rows:
        item = rows.text(row, "kc")
        word = row["outcome"].strip().upper()
        if word not in _OUTCOMES:
            raise rows.wrong("outcome", ", ".join(_OUTCOMES), repr(row["outcome"]))
        t_ms = rows.time_ms(row, "t")
        asked_ms = t_ms
        if "latency_ms" in rows.columns and row["latency_ms"].strip():
            asked_ms -= max(0, round(rows.number(row, "latency_ms")))
        skills = (f"kc {item}", *(f"{name} {row[name].strip()}" for name in beside if row[name].strip()))
        answers.append(
            Answer(rows.text(row, "user"), item, skills, _OUTCOMES[word], t_ms, max(0, asked_ms), True)
        )
    return AnswerFile(list(_by_time(answers)), split=False, timed=True)


def _by_time(answers: Iterable[Answer]) -> Iterable[Answer]:
    return sorted(answers, key=lambda answer: answer.t_ms)


def _in_turn(answers: Iterable[Answer]) -> Iterator[Answer]:
    """Yield the first answer of each person in order of appearance, then the second of each, and so on."""
    queues: dict[str, list[Answer]] = {}
    for answer in answers:
        queues.setdefault(answer.person, []).append(answer)
    waiting = list(queues.values())
    turn = 0
    while waiting:
        waiting = [queue for queue in waiting if len(queue) > turn]
        for queue in waiting:
            yield queue[turn]
        turn += 1


def _given_times(answers: Iterable[Answer]) -> list[Answer]:
    """Return the answers with one synthetic unit between two answers of the same person."""
    turns: dict[str, int] = {}
    timed = []
    for answer in answers:
        turn = turns[answer.person] = turns.get(answer.person, -1) + 1
        t_ms = SYNTHETIC_START_MS + turn * SYNTHETIC_UNIT_MS
        timed.append(msgspec.structs.replace(answer, t_ms=t_ms, asked_ms=t_ms))
    return timed


_RULE = "answer files have the columns that `carrythrough bench-science --help` names, one answer a row"


def _data_error(where: str, detail: str) -> PermanentError:
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


def _unreadable(path: Path, detail: str) -> PermanentError:
    return _data_error(str(path), detail)
