"""Proves that files are cut into their records whatever stands in them, in bounded memory, without a decoder.

However a file is written and however it arrives in chunks, each record comes out as it stands, with its
line; a fault costs the record that has it; and no bytes at all make the cutter raise or hang.
"""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.cli.files import cutting, records
from carrythrough.cli.files.cutting import elements, lines
from carrythrough.cli.files.records import Piece, Refused

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=12)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=8), VALUES, max_size=4), max_size=8)
LAYOUTS = st.sampled_from([None, 0, 1, 3])


class Trickle(io.BytesIO):
    """A stream that hands out a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self._step = step

    def read1(self, size: int | None = -1) -> bytes:
        return super().read1(self._step)


def texts(found: list[Piece | Refused]) -> list[Any]:
    assert not [piece for piece in found if isinstance(piece, Refused)]
    return [json.loads(piece.raw) for piece in found]


@given(OBJECTS, LAYOUTS, st.booleans(), st.integers(1, 40))
def test_the_elements_of_an_array_come_out_as_they_stand(
    documents: list[Any], indent: int | None, ascii_only: bool, step: int
) -> None:
    data = json.dumps(documents, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    found = list(elements(Trickle(data, step), in_array=True))
    assert texts(found) == documents
    for piece in found:
        at = data.split(b"\n")[piece.line - 1]
        assert piece.raw.split(b"\n")[0] in at


@given(OBJECTS, LAYOUTS, st.integers(1, 40))
def test_objects_one_after_another_and_in_an_envelope(
    documents: list[Any], indent: int | None, step: int
) -> None:
    texts_ = [json.dumps(one, indent=indent).encode() for one in documents]
    assert texts(list(elements(Trickle(b"\n".join(texts_), step), in_array=False))) == documents
    rest = b"[" + b",".join(texts_) + b'], "more": "/x", "other": [{"not": "one"}]}'
    assert texts(list(elements(Trickle(rest, step), in_array=True, only_first=True))) == documents


@given(OBJECTS)
def test_lines(documents: list[Any]) -> None:
    data = b"\n\n".join(json.dumps(one).encode() for one in documents)
    found = list(lines(io.BytesIO(data)))
    assert texts(found) == documents
    assert [piece.line for piece in found] == [1 + 2 * number for number in range(len(documents))]


@given(OBJECTS.filter(len), st.data(), st.integers(1, 40))
def test_an_element_that_is_not_json_spoils_itself_alone(
    documents: list[Any], data: st.DataObject, step: int
) -> None:
    at = data.draw(st.integers(0, len(documents) - 1))
    spoiled = data.draw(st.sampled_from([b'{"a": NaN,}', b'{"a" 1}', b"{x}", b'{"a": "b\\q"}', b'{"a": 01}']))
    parts = [json.dumps(one).encode() for one in documents]
    parts[at] = spoiled
    found = list(elements(Trickle(b"[" + b",\n".join(parts) + b"]", step), in_array=True))
    assert [piece.raw for piece in found] == parts
    assert [piece.line for piece in found] == list(range(1, len(parts) + 1))


@given(
    st.binary(max_size=300) | st.text('{}[]",:\\\n a1', max_size=300).map(str.encode),
    st.booleans(),
    st.integers(1, 60),
)
def test_no_bytes_at_all_are_too_much_and_nothing_is_invented(data: bytes, in_array: bool, step: int) -> None:
    found = [*elements(Trickle(data, step), in_array=in_array), *lines(io.BytesIO(data))]
    for piece in found:
        assert piece.raw in data
        assert 1 <= piece.line <= data.count(b"\n") + 1


@pytest.mark.parametrize("in_array", [True, False])
def test_depth_costs_nothing(in_array: bool) -> None:
    deep = b'{"a":' * 200_000 + b"1" + b"}" * 200_000
    data = b"[" + deep + b',{"b":2}]' if in_array else deep + b'\n{"b":2}'
    found = list(elements(io.BytesIO(data), in_array=in_array))
    assert [piece.raw for piece in found] == [deep, b'{"b":2}']


def test_a_record_larger_than_the_limit_is_refused_and_the_next_one_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (records, cutting):
        monkeypatch.setattr(module, "RECORD_BYTES_MAX", 1_000)
    large = json.dumps({"a": "x" * 5_000, "b": [{}] * 500}).encode()
    for data, read in (
        (b"[" + large + b',\n{"c": 3}]', lambda stream: elements(stream, in_array=True)),
        (large + b'\n{"c": 3}\n', lines),
    ):
        found = list(read(Trickle(data, 100)))
        assert [type(piece) for piece in found] == [Refused, Piece]
        assert isinstance(found[0], Refused)
        assert found[0].problem.code == "record-too-large"
        assert (found[1].line, found[1].raw) == (2, b'{"c": 3}')
        assert len(found[0].raw) <= records.KEPT_BYTES_MAX
