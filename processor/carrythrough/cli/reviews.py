"""`carrythrough reviews`: the knowledge items of a person, and when each should be asked again."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from carrythrough.cli.table import Column, table
from carrythrough.cli.target import ForLearner, Target, open_reader
from carrythrough.cli.terminal import say, say_json
from carrythrough.gateway.pages import words

SHOWN = 20


def reviews(
    employee: Annotated[str, Parameter(help="Roster id or pseudonym, as `carrythrough scores` shows it.")],
    /,
    *,
    skill: Annotated[str, Parameter(help="Only this skill.")] = "",
    due: Annotated[bool, Parameter(help="Only items that are due now.")] = False,
    limit: Annotated[int, Parameter(help="At most this many items a skill, those due first.")] = SHOWN,
    for_learner: ForLearner = False,
    json: Annotated[bool, Parameter(help="Print JSON as the REST API gives it.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Show which questions somebody is likely to have forgotten, and when each is due again.

    An item is due when the chance to recall it falls to 90 % (95 % for safety-critical skills).

    For example:

    ```sh
    carrythrough reviews e-017 --due --data-dir data
    ```
    """
    with open_reader(target, learners=for_learner) as reader:
        found = reader.reviews(employee)
    chosen = [part for part in found["skills"] if skill in ("", part["skill"])]
    for part in chosen:
        part["schedules"] = [entry for entry in part["schedules"] if entry["is_due"] or not due][:limit]
    if json:
        say_json({**found, "skills": chosen})
        return 0
    if not chosen:
        say("No questions were answered that are items of their own.")
        return 0
    columns: list[Column] = [
        ("item", "left"),
        ("due (UTC)", "ids"),
        ("recall", "right"),
        ("stable for", "right", 2),
        ("answers", "right", 3),
        ("forgotten", "right", 4),
    ]
    for number, part in enumerate(chosen):
        if number:
            say()
        head = f"{part['skill_name']}: {part['due']} of {part['items']} items due"
        say(f"{head}, mean recall {words.points(part['recall'])} %", "bold")
        table(
            columns,
            (
                [
                    entry["item"],
                    words.when(entry["due"]) + (" (due)" if entry["is_due"] else ""),
                    f"{words.points(entry['recall'])} %",
                    _own(entry["stability_days"], "{:.1f} d"),
                    entry["answers"],
                    _own(entry["lapses"], "{}"),
                ]
                for entry in part["schedules"]
            ),
        )
    if any(entry["lapses"] is None for part in chosen for entry in part["schedules"]):
        say("How often an item was forgotten is for the learner alone (scope learner/read).")
    return 0


def _own(value: float | None, form: str) -> str:
    """Write what a server gives to the learner alone; "–" for everybody else."""
    return "–" if value is None else form.format(value)
