"""Answer files for the exam: what columns they need, in which order they are played, what is wrong with a bad one.

Three formats. `assistments`: learner, item, skills, correct and optionally split; no times, so each
answer of a person is one day after the one before. `cloze`: user, t (seconds), kc, outcome and
optionally cluster, answer, latency_ms. `csv`: learner, item, skills, correct and optionally time
and split. Cells and rows are read in `science.answer_rows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from sys import intern
from typing import Literal

import msgspec

from carrythrough.cli.science.answer_rows import Rows, Time, opened, skills_of, unreadable
from carrythrough.scoring.decay import DAY_MS

Format = Literal["assistments", "cloze", "csv"]

SYNTHETIC_START_MS = 10_957 * DAY_MS
"""2000-01-01: where time begins for files without times."""
SYNTHETIC_UNIT_MS = DAY_MS
"""One answer of a person is one unit; the shortest half-life of the state is one unit too."""
_OUTCOMES = {"CORRECT": 1.0, "INCORRECT": 0.0, "HINT": 0.0, "STUDY": None}
"""DataShop's outcomes; a hint asked for is not a success, and a study trial shows the answer."""


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
    """The rows in the order in which they are played.

    split: the file names test rows, which come last. read_as: what had to be found out about it, in words.
    """

    answers: list[Answer]
    split: bool
    timed: bool
    read_as: str = ""


def load_answers(path: Path, form: Format, separator: str = "") -> AnswerFile:
    """Return the answers of a file; separator: between the skills of one row, "" to find it out.

    Raises PermanentError (science-data) that names the line and the column of what cannot be used.
    """
    with opened(path) as rows:
        found = _cloze(rows) if form == "cloze" else _columns(rows, separator, timed=form == "csv")
    if not any(answer.y is not None for answer in found.answers):
        raise unreadable(path, "no answer in it")
    return found


def _columns(rows: Rows, separator: str, *, timed: bool) -> AnswerFile:
    """Read learner, item, skills, correct; with times in order of time, else the persons in turn."""
    rows.need("learner", "item", "skills", "correct")
    timed = timed and "time" in rows.columns
    split = "split" in rows.columns
    answers: list[Answer] = []
    times: list[Time] = []
    for row in rows:
        person = intern(rows.text(row, "learner"))
        if timed:
            times.append(rows.time(row, "time"))
        test = rows.is_test(row) if split else True
        y = rows.share(row, "correct")
        answers.append(Answer(person, intern(row["item"].strip()), (intern(row["skills"]),), y, 0, 0, test))
    skills, mark = skills_of([answer.skills[0] for answer in answers], separator)
    said = f"skills apart at {mark!r}" if mark else "one skill a row"
    unit = 1.0
    if timed:
        unit, name = Time.unit(times)
        said += f", times as {name}"
    answers = [
        msgspec.structs.replace(answer, skills=skills[answer.skills[0]], t_ms=t_ms, asked_ms=t_ms)
        for answer, t_ms in zip(
            answers, (time.ms(unit) for time in times) if timed else [0] * len(answers), strict=True
        )
    ]
    if split and not any(answer.judged for answer in answers):  # nothing would be judged: as without a split
        split, answers = False, [msgspec.structs.replace(answer, judged=True) for answer in answers]
    parts = [[a for a in answers if not a.judged], [a for a in answers if a.judged]] if split else [answers]
    arranged = _by_time if timed else _in_turn
    played = [answer for part in parts for answer in arranged(part)]
    return AnswerFile(played if timed else _given_times(played), split, timed, said)


def _cloze(rows: Rows) -> AnswerFile:
    """Read DataShop-like cloze trials; the sentence and the answer are skills beside the item itself."""
    rows.need("user", "t", "kc", "outcome")
    beside = [name for name in ("cluster", "answer") if name in rows.columns]
    answers: list[Answer] = []
    for row in rows:
        item = rows.text(row, "kc")
        word = row["outcome"].strip().upper()
        if word not in _OUTCOMES:
            raise rows.wrong("outcome", ", ".join(_OUTCOMES), repr(row["outcome"]))
        t_ms = rows.time(row, "t").ms(1.0)
        asked_ms = t_ms
        if "latency_ms" in rows.columns and row["latency_ms"].strip():
            asked_ms -= max(0, round(rows.number(row, "latency_ms")))
        skills = (f"kc {item}", *(f"{name} {row[name].strip()}" for name in beside if row[name].strip()))
        answers.append(
            Answer(rows.text(row, "user"), item, skills, _OUTCOMES[word], t_ms, max(0, asked_ms), True)
        )
    return AnswerFile(list(_by_time(answers)), split=False, timed=True)


def _by_time(answers: Iterable[Answer]) -> Iterator[Answer]:
    """Yield the answers in order of time; those of one person at the same time a millisecond apart, as they stand."""
    newest: dict[str, int] = {}
    for answer in sorted(answers, key=lambda answer: answer.t_ms):
        t_ms = newest[answer.person] = max(answer.t_ms, newest.get(answer.person, -1) + 1)
        if t_ms == answer.t_ms:
            yield answer
        else:
            asked_ms = answer.asked_ms + t_ms - answer.t_ms
            yield msgspec.structs.replace(answer, t_ms=t_ms, asked_ms=asked_ms)


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
