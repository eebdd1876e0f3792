"""Proves that every field of a program map, wrong in turn, is refused by name, at its place, with a cure.

The list of fields and what is wrong with a value are taken from the published JSON Schema, so a field added
tomorrow is tested tomorrow. Each fault must be an error with a code that the reference page describes, at the
pointer of the value, and nothing that the schema refuses may come into force.
"""

from __future__ import annotations

import copy
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from carrythrough.authoring.findings import TEXT_FINDINGS
from carrythrough.authoring.reading import read_as
from carrythrough.authoring.source import Lint, node_of
from carrythrough.program.findings import FINDINGS
from carrythrough.program.load import check_program
from carrythrough.program.schema import program_map_schema
from carrythrough.program.types import ProgramMap

SCHEMA = program_map_schema()
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)

DATA = pathlib.Path(__file__).parents[1] / "data" / "full_program_map.json"
FULL: dict[str, Any] = json.loads(DATA.read_text("utf-8"))
"""A sound map in which every field of the schema is written out."""

Path = tuple[str | int, ...]
WRONG: tuple[Any, ...] = (
    None,
    True,
    7,
    -1,
    0.5,
    1e300,
    "",
    "No Such Word",
    "x" * 5_000,
    "2025-02-30",
    "25:61",
    [],
    [[]],
    [None],
    ["x" * 5_000],
    [7],
    {},
    {"no_such_key": 1},
)
FREE = (("given", 0, "statement"), ("given", 1, "event"))
"""What is JSON of another kind, whose shape is not the map's to judge."""


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every value of the map with its path, but nothing inside a statement or an event of a test."""
    yield path, value
    if path[-3:] in FREE:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


def replaced(path: Path, value: Any) -> Any:
    """Return the map with another value at `path`."""
    if not path:
        return copy.deepcopy(value)
    document = copy.deepcopy(FULL)
    inner: Any = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = copy.deepcopy(value)
    return document


def pointer(path: Path) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def assert_told(lints: list[Lint], at: str, document: Any) -> None:
    """Hold the findings of a fault at a pointer: errors, named, placed there, explained, with a cure."""
    assert lints, f"{at} was accepted: {json.dumps(document)[:200]}"
    for lint in lints:
        assert lint.severity == "error"
        assert lint.code in TEXT_FINDINGS
        assert lint.message
        assert lint.rule
        assert lint.why
        assert lint.fix
        assert len(lint.sentence()) < 2_500
    assert all(lint.pointer.startswith(at) for lint in lints), [lint.pointer for lint in lints]


def reading(document: Any) -> list[Lint]:
    return read_as(node_of(document), ProgramMap, "m.json")[1]


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (type, key) for every field of the schema."""
    yield from (("ProgramMap", key) for key in schema["properties"])
    for name, part in schema["$defs"].items():
        yield from ((name, key) for key in part.get("properties", ()))


def test_the_full_map_is_sound_and_uses_every_field_of_the_schema() -> None:
    assert VALIDATOR.is_valid(FULL)
    program, lints = check_program(json.dumps(FULL), "m.json")
    assert program is not None, [lint.sentence() for lint in lints]
    assert msgspec.json.decode(msgspec.json.encode(program)) == json.loads(msgspec.json.encode(program))
    used = {key for _, value in places(FULL) if isinstance(value, dict) for key in value}
    assert not {key for _, key in properties(SCHEMA)} - used
    defaults = ProgramMap(id="m", version=1, name="M", skills=program.skills)
    for name in ProgramMap.__struct_fields__:
        assert getattr(program, name) != getattr(defaults, name) or name in ("id", "skills")


def test_every_field_says_on_hover_what_it_means() -> None:
    bare = [
        f"{name}.{key}"
        for name, part in [("ProgramMap", SCHEMA), *SCHEMA["$defs"].items()]
        for key, inner in part.get("properties", {}).items()
        if len(inner.get("description", "")) < 8
    ]
    assert not bare


def test_every_value_of_another_kind_is_refused_where_it_stands() -> None:
    refused = 0
    for path, sound in places(FULL):
        for wrong in WRONG:
            if wrong == sound and type(wrong) is type(sound):
                continue
            document = replaced(path, wrong)
            lints = reading(document)
            if VALIDATOR.is_valid(document):
                assert not lints, (pointer(path), wrong, lints[0].sentence())
            else:
                assert_told(lints, pointer(path), wrong)
                refused += 1
    assert refused > 2_000


