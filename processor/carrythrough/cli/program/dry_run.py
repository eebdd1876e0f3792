"""`carrythrough program dry-run`: how scores, stages and actions would change before a new map goes live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.terminal import note, plural, say, say_json, say_wrapped
from carrythrough.cli.usage import wrong_usage

SHOWN = 10
_LESS = "Going live changes less at once: evidence that is stamped already stays as it is."


def dry_run(
    new: Annotated[Path, Parameter(help="The map as it is to be.")],
    /,
    *files: Annotated[
        Path,
        Parameter(help="Files of statements or performance events, in place of the log of a data folder."),
    ],
    data_dir: Annotated[
        str | None,
        Parameter(
            name=["--data-dir", "--data"],
            help="The data folder (default: that of the settings, else ./data).",
        ),
    ] = None,
    config: Annotated[Path | None, Parameter(help="Settings file (TOML) that names the data folder.")] = None,
    old: Annotated[
        Path | None, Parameter(help="Compare with this map (default: the one in force; with files: none).")
    ] = None,
    roster: Annotated[Path | None, Parameter(help="With files: who people are, and their roles.")] = None,
    limit: Annotated[int, Parameter(help="Show at most this many people whose score moves.")] = SHOWN,
    json: Annotated[bool, Parameter(help="Print everything as JSON.")] = False,
) -> int:
    """Read the log under the map in force and under a new one, and show what would change.

    Both maps read every record from the first one on, with the people, the model and the baselines of today. The data
    folder is only read: nothing is written to it, and the server may go on running. People are shown by pseudonym.

    For example:

    ```sh
    carrythrough program dry-run program-map-new.yaml --data-dir data
    carrythrough program dry-run new.yaml statements.jsonl.gz events.csv --old old.yaml
    ```
    """
    from carrythrough.cli.program.reading import read_map

    after = read_map(new)
    before = None if old is None else read_map(old)
    if files:
        if data_dir or config:
            raise wrong_usage(
                "files are read in place of a data folder", "leave one of the two out", where="--data-dir"
            )
        from carrythrough.cli.program.trying import over_files

        outcome, refusals = over_files(files, before, after, roster)
    else:
        from carrythrough.cli.program.trying import over_folder
        from carrythrough.cli.target import data_folder

        if roster is not None:
            raise wrong_usage("a data folder has its own roster", "leave --roster out", where="--roster")
        before, outcome = over_folder(data_folder(data_dir, config), before, after)
        refusals = None
    if json:
        _say_json(before, after, outcome)
        return 0
    _show(before, after, outcome, limit)
    if refusals is not None:
        from carrythrough.cli.program.shown import show_refusals

        show_refusals(refusals)
    return 0


def _show(before: Any, after: Any, outcome: Any, limit: int) -> None:
    old = "no map" if before is None else f"{before.id} version {before.version}"
    say(
        f"{plural(outcome.records, 'record')} under {old} and under {after.id} version {after.version}",
        "bold",
    )
    say(f"Evidence: {outcome.evidence[0]:,} → {outcome.evidence[1]:,} pieces.")
    if outcome.failed:
        note(
            f"{plural(outcome.failed, 'record')} could not be folded; the server would set them aside.",
            "yellow",
        )
    say()
    _show_skills(outcome)
    if not outcome.movers:
        say()
        say("Nobody's score or stage would change.", "green")
    else:
        _show_movers(outcome, limit)
    changed = {rule: counts for rule, counts in outcome.actions.items() if counts[0] != counts[1]}
    if outcome.actions:
        from carrythrough.cli.table import table

        say()
        rows = [[rule, f"{a:,}", f"{b:,}"] for rule, (a, b) in outcome.actions.items()]
        table([("reinforcement rule acted", "ids"), ("before", "right"), ("after", "right")], rows)
    if outcome.movers or changed:
        say()
        people = plural(len({mover.subject for mover in outcome.movers}), "person", "people")
        rules = f"{plural(len(changed), 'rule')} would act more or less often"
        say_wrapped(f"{people} would move; {rules}. {_LESS}", "")


def _show_skills(outcome: Any) -> None:
    from carrythrough.cli.table import table

    rows = []
    for skill in outcome.skills:
        stages = ", ".join(f"{stage} {a}→{b}" for stage, (a, b) in skill.stages.items())
        rows.append(
            [
                skill.skill,
                f"{skill.scored_before:,} → {skill.scored_after:,}",
                f"{_points(skill.mean_before)} → {_points(skill.mean_after)}",
                f"{skill.moved:,}",
                stages,
            ]
        )
    columns = [("skill", "ids"), ("people scored", "right"), ("mean score", "right"), ("moved", "right")]
    table([*columns, ("people in a stage", "left", 1)], rows)


def _show_movers(outcome: Any, limit: int) -> None:
    from carrythrough.cli.table import table

    say()
    say("Who moves most:")
    say()
    rows = []
    for mover in outcome.movers[:limit]:
        before, after = mover.before, mover.after
        rows.append(
            [mover.subject, mover.skill, _standing(before), _standing(after), f"{100 * mover.by:+.0f}"]
        )
    columns = [
        ("person", "ids"),
        ("skill", "left"),
        ("before", "left"),
        ("after", "left"),
        ("moves", "right"),
    ]
    table(columns, rows)
    hidden = len(outcome.movers) - limit
    if hidden > 0:
        say(f"… and {hidden:,} more (--limit N)")


def _standing(standing: Any) -> str:
    if standing is None:
        return "nothing"
    stage = str(standing.stage).replace("-", " ")
    return stage if standing.score is None else f"{_points(standing.score)} {stage}"


def _points(score: float | None) -> str:
    return "–" if score is None else f"{100 * score:.0f}"


def _say_json(before: Any, after: Any, outcome: Any) -> None:
    import msgspec

    say_json(
        {
            "old": None if before is None else {"map": before.id, "version": before.version},
            "new": {"map": after.id, "version": after.version},
            "records": outcome.records,
            "evidence": {"before": outcome.evidence[0], "after": outcome.evidence[1]},
            "skills": msgspec.to_builtins(outcome.skills),
            "movers": [
                msgspec.to_builtins(mover) | {"moves": round(mover.by, 4)} for mover in outcome.movers
            ],
            "actions": {rule: {"before": a, "after": b} for rule, (a, b) in outcome.actions.items()},
            "failed": outcome.failed,
        }
    )
