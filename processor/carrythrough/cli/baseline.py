"""`carrythrough baseline`: close the KPI baselines of a data folder, and show those in force."""

from __future__ import annotations

import getpass
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.contest import in_folder
from carrythrough.cli.moments import time_of
from carrythrough.cli.table import Column, table
from carrythrough.cli.target import Target
from carrythrough.cli.terminal import plural, say, say_json
from carrythrough.cli.usage import wrong_usage

AsJson = Annotated[bool, Parameter(help="Print JSON.")]
Folder = Annotated[str | None, Parameter(help="The data folder.")]
Config = Annotated[Path | None, Parameter(help="Settings file that names the data folder.")]


def close(
    *kpis: Annotated[str, Parameter(help="KPIs of the program map; all of them when left out.")],
    until: Annotated[
        str,
        Parameter(
            help="Take no readings after this time (default: now); the baseline windows of the map hold as well."
        ),
    ] = "",
    json: AsJson = False,
    data_dir: Folder = None,
    config: Config = None,
) -> int:
    """Close the baselines of KPIs from the readings before the program, with a record in the log.

    From then on readings are held against them: how noisy a reading is, how much it says about one person, and,
    where a KPI has no target, how it ranks among peers of role and site (a fallback, labelled as one).

    A KPI whose map names a `baseline` takes the readings of those days; the others take all there are, so name
    the time before the program began with --until.

    For example:

    ```sh
    carrythrough baseline close repeat-contact-rate --until 2026-03-31 --data-dir data
    ```
    """
    until_ms = time_of(until, "--until") if until else int(time.time() * 1000)

    def work(runtime: Any) -> dict[str, Any]:
        known = list(runtime.fold.in_force.program.kpis)
        for kpi in kpis:
            if kpi not in known:
                raise wrong_usage(
                    f"{kpi!r} is no KPI of the program map", f"name one of {known}", where="KPI"
                )
        found = runtime.close_baselines(kpis or known, until_ms, f"cli:{getpass.getuser()}")
        return _as_json(found)

    found = in_folder(Target(data_dir=data_dir, config=config), work)
    if json:
        say_json(found)
        return 0
    say(f"Closed: {plural(len(found['kpis']), 'baseline')} in force.", "bold")
    say()
    _show(found)
    return 0


def show_baselines(*, json: AsJson = False, data_dir: Folder = None, config: Config = None) -> int:
    """Show the baselines in force: noise, reliability, and the peers that readings are ranked among.

    For example:

    ```sh
    carrythrough baseline show --data-dir data
    ```
    """
    from carrythrough.cli.folder_reader import FolderReader

    folder = Path(Target(data_dir=data_dir, config=config).settings().data_dir)
    with FolderReader(folder) as reader:
        found = _as_json(reader.in_force.baselines)
    if json:
        say_json(found)
        return 0
    if not found["kpis"]:
        say("No baseline is closed. Readings are held against the targets of the map alone.")
        return 0
    _show(found)
    return 0


def _as_json(baselines: Any) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(baselines)
    for kpi, baseline in baselines.kpis.items():
        found["kpis"][kpi]["cells"] = [
            {name: getattr(cell, name) for name in cell.__struct_fields__} for cell in baseline.cells
        ]
        found["kpis"][kpi]["own"] = len(baseline.own)
    return found


def _show(found: dict[str, Any]) -> None:
    columns: list[Column] = [
        ("KPI", "ids"),
        ("months", "left", 2),
        ("role", "left"),
        ("site", "left"),
        ("people", "right"),
        ("readings", "right"),
        ("median", "right"),
        ("MAD", "right"),
        ("noise", "right"),
        ("reliability", "right", 1),
    ]
    rows = []
    for kpi, baseline in found["kpis"].items():
        for cell in baseline["cells"]:
            everybody = not cell["role"] and not cell["site"]
            rows.append(
                [
                    kpi,
                    f"{baseline['first']}–{baseline['last']}",
                    cell["role"] or "all",
                    cell["site"] or "all",
                    cell["people"],
                    cell["readings"],
                    f"{cell['median']:.4g}",
                    f"{cell['mad']:.3g}",
                    f"{baseline['noise_sd']:.3g}" if everybody else "",
                    f"{baseline['reliability']:.2f}" if everybody else "",
                ]
            )
    table(columns, rows)
