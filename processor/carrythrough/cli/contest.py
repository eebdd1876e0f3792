"""`carrythrough contest`: set evidence aside, restore it, and list who did so and why."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.reader import Answer
from carrythrough.cli.target import Server, Target
from carrythrough.cli.terminal import plural, say, say_json, say_wrapped
from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.pages import words

SHOWN = 50
FOLD_WAIT_S = 60.0

Employee = Annotated[str, Parameter(help="Roster id or pseudonym, as `carrythrough scores` shows it.")]
Evidence = Annotated[
    str, Parameter(help="Ids of evidence, or of the statements and events, as `explain --json` shows them.")
]
Reason = Annotated[str, Parameter(help="Why, in words: it stays in the audit log.")]
AsJson = Annotated[bool, Parameter(help="Print JSON as the REST API gives it.")]
At = Annotated[Target | None, Parameter(name="*")]


def set_aside(
    employee: Employee, *evidence: Evidence, reason: Reason, json: AsJson = False, target: At = None
) -> int:
    """Set evidence of a person aside: the score becomes exactly what it would be without it.

    The contest is a record in the log, with who asked and why. An id of a statement or event names everything
    that it is evidence of; SOURCE/SKILL/CHANNEL names one piece.

    For example:

    ```sh
    carrythrough contest set-aside e-017 6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11 --reason "Not my call" --data-dir data
    ```
    """
    return _contest(employee, evidence, reason, target, restore=False, as_json=json)


def restore(
    employee: Employee, *evidence: Evidence, reason: Reason, json: AsJson = False, target: At = None
) -> int:
    """Restore evidence that a contest had set aside: the score is exactly what it was with it.

    For example:

    ```sh
    carrythrough contest restore e-017 6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11 --reason "It was" --data-dir data
    ```
    """
    return _contest(employee, evidence, reason, target, restore=True, as_json=json)


def list_contests(
    *,
    employee: Annotated[str, Parameter(help="Only about this person (roster id or pseudonym).")] = "",
    limit: Annotated[int, Parameter(help="At most this many, newest first.")] = SHOWN,
    json: AsJson = False,
    target: At = None,
) -> int:
    """List contests, newest first: what was set aside or restored, by whom and why.

    For example:

    ```sh
    carrythrough contest list --data-dir data
    ```
    """
    target = target or Target()
    server = target.server()
    if server is not None:
        asked = {"limit": str(limit)} | ({"subject": employee} if employee else {})
        found = _ask(server, "GET", asked, None)
    else:
        found = _listed(Path(target.settings().data_dir), employee, limit)
    if json:
        say_json({"contests": found["contests"]})
        return 0
    if not found["contests"]:
        say("Nothing was contested.")
        return 0
    for entry in found["contests"]:
        what = "restored" if entry["restore"] else "set aside"
        say(f"{words.when(entry['time'])} UTC, {what} by {entry['by']}", "bold")
        say_wrapped(entry["reason"])
        for one in entry["evidence"]:
            say(f"  {one}")
        say(f"  of {entry['subject']}", "dim")
    return 0


def _contest(
    employee: str,
    evidence: tuple[str, ...],
    reason: str,
    target: Target | None,
    *,
    restore: bool,
    as_json: bool,
) -> int:
    target = target or Target()
    if not evidence or not reason.strip():
        raise _incomplete("evidence" if not evidence else "--reason")
    server = target.server()
    if server is not None:
        body = {"employee": employee, "evidence": list(evidence), "reason": reason, "restore": restore}
        found = _ask(server, "POST", {}, body)
    else:
        found = in_folder(
            target,
            lambda runtime: runtime.contests.contest(
                employee, evidence, by=f"cli:{getpass.getuser()}", reason=reason, restore=restore
            ),
        )
    if as_json:
        say_json(found)
        return 0
    what = "Restored" if restore else "Set aside"
    say(f"{what}: {plural(len(found['evidence']), 'piece')} of evidence.", "bold")
    for one in found["evidence"]:
        say(f"  {one}")
    say()
    say(f"The score follows at once: carrythrough explain {employee} --skill …", "dim")
    return 0


def _ask(server: Server, method: str, asked: dict[str, str], body: Any) -> Answer:
    from carrythrough.cli.server_reader import answer_of, client, reaching

    with client(server) as link, reaching(server.url):
        found: Any = answer_of(link.request(method, "/v1/contests", params=asked, json=body))
    return dict(found)


def in_folder(target: Target, work: Callable[[Any], Answer]) -> Answer:
    """Run `work` on the runtime of a data folder that no server owns, and fold what it logged."""
    from carrythrough.cli.importing.folder_delivery import open_for_import

    runtime = open_for_import(target.settings())
    try:
        found = work(runtime)
        runtime.caught_up(FOLD_WAIT_S)
    finally:
        runtime.stop()
    return found


def _listed(folder: Path, employee: str, limit: int) -> Answer:
    from carrythrough.cli.folder_reader import FolderReader
    from carrythrough.embedded.contests import Contests

    with FolderReader(folder) as reader:
        subject = reader.subject(employee) if employee else ""
        contests = Contests(folder / "state.sqlite", reader.queries.subject, _never)
        try:
            return contests.listed(limit=limit, subject=subject)
        finally:
            contests.close()


def _never(_: bytes) -> None:
    """A reader logs nothing."""


def _incomplete(where: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="contest-incomplete",
            status=400,
            title="A contest needs evidence and a reason",
            detail=f"{where} is missing",
            where=where,
            rule="what is set aside, and why, stays in the audit log",
            fix="copy the id from `carrythrough explain`, and write the reason with --reason",
        )
    )
