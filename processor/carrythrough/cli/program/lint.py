"""`carrythrough program lint`: what is wrong with a map, where, by which rule, and the lines that mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from carrythrough.cli.terminal import note, plural, say, say_json

SHOWN = 20


def lint(
    map_: Annotated[Path, Parameter(name="MAP", help="The program map (YAML or JSON).")],
    /,
    *,
    roster: Annotated[
        Path | None,
        Parameter(
            help="Check this roster too, and that it has the roles, teams, sites and people that the map speaks of."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        Parameter(help="Settings file whose adapters the map may name, beside those that are installed."),
    ] = None,
    strict: Annotated[bool, Parameter(help="Let warnings count as errors.")] = False,
    limit: Annotated[int, Parameter(help="Show at most this many findings.")] = SHOWN,
    format: Annotated[  # noqa: A002 - the name of the option
        Literal["text", "github"], Parameter(help='"github": annotations of a pull request.')
    ] = "text",
    json: Annotated[bool, Parameter(help="Print every finding as JSON.")] = False,
) -> int:
    """Check a program map like a good compiler: where, what, by which rule, and the lines that mend it.

    The exit code is 1 when there is any error (with --strict: any warning).

    For example:

    ```sh
    carrythrough program lint program-map.yaml
    carrythrough program lint program-map.yaml --roster roster.yaml --strict
    carrythrough program lint program-map.yaml --format github
    ```
    """
    from carrythrough.cli.program.around import surroundings
    from carrythrough.cli.program.findings import findings_json, show_finding, show_github
    from carrythrough.cli.program.reading import Opened
    from carrythrough.program.edits import advice, edits_for

    people, found = _roster(roster)
    opened = Opened(map_, surroundings(people, config))
    if opened.program is not None:
        lints = [*advice(opened.program, opened.root, opened.name), *opened.lints]
        found = [*edits_for(lints, opened.program, opened.root, opened.text), *found]
    else:
        found = [*((one, None) for one in opened.lints), *found]
    errors = sum(one.severity == "error" for one, _ in found)
    warnings = len(found) - errors
    if json:
        counts = {"file": opened.name, "errors": errors, "warnings": warnings}
        say_json(counts | {"findings": findings_json(found)})
    elif format == "github":
        show_github(found)
    else:
        for number, (one, edit) in enumerate(found[:limit]):
            if number:
                say()
            show_finding(one, edit)
        if found:
            say()
        hidden = len(found) - limit
        if hidden > 0:
            say(f"… and {plural(hidden, 'more finding')} (--limit N, or --json for all)")
        counted = [plural(n, word) for n, word in ((errors, "error"), (warnings, "warning")) if n]
        what = "" if opened.program is None else f" ({_holds(opened.program)})"
        say(f"{opened.name}: {', '.join(counted) or 'good'}{what}", "bold" if counted else "green")
        if sum(edit is not None and edit.where.startswith("after") for _, edit in found) > 1:
            note(
                "Line numbers are those of the file as it is: make the lowest edit first, or lint again after each."
            )
    return int(bool(errors or (strict and warnings)))


def _holds(program: Any) -> str:
    parts = (
        (len(program.goals), "goal"),
        (len(program.skills), "skill"),
        (len(program.activities), "activity"),
        (len(program.events), "event rule"),
        (len(program.reinforcement), "reinforcement rule"),
    )
    return ", ".join(plural(n, word, "activities" if word == "activity" else "") for n, word in parts if n)


def _roster(path: Path | None) -> tuple[Any, Any]:
    """Return the people of a roster (None where it is not given, or not good) and its findings."""
    if path is None:
        return None, []
    from carrythrough.cli.files.opening import InputFile
    from carrythrough.cli.validating.authored import BYTES_MAX, check_authored

    with InputFile(path) as file:
        checked = check_authored("roster", file.name, file.stream.read(BYTES_MAX))
    people = None if checked.value is None else checked.value.people
    return people, [(one, None) for one in checked.findings]
