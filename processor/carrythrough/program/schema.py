"""The published JSON Schema of a program map (`schemas/program-map.schema.json`)."""

from __future__ import annotations

from typing import Any

from carrythrough.authoring.schema import schema_of
from carrythrough.program.types import ProgramMap


def program_map_schema() -> dict[str, Any]:
    """Return the schema: shapes and limits only; references and matchers are linted beyond it."""
    return schema_of(
        ProgramMap,
        "program-map",
        "Program map",
        "Business goal, KPI, skill, learning objective, activities and reinforcement, as one text. "
        "Editors check shapes with this; carrythrough program lint also checks what refers to what.",
    )