def test_every_unknown_key_is_refused_with_a_suggestion() -> None:
    for path, value in places(FULL):
        named = path[-1:] in (("roles",), ("stages",), ("texts",))
        if isinstance(value, dict) and not named and path[-3:] not in FREE:
            key = next(iter(value))
            lints = reading(replaced(path, value | {f"{key}x": value[key]}))
            assert [(lint.code, lint.pointer) for lint in lints] == [
                ("unknown-field", f"{pointer(path)}/{key}x")
            ]
            assert lints[0].fix == f'did you mean "{key}"?'


def test_every_required_key_that_is_missing_is_named() -> None:
    missing = 0
    for path, value in places(FULL):
        if not isinstance(value, dict) or path[-3:] in FREE:
            continue
        for key in value:
            document = replaced(path, {name: inner for name, inner in value.items() if name != key})
            if VALIDATOR.is_valid(document):
                continue
            lints = reading(document)
            assert [(lint.code, lint.pointer) for lint in lints] == [("missing-field", pointer((*path, key)))]
            assert key in lints[0].fix
            missing += 1
    assert missing > 30


LONG = {"people": 100_001, "tests": 10_001}
"""Copies of an entry that are too many, where a thousand are not."""


def bounds() -> Iterator[tuple[Path, Any]]:
    """Yield a value just beyond each limit of the schema, with the path of a value that has the limit."""
    for path, value in places(FULL):
        if isinstance(value, str):
            yield path, value + "x" * 5_000
            yield path, value + "\n"
        elif isinstance(value, bool):
            continue
        elif isinstance(value, (int, float)):
            yield from ((path, limit) for limit in (-1, 1.0000001, 8.0000001, 10_000_000, -0.0000001))
        elif isinstance(value, list) and value:
            yield path, value * LONG.get(str(path[-1]), 1_001)


def test_every_limit_is_kept_just_beyond_it() -> None:
    crossed: set[str] = set()
    for path, value in bounds():
        document = replaced(path, value)
        if not VALIDATOR.is_valid(document):
            assert_told(reading(document), pointer(path), None)
            crossed.add(pointer(path))
    numbers = {pointer(path) for path, value in places(FULL) if type(value) in (int, float)}
    lists = {pointer(path) for path, value in places(FULL) if isinstance(value, list)}
    assert len(lists & crossed) > 12
    # Figures in the unit of a KPI, and ends of a scale, have no limits.
    free = {at for at in numbers if at.endswith(("/target", "/worst", "/best", "/equals/1"))}
    assert numbers - free - crossed == set()


@pytest.mark.parametrize("filename", ["m.json", "m.yaml"])
def test_a_fault_has_its_line_and_column_in_both_formats(filename: str) -> None:
    text = json.dumps(FULL, indent=1)
    program, _ = check_program(text, filename)
    assert program is not None
    for path, value in places(FULL):
        if not isinstance(value, str) or path[-3:] in FREE or path[:1] == ("tests",):
            continue
        marked = json.dumps(replaced(path, {"here": 1}), indent=1)
        lines = marked.split("\n")
        line = next(n for n, row in enumerate(lines) if row.strip() == '"here": 1')
        _, lints = check_program(marked, filename)
        assert lints
        key_line = lines[line - 1]
        assert (lints[0].line, lints[0].column) in {
            (line, key_line.index("{") + 1),
            (line + 1, lines[line].index('"here"') + 1),  # an unknown key, where one entry may stand alone
        }


def test_references_and_codes_are_told_beyond_shapes() -> None:
    """Every id that refers to another is wrong in turn: the fault is named at its place, never passed over."""
    for path, value in places(FULL):
        if not isinstance(value, str) or not (path[-1] in ("skill", "by") or path[-2:-1] in _REFERRING):
            continue
        _, lints = check_program(json.dumps(replaced(path, "no-such-thing")), "m.json")
        told = [lint for lint in lints if lint.pointer == pointer(path) and lint.severity == "error"]
        assert told, pointer(path)
        assert told[0].code in FINDINGS
        assert "no-such-thing" in told[0].message
        assert told[0].fix


_REFERRING = [(name,) for name in ("kpis", "kpi", "skills", "requires", "activities", "shown_by")]
