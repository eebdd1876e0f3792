"""Writes the reference pages of what people and systems hand in: program map, roster, performance event."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from carrythrough.authoring.findings import TEXT_FINDINGS
from carrythrough.events.types import PerformanceEvent
from carrythrough.identity.person import Roster
from carrythrough.program.findings import FINDINGS
from carrythrough.program.types import ProgramMap
from reference_pages.struct_fields import fields_of, table

PROGRAM_MAP = """\
# Program map

A YAML or JSON file: business goal → KPI → skill → learning objective → activities, and what happens
when a skill does not carry through ([how to write one](../how-to/write-a-program-map.md)).
`carrythrough program lint` checks it; every finding names file, line and column ([findings](#findings)).

For editors there is a JSON Schema, `schemas/program-map.schema.json`: a first line
`# yaml-language-server: $schema=…` in YAML, or a key `"$schema"` in either, names it, and the editor then
completes keys and shows on hover what they mean.

A list of one entry may be written without the list where its entries are texts, or tables without an `id` of
their own: `kpis: csat`, `evidence: {skill: …, channel: …}`. What is left out has its default; so has what is `null`.
"""

ROSTER = """\
# Roster

Who the people are and how they are reached: YAML, JSON or CSV, one entry a person. It is the only place
with names and addresses. The JSON Schema is `schemas/roster.schema.json`.
"""

PERFORMANCE_EVENT = """\
# Performance event

One fact from the job about one person, for `POST /v1/performance-events` and `carrythrough ingest`
([how to send them](../how-to/send-performance-events.md)). The JSON Schema is
`schemas/performance-event.schema.json`.
"""


FINDINGS_INTRODUCTION = """\
## Findings

What the linter says about a map, by code. A code keeps its meaning and its severity for good. An error refuses
the map; a warning says that something is missing or does not do what it seems to, which is yours to decide.
Every finding also names file, line and column, what is wrong there, and what to write.

| Code | Severity | What must hold | Why it matters |
|---|---|---|---|
"""


def program_map_page(root: Path) -> str:
    """Return the page of the program map as Markdown."""
    del root
    return "\n".join([_page(PROGRAM_MAP, ProgramMap), FINDINGS_INTRODUCTION + _findings()])


def _findings() -> str:
    return "\n".join(
        f"| `{code}` | {finding.severity} | {finding.rule} | {finding.why} |"
        for code, finding in sorted((TEXT_FINDINGS | FINDINGS).items())
    )


def roster_page(root: Path) -> str:
    """Return the page of the roster as Markdown."""
    del root
    return _page(ROSTER, Roster)


def performance_event_page(root: Path) -> str:
    """Return the page of performance events as Markdown."""
    del root
    return _page(PERFORMANCE_EVENT, PerformanceEvent)


def _page(introduction: str, top: type) -> str:
    parts = [introduction]
    for struct in dict.fromkeys(_structs(top)):
        parts += [f"## {_words(struct)}\n", (struct.__doc__ or "").split("\n\n")[0].strip(), ""]
        parts += [table(fields_of(struct)), ""]
    return "\n".join(parts)


def _words(struct: type) -> str:
    """Return "Event rule" for EventRule."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", struct.__name__).capitalize()


def _structs(top: type) -> Iterator[type]:
    """Yield `top` and every struct in its fields, depth first."""
    yield top
    info = msgspec.inspect.type_info(top)
    for field in getattr(info, "fields", ()):
        yield from _inside(field.type)


def _inside(kind: Any) -> Iterator[type]:
    match kind:
        case msgspec.inspect.Metadata(type=inner):
            yield from _inside(inner)
        case msgspec.inspect.StructType(cls=cls):
            yield from _structs(cls)
        case msgspec.inspect.UnionType(types=types):
            for part in types:
                yield from _inside(part)
        case msgspec.inspect.ListType(item_type=item) | msgspec.inspect.VarTupleType(item_type=item):
            yield from _inside(item)
        case msgspec.inspect.DictType(value_type=value):
            yield from _inside(value)
