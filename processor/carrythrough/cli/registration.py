"""`carrythrough registration`: where a cmi5 registration stands, unit by unit."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.table import table
from carrythrough.cli.target import ForLearner, Target, open_reader
from carrythrough.cli.terminal import say, say_json, say_wrapped
from carrythrough.gateway.pages import words

_MET = {True: "met", False: "not met", None: "not known yet"}


def registration(
    reference: Annotated[
        str,
        Parameter(help="The registration (UUID), or an employee (roster id or pseudonym) for all of theirs."),
    ],
    /,
    *,
    for_learner: ForLearner = False,
    json: Annotated[bool, Parameter(help="Print JSON as the REST API gives it.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Show a cmi5 registration: moveOn of every unit, what counts, and what the rules of cmi5 set aside.

    For example:

    ```sh
    carrythrough registration 6d2e4a0e-6b5e-4f0e-9d1f-0c8f8d8f1a2b --data-dir data
    carrythrough registration e-017 --url http://127.0.0.1:8080
    ```
    """
    from carrythrough.xapi.formats import uuid_bytes

    with open_reader(target, learners=for_learner) as reader:
        if uuid_bytes(reference) is not None:
            found = reader.registration(reference)
            shown = [found]
        else:
            found = reader.registrations(reference)
            shown = found["registrations"]
    if json:
        say_json(found)
        return 0
    if not shown:
        say("No cmi5-defined statement was about this person yet.")
    for number, entry in enumerate(shown):
        if number:
            say()
        _show(entry)
    return 0


def _show(found: dict[str, Any]) -> None:
    say(f"Registration {found['registration']}: {_MET[found['met']]}", "bold")
    say()
    table(
        [
            ("unit", "left"), ("moveOn", "left"), ("", "left"), ("since (UTC)", "ids", 3), ("passed", "left"),
            ("completed", "left"), ("mastery", "right", 2), ("sessions", "right", 1), ("abandoned", "right", 1),
        ],
        (
            [
                unit["activity"], unit["move_on"] or "not known", _MET[unit["met"]],
                words.when(unit["met_since"]) if unit["met_since"] else "–", _passed(unit),
                "yes" if unit["completed"] else "–",
                "–" if unit["mastery_score"] is None else f"{unit['mastery_score']:g}",
                unit["sessions"], unit["abandoned"],
            ]
            for unit in found["units"]
        ),
    )  # fmt: skip
    aside = [(unit, entry) for unit in found["units"] for entry in unit["set_aside"]]
    if aside:
        say()
        say("Set aside", "bold")
        for unit, entry in aside:
            say_wrapped(
                f"{words.when(entry['time'])} {entry['verb']} {unit['activity']} ({entry['statement']}): "
                f"{entry['text']}"
            )


def _passed(unit: dict[str, Any]) -> str:
    if unit["waived"]:
        return "waived"
    for name, word in (("passed", "yes"), ("failed", "failed")):
        if unit[name]:
            scaled = unit[name]["scaled"]
            return word if scaled is None else f"{word} ({scaled:g})"
    return "–"
