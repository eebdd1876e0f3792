"""People × skills as the matrix shows it: read once, kept current by effects, filtered and sorted here.

REST pages through scores by subject and skill; a person who looks for "the lowest in
my team" needs whole people in another order. So all people are gathered here, bounded
by `PEOPLE_MAX`, and shared by all viewers. A full reading reads every score anew; it is
repeated only when it was cheap (`READ_SHARE`), and in between the published effects keep
the board current.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from carrythrough.gateway.pages.queries import Json, PageQueries, ask

PEOPLE_MAX = 10_000
"""People that one board holds; beyond it the page says so."""

FRESH_S = 2.0
"""How long (real seconds) one state of the board is shared between viewers."""

READ_SHARE = 20
"""A full reading waits this many times its own duration for the next: at most 5 % of a core."""

READ_LIMIT = 500
"""Scores asked for in one query, so that a big board never holds the database for long."""

EFFECTS_MAX = 5_000
"""Effects applied to the board at once; a board that is further behind is read anew."""

PAGE_PEOPLE = 50
"""People on one page of the matrix."""

GROUP_MIN = 8
"""A mean is never shown for fewer people than this: it would say too much about each of them."""


class Cell(msgspec.Struct):
    """One score: score, low, high and target 0..1 (score, low, high None under the minimum evidence).

    trend: -1, 0 or 1. last_evidence: RFC 3339, "" when unknown. sequence: operations applied so far.
    """

    score: float | None
    low: float | None
    high: float | None
    target: float
    stage: str
    trend: int
    outcomes: int
    last_evidence: str
    sequence: int


class Person(msgspec.Struct):
    """One row: who, and a `Cell` for each skill with evidence (by skill id)."""

    subject: str
    name: str
    team: str
    cells: dict[str, Cell]


class Board(msgspec.Struct):
    """All people by subject and all skills by id; `truncated` when there are more than `PEOPLE_MAX`."""

    people: dict[str, Person]
    skills: dict[str, str]
    teams: list[str]
    truncated: bool


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a viewer asked to see; empty strings mean "all". `sort`: a key of `SORTS` or a skill id."""

    text: str = ""
    team: str = ""
    skill: str = ""
    stage: str = ""
    sort: str = "name"
    descending: bool = False
    page: int = 1


class Selection(msgspec.Struct):
    """The people of one page, how many matched, and how many pages that makes."""

    people: list[Person]
    matched: int
    page: int
    pages: int


SORTS = {"name": "Name", "team": "Team", "lowest": "Lowest score", "changed": "Latest evidence"}


class BoardReader:
    """Reads the board and shares it between the viewers of one process."""

    def __init__(self, queries: PageQueries, now_ms: Callable[[], int]) -> None:
        self._queries = queries
        self._now_ms = now_ms
        self._board: Board | None = None
        self._lock = asyncio.Lock()
        self._seq = 0
        self._read_s = 0.0
        self._read_took_s = 0.0
        self._current_s = 0.0

    async def board(self) -> Board:
        """Return the board, at most `FRESH_S` seconds behind what is published."""
        async with self._lock:
            now_s = time.monotonic()
            board = self._board
            if board is not None and now_s - self._current_s <= FRESH_S:
                return board
            wait_s = max(FRESH_S, self._read_took_s * READ_SHARE)
            if board is None or now_s - self._read_s > wait_s or not await self._follow(board):
                board = self._board = await self._read()
                self._read_s = time.monotonic()
                self._read_took_s = self._read_s - now_s
            self._current_s = time.monotonic()
            return board

    async def name(self, subject: str) -> str:
        """Return the name to show for anybody, also beyond the board."""
        person = (await self.board()).people.get(subject)
        if person is not None:
            return person.name
        known = await ask(self._queries.employee_scores, subject, self._now_ms(), names=True)
        return display_name(known or {}, subject)

    async def _read(self) -> Board:
        # Taken first: an effect of the reading's own time is then applied twice, never missed.
        self._seq = await ask(self._queries.last_seq)
        board = Board({}, {}, [], truncated=False)
        cursor: str | None = ""
        while cursor is not None and not board.truncated:
            answer = await ask(
                self._queries.list_scores, self._now_ms(), names=True, limit=READ_LIMIT, cursor=cursor
            )
            for score in answer["scores"]:
                _add(board, score)
            cursor = answer["next"]
        board.teams = sorted({person.team for person in board.people.values() if person.team})
        return board

    async def _follow(self, board: Board) -> bool:
        """Apply what was published since; False when there is too much, or somebody is new."""
        effects = await ask(self._queries.effects_after, self._seq, EFFECTS_MAX)
        for published in effects:
            self._seq = published.seq
            if published.kind == "retracted":
                _retract(board, published.subject, published.skill)
            elif published.kind == "score" and not _apply(board, msgspec.json.decode(published.body)):
                return board.truncated
        return len(effects) < EFFECTS_MAX


