"""`carrythrough deadletters`: actions that were given up, and putting them back to be sent again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from carrythrough.cli.table import Column, table
from carrythrough.cli.target import Target, open_reader
from carrythrough.cli.terminal import note, plural, say, say_json
from carrythrough.cli.usage import wrong_usage
from carrythrough.gateway.pages import words

SHOWN = 50
ALL = 10_000


def list_dead_letters(
    *,
    limit: Annotated[int, Parameter(help="At most this many, newest first.")] = SHOWN,
    json: Annotated[bool, Parameter(help="Print JSON as the REST API gives it.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """List actions that could not be delivered, with the last error.

    For example:

    ```sh
    carrythrough deadletters list --data-dir data
    carrythrough deadletters list --json --url http://127.0.0.1:8080
    ```
    """
    with open_reader(target) as reader:
        found = reader.dead_letters(limit)
    if json:
        say_json({"actions": found})
        return 0
    if not found:
        say("There are no dead letters.")
        return 0
    columns: list[Column] = [
        ("entry", "right"),
        ("given up (UTC)", "ids", 3),
        ("adapter", "left"),
        ("action", "left"),
        ("skill", "left", 2),
        ("tries", "right", 4),
        ("expires (UTC)", "ids", 5),
        ("last error", "left"),
    ]
    table(columns, (_row(entry) for entry in found))
    say()
    say(
        "Send some again, once the cause is mended: carrythrough deadletters replay ENTRY… --data-dir …",
        "dim",
    )
    return 0


def replay(
    *entries: Annotated[int, Parameter(help="Entries as `deadletters list` numbers them.")],
    all: Annotated[bool, Parameter(help="Every dead letter that has not expired.")] = False,  # noqa: A002
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    data_dir: Annotated[str | None, Parameter(help="The data folder; a server may be running on it.")] = None,
    config: Annotated[Path | None, Parameter(help="Settings file that names the data folder.")] = None,
) -> int:
    """Put dead letters back to pending, with all their tries: the server on the data folder sends them again.

    The receiver gets the same idempotency key as before. An action that has expired stays where it is.

    For example:

    ```sh
    carrythrough deadletters replay 17 18 --data-dir data
    carrythrough deadletters replay --all --data-dir data
    ```
    """
    if bool(entries) == all:
        raise wrong_usage(
            "name entries, or give --all", "carrythrough deadletters list shows them", where="ENTRY"
        )
    target = Target(data_dir=data_dir, config=config)
    folder = Path(target.settings().data_dir)
    with open_reader(target) as reader:
        dead = {entry["entry"]: entry for entry in reader.dead_letters(ALL)}
    from carrythrough.cli.folder_reader import lock_holder

    done, left = _replay(folder, list(entries) or sorted(dead), dead)
    if json:
        say_json({"replayed": done, "left": [{"entry": entry, "reason": reason} for entry, reason in left]})
    else:
        running = lock_holder(folder) is not None
        when = (
            "the running server sends them now"
            if running
            else "they are sent when a server runs on this folder"
        )
        say(f"{plural(len(done), 'action')} put back" + (f"; {when}." if done else "."))
        for entry, reason in left:
            note(f"  {entry}: {reason}")
    return 1 if left and not all else 0


def _replay(
    folder: Path, wanted: list[int], dead: dict[int, dict[str, Any]]
) -> tuple[list[int], list[tuple[int, str]]]:
    """Put entries back in one transaction; return those, and the others with the reason."""
    from carrythrough.embedded.database import connect

    now_ms = int(time.time() * 1000)
    done: list[int] = []
    left: list[tuple[int, str]] = []
    connection = connect(folder / "state.sqlite")
    try:
        with connection:
            for entry in wanted:
                if entry not in dead:
                    left.append((entry, "not a dead letter (see carrythrough deadletters list)"))
                    continue
                row = connection.execute(
                    "SELECT body FROM outbox WHERE entry=? AND status='dead'", (entry,)
                ).fetchone()
                if row is None or msgspec.json.decode(bytes(row[0]))["expires_ms"] <= now_ms:
                    left.append((entry, f"expired {words.when(dead[entry]['expires'])} UTC"))
                    continue
                connection.execute(
                    "UPDATE outbox SET status='pending', attempts=0, due_ms=?, closed_ms=0 WHERE entry=?",
                    (now_ms, entry),
                )
                done.append(entry)
    finally:
        connection.close()
    return done, left


def _row(entry: dict[str, Any]) -> list[Any]:
    return [
        entry["entry"],
        words.when(entry["closed"]),
        entry["adapter"],
        words.action(entry["action"]),
        entry["skill"],
        entry["attempts"],
        words.when(entry["expires"]),
        entry["error"],
    ]
