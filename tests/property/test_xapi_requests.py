"""Proves that no query string, form, token or language header does more than be read or be refused with a reason."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import given
from hypothesis import strategies as st

from carrythrough.errors import PermanentError
from carrythrough.gateway.intake import Request
from carrythrough.gateway.xapi import alternate, parameters
from carrythrough.gateway.xapi.more import Following, MoreTokens
from carrythrough.gateway.xapi.selection import PARAMETERS, selection
from carrythrough.xapi.languages import choose, ranges
from carrythrough.xapi.query import StatementQuery

JUNK = st.one_of(
    st.text(max_size=20),
    st.sampled_from([
        "true", "0", "1", "-1", "exact", "2026-01-01T00:00:00Z", "https://x.example/a", '{"mbox":"mailto:a@b.c"}',
        '{"objectType":"Group","openid":"https://x.example/g"}', "[" * 600, '{"mbox":' * 300, "9" * 400,
        "6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11", "\x00", "null", "NaN", '{"mbox":1,"mbox":2}',
    ]),
)  # fmt: skip
NAMES = st.one_of(st.sampled_from(sorted(PARAMETERS)), st.text(max_size=8))
QUERIES = st.one_of(
    st.binary(max_size=80),
    st.lists(st.tuples(NAMES, JUNK), max_size=5).map(lambda pairs: urlencode(pairs).encode()),
)


def refused(error: PermanentError) -> None:
    assert error.problem.status == 400
    assert error.problem.code
    assert error.problem.rule
    assert error.problem.fix


@given(query=QUERIES)
def test_a_query_string_selects_or_is_refused(query: bytes):
    try:
        wanted = selection(parameters.parse(query, PARAMETERS), 500)
    except PermanentError as error:
        refused(error)
    else:
        assert 0 < wanted.query.limit <= 500
        assert wanted.id is None or wanted.query == StatementQuery()


FIELDS = st.one_of(
    st.sampled_from(["content", "Authorization", "If-Match", "CONTENT-TYPE", "statementId"]), NAMES
)


@given(
    method=st.one_of(st.sampled_from(["GET", "PUT"]), st.text(max_size=5)),
    body=st.one_of(
        st.binary(max_size=80),
        st.lists(st.tuples(FIELDS, JUNK), max_size=5).map(lambda pairs: urlencode(pairs).encode()),
    ),
)
def test_a_form_becomes_a_request_or_is_refused(method: str, body: bytes):
    async def nothing() -> Any:
        raise AssertionError

    query = f"method={quote(method)}".encode()
    request = Request("POST", {b"x-experience-api-version": b"1.0.3"}, query, nothing)
    try:
        alternate.unfold(request, body)
    except PermanentError as error:
        refused(error)
        return
    assert request.method == method
    assert request.headers[b"x-experience-api-version"] == b"1.0.3"
    content = asyncio.run(request.receive())["body"]
    assert request.headers[b"content-length"] == b"%d" % len(content)
    given_fields = dict(parameters.pairs(body))
    assert content == given_fields.get("content", "").encode()
    for name, value in parameters.pairs(request.query):
        assert given_fields[name] == value


TOKENS = MoreTokens(b"k" * 32)


@given(
    texts=st.tuples(st.text(max_size=30), st.text(max_size=30)),
    numbers=st.tuples(*[st.integers(0, 2**60)] * 3),
    flags=st.tuples(st.booleans(), st.booleans()),
    at=st.integers(0, 400),
    put=st.characters(),
)
def test_a_token_is_read_as_it_was_made_or_not_at_all(
    texts: tuple[str, str], numbers: tuple[int, ...], flags: tuple[bool, bool], at: int, put: str
):
    query = StatementQuery(
        agent=texts[0],
        verb=texts[1],
        after=numbers[0],
        up_to=numbers[1],
        since_ms=numbers[2],
        ascending=flags[0],
    )
    made = Following(query, "ids", flags[1])
    token = TOKENS.token(made)
    assert TOKENS.following(token) == made
    place = at % len(token)
    changed = token[:place] + put + token[place + 1 :]
    try:
        found = TOKENS.following(changed)
    except PermanentError as error:
        refused(error)
    else:
        assert found == made  # the last character may hold bits that count for nothing
    for other in (MoreTokens(b"other" * 8), MoreTokens(b"")):
        try:
            other.following(token)
        except PermanentError as error:
            refused(error)
        else:
            raise AssertionError("a token of another installation was taken")


@given(
    header=st.one_of(st.text(max_size=40), st.text("abc-;q=0.19,* ", max_size=60)),
    tags=st.lists(JUNK, max_size=4),
)
def test_any_language_header_chooses_one_of_the_tags(header: str, tags: list[str]):
    chosen = choose(tags, ranges(header))
    assert chosen in tags if tags else chosen is None
