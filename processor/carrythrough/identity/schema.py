"""The published JSON Schema of a roster in YAML or JSON (`schemas/roster.schema.json`)."""

from __future__ import annotations

from typing import Any

from carrythrough.authoring.schema import schema_of
from carrythrough.identity.person import Identifier, Roster


def roster_schema() -> dict[str, Any]:
    """Return the schema: shapes and limits; managers, time zones and duplicates are checked beyond it."""
    document = schema_of(
        Roster,
        "roster",
        "Roster",
        "The employees, how they appear as actors in statements, and when they are not to be disturbed.",
    )
    names = Identifier.__struct_fields__
    document["$defs"]["Identifier"]["oneOf"] = [_given(name) for name in names]
    return document


def _given(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
