"""Proves that admission gives statements or one clear refusal, whatever is done to a real statement.

Statements of real senders are mutated by the grammar of JSON (parts taken out, replaced, renamed,
moved, given twice) and written in every style of writing JSON, then as bytes. Whatever comes in,
the outcome is `Admitted` or a PermanentError with code, rule, fix and a pointer into the body.
And the fast way never accepts what the rules of record refuse.
"""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.errors import PermanentError
from carrythrough.testing.statement_mutations import places
from carrythrough.xapi import admission, fast_path
from carrythrough.xapi.admission import Admitted, Limits, admit, content_key, decode_statement, same_statement
from carrythrough.xapi.refusals import ERROR_CODES

LIMITS = Limits(depth_max=24)
DATA = Path(__file__).resolve().parent.parent / "data"
REAL = [json.loads(line) for path in sorted(DATA.glob("*.jsonl")) for line in path.read_bytes().splitlines()]
RICH = {
    "id": "6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11",
    "actor": {"objectType": "Group", "name": "G", "member": [{"mbox": "mailto:a@example.org"}]},
    "verb": {"id": "http://example.org/did", "display": {"en": 'said "x": 1'}},
    "object": {
        "objectType": "SubStatement",
        "actor": {"mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"},
        "verb": {"id": "http://example.org/plan"},
        "object": {"objectType": "StatementRef", "id": "EC531277-b57b-4c15-8d91-d292c5b2b8f7"},
    },
    "result": {
        "score": {"scaled": 1, "raw": 9.50, "min": 0, "max": 1e1},
        "success": True,
        "response": "naïve “:” 😀 \\",
        "duration": "P4W",
        "extensions": {"https://example.org/x": [{"a": None}, 1, "\u0001"]},
    },
    "context": {
        "registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        "team": {"objectType": "Group", "openid": "https://id.example.org"},
        "language": "fr",
        "contextActivities": {"other": {"id": "http://example.org/o"}},
        "statement": {"objectType": "StatementRef", "id": "ec531277-b57b-4c15-8d91-d292c5b2b8f7"},
    },
    "stored": "2026-03-01T09:30:00Z",
    "authority": {"account": {"homePage": "https://example.org", "name": "lrs"}},
    "version": "1.0.0",
}
SOURCES = [*REAL, RICH]

