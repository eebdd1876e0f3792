"""Proves how statements look when they are given out: exact, identifiers only, canonical; arrays, versions, times."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.requirement("1.0.3", "Data 2.2.s4.b3")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row12")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (format exact)")
def test_numbers_and_texts_come_back_digit_for_digit(xapi: Any, kit: Any):
    id_ = kit.uuid()
    parts = {
        "actor": '{"mbox":"mailto:a@example.org", "name":"\\u00e4\\/"}',
        "verb": f'{{"id":"{kit.iri("verb")}"}}',
        "object": f'{{"definition":{{"extensions":{{"{kit.iri("e")}":123456789012345678901234567890.10}}}},'
        f'"id":"{kit.iri("o")}"}}',
        "result": '{"score":{"raw":1.10,"max":1e2, "min":0.0},"duration":"PT0.100S"}',
        "timestamp": '"2026-03-01T09:30:00.123456789Z"',
    }
    raw = "{" + ",".join(f'"{name}": {text}' for name, text in parts.items()) + f',"id":"{id_}"}}'
    assert xapi.ask("POST", body=raw.encode(), Content_Type="application/json").json() == [id_]
    body = xapi.ask(query={"statementId": id_}).body.decode()
    for name, text in parts.items():
        assert f'"{name}":{text}' in body


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row12")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (format ids)")
def test_identifiers_only(xapi: Any, kit: Any):
    named = {"name": "Somebody", **kit.agent()}
    group = {
        "objectType": "Group",
        "name": "All",
        "member": [named, {"name": "B", "mbox": "mailto:b@example.org"}],
    }
    activity = {"objectType": "Activity", "id": kit.iri("a"), "definition": {"name": {"en": "A"}}}
    inner = {
        "objectType": "SubStatement", "actor": {**group, "openid": "https://x.example/g"},
        "verb": {"id": kit.iri("v"), "display": {"en": "did"}}, "object": activity,
    }  # fmt: skip
    statement = kit.statement(
        actor=group,
        verb={"id": kit.iri("verb"), "display": {"en": "did"}},
        object=inner,
        context={"contextActivities": {"parent": activity}, "instructor": named, "language": "en"},
    )
    xapi.store(statement)
    found = xapi.one(statement["id"], format="ids")
    assert found["actor"] == {
        "objectType": "Group",
        "member": [kit.agent(), {"mbox": "mailto:b@example.org"}],
    }
    assert found["verb"] == {"id": kit.iri("verb")}
    assert found["object"] == {
        "objectType": "SubStatement",
        "actor": {"objectType": "Group", "openid": "https://x.example/g"},
        "verb": {"id": kit.iri("v")},
        "object": {"id": kit.iri("a")},
    }
    around = {
        "contextActivities": {"parent": [{"id": kit.iri("a")}]},
        "instructor": kit.agent(),
        "language": "en",
    }
    assert found["context"] == around


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row12")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s4.b1")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s4.b5")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (format canonical)")
@pytest.mark.parametrize(
    ("accept", "name", "display"),
    [
        ("en-GB", "Lift", "did"), ("de-AT, en;q=0.5", "Aufzug", "tat"), ("fr", "Lift", "did"), (None, "Lift", "did"),
        ("en-US;q=0.2, en-GB;q=0.1, de;q=0", "Elevator", "did"), ("x;y=;q=,,;", "Lift", "did"), ("en", "Lift", "did"),
    ],
)  # fmt: skip
def test_canonical_activities_in_one_language(
    xapi: Any, kit: Any, accept: str | None, name: str, display: str
):
    words = {"en-GB": "Lift", "en-US": "Elevator", "de": "Aufzug"}
    definition = {
        "name": words, "description": words, "interactionType": "choice",
        "choices": [{"id": "1", "description": words}, {"id": "2"}],
    }  # fmt: skip
    full = {"id": kit.iri("a"), "definition": definition}
    named = {"name": "Ana", **kit.agent()}
    told = kit.statement(object=full)
    statement = kit.statement(
        actor=named,
        verb={"id": kit.iri("verb"), "display": {"en": "did", "de": "tat"}},
        object={"id": kit.iri("a")},
        context={"contextActivities": {"grouping": [{"id": kit.iri("a")}]}},
    )
    xapi.store(told, statement)
    reply = xapi.ask(query={"verb": kit.iri("verb"), "format": "canonical"}, Accept_Language=accept)
    found = reply.json()["statements"][0]
    assert found["actor"] == named
    assert list(found["verb"]["display"].values()) == [display]
    shown = found["object"]["definition"]
    assert list(shown["name"].values()) == list(shown["description"].values()) == [name]
    assert [list(choice.get("description", {}).values()) for choice in shown["choices"]] == [[name], []]
    assert found["context"]["contextActivities"]["grouping"][0] == found["object"]
    exact = xapi.ask(query={"statementId": told["id"]}, Accept_Language=accept).json()
    assert exact["object"] == full


@pytest.mark.requirement("1.0.3", "Data 2.4.6.2.s4.b3")
@pytest.mark.requirement("1.0.3", "Data 2.4.6.2.s4.b4")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.2.2.5 (contextActivities: returned as arrays)")
def test_related_activities_come_back_as_arrays(xapi: Any, kit: Any):
    single = {"id": kit.iri("p"), "definition": {"extensions": {kit.iri("contextActivities"): 1.50}}}
    around = {"contextActivities": {"parent": single, "other": [single]}, "extensions": {kit.iri("n"): 1}}
    statement = kit.statement(context=around)
    tricky = kit.statement(context={"extensions": {kit.iri("e"): {"contextActivities": {"parent": 1}}}})
    xapi.store(statement, tricky)
    related = {"parent": [single], "other": [single]}
    assert xapi.one(statement["id"])["context"] == {**around, "contextActivities": related}
    assert xapi.one(tricky["id"])["context"] == tricky["context"]


@pytest.mark.requirement("1.0.3", "Data 4.5.s1.b6")
@pytest.mark.requirement("1.0.3", "Data 4.5.s1.b3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.2.7 (timestamps in UTC)")
def test_timestamps_are_in_utc_and_keep_their_digits(xapi: Any, kit: Any):
    times = {
        "2026-03-01T09:30:00.1234567+02:00": "2026-03-01T07:30:00.1234567Z",
        "2026-03-01T23:30:00-05:30": "2026-03-02T05:00:00Z",
        "2026-03-01T09:30:00Z": "2026-03-01T09:30:00Z",
    }
    if xapi.version == "1.0.3":
        times |= {"20260301T093000.25+0100": "2026-03-01T08:30:00.250Z"}
    ids = xapi.store(*[kit.statement(timestamp=text) for text in times])
    assert [xapi.one(id_)["timestamp"] for id_ in ids] == list(times.values())
