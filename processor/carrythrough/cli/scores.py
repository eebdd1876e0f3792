"""`carrythrough scores`: who stands where, as a table or as JSON."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.table import Column, table
from carrythrough.cli.target import Target, open_reader
from carrythrough.cli.terminal import note, plural, say, say_json, styled
from carrythrough.cli.usage import wrong_usage
from carrythrough.gateway.pages import words

STAGE_STYLES = {
    "carried-through": "green",
    "underperforming": "red",
    "settling-in": "magenta",
    "fading": "yellow",
    "unapplied": "yellow",
    "applied-with-support": "cyan",
    "not-enough-evidence": "dim",
}
ARROWS = {1: "▲", 0: "=", -1: "▼"}


def scores(
    employee: Annotated[str, Parameter(help="Roster id or pseudonym; leave it out for everybody.")] = "",
    /,
    *,
    skill: Annotated[str, Parameter(help="Only this skill (its id in the program map).")] = "",
    stage: Annotated[str, Parameter(help="Only this stage, such as fading or not-enough-evidence.")] = "",
    team: Annotated[str, Parameter(help="Only people of this team in the roster.")] = "",
    limit: Annotated[int, Parameter(help="At most this many rows.")] = 200,
    json: Annotated[bool, Parameter(help="Print JSON as the REST API gives it.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Show who stands where: transfer scores, intervals and stages.

    A score is the chance (0-100) that the next opportunity on the job meets the standard.

    Under the minimum evidence there is no number, and the stage says so.

    For example:

    ```sh
    carrythrough scores --data-dir data
    carrythrough scores e-017 --data-dir data
    carrythrough scores --stage fading --team north --url http://127.0.0.1:8080
    carrythrough scores --json --data-dir data | jq '.scores[] | select(.score != null)'
    ```
    """
    if stage and stage not in words.STAGES:
        raise wrong_usage(
            f"{stage!r} is not a stage", f"name one of: {', '.join(words.STAGES)}", where="--stage"
        )
    if limit < 1:
        raise wrong_usage(
            "--limit is below 1", "leave it out, or give a whole number above 0", where="--limit"
        )
    with open_reader(target) as reader:
        if employee:
            if team:
                raise wrong_usage("EMPLOYEE and --team do not go together", "leave one out", where="--team")
            _one(reader.employee(employee), skill, stage, as_json=json)
            return 0
        found, more = reader.scores(skill=skill, stage=stage, team=team, limit=limit)
        if json:
            say_json({"scores": found, "more": more})
            return 0
        if not more:
            found.sort(key=lambda entry: (entry.get("team", ""), _name(entry)))
        _everybody(found, reader, filtered=bool(skill or stage or team))
        if more:
            note(
                f"There are more: the first {limit} are shown; raise --limit, or narrow with --skill, --stage, --team."
            )
        _note_lag(reader)
    return 0


def _everybody(found: list[dict[str, Any]], reader: Any, *, filtered: bool) -> None:
    if not found:
        if filtered:
            note("Nobody matches. Leave a filter out to see more.")
        else:
            _explain_emptiness(reader.summary())
        return
    named = any("name" in entry for entry in found)
    columns: list[Column] = [("employee", "ids")]
    columns += [("name", "left", 1), ("team", "left", 2)] if named else []
    columns += [("skill", "left"), *_SCORE_COLUMNS]
    table(columns, (_row(entry, named=named) for entry in found))
    shown = sum(entry["score"] is not None for entry in found)
    people = len({entry["subject"] for entry in found})
    say()
    say(
        f"{plural(people, 'person', 'people')}, {plural(len(found), 'skill pair')}, {shown} with enough evidence."
    )
    if shown:
        say("80 %: four times in five the true chance lies in there. ▲ rising, ▼ falling, = steady.", "dim")
    say(f"Why: carrythrough explain {_name(found[0])} --skill {found[0]['skill']} …", "dim")


_SCORE_COLUMNS: list[Column] = [
    ("score", "right"),
    ("80 %", "right"),
    ("", "left"),
    ("stage", "left"),
    ("outcomes", "right", 3),
    ("exposures", "right", 4),
    ("last evidence (UTC)", "ids", 5),
]


def _name(entry: dict[str, Any]) -> str:
    return str(entry.get("employee") or entry["subject"])


def _row(entry: dict[str, Any], *, named: bool) -> list[Any]:
    names = [entry.get("name", ""), entry.get("team", "")] if named else []
    return [_name(entry), *names, entry["skill"], *_score_cells(entry)]


def _score_cells(entry: dict[str, Any]) -> list[Any]:
    known = entry["score"] is not None
    style = STAGE_STYLES.get(entry["stage"], "")
    return [
        styled(words.points(entry["score"]), "bold" if known else "dim"),
        f"{words.points(entry['low'])}–{words.points(entry['high'])}" if known else "",
        ARROWS[entry["trend"]] if known else "",
        styled(words.stage(entry["stage"]).word, style),
        entry["outcomes"],
        entry["exposures"],
        words.when(entry["last_evidence"]),
    ]


def _one(answer: dict[str, Any], skill: str, stage: str, *, as_json: bool) -> None:
    skills = [s for s in answer["skills"] if skill in ("", s["skill"]) and stage in ("", s["stage"])]
    if as_json:
        say_json(answer | {"skills": skills})
        return
    say(heading_of(answer), "bold")
    overall = answer["overall"]
    if overall is not None:
        low, high = words.points(overall["low"]), words.points(overall["high"])
        say(
            f"Overall {words.points(overall['score'])} of 100 (80 % interval {low}–{high}); weakest: "
            f"{overall['weakest_skill']} with {words.points(overall['weakest_score'])}."
        )
    if not skills:
        say("No evidence yet" + (" that matches." if skill or stage else "."))
        return
    say()
    columns: list[Column] = [
        ("skill", "left"),
        *_SCORE_COLUMNS[:-1],
        ("target", "right", 2),
        _SCORE_COLUMNS[-1],
    ]
    rows = []
    for entry in skills:
        cells = _score_cells(entry)
        rows.append([entry["skill_name"], *cells[:-1], words.points(entry["target"]), cells[-1]])
    table(columns, rows)
    say()
    for entry in skills:
        reason = entry["reasons"][0]["text"] if entry["reasons"] else words.stage(entry["stage"]).meaning
        say(f"{entry['skill']}: {reason}")


def heading_of(answer: dict[str, Any]) -> str:
    """Return how an employee is named on top of an answer: name, roster id, role and team where known."""
    parts = [str(answer[key]) for key in ("name", "employee", "role", "team") if answer.get(key)]
    return " · ".join(parts) or str(answer["subject"])


def _explain_emptiness(summary: dict[str, Any]) -> None:
    seen = summary["statements"] + summary["events"]
    program = summary["program"]
    if program["id"] == "none":
        note("There is no program map in force yet: scores need one (see `carrythrough serve --help`).")
    elif seen == 0:
        note("Nothing has arrived yet. Send statements, or bring a file in: carrythrough ingest FILE")
    else:
        note(
            f"{plural(seen, 'record')} arrived, and none of them says anything about a skill of the map "
            f"{program['id']} version {program['version']}. Check which activities and verbs its rules match: "
            "carrythrough validate FILE --program MAP"
        )


def _note_lag(reader: Any) -> None:
    lag = getattr(reader, "lag", 0)
    if lag:
        note(f"{plural(lag, 'record')} in the log not scored yet: a server on this data folder catches up.")
