"""Proves how questions, progress and extensions become outcomes, and which item an extension names."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from carrythrough.evidence.mapping import evidence_of_statement
from carrythrough.evidence.outcome import CMI5_PROGRESS, ITEM_CHARACTERS_MAX, VIDEO_PROGRESS
from carrythrough.evidence.types import Y_ONE, Channel, Evidence
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.xapi.statement import Activity, Agent, Context, Definition, Result, Score, Statement, Verb

NOW = 1_790_000_000_000
ADL = "http://adlnet.gov/expapi/verbs/"
HOW_WELL = "https://e.example/how-well"
CHOICE = Definition(interaction_type="choice", correct_responses_pattern=("b[,]d",))


def evidence(entry: dict[str, Any], verb: str = "answered", **statement: Any) -> Evidence:
    """Return the one piece of evidence of a statement about https://x.example/1."""
    document = {
        "map": "m", "version": 1, "name": "M", "skills": [{"id": "s", "name": "S"}],
        "activities": [{"id": "a", "name": "A", "match": {"activity_prefix": "https://x.example/"},
                        "evidence": [{"skill": "s", "channel": "learn"} | entry]}],
    }  # fmt: skip
    program = Program(load_program(msgspec.json.encode(document).decode(), "m.json"))
    about = Activity("https://x.example/1", statement.pop("about", None))
    st = Statement(
        actor=Agent(mbox="mailto:a@b.c"), verb=Verb(ADL + verb), object=about, **statement
    )  # fmt: skip
    (found,) = evidence_of_statement(program, st, bytes(16), NOW, NOW)
    return found


def share(found: Evidence) -> float | None:
    """Return the outcome as a share, None for mere exposure."""
    return None if found.channel == Channel.EXPOSURE else found.y / Y_ONE


@pytest.mark.parametrize(
    ("verb", "result", "outcome"),
    [
        ("answered", Result(response="b[,]d"), 1.0),
        ("answered", Result(response="d[,]b"), 1.0),
        ("answered", Result(response="b"), 0.0),
        ("answered", Result(response="b", success=True), 1.0),
        ("answered", Result(response="b[,]d", success=False), 0.0),
        ("failed", Result(response="b[,]d"), 0.0),
        ("answered", Result(response="b[,]d", score=Score(scaled=0.5)), 1.0),
        ("answered", Result(score=Score(scaled=0.5)), 0.5),
        ("answered", Result(score=Score(raw=3, min=1, max=5)), 0.5),
        ("answered", Result(completion=True), None),
        ("answered", None, None),
    ],
)
def test_a_question_is_marked_by_its_sender_else_by_its_correct_responses(verb, result, outcome) -> None:
    assert share(evidence({"outcome": "question"}, verb, about=CHOICE, result=result)) == outcome


def test_a_question_of_opinion_is_never_marked() -> None:
    likert = Definition(interaction_type="likert", correct_responses_pattern=("5",))
    found = evidence({"outcome": "question"}, about=likert, result=Result(response="5"))
    assert (found.channel, found.w) == (Channel.VOICE, 0)


@pytest.mark.parametrize(
    ("verb", "result", "outcome"),
    [
        ("progressed", Result(extensions={CMI5_PROGRESS: 50}), 0.5),
        ("progressed", Result(extensions={CMI5_PROGRESS: 0}), 0.0),
        ("progressed", Result(extensions={CMI5_PROGRESS: 250}), 1.0),
        ("progressed", Result(extensions={CMI5_PROGRESS: -3}), 0.0),
        ("progressed", Result(extensions={VIDEO_PROGRESS: 0.25}), 0.25),
        ("progressed", Result(extensions={CMI5_PROGRESS: 50, VIDEO_PROGRESS: 0.25}), 0.5),
        ("progressed", Result(extensions={CMI5_PROGRESS: "50"}), None),
        ("progressed", Result(extensions={CMI5_PROGRESS: True}), None),
        ("progressed", Result(score=Score(scaled=1.0), success=True), None),
        ("completed", Result(extensions={CMI5_PROGRESS: 50}), 0.5),
        ("completed", None, 1.0),
        ("progressed", Result(completion=True), 1.0),
        ("progressed", Result(completion=False), None),
        ("progressed", None, None),
    ],
)
def test_progress_is_percent_in_cmi5_and_a_share_in_videos(verb, result, outcome) -> None:
    assert share(evidence({"outcome": "progress"}, verb, result=result)) == outcome


@pytest.mark.parametrize(
    ("scale", "value", "outcome"),
    [
        ({}, 0.25, 0.25),
        ({}, True, 1.0),
        ({}, False, 0.0),
        ({"worst": 1, "best": 5}, 2, 0.25),
        ({"worst": 1, "best": 5}, 9, 1.0),
        ({"worst": 1, "best": 5}, 0, 0.0),
        ({"worst": 60, "best": 20}, 30, 0.75),
        ({"worst": 60, "best": 20}, 90, 0.0),
        ({}, "0.25", None),
        ({}, None, None),
        ({}, [0.25], None),
        ({"path": ["0"]}, [0.25], 0.25),
        ({"path": ["parts", "1", "p"]}, {"parts": [{"p": 0}, {"p": 0.75}]}, 0.75),
        ({"path": ["parts", "2", "p"]}, {"parts": [{"p": 0}, {"p": 0.75}]}, None),
        ({"path": ["parts", "-1"]}, {"parts": [0.5]}, None),
        ({}, 1e299, 1.0),
        ({}, 1e308, None),
        ({}, 10**400, None),
    ],
)
def test_an_extension_is_read_on_the_scale_of_the_map(scale, value, outcome) -> None:
    entry = {"outcome": "extension", "extension": {"iri": HOW_WELL, **scale}}
    assert share(evidence(entry, result=Result(extensions={HOW_WELL: value}))) == outcome


@pytest.mark.parametrize("at", ["result", "context", "activity"])
def test_an_extension_is_read_where_the_map_says(at) -> None:
    carried = {HOW_WELL: 0.5}
    statement = {
        "result": Result(extensions=carried) if at == "result" else None,
        "context": Context(extensions=carried if at == "context" else None),
        "about": Definition(extensions=carried if at == "activity" else None),
    }
    for place in ("result", "context", "activity"):
        entry = {"outcome": "extension", "extension": {"iri": HOW_WELL, "at": place}}
        assert share(evidence(entry, **statement)) == (0.5 if place == at else None)


@pytest.mark.parametrize(
    ("value", "item"),
    [
        ("q-17", "q-17"),
        (17, "17"),
        (17.0, "17"),
        (17.5, ""),
        (True, ""),
        (None, ""),
        (["q-17"], ""),
        ("x" * ITEM_CHARACTERS_MAX, "x" * ITEM_CHARACTERS_MAX),
        ("x" * (ITEM_CHARACTERS_MAX + 1), ""),
    ],
)
def test_an_extension_names_the_item(value, item) -> None:
    entry = {
        "outcome": "success",
        "item": "extension",
        "item_extension": {"iri": "https://e.example/question", "at": "context"},
        "difficulty": 0.25,
    }
    found = evidence(
        entry, result=Result(success=True), context=Context(extensions={"https://e.example/question": value})
    )
    assert (found.item, found.y, found.p_item) == (item, Y_ONE, Y_ONE // 4)
