"""Proves how the matrix filters, sorts and pages people, and that no mean tells about fewer than eight."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from carrythrough.gateway.pages.board import (
    GROUP_MIN,
    PAGE_PEOPLE,
    PEOPLE_MAX,
    Board,
    BoardReader,
    Cell,
    Person,
    View,
    mean_score,
    select,
)


def cell(score: float | None, stage: str = "fading", last: str = "2026-11-01T00:00:00.000Z") -> Cell:
    low = None if score is None else max(0.0, score - 0.1)
    high = None if score is None else min(1.0, score + 0.1)
    return Cell(score, low, high, 0.75, stage, 0, 7, last, 3)


def board(*people: Person) -> Board:
    skills = {"listen": "Listening", "sum-up": "Summing up"}
    return Board({person.subject: person for person in people}, skills, ["North", "South"], truncated=False)


ANA = Person("a", "Ana", "South", {"listen": cell(0.9), "sum-up": cell(0.2, "unapplied")})
BEN = Person("b", "ben", "North", {"listen": cell(0.5, "carried-through", "2026-11-20T00:00:00.000Z")})
CY = Person("c", "Cy", "", {"sum-up": cell(None, "not-enough-evidence")})
PEOPLE = board(BEN, CY, ANA)


def names(view: View) -> list[str]:
    return [person.name for person in select(PEOPLE, view).people]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (View(), ["Ana", "ben", "Cy"]),
        (View(descending=True), ["Cy", "ben", "Ana"]),
        (View(team="South"), ["Ana"]),
        (View(text="SOUTH"), ["Ana"]),
        (View(text="be"), ["ben"]),
        (View(text="nobody"), []),
        (View(skill="sum-up"), ["Ana", "Cy"]),
        (View(skill="sum-up", stage="fading"), []),
        (View(stage="fading"), ["Ana"]),
        (View(stage="no-such-stage"), []),
        (View(sort="team"), ["ben", "Ana", "Cy"]),
        (View(sort="lowest"), ["Ana", "ben", "Cy"]),
        (View(sort="listen"), ["ben", "Ana", "Cy"]),
        (View(sort="listen", descending=True), ["Ana", "ben", "Cy"]),
        (View(sort="changed", descending=True), ["ben", "Ana", "Cy"]),
    ],
)
def test_filters_and_sorts_with_missing_values_last(view: View, expected: list[str]) -> None:
    assert names(view) == expected


def test_pages_cover_everybody_once_and_a_page_beyond_the_end_is_the_last() -> None:
    people = board(*(Person(f"s{i}", f"Person {i:04}", "", {}) for i in range(PAGE_PEOPLE * 2 + 1)))
    pages = [select(people, View(page=number)) for number in (1, 2, 3)]
    seen = [person.subject for page in pages for person in page.people]
    assert len(seen) == len(set(seen)) == PAGE_PEOPLE * 2 + 1
    assert pages[0].pages == 3
    assert select(people, View(page=99)).page == 3
    assert select(people, View(page=0)).page == 1


@pytest.mark.parametrize("scored", [GROUP_MIN - 1, GROUP_MIN])
def test_no_mean_for_small_groups_however_many_have_no_score(scored: int) -> None:
    people = [Person(f"s{i}", "", "", {"listen": cell(0.5), "sum-up": cell(1.0)}) for i in range(scored)]
    people += [Person(f"n{i}", "", "", {"listen": cell(None)}) for i in range(20)]
    mean, count = mean_score(board(*people), ["listen", "sum-up"])
    assert count == scored
    assert mean == (pytest.approx(0.75) if scored >= GROUP_MIN else None)


def score(subject: str, skill: str, sequence: int = 1) -> dict[str, Any]:
    values = msgspec.structs.asdict(cell(0.5)) | {"sequence": sequence}
    return {"subject": subject, "skill": skill, "skill_name": skill.upper(), "team": "T", **values}


class Effect:
    def __init__(self, seq: int, kind: str, **effect: Any) -> None:
        self.seq, self.kind, self.body = seq, kind, msgspec.json.encode(effect)


class Queries:
    """Answers as the real object does, two scores at a time; counts the full readings."""

    def __init__(self, scores: list[dict[str, Any]]) -> None:
        self.scores = scores
        self.effects: list[Effect] = []
        self.readings = 0

    def list_scores(self, now_ms: int, *, limit: int, cursor: str, names: bool) -> dict[str, Any]:
        start = int(cursor or 0)
        self.readings += not start
        end = start + 2
        return {"scores": self.scores[start:end], "next": str(end) if end < len(self.scores) else None}

    def employee_scores(self, subject: str, now_ms: int, names: bool) -> dict[str, Any]:
        return {"name": "Far away"} if subject == "far" else {}

    def last_seq(self) -> int:
        return len(self.effects)

    def effects_after(self, seq: int, limit: int) -> list[Effect]:
        return self.effects[seq : seq + limit]


@pytest.fixture
def now_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the seconds that the reader sees, to be changed by the test."""
    seconds = [100.0]
    monkeypatch.setattr("carrythrough.gateway.pages.board.time.monotonic", lambda: seconds[0])
    return seconds


