"""`carrythrough program coverage`: what a map makes of files, and the rules that it lacks, ready to paste."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.terminal import note, plural, say, say_json, say_wrapped
from carrythrough.cli.usage import wrong_usage

SHOWN = 10
SUGGESTED = 3
_UNRULED = frozenset({"others", "retraction"})
"""Of events: what no rule can be for."""
GOOD_SHARE = 0.8
"""Share of score-bearing statements from which on a map is said to cover a file."""


def coverage(
    map_: Annotated[Path, Parameter(name="MAP", help="The program map.")],
    /,
    *files: Annotated[Path, Parameter(help="Files of statements or performance events.")],
    write: Annotated[bool, Parameter(help="Write the suggested activities into the map.")] = False,
    limit: Annotated[int, Parameter(help="Show at most this many groups of what is passed by.")] = SHOWN,
    require: Annotated[
        float,
        Parameter(help="Exit with 1 when a smaller share of score-bearing statements gives evidence, 0..1."),
    ] = 0.0,
    json: Annotated[bool, Parameter(help="Print everything as JSON.")] = False,
) -> int:
    """Show what a map makes of files: the share that gives evidence, what it passes by, and the rules that it lacks.

    What it passes by is grouped, and what of it says how something went comes with an activity to paste into
    the map. Nothing is stored or sent.

    For example:

    ```sh
    carrythrough program coverage program-map.yaml statements.jsonl.gz
    carrythrough program coverage program-map.yaml statements.jsonl.gz --write
    carrythrough program coverage program-map.yaml nightly.jsonl --require 0.8
    ```
    """
    if not files:
        raise wrong_usage("no file is named", "carrythrough program coverage MAP FILE…", where="FILE")
    if not 0.0 <= require <= 1.0:
        raise wrong_usage(f"{require:g} is no share", "write 0.8 for 80 %", where="--require")
    from carrythrough.cli.program.reading import Opened, Refusals, records_of
    from carrythrough.errors import PermanentError
    from carrythrough.pipeline.coverage import MapCoverage
    from carrythrough.program.load import load_program
    from carrythrough.program.proposing import propose

    opened = Opened(map_)
    program = opened.program or load_program(opened.text, opened.name)
    found, refusals = MapCoverage(program), Refusals()
    for kind, records in records_of(files, refusals):
        for record in records:
            if kind == "statements":
                found.add_statement(record.statement, record.t_ms)
            elif record.event is not None:
                found.add_event(record.event, record.t_ms)
    proposal = propose(found.passed_by, [(_likely_skill(found, program), "")])
    suggested = _suggested(proposal, program)
    short = found.bearing > 0 and found.covered < require * found.bearing
    if json:
        say_json(_as_dict(found, suggested, proposal, refusals))
    else:
        _show(found, suggested, proposal, limit, map_, write=write)
        _show_refusals(refusals)
    if write and suggested:
        if not _written(opened, suggested):
            raise PermanentError(_unwritable(map_))
        note(f"{plural(len(suggested), 'activity', 'activities')} written into {map_}.")
        note(f"Next: carrythrough program lint {map_}")
    return int(short)


def _likely_skill(found: Any, program: Any) -> str:
    """Return the skill that a suggestion names: the one with most evidence in these files, else the first."""
    counts: dict[str, int] = {}
    for (skill, _), number in found.evidence.items():
        counts[skill] = counts.get(skill, 0) + number
    first: str = program.skills[0].id
    return max(counts, key=lambda skill: (counts[skill], skill), default=first)


def _suggested(proposal: Any, program: Any) -> list[Any]:
    """Return the proposed activities for score-bearing statements, with ids that the map does not have."""
    import msgspec

    from carrythrough.program.courses import unique

    taken = {activity.id for activity in program.activities}
    found = []
    for part in proposal.activities:
        if part.bearing:
            renamed = msgspec.structs.replace(part.activity, id=unique(part.activity.id, taken))
            doubt = (
                f'; whether it is about "{renamed.evidence[0].skill}" is a guess'
                if len(program.skills) > 1
                else ""
            )
            found.append(msgspec.structs.replace(part, activity=renamed, reason=part.reason + doubt))
    return sorted(found, key=lambda part: -part.bearing)


def _show(found: Any, suggested: list[Any], proposal: Any, limit: int, path: Path, *, write: bool) -> None:
    from carrythrough.cli.program.findings import show_lines
    from carrythrough.cli.program.shown import share, show_bearing
    from carrythrough.program.map_text import activity_lines, event_rule_lines

    if found.statements:
        show_bearing(found.statements, found.bearing, found.covered)
        if found.bearing:
            outcomes = f"{found.measured:,} of them give outcomes ({share(found.measured, found.bearing)})"
            say_wrapped(f"{outcomes}; the others inform: exposure, support, voice.", "")
    if found.events:
        say(f"{found.events_seen:,} of {found.events:,} events give evidence.", "bold")
    if not (found.statements or found.events):
        say("The files hold no records.")
        return
    say()
    _show_skills(found)
    _show_passed(found, proposal, limit)
    unused = found.unused()
    if found.statements and unused:
        say()
        say_wrapped(
            f"{plural(len(unused), 'activity', 'activities')} of the map took none of these statements: "
            f"{', '.join(unused[:limit])}{' …' if len(unused) > limit else ''}",
            "",
        )
    for part in suggested[:SUGGESTED]:
        say()
        say(
            f"{plural(part.bearing, 'score-bearing statement')} would give evidence. Add under activities:",
            "bold",
        )
        show_lines(activity_lines(part))
    for passed, number in found.events_passed.most_common(SUGGESTED):
        if passed.kind in _UNRULED or passed.about:
            continue  # one that names a KPI, a skill or an activity asks for that, not for a rule
        say()
        say(f"{plural(number, 'event')} would give evidence. Add under events:", "bold")
        show_lines(event_rule_lines(passed.kind, passed.source, _likely_skill(found, found.program.map)))
    if suggested and not write:
        say()
        more = f"{len(suggested) - SUGGESTED:,} more are proposed. " if len(suggested) > SUGGESTED else ""
        note(f"{more}Write all of them into the map: add --write")
    elif not suggested and found.bearing and found.covered >= GOOD_SHARE * found.bearing:
        note(f"Next: carrythrough program test {path}")


def _show_skills(found: Any) -> None:
    from carrythrough.cli.table import table
    from carrythrough.cli.terminal import styled

    rows = []
    for skill, channels in found.skills().items():
        words = ", ".join(f"{number:,} {channel}" for channel, number in channels.items())
        rows.append([skill, words or styled("nothing", "yellow")])
    table([("skill", "ids"), ("evidence in these files", "left")], rows)


def _show_passed(found: Any, proposal: Any, limit: int) -> None:
    from carrythrough.cli.table import table

    rows = [[f"{left.statements:,}", left.verb, left.about, left.why] for left in proposal.left_out]
    rows += [
        [f"{number:,}", verb, part.activity.name, "no rule of the map holds for it"]
        for part in proposal.activities
        for verb, number in part.verbs
    ]
    rows += [
        [f"{number:,}", passed.kind, passed.about or passed.source, "no event rule holds for it"]
        for passed, number in found.events_passed.items()
    ]
    if found.passed_by.elsewhere:
        rows.append(
            [f"{found.passed_by.elsewhere:,}", "any", "not an activity", "about people or other statements"]
        )
    if not rows:
        return
    rows.sort(key=lambda row: -int(row[0].replace(",", "")))
    say()
    say(f"Passed by: {plural(found.statements - found.seen + found.events - found.events_seen, 'record')}.")
    say()
    columns = [("records", "right"), ("verb or kind", "ids"), ("about", "left"), ("why", "left", 1)]
    table(columns, rows[:limit])  # type: ignore[arg-type]
    if len(rows) > limit:
        say(f"… and {plural(len(rows) - limit, 'more group')} (--limit N)")


def _show_refusals(refusals: Any) -> None:
    from carrythrough.cli.program.shown import show_refusals

    show_refusals(refusals)


def _written(opened: Any, suggested: list[Any]) -> bool:
    """Write the suggestions into the map; False when it is not written in a way that can be added to."""
    from carrythrough.cli.program.writing import write_text
    from carrythrough.program.edits import with_activities
    from carrythrough.program.load import check_program
    from carrythrough.program.map_text import activity_lines

    entries: list[str] = []
    for part in suggested:
        entries += ["", *activity_lines(part)] if entries else [*activity_lines(part)]
    text = with_activities(opened.text, opened.root, entries)
    if text is None or check_program(text, opened.name)[0] is None or str(opened.path).endswith(".gz"):
        return False
    write_text(opened.path, text, replace=True)
    return True


def _unwritable(path: Path) -> Any:
    from carrythrough.errors import Problem

    return Problem(
        code="map-not-extended",
        status=422,
        title="The suggestions are not written into the map",
        detail=f"{path}: its activities are not a list in YAML with an entry below the other",
        where=str(path),
        rule="a map is extended only where nothing of what stands there has to change",
        fix="paste the suggested activities by hand; without --write they are printed",
    )


def _as_dict(found: Any, suggested: list[Any], proposal: Any, refusals: Any) -> dict[str, Any]:
    import msgspec

    from carrythrough.program.map_text import activity_lines
    from carrythrough.program.observed import SCORE_BEARING

    return {
        "statements": found.statements,
        "statements_with_evidence": found.seen,
        "score_bearing": found.bearing,
        "score_bearing_means": SCORE_BEARING,
        "score_bearing_with_evidence": found.covered,
        "score_bearing_with_outcome": found.measured,
        "share": found.covered / found.bearing if found.bearing else None,
        "events": found.events,
        "events_with_evidence": found.events_seen,
        "skills": found.skills(),
        "activities": {activity.id: found.by_rule[activity.id] for activity in found.program.map.activities},
        "passed_by": msgspec.to_builtins(proposal.left_out),
        "events_passed_by": [
            msgspec.structs.asdict(passed) | {"events": number}
            for passed, number in found.events_passed.most_common()
        ],
        "suggested": [
            {
                "statements": part.statements,
                "score_bearing": part.bearing,
                "yaml": "\n".join(activity_lines(part)),
            }
            for part in suggested
        ],
        "refused": dict(refusals.codes),
    }
