"""JSON Schemas from the same annotated types that texts are read into, so that the two agree.

The reader is more lenient than plain types in two ways, and the schema says so: a value that may
be absent may be null, and a list of texts with one entry may be that text.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import msgspec

from carrythrough.authoring.meanings import meanings_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(target: type, name: str, title: str, description: str) -> dict[str, Any]:
    """Return the draft 2020-12 schema of a Struct type.

    name: "program-map" and the like; its `$id` is "urn:carrythrough:schema:" and the name. Every property is
    described by the part "name: meaning." of the docstring of its type, for editors to show.
    """
    (reference,), definitions = msgspec.json.schema_components([target])
    definitions = {key: _described(value) for key, value in definitions.items()}
    sections = frozenset(
        f"#/$defs/{key}" for key, value in definitions.items() if "id" in value.get("properties", {})
    )
    root = definitions.pop(reference["$ref"].rsplit("/", 1)[-1])
    document: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": f"urn:carrythrough:schema:{name}",
        "title": title,
        "description": description,
    }
    document |= {key: value for key, value in _lenient(root, sections).items() if key not in document}
    document["$defs"] = {
        key.lstrip("_"): _lenient(value, sections) for key, value in sorted(definitions.items())
    }
    return document


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an object schema whose description is one sentence, and whose properties have theirs."""
    if "properties" not in schema:
        return schema
    text = cleandoc(schema.get("description", ""))
    meanings = meanings_of(text, schema["properties"])
    properties = {
        key: inner | {"description": meanings[key]} if key in meanings else inner
        for key, inner in schema["properties"].items()
    }
    return schema | {"description": text.split("\n\n")[0].replace("\n", " "), "properties": properties}


def _lenient(schema: dict[str, Any], sections: frozenset[str]) -> dict[str, Any]:
    """Return an object schema with the leniencies of the reader written out; sections: types with an id."""
    if "properties" not in schema:
        return schema
    required = set(schema.get("required", ()))
    properties = {}
    for name, inner in schema["properties"].items():
        written = _one_or_many(inner, sections)
        properties[name] = written if name in required else _or_null(written)
    return schema | {"properties": properties}


def _one_or_many(schema: dict[str, Any], sections: frozenset[str]) -> dict[str, Any]:
    if "anyOf" in schema:
        options: list[dict[str, Any]] = []
        for option in schema["anyOf"]:
            written = _one_or_many(option, sections)
            options += written.get("anyOf", [written])
        return schema | {"anyOf": options}
    items = schema.get("items", {})
    if schema.get("type") != "array" or not _may_stand_alone(items, sections):
        return schema
    outside = {key: schema[key] for key in ("default", "description") if key in schema}
    inside = {key: value for key, value in schema.items() if key not in outside}
    return outside | {"anyOf": [inside, *items.get("anyOf", [items])]}


def _may_stand_alone(items: dict[str, Any], sections: frozenset[str]) -> bool:
    """Say of the schema of an entry what `reading.may_stand_alone` says of its type."""
    if "$ref" in items:
        return items["$ref"] not in sections
    return "enum" in items or items.get("type") == "string" or "anyOf" in items


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    options = schema.get("anyOf", [])
    if {"type": "null"} in options:
        return schema
    outside = {key: schema[key] for key in ("default", "description") if key in schema}
    if "anyOf" in schema:
        return schema | {"anyOf": [*options, {"type": "null"}]}
    inside = {key: value for key, value in schema.items() if key not in outside}
    return outside | {"anyOf": [inside, {"type": "null"}]}
