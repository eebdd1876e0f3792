"""`carrythrough groups`: teams, roles or sites beside the whole program."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from carrythrough.cli.table import Column, table
from carrythrough.cli.target import Target, open_reader
from carrythrough.cli.terminal import say, say_json
from carrythrough.gateway.pages import words


def groups(
    *,
    by: Annotated[Literal["team", "role", "site"], Parameter(help="What divides people.")] = "team",
    json: Annotated[bool, Parameter(help="Print JSON as the REST API gives it.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Show the mean scores of groups and of the whole program.

    A group with too few people is hidden, and so is a sibling from which it could be worked out.

    For example:

    ```sh
    carrythrough groups --by role --data-dir data
    ```
    """
    with open_reader(target) as reader:
        found = reader.groups(by)
    if json:
        say_json(found)
        return 0
    say(f"Mean transfer scores by {by}, {words.when(found['as_of'])} UTC", "bold")
    say()
    columns: list[Column] = [
        (by, "left"),
        ("skill", "left"),
        ("mean", "right"),
        ("80 %", "left"),
        ("people", "right"),
    ]
    rows = [*_rows("whole program", found["program"])]
    for group in found["groups"]:
        rows += _rows(group["group"] or f"without a {by}", group)
    table(columns, rows)
    say()
    say(f"Groups with fewer than {found['minimum']} people with a score are hidden.", "dim")
    return 0


def _rows(name: str, group: dict[str, Any]) -> list[list[Any]]:
    entries = [("overall", group["overall"])] + [(entry["skill"], entry) for entry in group["skills"]]
    return [
        [name if number == 0 else "", skill, *_figures(entry)]
        for number, (skill, entry) in enumerate(entries)
    ]


def _figures(entry: dict[str, Any]) -> list[Any]:
    if entry["score"] is None:
        why = "too few people" if entry["hidden"] == "small" else "hidden: would give a small group away"
        return ["–", why, "–"]
    return [
        words.points(entry["score"]),
        f"{words.points(entry['low'])}–{words.points(entry['high'])}",
        entry["people"],
    ]
