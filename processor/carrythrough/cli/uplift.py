"""`carrythrough uplift`: what pushes do, and how sure that is."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.table import Column, table
from carrythrough.cli.target import Target, open_reader
from carrythrough.cli.terminal import say, say_json
from carrythrough.cli.usage import wrong_usage
from carrythrough.gateway.pages import words
from carrythrough.impact.worth import WORTH, WORTH_MAX, WORTH_MIN

_COLUMNS: list[Column] = [
    ("", "left"),
    ("effect", "right"),
    ("90 %, one look", "left"),
    ("95 %, any look", "left"),
    ("decisions", "right"),
    ("people", "right"),
    ("verdict", "left", 2),
]


def uplift(
    *,
    worth: Annotated[
        float, Parameter(help="The effect that is worth finding, as a difference of shares.")
    ] = WORTH,
    json: Annotated[bool, Parameter(help="Print JSON as the REST API gives it.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Show what pushes do: practice within 48 hours, the next job outcome within 30 days.

    Only decisions that chance took part in count. "No detectable effect yet" comes with the number of further
    decisions that would find an effect of --worth in 8 of 10 cases. Nothing is shown under 30 people with and 30
    without a push.

    For example:

    ```sh
    carrythrough uplift --data-dir data
    carrythrough uplift --worth 0.1 --json --data-dir data
    ```
    """
    if not WORTH_MIN <= worth <= WORTH_MAX:
        raise wrong_usage(
            f"--worth is between {WORTH_MIN} and {WORTH_MAX}",
            "0.05 stands for 5 points of 100",
            where="--worth",
        )
    with open_reader(target) as reader:
        found = reader.uplift(worth)
    if json:
        say_json(found)
        return 0
    _show(found)
    return 0


def _show(found: dict[str, Any]) -> None:
    say(f"What pushes do, {words.when(found['as_of'])} UTC", "bold")
    say(found["rung"])
    say(
        f"{found['decisions']} decisions kept, {found['randomised']} of them left to chance, "
        f"about {found['people']} people."
    )
    for outcome in found["outcomes"]:
        say()
        say(f"{outcome['words']}", "bold")
        say(outcome["whole"]["words"])
        rows = [_row("all pushes", outcome["whole"])]
        for by in ("action", "stage", "adapter"):
            rows += [_row(f"{by} {part['name']}", part) for part in outcome[f"by_{by}"]]
        table(_COLUMNS, rows)
        if outcome["open"]:
            say(f"{outcome['open']} decisions wait for their outcome.", "dim")
    say()
    _holdout(found["holdout"], found["least_people"])
    for warning in found["warnings"]:
        say()
        say(f"Early warning{' (' + warning['cohort'] + ')' if warning['cohort'] else ''}", "bold")
        say(warning["words"])
    _exposure(found["exposure"])


def _row(name: str, part: dict[str, Any]) -> list[Any]:
    if part["verdict"] == "too-few":
        return [name, "–", "–", "–", "–", "–", "too few"]
    return [
        name,
        words.signed_points(100 * part["effect"], 1),
        _between(part["low"], part["high"]),
        _between(part["anytime_low"], part["anytime_high"]),
        part["decisions"],
        part["people"],
        "effect" if part["verdict"] == "effect" else f"none yet; {part['more_decisions']} more decisions",
    ]


def _between(low: float, high: float) -> str:
    return f"{words.signed_points(100 * low, 1)} to {words.signed_points(100 * high, 1)}"


def _holdout(found: dict[str, Any], least: int) -> None:
    say("Held out against the others", "bold")
    if found["verdict"] == "too-few":
        say(f"Too few people with job outcomes on one side: {least} are needed on each.")
        return
    effect, between = words.signed_points(100 * found["effect"], 1), _between(found["low"], found["high"])
    say(
        f"Job outcomes of {found['others']} people less those of {found['held']} held out: {effect} points "
        f"({between}, 90 %, one look)."
    )


def _exposure(found: dict[str, Any]) -> None:
    rows = [_share("whole program", found["program"])]
    rows += [_share(f"{group['by']} {group['group'] or 'none'}", group) for group in found["groups"]]
    say()
    say(f"Who got pushes in the last {found['days']} days", "bold")
    table([("", "left"), ("pushes a person", "right"), ("reached", "right"), ("people", "right")], rows)
    say(f"Groups of fewer than {found['minimum']} people are hidden.", "dim")


def _share(name: str, entry: dict[str, Any]) -> list[Any]:
    if entry["pushes"] is None:
        return [name, "hidden", "–", "–"]
    return [name, f"{entry['pushes']:.2f}", f"{round(100 * entry['reached'])} %", entry["people"]]
