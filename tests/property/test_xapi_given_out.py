"""Proves over many statements and bodies that what is given out is what came in, and that no body breaks the reader.

Statements: whatever a statement holds comes back the same as JSON, but for what the specification has a
store set. Multipart: what was joined is taken apart again; a damaged body is refused and never more.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.errors import PermanentError
from carrythrough.xapi.admission import Limits, admit
from carrythrough.xapi.attachments import AttachmentLimits, join, split
from carrythrough.xapi.formats import timestamp_ms
from carrythrough.xapi.query import AttachmentData, StoredStatement
from carrythrough.xapi.rendering import FORMATS, Rendering, in_utc

IRIS = st.sampled_from([f"https://x.example/{name}" for name in "abcdefg"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
MAPS = st.dictionaries(st.sampled_from(["en", "en-US", "de", "zh-Hans"]), TEXTS, min_size=1, max_size=3)
NUMBERS = st.one_of(st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)
EXTENSIONS = st.dictionaries(IRIS, VALUES, max_size=2)
AGENTS = st.one_of(
    st.fixed_dictionaries({"mbox": st.just("mailto:a@example.org")}, optional={"name": TEXTS}),
    st.fixed_dictionaries({"openid": IRIS}, optional={"objectType": st.just("Agent"), "name": TEXTS}),
    st.fixed_dictionaries({"account": st.fixed_dictionaries({"homePage": IRIS, "name": TEXTS})}),
)
GROUPS = st.fixed_dictionaries(
    {"objectType": st.just("Group"), "member": st.lists(AGENTS, min_size=1, max_size=3)},
    optional={"name": TEXTS},
)
DEFINITIONS = st.fixed_dictionaries(
    {}, optional={"name": MAPS, "description": MAPS, "extensions": EXTENSIONS}
)
ACTIVITIES = st.fixed_dictionaries(
    {"id": IRIS}, optional={"objectType": st.just("Activity"), "definition": DEFINITIONS}
)
VERBS = st.fixed_dictionaries({"id": IRIS}, optional={"display": MAPS})
RELATED = st.dictionaries(
    st.sampled_from(["parent", "grouping", "category", "other"]),
    st.one_of(ACTIVITIES, st.lists(ACTIVITIES, max_size=2)),
    max_size=3,
)
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={"contextActivities": RELATED, "instructor": AGENTS, "team": GROUPS, "extensions": EXTENSIONS},
)
INNER = {"actor": st.one_of(AGENTS, GROUPS), "verb": VERBS}
SUBSTATEMENTS = st.fixed_dictionaries(
    {"objectType": st.just("SubStatement"), "object": ACTIVITIES, **INNER}, optional={"context": CONTEXTS}
)
PEOPLE = st.one_of(AGENTS.map(lambda agent: {**agent, "objectType": "Agent"}), GROUPS)
STATEMENTS = st.fixed_dictionaries(
    {**INNER, "object": st.one_of(ACTIVITIES, SUBSTATEMENTS, PEOPLE)},
    optional={
        "context": CONTEXTS,
        "result": st.fixed_dictionaries({}, optional={"response": TEXTS, "extensions": EXTENSIONS}),
    },
)


def exactly(text: bytes | str) -> Any:
    """Return JSON with numbers as they are written."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def arrays(value: Any) -> Any:
    """Return a statement with its context activities as arrays."""
    value = dict(value)
    related = value.get("context", {}).get("contextActivities")
    if related is not None:
        listed = {kind: one if isinstance(one, list) else [one] for kind, one in related.items()}
        value["context"] = {**value["context"], "contextActivities": listed}
    if value["object"].get("objectType") == "SubStatement":
        value["object"] = arrays(value["object"])
    return value


def stored(raw: bytes) -> StoredStatement:
    return StoredStatement(
        position=1,
        stored_ms=1_700_000_000_001,
        t_ms=-1,
        version="1.0.3",
        credential="lms",
        id=bytes(16),
        raw=raw,
    )


