"""`carrythrough adapters`: which plugins are installed, which are configured, and whether they can work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.table import table
from carrythrough.cli.terminal import say, say_json, show_problem, styled
from carrythrough.errors import CarrythroughError, Problem


def list_adapters(
    *,
    config: Annotated[Path | None, Parameter(help="Settings file whose `adapters` section is meant.")] = None,
    check: Annotated[
        bool, Parameter(help="Ask each configured adapter whether it can work.", negative="--no-check")
    ] = True,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
) -> int:
    """List the installed adapters and those of the settings; checks send nothing.

    For example:

    ```sh
    carrythrough adapters list
    carrythrough adapters list --config carrythrough.toml --json
    ```
    """
    from carrythrough.dispatch.registry import discover
    from carrythrough.embedded.runtime import DEFAULT_ADAPTERS
    from carrythrough.settings import load_settings

    found = discover()
    section = load_settings(config).adapters
    configured = check_adapters(section or DEFAULT_ADAPTERS, check=check)
    failed = bool(found.broken) or any(entry["problem"] for entry in configured)
    if json:
        installed = [
            {"name": s.name, "kind": s.kind, "stability": s.stability, "summary": s.summary}
            for s in found.specs.values()
        ]
        say_json({"installed": installed, "broken": found.broken, "configured": configured})
        return int(failed)
    say("Installed", "bold")
    say()
    columns = [("adapter", "left"), ("kind", "left"), ("stability", "left"), ("what it does", "left")]
    table(columns, ([s.name, s.kind, s.stability, s.summary] for s in found.specs.values()))
    say()
    say("Configured" if section else "Configured: none, so actions are printed to the console", "bold")
    say()
    table(
        [("name", "left"), ("adapter", "left"), ("check", "left")],
        (_row(entry, check=check) for entry in configured),
    )
    for problem in (*found.broken, *(entry["problem"] for entry in configured if entry["problem"])):
        show_problem(problem)
    return int(failed)


def check_adapters(section: dict[str, dict[str, Any]], *, check: bool = True) -> list[dict[str, Any]]:
    """Build each adapter of a settings section alone and ask it; {"name", "adapter", "check", "problem"}."""
    from carrythrough.dispatch.registry import build_adapters

    answers: list[dict[str, Any]] = []
    for name, table_ in section.items():
        kind = str(table_.get("adapter", name))
        entry: dict[str, Any] = {"name": name, "adapter": kind, "check": "", "problem": None}
        answers.append(entry)
        try:
            built = build_adapters({name: table_})[name]
            if check:
                entry["check"] = built.check()
            built.close()
        except CarrythroughError as error:
            entry["problem"] = error.problem
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the others are still listed
            entry["problem"] = Problem(
                code="adapter-broken",
                status=500,
                title=f"The plugin of the adapter {kind!r} cannot be used",
                detail=f"{type(error).__name__}: {error}",
                where=f"adapters.{name}",
                rule="check() raises problems, nothing else",
                fix="upgrade or uninstall the plugin",
            )
    return answers


def _row(entry: dict[str, Any], *, check: bool) -> list[Any]:
    if entry["problem"] is not None:
        return [entry["name"], entry["adapter"], styled("fails, see below", "red")]
    return [
        entry["name"],
        entry["adapter"],
        styled(entry["check"] or ("ok" if check else "not asked"), "green"),
    ]
