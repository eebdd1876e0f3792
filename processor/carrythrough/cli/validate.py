"""`carrythrough validate`: every problem of a file with its line, rule and fix, before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from carrythrough.cli.files.opening import InputFile
from carrythrough.cli.table import table
from carrythrough.cli.terminal import hanging, out, plural, say, say_json, styled
from carrythrough.cli.usage import wrong_usage
from carrythrough.errors import CarrythroughError

SHOWN = 20
As = Literal["program", "roster", "statements", "events"]
_NAMES = {
    "program": "program map",
    "roster": "roster",
    "statements": "statements",
    "events": "performance events",
}
_HOLDS = {"program": "skill", "roster": "person", "statements": "statement", "events": "event"}


def validate(
    *files: Annotated[
        Path, Parameter(help="Program maps, rosters, files of statements or performance events.")
    ],
    as_: Annotated[
        As | None, Parameter(name="--as", help="What the files are, where their content leaves it open.")
    ] = None,
    program: Annotated[
        Path | None, Parameter(help="Check this program map too, and say what it sees in the other files.")
    ] = None,
    roster: Annotated[
        Path | None, Parameter(help="Check this roster too, and say how many people of the files it knows.")
    ] = None,
    mapping: Annotated[
        Path | None, Parameter(help="For CSV events: the column mapping, as for `ingest`.")
    ] = None,
    strict: Annotated[bool, Parameter(help="Let warnings count as errors.")] = False,
    limit: Annotated[int, Parameter(help="Show at most this many findings of a file.")] = SHOWN,
    json: Annotated[bool, Parameter(help="Print every finding as JSON.")] = False,
) -> int:
    """Check files before they are used: every problem with its line, rule and fix.

    Nothing is stored or sent; the exit code is 1 when there is any error.

    What a file is, is told from its content: program map, roster, statements, performance events.

    For example:

    ```sh
    carrythrough validate program-map.yaml roster.yaml
    carrythrough validate statements.jsonl.gz tickets.csv
    carrythrough validate statements.jsonl.gz --program program-map.yaml --roster roster.yaml
    ```
    """
    if not files and program is None and roster is None:
        raise wrong_usage("no file is named", "carrythrough validate FILE…", where="FILE")
    columns = None
    if mapping is not None:
        from carrythrough.cli.files.tables import load_mapping

        columns = load_mapping(mapping)
    results = [
        _one(path, kind, columns, None) for path, kind in ((program, "program"), (roster, "roster")) if path
    ]
    coverage = _coverage(results)
    results += [_one(path, as_, columns, coverage) for path in files]
    people = [one.value.people for one in results if one.kind == "roster" and one.value is not None]
    if people:  # a map is held against the roster beside it, whichever is named first
        paths = [path for path in (program, roster) if path] + list(files)
        results = [
            _one(path, "program", columns, None, people[0]) if one.kind == "program" else one
            for path, one in zip(paths, results, strict=True)
        ]
    if json:
        say_json(_as_dict(results, coverage))
    else:
        for result in results:
            _show(result, limit)
        if coverage is not None:
            _show_coverage(coverage.as_dict())
    bad = any(result.errors or (strict and result.warnings) for result in results)
    return int(bad)


def _one(path: Path, kind: str | None, mapping: Any, coverage: Any, people: Any = None) -> Any:
    from carrythrough.cli.program.around import surroundings
    from carrythrough.cli.validating.authored import BYTES_MAX, authored_kind, check_authored
    from carrythrough.cli.validating.checked import Checked, lint_of
    from carrythrough.cli.validating.recorded import check_records
    from carrythrough.program.lint_context import ALONE

    try:
        with InputFile(path) as file:
            found = kind or _kind(file)
            if found not in ("statements", "events"):
                body = file.stream.read(BYTES_MAX)
                found = found or authored_kind(file.name, body)
                if found:
                    around = surroundings(people) if found == "program" else ALONE
                    return check_authored(found, file.name, body, around)
                return _unknown(file.name)
            if file.found.layout == "csv" and found == "statements":
                raise wrong_usage("statements do not come as CSV", "leave --as out", where="--as")
            add = coverage.add if coverage is not None else lambda _: None
            return check_records(file, "statements" if found == "statements" else "events", mapping, add)
    except CarrythroughError as error:
        checked = Checked(str(path), kind or "unknown")
        checked.add(lint_of(error.problem, str(path)))
        return checked


def _kind(file: InputFile) -> str:
    """Return what the content tells; "" leaves it to the reading of the whole text."""
    name = file.name.lower().removesuffix(".gz")
    if file.found.layout == "csv":
        if not name.endswith((".csv", ".tsv")):
            return ""
        header = file.head.split(b"\n", 1)[0].decode("utf-8", "replace").replace(";", ",").replace("\t", ",")
        columns = {cell.strip(' \r"\ufeff').lower() for cell in header.split(",")}
        people = {"name", "email", "mbox", "team", "manager", "role"} & columns
        return "roster" if "id" in columns and people and not {"kind", "time"} & columns else "events"
    return str(file.found.kind)


def _unknown(name: str) -> Any:
    from carrythrough.authoring.source import Lint
    from carrythrough.cli.validating.checked import Checked

    checked = Checked(name, "unknown")
    checked.add(
        Lint(
            code="file-content-unknown",
            file=name,
            line=1,
            column=1,
            message="this is neither a program map, nor a roster, nor statements, nor performance events",
            rule="a program map has map and skills, a roster people, a statement actor, verb and object, an event kind",
            fix="say what it is meant to be with --as, and every fault is shown",
        )
    )
    return checked


def _coverage(results: list[Any]) -> Any:
    values = {result.kind: result.value for result in results}
    if values.get("program") is None:
        return None
    from carrythrough.cli.validating.coverage import Coverage

    return Coverage(values["program"], values.get("roster"))


def _show(result: Any, limit: int) -> None:
    counted = [plural(result.errors, "error")] if result.errors else []
    counted += [plural(result.warnings, "warning")] if result.warnings else []
    what = _NAMES.get(result.kind, result.kind)
    if result.kind in _HOLDS and result.records:
        what += (
            f", {plural(result.records, _HOLDS[result.kind], 'people' if result.kind == 'roster' else '')}"
        )
    say(f"{result.file}: {what}: {', '.join(counted) or 'good'}", "bold" if counted else "green")
    for lint in result.findings[:limit]:
        style = "red" if lint.severity == "error" else "yellow"
        out().print(styled(f"  {lint.where}: {lint.severity}: {lint.message}", style), soft_wrap=True)
        for label, text in (
            ("at", lint.pointer),
            ("rule", lint.rule),
            ("why", lint.why),
            ("fix", lint.fix),
            ("code", lint.code),
        ):
            for line in hanging(label, text, 6) if text else ():
                out().print(styled(line, "dim" if label == "code" else ""), soft_wrap=True)
    hidden = len(result.findings) + result.uncounted - limit
    if hidden > 0:
        say(f"  … and {plural(hidden, 'more finding')} (--limit N, or --json for all)")


def _show_coverage(found: dict[str, Any]) -> None:
    if not found["records"]:
        return
    say()
    share = 100 * found["seen"] / found["records"]
    say(
        f"The program map sees {found['seen']:,} of {plural(found['records'], 'record')} ({share:.0f} %).",
        "bold",
    )
    say()
    rows = []
    for skill, channels in found["skills"].items():
        words = ", ".join(f"{number:,} {channel}" for channel, number in channels.items())
        rows.append([skill, words or styled("nothing", "yellow")])
    table([("skill", "left"), ("evidence in these files", "left")], rows)
    if found["unseen"]:
        say()
        say("Most frequent of what it passes by (fine, unless one of them shows a skill):")
        say()
        unseen = (
            [f"{entry['records']:,}", entry["verb_or_kind"], entry["about"]] for entry in found["unseen"]
        )
        table([("records", "right"), ("verb or kind", "left"), ("about", "left")], unseen)
    if found["people"] is not None:
        say()
        strangers = found["strangers"]
        words = f", and {plural(strangers, 'actor')} whom it does not" if strangers else ""
        say(f"Evidence is about {plural(found['people'], 'person', 'people')} whom the roster knows{words}.")


def _as_dict(results: list[Any], coverage: Any) -> dict[str, Any]:
    return {
        "errors": sum(result.errors for result in results),
        "warnings": sum(result.warnings for result in results),
        "files": [
            {
                "file": result.file,
                "kind": result.kind,
                "records": result.records,
                "errors": result.errors,
                "warnings": result.warnings,
                "findings": [msgspec.structs.asdict(lint) for lint in result.findings],
            }
            for result in results
        ],
        "coverage": coverage.as_dict() if coverage is not None else None,
    }
