"""`carrythrough policy`: stop and resume actions, answer for rules that wait for approval, show what is ordered."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.contest import in_folder
from carrythrough.cli.reader import Answer
from carrythrough.cli.target import Target
from carrythrough.cli.terminal import plural, say, say_json
from carrythrough.cli.usage import wrong_usage
from carrythrough.gateway.policy_api import KindName, WordName

if TYPE_CHECKING:
    from carrythrough.cli.target import Server

Kind = Annotated[
    KindName,
    Parameter(help="What is meant: a person (roster id), team, adapter, action, rule, or everything."),
]
Names = Annotated[str, Parameter(help="Which ones; none for everything.")]
Reason = Annotated[str, Parameter(help="Why, in words: it stays in the log.")]
AsJson = Annotated[bool, Parameter(help="Print JSON as the REST API gives it.")]
At = Annotated[Target | None, Parameter(name="*")]
_LISTS = ("people", "teams", "adapters", "actions", "rules")


def stop(kind: Kind, *names: Names, reason: Reason, json: AsJson = False, target: At = None) -> int:
    """Stop actions at once: to a person or a team, by an adapter, of a kind, of a rule, or all of them.

    What is waiting to be sent is closed, and nothing new is decided, until `policy resume` lifts it. The order is a
    record in the log, with who gave it and why.

    For example:

    ```sh
    carrythrough policy stop team Claims --reason "Reorganisation" --data-dir data
    carrythrough policy stop everything --reason "Wrong map" --url http://127.0.0.1:8080 --key KEY --secret SECRET
    ```
    """
    return _order("stop", kind, names, reason, target, as_json=json)


def resume(kind: Kind, *names: Names, reason: Reason, json: AsJson = False, target: At = None) -> int:
    """Lift a stop; kill switches in the program map hold on.

    For example:

    ```sh
    carrythrough policy resume team Claims --reason "Done" --data-dir data
    ```
    """
    return _order("resume", kind, names, reason, target, as_json=json)


def approve(
    *rules: Annotated[str, Parameter(help="Rules that wait, as `policy show` lists them.")],
    deny: Annotated[bool, Parameter(help="Drop what waits, in place of letting it go.")] = False,
    reason: Reason,
    json: AsJson = False,
    target: At = None,
) -> int:
    """Let a rule act on more people than the blast size of the policy, for a day; or drop what waits.

    Nobody gets an old message: each person is asked about again, as they stand then, within the hour.

    For example:

    ```sh
    carrythrough policy approve use-it --reason "New hires, checked" --data-dir data
    carrythrough policy approve use-it --deny --reason "The feed was wrong" --data-dir data
    ```
    """
    return _order("deny" if deny else "approve", "rule", rules, reason, target, as_json=json)


def show_policy(*, json: AsJson = False, target: At = None) -> int:
    """Show what is stopped, which rules wait for approval, and how choices are made.

    For example:

    ```sh
    carrythrough policy show --data-dir data
    ```
    """
    target = target or Target()
    server = target.server()
    found = _in_files(target) if server is None else _ask(server, "GET", None)
    if json:
        say_json(found)
    else:
        _show(found)
    return 0


def _order(
    word: WordName,
    kind: KindName,
    names: tuple[str, ...],
    reason: str,
    target: Target | None,
    *,
    as_json: bool,
) -> int:
    if not reason.strip() or (not names and kind != "everything"):
        where = "--reason" if names or kind == "everything" else "NAMES"
        raise wrong_usage("an order says what and why", "it stays in the log", where=where)
    target = target or Target()
    server = target.server()
    if server is not None:
        body = {"order": word, "kind": kind, "names": list(names), "reason": reason}
        found = _ask(server, "POST", body)
    else:
        by = f"cli:{getpass.getuser()}"
        found = in_folder(
            target, lambda runtime: runtime.policy.order(word, kind, names, by=by, reason=reason)
        )
    if as_json:
        say_json(found)
        return 0
    _show(found)
    return 0


def _ask(server: Server, method: str, body: Any) -> Answer:
    from carrythrough.cli.server_reader import answer_of, client, reaching

    with client(server) as link, reaching(server.url):
        found: Any = answer_of(link.request(method, "/v1/policy", json=body))
    return dict(found)


def _in_files(target: Target) -> Answer:
    import msgspec

    from carrythrough.cli.folder_reader import FolderReader
    from carrythrough.embedded.database import connect
    from carrythrough.embedded.policy import waiting_rules

    folder = Path(target.settings().data_dir)
    with FolderReader(folder) as reader:
        in_force = reader.in_force
        connection = connect(folder / "state.sqlite", readonly=True)
        try:
            waiting = waiting_rules(connection, in_force.orders, reader.now_ms)
        finally:
            connection.close()
    return {
        "orders": msgspec.to_builtins(in_force.orders),
        "waiting": waiting,
        "choice": in_force.program.policy.choice,
        "posteriors": in_force.posteriors.name,
        "blast": in_force.program.policy.blast,
    }


def _show(found: Answer) -> None:
    ordered = found["orders"]
    if ordered.get("everything"):
        say("Everything is stopped.", "bold")
    for name in _LISTS:
        if ordered.get(name):
            say(f"Stopped {name}: {', '.join(ordered[name])}")
    if not any(ordered.get(name) for name in (*_LISTS, "everything")):
        say("Nothing is stopped by an order.")
    if ordered.get("by"):
        say(f"Last order by {ordered['by']}: {ordered.get('reason', '')}", "dim")
    for one in found["waiting"]:
        say(
            f"Rule {one['rule']} waits for approval since {one['since']}: {plural(one['decisions'], 'decision')} held.",
            "bold",
        )
    if found["waiting"]:
        say(
            "Look at whom it would reach, then: carrythrough policy approve RULE --reason …  (or --deny)",
            "dim",
        )
    how = (
        "by chance, from what has helped so far"
        if found["choice"] == "learnt"
        else "the first rule of the map"
    )
    say(f"Choice: {how}; posteriors {found['posteriors']}.")
