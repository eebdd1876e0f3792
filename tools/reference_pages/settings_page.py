"""Writes docs/reference/settings.md: every key of the settings file, with its variable where it has one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from carrythrough import settings
from reference_pages.struct_fields import fields_of, table

INTRODUCTION = """\
# Settings

A value is taken from, in this order, each overriding what comes before:

1. the default in the table below,
2. the settings file, TOML (`carrythrough serve --config carrythrough.toml`),
3. an environment variable,
4. a flag of the command (see [command line](cli.md)).

An unknown key is refused, with the nearest known one as a suggestion.
"""


def settings_page(root: Path) -> str:
    """Return the page as Markdown, from `carrythrough.settings`."""
    del root
    variables = [
        f"- `{settings.ENVIRONMENT_PREFIX}{name.upper()}` sets `{name}`"
        for name in settings._FROM_ENVIRONMENT  # noqa: SLF001 - documentation of the same project
    ]
    parts = [INTRODUCTION, "## Keys\n", table(fields_of(settings.Settings)), ""]
    for prefix, struct in _tables(settings.Settings):
        parts += [f"### `[{prefix}]`\n", table(fields_of(struct), f"{prefix}."), ""]
    parts += ["## Environment variables\n", *variables, ""]
    parts.append("Configuration of adapters: see [adapters](adapters.md).")
    return "\n".join(parts)


def _tables(struct: type, prefix: str = "") -> Iterator[tuple[str, type]]:
    """Yield every nested table with its dotted name."""
    for field in fields_of(struct):
        if field.struct is not None:
            name = f"{prefix}{field.name}"
            yield name, field.struct
            yield from _tables(field.struct, f"{name}.")
