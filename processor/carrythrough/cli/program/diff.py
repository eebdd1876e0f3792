"""`carrythrough program diff`: what a new version of a map changes, and what that means."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.terminal import note, out, say, say_json, say_wrapped, styled

_SIGNS = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
    "renamed": ("~", "yellow"),
}
VALUE_CHARACTERS_MAX = 90


def diff(
    old: Annotated[Path, Parameter(help="The map as it was.")],
    new: Annotated[Path, Parameter(help="The map as it is to be.")],
    /,
    *,
    json: Annotated[bool, Parameter(help="Print the changes as JSON.")] = False,
) -> int:
    """Show what a new version of a map changes, part by part, and what it means for evidence, scores and actions.

    What only moves within the file is no change. How scores would change: `program dry-run`.

    For example:

    ```sh
    carrythrough program diff program-map.yaml program-map-new.yaml
    ```
    """
    from carrythrough.cli.program.reading import read_map
    from carrythrough.program.difference import difference, version_raised

    before, after = read_map(old), read_map(new)
    changes = difference(before, after)
    raised = version_raised(before, after)
    if json:
        _say_json(before, after, changes, raised=raised)
        return 0
    if not changes:
        say("The two maps mean the same.", "green")
        return 0
    for section, group in groupby(changes, key=lambda change: change.section):
        say(section, "bold")
        for change in group:
            _show(change)
    counts = {what: sum(change.what == what for change in changes) for what in _SIGNS}
    say(", ".join(f"{number} {what}" for what, number in counts.items() if number) + ".", "bold")
    if not raised:
        note(f"Both are version {after.version}: write version: {before.version + 1} into {new}.", "yellow")
    note(f"How scores would change: carrythrough program dry-run {new}")
    return 0


def _show(change: Any) -> None:
    sign, style = _SIGNS[change.what]
    was = f" (was {change.was})" if change.was else ""
    say(f"  {sign} {change.id}{was}", style)
    if change.what == "changed":
        for field in change.fields:
            for line in _field(field):
                out().print(styled(f"      {line}"), soft_wrap=True)
    say_wrapped(change.means[:1].upper() + change.means[1:] + ".", "      ")


def _field(field: Any) -> list[str]:
    """Return a changed value in a line, or an added and a removed part of a list in a line each."""
    if isinstance(field.before, (list, tuple)) and isinstance(field.after, (list, tuple)):
        gone = [value for value in field.before if value not in field.after]
        come = [value for value in field.after if value not in field.before]
        if gone or come:
            return [f"{field.path} - {_short(v)}" for v in gone] + [
                f"{field.path} + {_short(v)}" for v in come
            ]
        return [f"{field.path}: in another order"]
    before = "not given" if field.before is None else _short(field.before)
    after = "not given" if field.after is None else _short(field.after)
    return [f"{field.path}: {before} → {after}"]


def _short(value: Any) -> str:
    import msgspec

    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if isinstance(value, float):
        text = f"{value:g}"
    return text if len(text) <= VALUE_CHARACTERS_MAX else f"{text[: VALUE_CHARACTERS_MAX - 2]} …"


def _say_json(before: Any, after: Any, changes: list[Any], *, raised: bool) -> None:
    import msgspec

    say_json(
        {
            "old": {"map": before.id, "version": before.version},
            "new": {"map": after.id, "version": after.version},
            "version_raised": raised,
            "changes": [
                {
                    "section": change.section,
                    "id": change.id,
                    "what": change.what,
                    "was": change.was or None,
                    "means": change.means,
                    "fields": msgspec.to_builtins(change.fields),
                }
                for change in changes
            ],
        }
    )
