"""Any JSON at all goes through any mapping of the how-to page: events, or problems with a place, and nothing else."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.errors import PermanentError
from carrythrough.events.body_mapping import BodyMapping, load_body_mapping, map_body

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "webhooks.md"
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "closedwon", "SOLVED", "2026-11-01", "1793527200000", "9" * 400, "é\ud800", "\x00", "NaN"]
    ),
    st.text(max_size=8),
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
)


def examples() -> list[tuple[BodyMapping, Any]]:
    found = []
    for section in PAGE.read_text("utf-8").split("\n## "):
        blocks = dict(re.findall(r"```(yaml|json)\n(.*?)```", section, re.DOTALL))
        if len(blocks) == 2:
            found.append((load_body_mapping(blocks["yaml"], "m.yaml"), json.loads(blocks["json"])))
    return found


EXAMPLES = examples()


@st.composite
def bodies(draw: st.DrawFn) -> tuple[BodyMapping, Any]:
    """Draw a mapping, and its body with up to three values replaced by anything or removed."""
    mapping, body = draw(st.sampled_from(EXAMPLES))
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(0, 3))):
        place: Any = body
        for _ in range(draw(st.integers(0, 4))):
            deeper = [
                v
                for v in (place.values() if isinstance(place, dict) else place)
                if isinstance(v, (dict, list))
            ]
            if not deeper:
                break
            place = draw(st.sampled_from(deeper))
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if keys:
            key = draw(st.sampled_from(keys))
            if draw(st.booleans()):
                place[key] = draw(ANY_JSON)
            else:
                del place[key]
    return mapping, draw(st.one_of(st.just(body), st.just(body), ANY_JSON))


@settings(max_examples=500)
@given(bodies())
def test_every_body_is_mapped_filtered_or_refused_with_its_place(drawn: tuple[BodyMapping, Any]) -> None:
    mapping, body = drawn
    try:
        mapped = map_body(mapping, body, "hook:x")
    except PermanentError:
        return  # `each` itself fails on this body: the endpoint keeps it whole
    assert mapped.entries == len(mapped.events) + len(mapped.refused) + mapped.filtered
    for one in mapped.refused:
        problem = one.problem
        assert problem.detail
        assert problem.fix
        assert problem.where == "" or found_at(body, problem.where)
    for event in mapped.events:
        assert event.event.source == "hook:x"


def found_at(body: Any, pointer: str) -> bool:
    """Say whether a pointer leads to a value, or to where the last step of it would be."""
    *steps, _ = pointer.split("/")[1:]
    for step in (step.replace("~1", "/").replace("~0", "~") for step in steps):
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and step.isdigit() and int(step) < len(body):
            body = body[int(step)]
        else:
            return body is None
    return True


@pytest.mark.parametrize(
    ("each", "body"),
    [
        ("sort(data)", {"data": [[1], {}]}),
        ("data[::0]", {"data": [1]}),
        ("[ceil(to_number(data))]", {"data": "1e999"}),
    ],
)
def test_an_each_that_fails_on_a_body_is_a_refusal_of_the_body(each: str, body: Any) -> None:
    mapping = load_body_mapping(
        f"each: {json.dumps(each)}\npaths: {{id: a, time: b, employee: c}}\nconstants: {{kind: opportunity}}",
        "m.yaml",
    )
    with pytest.raises(PermanentError) as refused:
        map_body(mapping, body, "hook:x")
    assert refused.value.problem.code == "hook-unmapped"
    assert each in refused.value.problem.detail


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("paths:", "path:", 'did you mean "paths"?'),
        ("  email: Owner", "  emial: Owner", 'did you mean "email"?'),
        ("  id: Id", "  id: 'Id['", "does not read"),
        ("  id: Id", "  id: to_sting(Id)", 'did you mean "to_string"?'),
        ("  id: Id\n", "", '"id" has no value'),
        ("  time: When\n", "", '"time" has no value'),
        ("  email: Owner\n", "", "whom the event is about"),
        ("  met: Stage\n", "", "needs an outcome"),
        ("constants:", "constants:\n  id: x", "given twice"),
        ("constants:", "constants:\n  source: crm", "source"),
        ("constants:", "source: 'carrythrough:forms'\nconstants:", "reserved"),
        ("{met: {", "{mett: {", "not mapped"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_with_its_place(old: str, new: str, words: str) -> None:
    text = "paths:\n  id: Id\n  email: Owner\n  time: When\n  met: Stage\nconstants:\n  kind: task-outcome\n"
    text += "values: {met: {won: true}}\n"
    assert old in text
    load_body_mapping(text, "m.yaml")
    with pytest.raises(PermanentError) as caught:
        load_body_mapping(text.replace(old, new, 1), "m.yaml")
    problem = caught.value.problem
    assert problem.code == "bad-mapping"
    assert re.search(r"m\.yaml:\d+:\d+", problem.where)
    assert words in problem.sentence()