def test_the_reader_gathers_whole_people_over_pages_and_shares_one_reading() -> None:
    queries = Queries([score(*key) for key in (("a", "x"), ("a", "y"), ("a", "z"), ("b", "x"), ("b", "z"))])
    queries.scores[0]["name"] = "Ana"

    async def read_twice() -> Board:
        reader = BoardReader(queries, lambda: 0)  # type: ignore[arg-type]
        boards = await asyncio.gather(reader.board(), reader.board())
        assert boards[0] is boards[1]
        assert [await reader.name(subject) for subject in ("a", "b", "far", "other")] == [
            "Ana",
            "Not in the roster (b)",
            "Far away",
            "Not in the roster (other)",
        ]
        return boards[0]

    gathered = asyncio.run(read_twice())
    assert queries.readings == 1
    assert {person.subject: list(person.cells) for person in gathered.people.values()} == {
        "a": ["x", "y", "z"],
        "b": ["x", "z"],
    }
    assert gathered.skills == {"x": "X", "y": "Y", "z": "Z"}
    assert gathered.teams == ["T"]


def moved(seq: int, subject: str, skill: str, value: float, sequence: int) -> Effect:
    return Effect(
        seq, "score", subject=subject, skill=skill, score=value, low=0.1, high=0.9, stage="unapplied",
        outcomes=9, sequence=sequence,
    )  # fmt: skip


def test_between_full_readings_effects_keep_the_board_current(
    now_s: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = Queries([score("a", "x", sequence=5), score("b", "x", sequence=5)])

    async def follow() -> None:
        reader = BoardReader(queries, lambda: 0)  # type: ignore[arg-type]
        board = await reader.board()
        monkeypatch.setattr(reader, "_read_took_s", 60.0)  # as if reading everything had been slow
        queries.effects += [moved(1, "a", "x", 0.8, 6), Effect(2, "stage"), moved(3, "b", "x", 0.3, 4)]
        now_s[0] += 1.0
        assert (await reader.board()).people["a"].cells["x"].score == 0.5, "still fresh enough"
        now_s[0] += 2.0
        assert await reader.board() is board
        assert board.people["a"].cells["x"].score == 0.8
        assert board.people["a"].cells["x"].stage == "unapplied"
        assert board.people["b"].cells["x"].score == 0.5, "an older effect never overwrites a newer reading"
        assert queries.readings == 1
        queries.scores.append(score("c", "x"))
        queries.effects.append(moved(4, "c", "x", 0.6, 1))
        now_s[0] += 3.0
        assert "c" in (await reader.board()).people, "somebody new makes a full reading"
        assert queries.readings == 2

    asyncio.run(follow())


def test_a_cheap_board_is_read_anew_and_a_huge_one_is_cut(now_s: list[float]) -> None:
    queries = Queries([score(f"s{i:05}", "x") for i in range(PEOPLE_MAX + 3)])

    async def read() -> None:
        reader = BoardReader(queries, lambda: 0)  # type: ignore[arg-type]
        board = await reader.board()
        assert board.truncated
        assert len(board.people) == PEOPLE_MAX
        now_s[0] += 3.0
        assert await reader.board() is not board

    asyncio.run(read())
