"""JSON Schemas from the same annotated types that texts are read into, so that the two agree.

The reader is more lenient than plain types in two ways, and the schema says so: a value that may
be absent may be null, and a list of texts with one entry may be that text.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import msgspec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(target: type, name: str, title: str, description: str) -> dict[str, Any]:
    """Return the draft 2020-12 schema of a Struct type.

    name: "program-map" and the like; its `$id` is "urn:carrythrough:schema:" and the name.
    """
    (reference,), definitions = msgspec.json.schema_components([target])
    root = definitions.pop(reference["$ref"].rsplit("/", 1)[-1])
    document: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": f"urn:carrythrough:schema:{name}",
        "title": title,
        "description": description,
    }
    document |= {key: value for key, value in _lenient(root).items() if key not in document}
    document["$defs"] = {key.lstrip("_"): _lenient(value) for key, value in sorted(definitions.items())}
    return document


def _lenient(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an object schema with the leniencies of the reader written out."""
    if "description" in schema:
        schema = schema | {"description": cleandoc(schema["description"])}
    if "properties" not in schema:
        return schema
    required = set(schema.get("required", ()))
    properties = {
        name: _one_or_many(inner) if name in required else _or_null(_one_or_many(inner))
        for name, inner in schema["properties"].items()
    }
    return schema | {"properties": properties}


def _one_or_many(schema: dict[str, Any]) -> dict[str, Any]:
    items = schema.get("items", {})
    if schema.get("type") != "array" or not ("enum" in items or items.get("type") == "string"):
        return schema
    outside = {key: schema[key] for key in ("default", "description") if key in schema}
    inside = {key: value for key, value in schema.items() if key not in outside}
    return outside | {"anyOf": [inside, items]}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    options = schema.get("anyOf", [])
    if {"type": "null"} in options:
        return schema
    if "anyOf" in schema:
        return schema | {"anyOf": [*options, {"type": "null"}]}
    outside = {key: schema[key] for key in ("default", "description") if key in schema}
    inside = {key: value for key, value in schema.items() if key not in outside}
    return outside | {"anyOf": [inside, {"type": "null"}]}
