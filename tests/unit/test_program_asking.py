"""Proves that the questions of `program init` take every answer, accept silence, and ask nothing twice."""

from __future__ import annotations

import pytest

from carrythrough.cli.program.asking import completed
from carrythrough.program.map_text import Answers


def answering(*lines: str):
    left = list(lines)

    def reads(_: str) -> str:
        if not left:
            raise EOFError
        return left.pop(0)

    return reads


def test_every_answer_arrives() -> None:
    said = (
        "Safe lifting",
        "Lift ;  Check the sling",
        "Uses the hoist",
        "Ward 3",
        "Fewer injuries",
        "Injuries",
        "n",
        "2,5",
        "no",
    )
    found = completed(Answers(), answering(*said))
    assert found == Answers(
        name="Safe lifting",
        skills=("Lift", "Check the sling"),
        does="Uses the hoist",
        owner="Ward 3",
        goal="Fewer injuries",
        kpi="Injuries",
        unit="n",
        target=2.5,
        direction="down",
    )


def test_silence_leaves_everything_open() -> None:
    assert completed(Answers(), answering(*[""] * 20)) == Answers()
    assert completed(Answers(), answering()) == Answers()


def test_what_an_option_said_is_not_asked_again() -> None:
    given = Answers(
        name="A", skills=("S",), does="D", owner="O", goal="G", kpi="K", unit="u", direction="up", target=1.0
    )
    assert completed(given, answering()) == given


def test_a_target_that_is_no_number_is_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    found = completed(
        Answers(name="A", skills=("S",), does="D", owner="O", goal="G", kpi="K", unit="u", direction="up"),
        answering("x", "3"),
    )
    assert found.target == 3.0
    assert "x is no number" in capsys.readouterr().err
