"""Proves what is told of an activity: put together from all that was said by those who are believed."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from carrythrough.embedded.statements import indexer
from carrythrough.testing.statement_shell import DID, StatementShell, statement


def test_a_definition_is_put_together_from_all_that_was_said(shell: StatementShell) -> None:
    place = "https://activities.example/quiz"

    def say(definition: dict[str, Any], credential: str = "lms", **more: Any) -> None:
        shell.put([statement(object={"id": place, "definition": definition}, **more)], credential)

    assert shell.store.activity(place) is None
    shell.put([statement(context={"contextActivities": {"parent": {"id": place}}})])
    assert shell.store.activity(place) == {"objectType": "Activity", "id": place}
    say({"name": {"en": "Quiz", "de": "Frage"}, "type": "https://types.example/a"})
    choices = [{"id": "a"}, {"id": "b"}]
    say({"name": {"en": "The quiz"}, "interactionType": "choice", "choices": choices})
    inner = {
        "objectType": "SubStatement",
        "actor": {"mbox": "mailto:ann@example.org"},
        "verb": {"id": DID},
        "object": {"id": place, "definition": {"description": {"en": "Ten questions"}}},
    }
    shell.put([statement(object=inner)])
    category = {"category": [{"id": place, "definition": {"moreInfo": "https://more.example/"}}]}
    shell.put([statement(context={"contextActivities": category})])
    expected: dict[str, Any] = {
        "name": {"en": "The quiz", "de": "Frage"},
        "type": "https://types.example/a",
        "interactionType": "choice",
        "choices": choices,
        "description": {"en": "Ten questions"},
        "moreInfo": "https://more.example/",
    }
    assert shell.store.activity(place) == {"objectType": "Activity", "id": place, "definition": expected}
    say({"interactionType": "fill-in", "correctResponsesPattern": ["x"]})
    del expected["choices"]
    expected |= {"interactionType": "fill-in", "correctResponsesPattern": ["x"]}
    shell.remove_index()
    assert shell.store.activity(place) == {"objectType": "Activity", "id": place, "definition": expected}


def test_who_may_not_define_is_not_believed(shell: StatementShell) -> None:
    shell.store.indexer.may_define = lambda name: name == "lms"
    place = {"id": "https://activities.example/a", "definition": {"name": {"en": "A"}}}
    shell.put([statement(object=place)], "stranger")
    assert shell.store.activity(place["id"]) == {"objectType": "Activity", "id": place["id"]}
    shell.put([statement(object=place)], "lms")
    assert shell.store.activity(place["id"]) == {"objectType": "Activity", **place}
    other = {"id": place["id"], "definition": {"name": {"en": "Other"}}}
    shell.put([statement(object=other)], "stranger")
    assert shell.store.activity(place["id"]) == {"objectType": "Activity", **place}


def test_many_definitions_are_written_before_the_chunk_ends(
    shell: StatementShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "DEFINITIONS_WAITING_MAX", 5)
    for n in range(20):
        shell.put(
            [statement(object={"id": f"https://a.example/{n}", "definition": {"name": {"en": str(n)}}})]
        )
    for n in range(20):
        assert shell.store.activity(f"https://a.example/{n}") is not None
    assert len(shell.store.indexer.memory.definitions) <= 6
    connection = sqlite3.connect(shell.folder / "index.sqlite")
    assert connection.execute("SELECT count(*) FROM activity").fetchone()[0] >= 14
    connection.close()
