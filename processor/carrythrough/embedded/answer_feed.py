"""Feeds the answer learner from the ledger: answer by answer, in the order of the log.

What a person knew just before an answer is derived from the ledger rows of that person, so nothing is kept
that the log could not give again. A few people are kept in memory between turns, each held against the
ledger when it is first used in a turn: what was voided, contested or merged since is then left out, or there.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from carrythrough.embedded.data_folder import write_durably
from carrythrough.embedded.database import connect, select
from carrythrough.embedded.terms import Terms
from carrythrough.evidence.types import Y_ONE, Channel, Evidence
from carrythrough.scoring.answer_features import Question
from carrythrough.scoring.answer_image import IMAGE_BYTES_MAX, decode_shadow, encode_shadow
from carrythrough.scoring.answering import CHANNELS, AnswerShadow, put
from carrythrough.scoring.head import Model
from carrythrough.scoring.learner import Learner
from carrythrough.scoring.promotion import LearntItem
from carrythrough.scoring.state import LearnerState

ANSWERS_NAME = "answers.bin"
CHUNK_ROWS = 40
"""Ledger rows read at a time, about 10 ms of work; what is learnt does not depend on it."""
PAIRS_KEPT_MAX = 12_000
"""Pairs of people kept in memory, about 3 KB each; who is not among them is derived again when an answer comes."""

_SOME = ", ".join(map(str, CHANNELS))
_COLUMNS = "l.source, l.skill, l.channel, l.t_ms, l.y, l.w, l.p_item, l.flags, l.item"
_NEXT = (
    f"SELECT l.position, l.employee, e.subject, l.voided, {_COLUMNS} "
    f"FROM ledger l JOIN employee e ON e.id = l.employee WHERE l.channel IN ({_SOME}) AND l.position > ? "
    "ORDER BY l.position, l.employee, l.skill, l.channel, l.source LIMIT ?"
)
_BEFORE = (
    f"SELECT {_COLUMNS} FROM ledger l WHERE l.employee=? AND l.channel IN ({_SOME}) AND l.position<? AND l.voided=0 "
    "ORDER BY l.position"
)
_SUM_BEFORE = (
    f"SELECT count(*), coalesce(sum(l.position), 0) FROM ledger l WHERE l.employee=? AND l.channel IN ({_SOME}) "
    "AND l.position<? AND l.voided=0"
)
_ITEMS = (
    "SELECT item, skill, sum(w), sum(y * w) FROM ledger "
    f"WHERE channel IN ({int(Channel.LEARN)}, {int(Channel.PRACTICE)}) AND w > 0 AND voided = 0 GROUP BY item, skill"
)
_ANY = f"SELECT 1 FROM ledger WHERE channel IN ({_SOME}) LIMIT 1"
_END = "SELECT coalesce((SELECT value FROM meta WHERE name='position'), 0)"

_PLACE = itemgetter(0, 1)


class _Known(msgspec.Struct):
    """A person kept in memory. pieces, positions: how many ledger rows it is made of, and their sum."""

    state: LearnerState
    pieces: int
    positions: int
    turn: int


class People:
    """The people whose state is kept between turns, those used longest ago given up first."""

    def __init__(self, pairs_max: int = PAIRS_KEPT_MAX) -> None:
        self._pairs_max = pairs_max
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._pairs = 0
        self.turn = 0

    def find(self, employee: int) -> _Known | None:
        """Return a person who is kept."""
        return self._known.get(employee)

    def keep(self, employee: int, known: _Known) -> None:
        """Keep a person, in place of what was kept of the same one."""
        self.drop(employee)
        self._known[employee] = known
        self._pairs += len(known.state.pairs)

    def drop(self, employee: int) -> None:
        """Give a person up."""
        before = self._known.pop(employee, None)
        if before is not None:
            self._pairs -= len(before.state.pairs)

    def fit(self) -> None:
        """Give people up until what is kept fits."""
        while self._pairs > self._pairs_max and self._known:
            self._pairs -= len(self._known.popitem(last=False)[1].state.pairs)


class AnswerFeed:
    """Reads the ledger of a state file for one answer learner; used by one thread. Raises apsw.Error.

    people: kept over feeds; a feed of its own for each turn sees what was voided between turns.
    """

    def __init__(self, state: Path, people: People | None = None) -> None:
        self._connection = connect(state, readonly=True)
        self._terms = Terms(self._connection)
        self._people = People() if people is None else people
        self._people.turn += 1

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def end(self) -> int:
        """Return the position up to which the log is folded."""
        return int(self._connection.execute(_END).get)

    def has_any(self) -> bool:
        """Say whether the ledger has anything to learn from, ever."""
        return bool(select(self._connection, _ANY))

    def advance(self, shadow: AnswerShadow, chunk_rows: int = CHUNK_ROWS) -> bool:
        """Take the next chunk of answers; say whether there may be more."""
        rows, more = self._next(shadow.position, chunk_rows)
        for (position, employee), group in groupby(rows, key=_PLACE):
            found = list(group)
            pieces = [self._evidence(row[4:]) for row in found if not row[3]]
            if pieces:
                known = self._known(employee, position)
                self._people.drop(employee)
                shadow.take(known.state, found[0][2], pieces, position)
                known.pieces += len(pieces)
                known.positions += position * len(pieces)
                self._people.keep(employee, known)
                self._people.fit()
            shadow.position = position
        return more

    def _next(self, after: int, chunk_rows: int) -> tuple[list[tuple[Any, ...]], bool]:
        """Return the next rows, each position whole, and whether there may be more."""
        while True:
            rows = select(self._connection, _NEXT, (after, chunk_rows + 1))
            if len(rows) <= chunk_rows:
                return rows, False
            whole = [row for row in rows if row[0] < rows[-1][0]]
            if whole:
                return whole, True
            chunk_rows *= 2

    def _known(self, employee: int, position: int) -> _Known:
        """Return a person as of just before a position of the log."""
        known, turn = self._people.find(employee), self._people.turn
        if known is not None:
            if known.turn == turn:
                return known
            ((pieces, positions),) = select(self._connection, _SUM_BEFORE, (employee, position))
            if (pieces, positions) == (known.pieces, known.positions):
                known.turn = turn
                return known
        known = _Known(LearnerState(), 0, 0, turn)
        for row in select(self._connection, _BEFORE, (employee, position)):
            put(known.state, self._evidence(row))
        ((known.pieces, known.positions),) = select(self._connection, _SUM_BEFORE, (employee, position))
        return known

    def _evidence(self, r: tuple[Any, ...]) -> Evidence:
        text = self._terms.text
        return Evidence(bytes(r[0]), text(r[1]), r[2], r[3], r[4], r[5], r[6], r[7], text(r[8]))


def learnt_items(state: Path, learner: Learner) -> list[LearntItem]:
    """Return every item of the ledger of a state file with what an answer learner knows of it; raises apsw.Error.

    Answers and practice that stand name the items; what was voided, contested or superseded does not.
    """
    skills: dict[str, list[str]] = {}
    sums: dict[str, tuple[float, float]] = {}
    with closing(connect(state, readonly=True)) as connection:
        terms = Terms(connection)
        for number, skill, n, a in select(connection, _ITEMS):
            item = terms.text(number)
            if item:
                skills.setdefault(item, []).append(terms.text(skill))
                before = sums.get(item, (0.0, 0.0))
                sums[item] = (before[0] + n, before[1] + a)
    return [_learnt(item, learner.in_order(about), sums[item], learner) for item, about in skills.items()]


def _learnt(item: str, skills: tuple[str, ...], sums: tuple[float, float], learner: Learner) -> LearntItem:
    question = Question("", item, skills)
    return LearntItem(
        item=item,
        skills=skills,
        answers=learner.items.answers(question.item_code()),
        right=sums[1] / (sums[0] * Y_ONE),
        expected=learner.background(question).item,
    )


def load_answers(path: Path, in_force: Model, since: int, end: int) -> AnswerShadow:
    """Return the answer learner of a file, a fresh one where there is none that fits.

    since: position of the record that brought `in_force` into force. end: position up to which the log is
    folded; what was learnt beyond it was learnt from another log.
    """
    try:
        image = path.read_bytes() if path.stat().st_size <= IMAGE_BYTES_MAX else b""
    except FileNotFoundError:
        image = b""
    shadow = decode_shadow(image)
    if shadow is None or shadow.position > end:
        return AnswerShadow(in_force, since)
    shadow.hold_against(in_force, since)
    return shadow


def save_answers(path: Path, shadow: AnswerShadow) -> None:
    """Write the image in place of the last one, whole or not at all, durable when it returns; raises OSError."""
    write_durably(path, encode_shadow(shadow))