@given(statement=STATEMENTS, indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_exact_is_what_came_in(statement: dict[str, Any], indent: int | None, ascii_only: bool):
    raw = json.dumps(statement, indent=indent, ensure_ascii=ascii_only).encode()
    admit(raw, Limits(), "1.0.3")
    given_out = Rendering(authority_home="https://lrs.example.org").statement(stored(raw))
    found = exactly(given_out)
    wanted = arrays(exactly(raw))
    assert {name: found[name] for name in wanted} == wanted
    assert set(found) - set(wanted) == {"id", "timestamp", "stored", "authority", "version"}
    # What is given out may be stored elsewhere, or here again.
    admit(given_out, Limits(), "1.0.3")
    assert exactly(Rendering(authority_home="https://lrs.example.org").statement(stored(given_out))) == found


@given(
    statement=STATEMENTS,
    format_=st.sampled_from(FORMATS),
    wanted=st.sampled_from([(), ("de",), ("en-gb", "zh")]),
)
def test_every_format_is_a_statement(statement: dict[str, Any], format_: Any, wanted: tuple[str, ...]):
    raw = json.dumps(statement).encode()
    rendering = Rendering(authority_home="https://lrs.example.org", format=format_, languages=wanted)
    given_out = rendering.statement(stored(raw))
    (admitted,) = admit(given_out, Limits(), "1.0.3")
    assert admitted.statement.verb.id == statement["verb"]["id"]
    assert exactly(rendering.statement(stored(given_out))) == exactly(given_out)


@given(
    at=st.datetimes(timezones=st.timezones()),
    digits=st.text("0123456789", max_size=9),
    separator=st.sampled_from("Tt "),
)
def test_utc_is_the_same_instant(at: Any, digits: str, separator: str):
    offset = at.strftime("%z")[:5] or "+0000"
    text = f"{at:%Y-%m-%d}{separator}{at:%H:%M:%S}{'.' if digits else ''}{digits}{offset[:3]}:{offset[3:]}"
    ms = timestamp_ms(text, rfc3339=True)
    if ms is None:  # an offset of -00:00, or a year of less than four digits
        return
    shifted = in_utc(text)
    assert timestamp_ms(shifted, rfc3339=True) == ms
    if shifted != text:
        assert shifted.endswith("Z")
        assert digits in shifted


PARTS = st.lists(
    st.one_of(st.binary(max_size=60), st.sampled_from([b"\r\n--", b"--\r\n", b"", b"\r\n"])), max_size=4
)


@given(statements=VALUES, parts=PARTS)
def test_what_is_joined_is_taken_apart_again(statements: Any, parts: list[bytes]):
    text = json.dumps(statements).encode()
    data = {
        (sha2 := hashlib.sha256(part).hexdigest()): AttachmentData(sha2=sha2, content_type="a/b", data=part)
        for part in parts
    }
    body, content_type = join(text, data.values())
    assert split(body, content_type, AttachmentLimits()) == (text, data)


@given(
    parts=PARTS,
    cuts=st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 40), st.binary(max_size=8)), min_size=1, max_size=4
    ),
)
def test_a_damaged_body_is_refused_and_never_more(parts: list[bytes], cuts: list[tuple[int, int, bytes]]):
    data = [
        AttachmentData(sha2=hashlib.sha256(part).hexdigest(), content_type="a/b", data=part) for part in parts
    ]
    body, content_type = join(b'{"a": 1}', data)
    for start, length, new in cuts:
        body = body[:start] + new + body[start + length :]
    text, found, problem = b"", {}, None
    try:
        text, found = split(body, content_type, AttachmentLimits())
    except PermanentError as refused:
        problem = refused.problem
    if problem is not None:
        assert problem.status in {400, 413}
        assert problem.rule
        return
    assert text in body
    for sha2, one in found.items():
        assert hashlib.sha256(one.data).hexdigest() == sha2


@pytest.mark.parametrize(
    "content_type", ["multipart/mixed; boundary=" + "x" * 71, "multipart/mixed; boundary=a b"]
)
def test_a_boundary_that_is_none(content_type: str):
    with pytest.raises(PermanentError):
        split(b"--a b\r\n", content_type, AttachmentLimits())


def test_years_before_1000_keep_four_digits() -> None:
    assert in_utc("0500-01-01T00:00:00+05:00") == "0499-12-31T19:00:00Z"