def select(board: Board, view: View) -> Selection:
    """Return the people that the view asks for, sorted, and the page of them that it names."""
    matching = [person for person in board.people.values() if _matches(person, view)]
    matching.sort(key=lambda person: person.name.casefold())
    if view.sort != "name" or view.descending:
        matching = _sorted(matching, view)
    pages = max(1, -(-len(matching) // PAGE_PEOPLE))
    page = min(max(view.page, 1), pages)
    return Selection(matching[(page - 1) * PAGE_PEOPLE : page * PAGE_PEOPLE], len(matching), page, pages)


def mean_score(board: Board, skills: list[str]) -> tuple[float | None, int]:
    """Return the mean score 0..1 over everybody with a score in `skills`, and how many people that is.

    The mean is None for fewer than `GROUP_MIN` people. It is taken over the whole organisation and
    never over a filtered view, so that two views cannot be subtracted to find one person.
    """
    scores: list[float] = []
    people = 0
    for person in board.people.values():
        cells = [person.cells[skill] for skill in skills if skill in person.cells]
        own = [cell.score for cell in cells if cell.score is not None]
        people += bool(own)
        scores += own
    return (sum(scores) / len(scores) if people >= GROUP_MIN else None), people


def display_name(known: Json, subject: str) -> str:
    """Return the roster's name, else the roster id, else words for somebody whom the roster does not know."""
    return known.get("name") or known.get("employee") or f"Not in the roster ({subject[:6]})"


def _add(board: Board, score: Json) -> None:
    subject, skill = score["subject"], score["skill"]
    person = board.people.get(subject)
    if person is None:
        if len(board.people) >= PEOPLE_MAX:
            board.truncated = True
            return
        person = Person(subject, display_name(score, subject), score.get("team") or "", {})
        board.people[subject] = person
    person.cells[skill] = cell_of(score)
    board.skills.setdefault(skill, score["skill_name"])


def cell_of(score: Json) -> Cell:
    """Return the cell of a SkillScore as REST gives it."""
    values = {name: score[name] for name in Cell.__struct_fields__}
    return Cell(**values | {"last_evidence": score["last_evidence"] or ""})


def _apply(board: Board, effect: Json) -> bool:
    """Put a published score into its cell; False when the board has no such cell yet."""
    person = board.people.get(effect["subject"])
    cell = person.cells.get(effect["skill"]) if person else None
    if cell is None:
        return False
    if effect["sequence"] >= cell.sequence:
        for name in ("score", "low", "high", "stage", "outcomes", "sequence"):
            setattr(cell, name, effect[name])
    return True


def _retract(board: Board, subject: str, skill: str) -> None:
    """Take a cell away whose evidence is somebody else's now."""
    person = board.people.get(subject)
    if person is not None:
        person.cells.pop(skill, None)
        if not person.cells:
            del board.people[subject]


def _matches(person: Person, view: View) -> bool:
    if view.team and person.team != view.team:
        return False
    if view.text and view.text.casefold() not in f"{person.name} {person.team}".casefold():
        return False
    cells = [person.cells[view.skill]] if view.skill in person.cells else list(person.cells.values())
    if view.skill and view.skill not in person.cells:
        return False
    return not view.stage or any(cell.stage == view.stage for cell in cells)


def _sorted(people: list[Person], view: View) -> list[Person]:
    """Sort by anything but the plain name; people without a value come last in both directions."""
    values: dict[str, float | str | None] = {person.subject: _value(person, view.sort) for person in people}
    known = [person for person in people if values[person.subject] is not None]
    unknown = [person for person in people if values[person.subject] is None]
    known.sort(key=lambda person: values[person.subject], reverse=view.descending)  # type: ignore[arg-type,return-value]
    return known + unknown


def _value(person: Person, sort: str) -> float | str | None:
    if sort == "name":
        return person.name.casefold()
    if sort == "team":
        return person.team.casefold() or None
    cells = person.cells.values()
    if sort == "lowest":
        return min((cell.score for cell in cells if cell.score is not None), default=None)
    if sort == "changed":
        return max((cell.last_evidence for cell in cells if cell.last_evidence), default=None)
    cell = person.cells.get(sort)
    return cell.score if cell else None
