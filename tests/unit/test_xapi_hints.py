"""Proves that a refusal says what was probably meant, where the value leaves little doubt, and never fails itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.errors import PermanentError, Problem
from carrythrough.xapi.admission import Limits, admit
from carrythrough.xapi.rules import hints

ANA = {"mbox": "mailto:ana@example.org"}
PLAIN: dict[str, Any] = {
    "actor": ANA,
    "verb": {"id": "http://example.org/did"},
    "object": {"id": "http://example.org/it"},
}


def refused(body: Any, version: str = "1.0.3") -> Problem:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(PermanentError) as error:
        admit(text, Limits(), version)
    return error.value.problem


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        ({"verbs": 1}, "did you mean 'verb'?"),
        ({"Actor": ANA}, "did you mean 'actor'?"),
        ({"actor": {"email": "ana@example.org"}}, "did you mean 'mbox'?"),
        ({"actor": {"account": {"homepage": "https://x", "name": "7"}}}, "did you mean 'homePage'?"),
        ({"actor": {"member": [ANA]}}, 'only groups have members: add "objectType": "Group"'),
        ({"object": ANA}, 'an object that is an agent says so: add "objectType": "Agent"'),
        ({"object": {**ANA, "objectType": "agent"}}, "did you mean 'Agent'?"),
        ({"object": {"id": "http://x/y", "name": {"en": "Y"}}}, "put it into 'definition'"),
        ({"object": {"objectType": "GroupActivity", "id": "http://x/y"}}, "did you mean 'Activity'?"),
        ({"object": {"id": "http://x/y", "definition": {"interactionType": "multiple-choice"}}},
         "did you mean 'choice'?"),
        ({"verb": "answered"}, 'send an object, as in {"id": "https://…"}'),
        ({"verb": "http://x/y"}, 'send an object, as in {"id": "http://x/y"}'),
        ({"verb": {"id": "http://x/y", "display": {"en_US": "a"}}}, "did you mean 'en-US'?"),
        ({"object": {"id": "www.example.org/q1"}}, "did you mean 'https://www.example.org/q1'?"),
        ({"object": {"id": "http://example.org/my quiz"}}, "percent-encode the space at character 22: %20"),
        ({"result": {"score": {"raw": "10"}}}, "send 10 without quotes"),
        ({"result": {"score": {"percent": 10}}}, "did you mean 'scaled'?"),
        ({"result": {"score": {"scaled": 87}}}, "send 0.87 if this is a percentage, and 87 as raw with min and max"),
        ({"result": {"success": "True"}}, "send true without quotes"),
        ({"result": {"completion": 1}}, "send true"),
        ({"result": {"response": 7}}, 'send it in quotes: "7"'),
        ({"result": {"duration": "90"}}, "did you mean 'PT90S'? (if these are seconds)"),
        ({"result": {"duration": "00:01:30"}}, "did you mean 'PT0H1M30S'?"),
        ({"timestamp": "2026-03-01"}, "did you mean '2026-03-01T00:00:00Z'?"),
        ({"timestamp": 1772357400}, "did you mean '2026-03-01T09:30:00Z'?"),
        ({"timestamp": 1772357400123}, "did you mean '2026-03-01T09:30:00Z'?"),
        ({"id": "{6B7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11}"}, "did you mean '6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11'?"),
        ({"id": "urn:uuid:6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11"},
         "did you mean '6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11'?"),
        ({"context": {"contextAgents": []}},
         "it belongs to xAPI 2.0: send X-Experience-API-Version: 2.0.0, or leave it out"),
        ({"version": "1.03"}, "did you mean '1.0.3'?"),
    ],
)  # fmt: skip
def test_what_was_probably_meant(change: dict[str, Any], fix: str):
    assert refused({**PLAIN, **change}).fix == fix


@pytest.mark.parametrize(
    ("body", "fix"),
    [
        (b"<html></html>", "this is HTML or XML: look at what the sender posts, and send JSON"),
        (b'[{"actor": 1},]', "take out the comma that nothing follows"),
        (b'{"actor": {"name": "a",}}', "take out the comma that nothing follows"),
        (b"{'actor': 1}", "put keys and texts in double quotes"),
        (b'{"actor": None}', "this looks like Python written out: let json.dumps write it"),
        (b'{"actor": True}', "this looks like Python written out: let json.dumps write it"),
        (
            b'{"actor": {"name"',
            "the text ends too early: send all of it, with a Content-Length that counts bytes",
        ),
    ],
)
def test_what_makes_a_text_no_json(body: bytes, fix: str):
    assert refused(body).fix == fix


def test_a_missing_property_comes_with_an_example():
    assert refused({"actor": ANA}).fix == 'add "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"}'


def test_a_time_without_a_zone_in_2_0():
    problem = refused({**PLAIN, "timestamp": "2026-03-01T09:30:00"}, "2.0.0")
    assert problem.fix == "say where the clock stands: did you mean '2026-03-01T09:30:00Z'?"


def test_a_refusal_in_2_0_cites_its_section():
    assert refused({**PLAIN, "verb": {"id": "did"}}, "2.0.0").rule == (
        "9274.1.1 4.2.2.2; in 1.0.3 Data 2.4.3 (verb id)"
    )
    assert refused({**PLAIN, "result": {"score": {"scaled": 2}}}, "2.0.0").rule.startswith(
        "9274.1.1 4.2.2.4; "
    )
    assert refused({**PLAIN, "verb": {"id": "did"}}).rule == "Data 2.4.3 (verb id)"


@given(st.text(max_size=40) | st.from_regex(r"[0-9:.{}T/@ a-zA-Z-]{0,40}", fullmatch=True))
def test_hints_never_fail(word: str):
    for hint in (hints.iri, hints.uuid, hints.language_tag, hints.duration, hints.timestamp, hints.to_add):
        assert isinstance(hint(word), str)
    hints.nearest(word, ("mbox", "account", "choice"))
    hints.version(word, v2=True)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3)
)
def test_hints_about_types_never_fail(value: Any):
    for wanted in ("a number", "a boolean", "a text", "an object", "an array"):
        assert isinstance(hints.other_type(value, wanted), str)
    if value == value:  # noqa: PLR0124 - admission has refused NaN before
        hints.instant(value)
