"""`carrythrough needs`: what matters and is expected, against what is, of a person or of groups."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from carrythrough.cli.table import Column, table
from carrythrough.cli.target import ForLearner, Target, open_reader
from carrythrough.cli.terminal import say, say_json
from carrythrough.cli.usage import wrong_usage
from carrythrough.gateway.pages import words


def needs(
    employee: Annotated[
        str, Parameter(help="Roster id or pseudonym; left out: groups and the whole program.")
    ] = "",
    /,
    *,
    by: Annotated[
        Literal["team", "role", "site"] | None, Parameter(help="What divides people (team, when left out).")
    ] = None,
    for_learner: ForLearner = False,
    json: Annotated[bool, Parameter(help="Print JSON as the REST API gives it.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Show needs, most pressing first: importance and expectation of the needs survey against the present score.

    The priority of a skill is its importance times what is missing: expected less actual, never below 0
    (Borich 1980). Without a score the respondents' confidence stands in, marked "said". Of groups with too few
    answers nothing is shown.

    For example:

    ```sh
    carrythrough needs e-017 --data-dir data
    carrythrough needs --by role --data-dir data
    ```
    """
    if employee and by is not None:
        raise wrong_usage("--by is for groups", f"leave out --by, or {employee!r}", where="--by")
    with open_reader(target, learners=for_learner) as reader:
        found = reader.needs(employee) if employee else reader.group_needs(by or "team")
    if json:
        say_json(found)
        return 0
    if employee:
        _person(found)
    else:
        _groups(found)
    return 0


def _person(found: dict[str, Any]) -> None:
    if not found["skills"]:
        say("No needs survey has answers about this person.")
        return
    columns: list[Column] = [("skill", "left"), *_FIGURES, ("manager − learner", "left", 2)]
    rows = [[entry["skill"], *_figures(entry), _apart(entry)] for entry in found["skills"]]
    table(columns, rows)
    if found.get("withheld"):
        say()
        say("How able the person said to be is for the learner alone (scope learner/read).", "dim")


def _groups(found: dict[str, Any]) -> None:
    if not found["program"]["skills"]:
        say("No needs survey has answers yet.")
        return
    columns: list[Column] = [
        (found["by"], "left"),
        ("skill", "left"),
        *_FIGURES,
        ("manager − learner", "left", 2),
    ]
    rows = _rows("whole program", found["program"])
    for group in found["groups"]:
        rows += _rows(group["group"] or f"without a {found['by']}", group)
    table(columns, rows)
    say()
    say(f"Means of fewer than {found['minimum']} people are hidden.", "dim")


def _rows(name: str, group: dict[str, Any]) -> list[list[Any]]:
    return [
        [name if number == 0 else "", entry["skill"], *_group_figures(entry), _apart(entry)]
        for number, entry in enumerate(group["skills"])
    ]


_FIGURES: list[Column] = [
    ("priority", "right"),
    ("", "left"),
    ("importance", "right"),
    ("expected", "right"),
    ("actual", "right"),
]


def _group_figures(entry: dict[str, Any]) -> list[Any]:
    if entry["hidden"] is None:
        return _figures(entry)
    why = "too few people" if entry["hidden"] == "small" else "would give a small group away"
    return ["–", why, "–", "–", "–"]


def _figures(entry: dict[str, Any]) -> list[Any]:
    said = " said" if entry["actual_by"] == "stated" and entry["actual"] is not None else ""
    target = " target" if entry["expected_by"] == "target" else ""
    return [
        words.points(entry["priority"]),
        entry["level"] or "",
        words.points(entry["importance"]),
        words.points(entry["expected"]) + target,
        words.points(entry["actual"]) + said,
    ]


def _apart(entry: dict[str, Any]) -> str:
    """Return how far manager and learner are apart, in points."""
    told = entry["disagreement"]
    parts = [f"{name} {words.signed_points(100 * told[name], 0)}" for name in told if told[name] is not None]
    return ", ".join(parts)
