"""People × skills as the matrix shows it: read once, kept for a moment, then filtered and sorted.

REST pages through scores by subject and skill; a person who looks for "the lowest in
my team" needs whole people in another order. So the rows of all people are gathered
here, bounded by `PEOPLE_MAX`, and shared by all viewers for `FRESH_S` seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from carrythrough.gateway.pages.queries import Json, PageQueries, ask

PEOPLE_MAX = 20_000
"""People that one board holds; beyond it the page says so and asks for a filter in REST."""

FRESH_S = 2.0
"""How long (real seconds) one reading of the board is shared between viewers."""

READ_LIMIT = 1_000
"""Scores asked for in one query, so that a big board never holds the database for long."""

PAGE_PEOPLE = 50
"""People on one page of the matrix."""

GROUP_MIN = 8
"""A mean is never shown for fewer people than this: it would say too much about each of them."""


class Person(msgspec.Struct):
    """One row: who, and their score in each skill (`cells`: skill id → SkillScore as in REST)."""

    subject: str
    name: str
    team: str
    cells: dict[str, Json]


class Board(msgspec.Struct):
    """All people and skills at one moment; `truncated` when there are more than `PEOPLE_MAX`."""

    people: list[Person]
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
        self._read_s = 0.0
        self._reading = asyncio.Lock()

    async def board(self) -> Board:
        """Return the board, at most `FRESH_S` seconds old."""
        async with self._reading:
            if self._board is None or time.monotonic() - self._read_s > FRESH_S:
                self._board = await self._read()
                self._read_s = time.monotonic()
            return self._board

    async def _read(self) -> Board:
        people: dict[str, Person] = {}
        skills: dict[str, str] = {}
        cursor: str | None = None
        while True:
            answer = await ask(
                self._queries.list_scores, now_ms=self._now_ms(), names=True, limit=READ_LIMIT, cursor=cursor
            )
            for score in answer["scores"]:
                _add(people, skills, score)
            cursor = answer["next"]
            if cursor is None or len(people) > PEOPLE_MAX:
                break
        teams = sorted({person.team for person in people.values() if person.team})
        return Board(list(people.values())[:PEOPLE_MAX], skills, teams, len(people) > PEOPLE_MAX)


def select(board: Board, view: View) -> Selection:
    """Return the people that the view asks for, sorted, and the page of them that it names."""
    matching = [person for person in board.people if _matches(person, view)]
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
    for person in board.people:
        cells = [person.cells[skill] for skill in skills if skill in person.cells]
        own = [cell["score"] for cell in cells if cell["score"] is not None]
        people += bool(own)
        scores += own
    return (sum(scores) / len(scores) if people >= GROUP_MIN else None), people


def display_name(name: str | None, subject: str) -> str:
    """Return the roster's name, or words for somebody whom the roster does not know."""
    return name or f"Not in the roster ({subject[:6]})"


def _add(people: dict[str, Person], skills: dict[str, str], score: Json) -> None:
    subject = score["subject"]
    person = people.get(subject)
    if person is None:
        name = display_name(score.get("name"), subject)
        person = people[subject] = Person(subject, name, score.get("team") or "", {})
    person.cells[score["skill"]] = score
    skills.setdefault(score["skill"], score["skill_name"])


def _matches(person: Person, view: View) -> bool:
    if view.team and person.team != view.team:
        return False
    if view.text and view.text.casefold() not in f"{person.name} {person.team}".casefold():
        return False
    cells = [person.cells[view.skill]] if view.skill in person.cells else list(person.cells.values())
    if view.skill and view.skill not in person.cells:
        return False
    return not view.stage or any(cell["stage"] == view.stage for cell in cells)


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
        return min((cell["score"] for cell in cells if cell["score"] is not None), default=None)
    if sort == "changed":
        return max((cell["last_evidence"] for cell in cells if cell["last_evidence"]), default=None)
    cell = person.cells.get(sort)
    return cell["score"] if cell else None
