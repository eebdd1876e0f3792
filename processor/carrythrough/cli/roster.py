"""`carrythrough roster`: who is on the roster, put, removed, imported, checked; and who is not on it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.table import table
from carrythrough.cli.target import Target
from carrythrough.cli.terminal import note, plural, say, say_json, styled

SHOWN = 50
FINDINGS_SHOWN = 20

AsJson = Annotated[bool, Parameter(help="Print JSON.")]
At = Annotated[Target | None, Parameter(name="*")]
Columns = Annotated[
    Path | None,
    Parameter(
        help="YAML or JSON that says what the columns of a table mean (see docs/how-to/roster-files.md)."
    ),
]
RosterFile = Annotated[Path, Parameter(name="FILE", help="A roster: CSV, YAML or JSON, also as .gz.")]


def list_people(
    *,
    team: Annotated[str, Parameter(help="Only of this team.")] = "",
    role: Annotated[str, Parameter(help="Only with this role.")] = "",
    site: Annotated[str, Parameter(help="Only at this site.")] = "",
    manager: Annotated[str, Parameter(help="Only whose manager has this roster id.")] = "",
    limit: Annotated[int, Parameter(help="At most this many.")] = SHOWN,
    json: AsJson = False,
    target: At = None,
) -> int:
    """List the people of the roster by id.

    For example:

    ```sh
    carrythrough roster list --team north --data-dir data
    ```
    """
    from itertools import islice

    from carrythrough.cli.roster_places import place_of

    chosen = {"team": team, "role": role, "site": site, "manager": manager}
    people = list(
        islice(place_of(target).people({name: text for name, text in chosen.items() if text}), limit + 1)
    )
    shown = people[:limit]
    if json:
        say_json({"people": [_plain(person) for person in shown]})
        return 0
    if not shown:
        say("Nobody on the roster is like that.")
        return 0
    rows = ([p.id, p.name, p.team, p.role, p.site, p.manager, _state(p)] for p in shown)
    table(
        [
            ("id", "ids"),
            ("name", "left"),
            ("team", "left", 2),
            ("role", "left", 3),
            ("site", "left", 4),
            ("manager", "ids", 5),
            ("", "left", 1),
        ],
        rows,
    )
    if len(people) > limit:
        note(f"There are more: --limit {limit * 2} shows them, and so does a filter.")
    return 0


def show_person(
    reference: Annotated[str, Parameter(name="ID", help="Roster id or alias.")],
    /,
    *,
    json: AsJson = False,
    target: At = None,
) -> int:
    """Show everything that the roster knows of one person.

    For example:

    ```sh
    carrythrough roster show e-017 --data-dir data
    ```
    """
    from carrythrough.cli.roster_places import place_of

    plain = _plain(place_of(target).person(reference))
    if json:
        say_json(plain)
        return 0
    width = max(len(name) for name in plain)
    for name, value in plain.items():
        say(f"  {name:<{width}}  {_words(value)}")
    return 0


def put_people(file: RosterFile, /, *, json: AsJson = False, target: At = None) -> int:
    """Put the people of a small roster file on the roster, each in place of whoever has the id.

    Nobody else is touched. For a whole roster, `import` says before what would change.

    For example:

    ```sh
    carrythrough roster put new-people.yaml --data-dir data
    ```
    """
    return import_roster(file, json=json, target=target)


def remove_person(
    reference: Annotated[str, Parameter(name="ID", help="Roster id.")],
    /,
    *,
    json: AsJson = False,
    target: At = None,
) -> int:
    """Take a person off the roster. Who leaves the firm rather gets an exit_date, and stays.

    What is known of them stays under a pseudonym that nobody can name; who comes back is known again.

    For example:

    ```sh
    carrythrough roster remove e-017 --data-dir data
    ```
    """
    from carrythrough.cli.roster_places import place_of
    from carrythrough.identity.changes import RemovePerson

    place = place_of(target)
    person = place.person(reference)
    answer = place.change([RemovePerson(person.id)])
    if json:
        say_json(answer)
    else:
        say(f"{person.id} is off the roster.")
    return 0


def import_roster(
    file: RosterFile,
    /,
    *,
    columns: Columns = None,
    replace: Annotated[
        bool, Parameter(help="The file is the whole roster: who is not in it is taken off the roster.")
    ] = False,
    dry_run: Annotated[bool, Parameter(help="Say what would change, and change nothing.")] = False,
    refused: Annotated[
        Path | None,
        Parameter(
            help="Where changes that cannot stand are kept, to be imported again (default: FILE.refused.json)."
        ),
    ] = None,
    json: AsJson = False,
    target: At = None,
) -> int:
    """Bring a roster file in: people who are new or changed are put, the rest stays as it is.

    Changes that cannot stand, such as an address that belongs to somebody else, are named with their reason and
    kept in a file of their own, which can be imported once the reason is gone. The exit code is then 1.

    For example:

    ```sh
    carrythrough roster import hr-export.csv --dry-run --data-dir data
    carrythrough roster import hr-export.csv --columns columns.yaml --replace --url http://127.0.0.1:8080
    ```
    """
    from carrythrough.authoring.source import refusal
    from carrythrough.cli.roster_places import place_of, read_file
    from carrythrough.identity.changes import PutPerson, RemovePerson, RosterChange

    roster, lints = read_file(file, columns)
    if roster is None:
        raise refusal(lints, "bad-roster", "The roster is refused")
    place = place_of(target)
    before = {person.id: person for person in place.people({})}
    new = [person for person in roster.people if person.id not in before]
    changed = [p for p in roster.people if p.id in before and before[p.id] != p]
    given = {person.id for person in roster.people}
    gone = [id_ for id_ in before if id_ not in given] if replace else []
    # Removed first and in one portion as far as it goes: what they had may go to somebody else.
    changes: list[RosterChange] = [*map(RemovePerson, gone), *map(PutPerson, (*changed, *new))]
    told = {"new": len(new), "changed": len(changed), "removed": len(gone)}
    told["same"] = len(roster.people) - len(new) - len(changed)
    answer: dict[str, Any] = {"accepted": 0, "warnings": [], "refused": []}
    if changes and not dry_run:
        answer = place.change(changes)
    kept = _keep(file, refused, changes, answer["refused"])
    if json:
        findings = [{"where": lint.where, "code": lint.code, "message": lint.message} for lint in lints]
        say_json(told | answer | {"findings": findings, "kept": kept})
        return int(bool(answer["refused"]))
    _show_findings(lints)
    word = "would be " if dry_run else ""
    say(
        f"{told['new']} {word}new, {told['changed']} {word}changed, {told['removed']} {word}removed, "
        f"{told['same']} the same.",
        "bold",
    )
    for one in answer["refused"][:FINDINGS_SHOWN]:
        problem = one["problem"]
        say(styled(f"{one['id']}: {problem['detail']} [{problem['code']}]", "red"))
        say(f"  fix  {problem['fix']}")
    if answer["refused"]:
        say(f"{plural(len(answer['refused']), 'change')} could not stand and wait in {kept}.", "bold")
        note(f"Import that file once the reasons are gone: carrythrough roster import {kept}")
    return int(bool(answer["refused"]))


def list_unknown(
    *,
    limit: Annotated[int, Parameter(help="At most this many.")] = SHOWN,
    json: AsJson = False,
    target: At = None,
) -> int:
    """List actors with evidence whom nobody on the roster lays claim to.

    Their evidence is kept aside, without scores and messages, and is somebody's as soon as the roster names the
    identifier. What it is stands in the record that is named here.

    For example:

    ```sh
    carrythrough roster unknown --data-dir data
    ```
    """
    from carrythrough.cli.roster_places import place_of

    found = place_of(target).unknown(limit)
    if json:
        say_json({"unknown": found})
        return 0
    if not found:
        say("The roster knows everybody who has evidence.", "green")
        return 0
    rows = (
        [one["subject"], one["kind"], one["host"], one["evidence"], (one["last"] or "")[:10], one["record"]]
        for one in found
    )
    table(
        [
            ("pseudonym", "ids", 2),
            ("kind", "left"),
            ("host", "left"),
            ("evidence", "right"),
            ("last", "right", 1),
            ("record", "ids", 3),
        ],
        rows,
    )
    note(
        "A record's statement names the actor: look it up, and give the person that identifier on the roster."
    )
    return 0


def check_file(
    file: RosterFile,
    /,
    *,
    columns: Columns = None,
    limit: Annotated[int, Parameter(help="Show at most this many findings.")] = FINDINGS_SHOWN,
    json: AsJson = False,
) -> int:
    """Check a roster file: every fault with file:line:column, its rule and its cure. Nothing is changed.

    The exit code is 1 when there is an error.

    For example:

    ```sh
    carrythrough roster check hr-export.csv
    ```
    """
    from carrythrough.cli.roster_places import read_file

    roster, lints = read_file(file, columns)
    errors = sum(lint.severity == "error" for lint in lints)
    if json:
        found = [{name: getattr(lint, name) for name in lint.__struct_fields__} for lint in lints]
        say_json({"file": str(file), "people": len(roster.people) if roster else 0, "findings": found})
        return int(bool(errors))
    _show_findings(lints, limit)
    people = "" if roster is None else f": {plural(len(roster.people), 'person', 'people')}"
    counted = f"{plural(errors, 'error')}, {plural(len(lints) - errors, 'warning')}" if lints else "good"
    say(f"{file}{people}, {counted}", "bold" if lints else "green")
    return int(bool(errors))


def _show_findings(lints: Iterable[Any], limit: int = FINDINGS_SHOWN) -> None:
    from carrythrough.cli.program.findings import show_finding

    every = list(lints)
    for lint in every[:limit]:
        show_finding(lint)
        say()
    if len(every) > limit:
        say(f"… and {plural(len(every) - limit, 'more finding')} (--json for all)")


def _keep(file: Path, refused: Path | None, changes: list[Any], faults: list[dict[str, Any]]) -> str:
    """Write the people whose changes could not stand as a roster of their own; return its path, "" for none."""
    people = [changes[one["change"]].person for one in faults if hasattr(changes[one["change"]], "person")]
    if not people:
        return ""
    import msgspec

    from carrythrough.embedded.data_folder import write_private

    path = refused or file.with_name(f"{file.name}.refused.json")
    write_private(
        path, msgspec.json.format(msgspec.json.encode({"people": people}), indent=2).decode() + "\n"
    )
    return str(path)


def _plain(person: Any) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(person)
    return plain


def _words(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_words(one) for one in value)
    if isinstance(value, dict):
        return " ".join(f"{name} {_words(one)}" for name, one in value.items())
    return str(value)


def _state(person: Any) -> str:
    """Return in a word what the roster says about a person being at work."""
    if not person.active:
        return "suspended"
    return f"until {person.exit_date}" if person.exit_date else ""