ODD_TEXTS = st.sampled_from(
    ["", " ", "x", "http://", "http://example.org/y", "\x00", "mailto:b@example.org", "PT0S", "1.0.3", "Group",
     "Agent", "StatementRef", "SubStatement", "en-US", "2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00+01:00",
     "11111111-1111-4111-8111-111111111111", "é", "😀", '":', '" :', "\\", "http://adlnet.gov/expapi/verbs/voided"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.integers(), st.floats(allow_nan=False), ODD_TEXTS,
    st.text(max_size=6),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_TEXTS, inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["id", "mbox", "objectType", "objecttype", "definition", "extensions", "member", "score", "http://x/y", "en",
     "contextAgents", "revision", "platform", "attachments", "account", "parent", "\u0000", "a/b~c", "display"]
)  # fmt: skip
STYLES = ("compact", "spaced", "pretty", "colons", "slashes", "ascii")


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A real statement with up to four changes anywhere in it."""
    statement = deepcopy(draw(st.sampled_from(SOURCES)))
    for _ in range(draw(st.integers(0, 4))):
        path = draw(st.sampled_from(places(statement) or [()]))
        if not path:
            break
        parent, name = at(statement, path[:-1]), path[-1]
        change = draw(st.sampled_from(["remove", "replace", "rename", "add", "copy", "wrap"]))
        if change == "remove":
            del parent[name]
        elif change == "replace":
            parent[name] = draw(VALUES)
        elif change == "wrap":
            parent[name] = draw(st.sampled_from([[parent[name]], {"a": parent[name]}]))
        elif change == "copy":
            parent[name] = deepcopy(at(statement, draw(st.sampled_from(places(statement)))))
        elif isinstance(parent, dict) and change == "rename":
            parent[draw(KEYS)] = parent.pop(name)
        elif isinstance(parent, dict):
            parent[draw(KEYS)] = draw(VALUES)
    return statement


def written(value: Any, style: str) -> str:
    if style == "compact":
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if style == "pretty":
        return json.dumps(value, indent=1)
    if style == "colons":
        return json.dumps(value, separators=(" ,", "\t:"))
    if style == "slashes":
        return json.dumps(value, separators=(",", ":")).replace("/", "\\/")
    return json.dumps(value, ensure_ascii=style == "ascii")


def outcome(body: bytes, version: str = "1.0.3") -> list[Admitted] | PermanentError:
    try:
        return admit(body, LIMITS, version)
    except PermanentError as refused:
        problem = refused.problem
        assert problem.code in ERROR_CODES
        assert problem.status in {400, 413}
        assert problem.title
        assert problem.detail
        assert problem.rule
        assert problem.fix
        assert problem.where == "" or problem.where.startswith("/")
        msgspec.json.encode(problem)
        return refused


def resolves(pointer: str, body: Any) -> bool:
    """Say whether a pointer names something in the body, or a member that an object there could have."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for number, step in enumerate(steps):
        if isinstance(body, list) and step.isdigit() and int(step) < len(body):
            body = body[int(step)]
        elif isinstance(body, dict) and step in body:
            body = body[step]
        else:
            return isinstance(body, dict) and number == len(steps) - 1
    return True


@settings(max_examples=400)
@given(
    statements=st.lists(mutated(), min_size=1, max_size=3),
    style=st.sampled_from(STYLES),
    version=st.sampled_from(["1.0.3", "2.0.0"]),
)
def test_mutated_statements_are_admitted_or_refused_with_rule_and_pointer(
    statements: list[Any], style: str, version: str
):
    body: Any = statements if len(statements) > 1 else statements[0]
    text = written(body, style).encode()
    found = outcome(text, version)
    if isinstance(found, PermanentError):
        assert resolves(found.problem.where, body), found.problem.where
        return
    given_ = body if isinstance(body, list) else [body]
    assert len(found) == len(given_)
    for one, sent in zip(found, given_, strict=True):
        assert json.loads(one.raw) == sent
        assert decode_statement(one.raw) == one.statement
        assert len(one.id) == (16 if "id" in sent else 0)
        assert one.t_ms >= (0 if "timestamp" in sent else -1)


@settings(max_examples=400)
@given(statement=mutated(), style=st.sampled_from(STYLES), v2=st.booleans(), warm=st.booleans())
def test_the_fast_way_accepts_nothing_that_the_rules_refuse(statement: Any, style: str, v2: bool, warm: bool):
    text = written(statement, style).encode()
    if not warm:
        fast_path.forget()
    try:
        [slice_] = msgspec.json.decode(b"[" + text + b"]", type=list[msgspec.Raw])
        fast = fast_path.read(slice_, v2=v2, escapes=b"\\" in text)
    except (*fast_path.HESITATIONS, UnicodeDecodeError):
        return
    careful = admission.careful(text, "", LIMITS, v2=v2)
    assert fast == careful


@settings(max_examples=300)
@given(data=st.data(), style=st.sampled_from(["compact", "spaced", "colons"]))
def test_a_member_given_twice_is_never_admitted(data: st.DataObject, style: str):
    statement = deepcopy(data.draw(st.sampled_from(SOURCES)))
    objects = [
        path
        for path in [(), *places(statement)]
        if isinstance(at(statement, path), dict) and at(statement, path)
    ]
    chosen = at(statement, data.draw(st.sampled_from(objects)))
    name = data.draw(st.sampled_from(sorted(chosen)))
    chosen[f"{name} TWICE"] = data.draw(st.sampled_from([chosen[name], 1, "x", None, {}]))
    text = written(statement, style).replace(" TWICE", "")
    assert isinstance(outcome(text.encode()), PermanentError)
    assert isinstance(outcome(f"[{text}]".encode()), PermanentError)


@settings(max_examples=400)
@given(data=st.data(), source=st.sampled_from(SOURCES), style=st.sampled_from(STYLES))
def test_damaged_bytes_are_admitted_or_refused(data: st.DataObject, source: Any, style: str):
    body = bytearray(written([source], style).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, max(0, len(body) - 1)))
        change = data.draw(st.sampled_from(["flip", "insert", "cut", "end"]))
        if change == "flip" and body:
            body[place] = data.draw(st.integers(0, 255))
        elif change == "insert":
            body[place:place] = data.draw(
                st.sampled_from(
                    [
                        b"\\",
                        b'"',
                        b":",
                        b"\x00",
                        b"\xed\xa0\x80",
                        b"\\ud800",
                        b"NaN",
                        b"[" * 70,
                        b"1e999",
                        b",",
                    ]
                )
            )
        elif change == "cut":
            del body[place : place + data.draw(st.integers(1, 20))]
        else:
            del body[place:]
    found = outcome(bytes(body))
    if not isinstance(found, PermanentError):
        assert [json.loads(one.raw) for one in found] == json.loads(body)


@given(source=st.sampled_from(SOURCES), seed=st.randoms(use_true_random=False), style=st.sampled_from(STYLES))
def test_order_and_writing_make_no_other_statement(source: Any, seed: Any, style: str):
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            names = list(value)
            seed.shuffle(names)
            return {name: shuffled(value[name]) for name in names}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    a = written(source, "compact").encode()
    b = written(shuffled(source), style).encode()
    assert same_statement(a, b) == ""
    assert content_key("lms", a, 0) == content_key("lms", b, 0)


@pytest.mark.parametrize("source", SOURCES, ids=range(len(SOURCES)))
def test_the_sources_themselves_are_admitted(source: Any):
    for style in STYLES:
        assert not isinstance(outcome(written(source, style).encode()), PermanentError)


def test_every_code_has_a_title_that_is_not_the_code():
    for code, title in ERROR_CODES.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
        assert title
        assert title != code
