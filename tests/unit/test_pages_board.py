"""Proves how the matrix filters, sorts and pages people, and that no mean tells about fewer than eight."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from carrythrough.gateway.pages.board import (
    GROUP_MIN,
    PAGE_PEOPLE,
    Board,
    BoardReader,
    Person,
    View,
    mean_score,
    select,
)


def cell(
    score: float | None, stage: str = "fading", last: str = "2026-11-01T00:00:00.000Z"
) -> dict[str, Any]:
    return {"score": score, "stage": stage, "last_evidence": last}


def board(*people: Person) -> Board:
    return Board(
        list(people), {"listen": "Listening", "sum-up": "Summing up"}, ["North", "South"], truncated=False
    )


ANA = Person("a", "Ana", "South", {"listen": cell(0.9), "sum-up": cell(0.2, "unapplied")})
ben = Person("b", "ben", "North", {"listen": cell(0.5, "carried-through", "2026-11-20T00:00:00.000Z")})
CY = Person("c", "Cy", "", {"sum-up": cell(None, "not-enough-evidence")})
PEOPLE = board(ben, CY, ANA)


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


class Pages:
    """Answers as REST does, two scores at a time."""

    def __init__(self, scores: list[dict[str, Any]]) -> None:
        self.scores = scores
        self.calls = 0

    def list_scores(self, *, now_ms: int, names: bool, limit: int, cursor: str | None) -> dict[str, Any]:
        self.calls += 1
        start = int(cursor or 0)
        end = start + 2
        return {"scores": self.scores[start:end], "next": str(end) if end < len(self.scores) else None}


def test_the_reader_gathers_whole_people_over_pages_and_shares_one_reading() -> None:
    scores = [
        {"subject": s, "skill": k, "skill_name": k.upper(), "team": "T", **cell(0.5)}
        for s, k in [("a", "x"), ("a", "y"), ("a", "z"), ("b", "x"), ("b", "z")]
    ]
    scores[0]["name"] = "Ana"
    queries = Pages(scores)

    async def read_twice() -> Board:
        reader = BoardReader(queries, lambda: 0)  # type: ignore[arg-type]
        boards = await asyncio.gather(reader.board(), reader.board())
        assert boards[0] is boards[1]
        return boards[0]

    gathered = asyncio.run(read_twice())
    assert queries.calls == 3
    assert [(person.name, list(person.cells)) for person in gathered.people] == [
        ("Ana", ["x", "y", "z"]),
        ("Not in the roster (b)", ["x", "z"]),
    ]
    assert gathered.skills == {"x": "X", "y": "Y", "z": "Z"}
    assert gathered.teams == ["T"]
