"""How an import ends on the terminal: what was taken, what was refused and why, what it came to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from carrythrough.cli.importing.tally import FileTally, Tally
from carrythrough.cli.moments import span
from carrythrough.cli.target import Target
from carrythrough.cli.terminal import count, note, plural, say, show_problem
from carrythrough.errors import PermanentError, Problem
from carrythrough.pipeline.unmatched import WORDS as REASONS
from carrythrough.quarantine_file import QuarantineFile

_WORDS: dict[str, str] = {str(name): words for name, words in REASONS.items()}


def report(tally: Tally, kept: QuarantineFile, target: Target, folder: str | None) -> None:
    """Print the end of a run."""
    for file in tally.files:
        _file(file)
    records = tally.total("records")
    say(
        f"{plural(records, 'record')} in {span(tally.seconds)} "
        f"({count(records / max(tally.seconds, 1e-6))}/s)",
        "bold",
    )
    say(f"  accepted       {count(tally.total('accepted')):>10}")
    if tally.tells_known:
        say(f"  already known  {count(tally.total('known')):>10}")
    else:
        say("  already known   in that number (only a credential with scores/read learns how many)")
    say(f"  quarantined    {count(tally.total('quarantined')):>10}")
    _reasons(tally)
    _span(tally)
    if tally.total("quarantined"):
        added = f"{plural(kept.added, 'record')} added" if kept.added else "they were in it already"
        say(f"Refused records are kept with their reasons in {kept.path} ({added}).")
        say(f"Look at them: carrythrough quarantine list --file {kept.path}", "dim")
    _folded(tally, target, folder)


def _without_evidence(folded: dict[str, Any]) -> None:
    if not folded["unmatched"]:
        return
    say(f"{plural(folded['unmatched'], 'record')} gave no evidence:")
    for reason, number in folded["unmatched_by"].items():
        say(f"    {number:>6}  {_WORDS.get(reason, reason)}")


def _decided(folded: dict[str, Any]) -> None:
    """Say what history did not decide, and what news did."""
    if folded["history"]:
        say(
            f"{plural(folded['history'], 'piece', 'pieces')} of evidence lay further back than the time to act: "
            "they moved scores and decided nothing."
        )
    if folded["actions_requested"]:
        say(f"What was recent asked for {plural(folded['actions_requested'], 'action')}.")
    elif folded["evidence"]:
        say("No action was asked for.")


def _file(file: FileTally) -> None:
    if file.failure is not None:
        note(f"{file.name} could not be read to its end; {plural(file.records, 'record')} before that count.")
        show_problem(file.failure)


def _reasons(tally: Tally) -> None:
    for code, number in tally.reasons().items():
        say(f"    {number:>6}  {code}")
        examples = [
            (file.name, line, problem)
            for file in tally.files
            for line, problem in file.examples.get(code, [])
        ]
        for name, line, problem in examples[:1]:
            inside = problem.where.startswith("/") and not problem.where.startswith(f"{name}:")
            pointer = f" {problem.where}" if inside else ""
            say(f"            {name}:{line}{pointer}: {problem.detail.splitlines()[0]}")
            say(f"            fix: {problem.fix}")


def _span(tally: Tally) -> None:
    found = tally.as_span()
    if found is not None:
        say(f"  from           {found['from']} to {found['to']}")


def _folded(tally: Tally, target: Target, folder: str | None) -> None:
    folded = tally.folded
    if folded is None:
        if not tally.interrupted and tally.stopped is None:
            say(
                "What it came to: ask with a credential that has the scope scores/read (carrythrough scores)."
            )
        return
    if not any(folded[name] for name in ("statements", "evidence", "unmatched", "set_aside")):
        say("Nothing new to score.")
        return
    say(
        f"Scored: {plural(folded['evidence'], 'new piece', 'new pieces')} of evidence; evidence of "
        f"{plural(folded['employees'], 'employee')} in all. New: {plural(folded['people_new'], 'employee')}, "
        f"{plural(folded['scores_new'], 'score')}."
    )
    for entry in folded["skills"]:
        say(
            f"    {entry['skill']}: {plural(entry['people'], 'employee')}, {plural(entry['scores'], 'score')}"
        )
    _without_evidence(folded)
    _decided(folded)
    if folded["set_aside"]:
        say(
            f"{plural(folded['set_aside'], 'record')} could not be scored: carrythrough quarantine list",
            "yellow",
        )
    if folded["actions_waiting"]:
        say(f"{plural(folded['actions_waiting'], 'action')} wait until a server runs on this data folder.")
    server = target.server()
    where = f"--data-dir {folder}" if server is None else f"--url {server.url}"
    say(f"Look at the scores: carrythrough scores {where}", "dim")


def check_report(path: Path) -> None:
    """Raise PermanentError where the report could not be written, before anything is brought in."""
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error


def write_report(path: Path, tally: Tally, kept: QuarantineFile) -> None:
    """Write the end of a run as JSON; the file is replaced as a whole."""
    beside = path.with_name(path.name + ".new")
    try:
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(tally.as_dict(kept)), indent=2) + b"\n")
        beside.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> PermanentError:
    return PermanentError(
        Problem(
            code="report-unwritable",
            status=400,
            title="The report cannot be written",
            detail=f"{path}: {error.strerror or error}",
            where="--report",
            rule="--report names a file in a folder that exists and can be written to",
            fix="name another file",
        )
    )
