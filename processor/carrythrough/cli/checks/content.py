"""Checks of what an installation works with: map, roster, adapters, and how far scoring and delivery are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from carrythrough.authoring.source import Lint
from carrythrough.cli.adapters import check_adapters
from carrythrough.cli.checks.result import Result, failed
from carrythrough.cli.folder_reader import FolderReader, lock_holder
from carrythrough.cli.terminal import plural
from carrythrough.embedded.activation import read_input
from carrythrough.embedded.database import connect
from carrythrough.embedded.policy import waiting_rules
from carrythrough.errors import CarrythroughError, PermanentError
from carrythrough.quarantine_file import default_path, read_quarantine
from carrythrough.settings import Settings


def check_inputs(settings: Settings) -> Iterator[Result]:
    """Yield what holds for the map and roster files of the settings, and for the adapters."""
    from carrythrough.identity.roster import check_roster
    from carrythrough.program.load import check_program

    stored = (Path(settings.data_dir) / "log.sqlite").exists()
    if settings.program:
        yield _authored("program map", settings.program, check_program)
    elif not stored:
        fix = "name one in the settings (program) or with --program; `carrythrough demo` shows an example"
        yield Result("program map", "failed", "none is named, and none is in force", fix)
    if settings.roster:
        yield _authored("roster", settings.roster, check_roster)
    for entry in check_adapters(settings.adapters):
        name = f"adapter {entry['name']}"
        yield failed(name, entry["problem"]) if entry["problem"] else Result(name, "ok", entry["check"])


def _authored(name: str, path: str, check: Any) -> Result:
    try:
        text = read_input(Path(path), "roster" if name == "roster" else "program")
    except PermanentError as error:
        return failed(name, error.problem)
    value, lints = check(text, path)
    errors = [lint for lint in lints if lint.severity == "error"]
    if errors:
        return Result(name, "failed", _first(errors), f"carrythrough validate {path}")
    if lints:
        return Result(name, "warning", _first(lints), f"carrythrough validate {path}")
    size = f"{len(value.skills)} skills" if hasattr(value, "skills") else f"{len(value.people)} people"
    return Result(name, "ok", f"{path}: {size}")


def _first(lints: list[Lint]) -> str:
    more = f" (and {len(lints) - 1} more)" if len(lints) > 1 else ""
    return f"{lints[0].where}: {lints[0].message}{more}"


def check_state(path: Path) -> Iterator[Result]:
    """Yield how far scoring and delivery are in a data folder."""
    try:
        with FolderReader(path) as reader:
            program = reader.in_force.program.map
            if program.id == "none":
                fix = "start the server with --program FILE once"
                yield Result(
                    "map in force", "failed", "no program map is in force, so nothing is scored", fix
                )
            else:
                people = len(reader.in_force.directory.people)
                yield Result(
                    "map in force",
                    "ok",
                    f"{program.id} version {program.version}, {len(program.skills)} skills",
                )
                yield _roster_in_force(people)
                yield from unknown_actors(reader.summary()["unknown"], people)
            yield _position(reader, running=lock_holder(path) is not None)
            yield from _aside(reader.summary())
            yield _waiting(path, reader)
    except CarrythroughError as error:
        yield failed("state", error.problem)
    yield _refused(path)


def _roster_in_force(people: int) -> Result:
    if people:
        return Result("roster in force", "ok", plural(people, "person", "people"))
    fix = "start the server with --roster FILE once"
    return Result(
        "roster in force", "warning", "none: people are unknown actors, and nobody can be reached", fix
    )


def unknown_actors(actors: int, people: int) -> Iterator[Result]:
    """Yield a warning where a roster is in force and does not know everybody who has evidence."""
    if actors and people:
        detail = (
            f"the roster does not know {plural(actors, 'actor')} with evidence: it waits and gives no scores"
        )
        fix = "`carrythrough roster unknown` lists them; give each person the identifier on the roster"
        yield Result("unknown actors", "warning", detail, fix)


def _position(reader: FolderReader, *, running: bool) -> Result:
    summary = reader.summary()
    detail = f"position {summary['folded_position']} of {summary['position']}"
    if not reader.lag:
        return Result("scoring", "ok", f"{detail}: everything stored is scored")
    if running:
        return Result("scoring", "ok", f"{detail}: the server is at it")
    return Result(
        "scoring", "warning", f"{detail}: {plural(reader.lag, 'record')} behind", "start the server"
    )


def _waiting(path: Path, reader: FolderReader) -> Result:
    connection = connect(path / "state.sqlite", readonly=True)
    try:
        waiting = waiting_rules(connection, reader.in_force.orders, reader.now_ms)
    finally:
        connection.close()
    if not waiting:
        return Result("approvals", "ok", "no rule waits for approval")
    names = ", ".join(f"{one['rule']} ({plural(one['decisions'], 'decision')})" for one in waiting)
    fix = "look at whom it would reach, then: carrythrough policy approve RULE --reason ... (or --deny)"
    return Result("approvals", "warning", f"held, since they would reach many at once: {names}", fix)


def _aside(summary: dict[str, Any]) -> Iterator[Result]:
    dead, aside = summary["dead_letters"], summary["quarantined"]
    if dead:
        fix = "carrythrough deadletters list; mend the cause, then carrythrough deadletters replay --all"
        yield Result("dead letters", "warning", f"{plural(dead, 'action')} could not be delivered", fix)
    else:
        yield Result("dead letters", "ok", "none")
    if aside:
        fix = "carrythrough quarantine list, and report it: scoring must not fail on any record"
        yield Result("quarantine", "failed", f"scoring failed on {plural(aside, 'record')}", fix)
    else:
        yield Result("quarantine", "ok", "no record that could not be scored")


def _refused(path: Path) -> Result:
    file = default_path(str(path))
    try:
        number = sum(1 for _ in read_quarantine(file)) if file.exists() else 0
    except CarrythroughError as error:
        return failed("refused records", error.problem)
    if number:
        fix = "carrythrough quarantine list shows why; export, mend, and bring them in again"
        return Result("refused records", "warning", f"{plural(number, 'record')} in {file}", fix)
    return Result("refused records", "ok", "none")
