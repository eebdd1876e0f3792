"""Proves that the published JSON Schemas are those of the types that texts are read into.

To publish a changed type: `UPDATE_SCHEMAS=1 pytest tests/contract/test_schemas_current.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from carrythrough.events.schema import performance_event_schema
from carrythrough.identity.schema import roster_schema
from carrythrough.pipeline.enriched import enriched_statement_schema
from carrythrough.program.schema import program_map_schema

SCHEMAS = {
    "program-map": program_map_schema,
    "roster": roster_schema,
    "performance-event": performance_event_schema,
    "enriched-statement": enriched_statement_schema,
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_published_schema_is_current(name: str, repository: Path) -> None:
    build: Callable[[], dict[str, Any]] = SCHEMAS[name]
    path = repository / "schemas" / f"{name}.schema.json"
    text = json.dumps(build(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_SCHEMAS"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_valid_draft_2020_12(name: str) -> None:
    document = SCHEMAS[name]()
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(document)


@pytest.mark.parametrize("name", SCHEMAS)
def test_unknown_keys_are_refused_everywhere(name: str) -> None:
    document = SCHEMAS[name]()
    objects = [document, *document["$defs"].values()]
    assert all(part["additionalProperties"] is False for part in objects if "properties" in part)


@pytest.mark.parametrize("name", ["program-map", "performance-event"])
def test_an_editor_has_words_for_every_key(name: str) -> None:
    document = SCHEMAS[name]()
    parts = {"": document, **document["$defs"]}
    mute = [
        f"{part}.{key}"
        for part, schema in parts.items()
        for key, inner in schema.get("properties", {}).items()
        if not inner.get("description")
    ]
    assert not mute
