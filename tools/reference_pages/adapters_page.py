"""Writes docs/reference/adapters.md: each built-in adapter, its configuration, a working example."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path

from reference_pages.struct_fields import fields_of, table

INTRODUCTION = """\
# Adapters

An adapter carries an action out. It is configured by a table in the settings file, under a name of your
choice; the rules of the program map refer to that name.
"""


def adapters_page(root: Path) -> str:
    """Return the page as Markdown, from the installed entry points of our own distribution."""
    del root
    parts = [INTRODUCTION]
    points = entry_points(group="carrythrough.adapters")
    for point in sorted(points, key=lambda point: point.name):
        if point.dist is None or point.dist.name != "carrythrough":
            continue
        spec = point.load()
        example = "\n".join(f"{key} = {_toml(value)}" for key, value in spec.example.items())
        parts += [
            f"## `{spec.name}`\n",
            f"{spec.summary} Kind: {spec.kind}. Stability: {spec.stability}.\n",
            table(fields_of(spec.config)),
            f'\n```toml\n[adapters.my-{spec.name}]\nadapter = "{spec.name}"\n{example}\n```\n',
        ]
    return "\n".join(parts)


def _toml(value: object) -> str:
    """Return a value as TOML: JSON, but for tables."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(one)}' for key, one in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)
