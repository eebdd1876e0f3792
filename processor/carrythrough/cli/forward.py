"""`carrythrough forward`: how far other stores have come, what they refuse, and sending that again."""

from __future__ import annotations

import json as json_text
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.table import Column, table
from carrythrough.cli.target import data_folder
from carrythrough.cli.terminal import plural, say, say_json
from carrythrough.cli.usage import wrong_usage
from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.pages import words

DataDir = Annotated[
    str | None,
    Parameter(
        help="The data folder (default: that of the settings, else ./data); a server may be running on it."
    ),
]
Config = Annotated[Path | None, Parameter(help="Settings file that names the data folder.")]
AsJson = Annotated[bool, Parameter(help="Print JSON.")]
SHOWN = 50
ALL = 100_000


def status(*, json: AsJson = False, data_dir: DataDir = None, config: Config = None) -> int:
    """Say for each target how far it has come, what is still ahead of it, and what is wrong.

    The feed `log` is what was taken in, `own` is what Carrythrough has to say itself.

    For example:

    ```sh
    carrythrough forward status --data-dir data
    ```
    """
    folder = data_folder(data_dir, config)
    with _file(folder) as file:
        found = [] if file is None else _standings(folder, file)
    if json:
        say_json({"targets": found})
        return 0
    if not found:
        say("Nothing was forwarded from this data folder (settings: forward).")
        return 0
    columns: list[Column] = [
        ("target", "left"),
        ("feed", "left"),
        ("position", "right"),
        ("ahead", "right"),
        ("sent", "right", 2),
        ("refused", "right"),
        ("failing since (UTC)", "ids", 1),
        ("last error", "left"),
    ]
    rows = (
        [
            one["target"], one["feed"], one["position"], one["ahead"], one["sent"], one["dead_letters"],
            words.when(one["failing_since"]) if one["failing_since"] else "", one["error"],
        ]
        for one in found
    )  # fmt: skip
    table(columns, rows)
    return 1 if any(one["error"] or one["dead_letters"] for one in found) else 0


def list_refused(
    *,
    target: Annotated[str, Parameter(help="Only of this target.")] = "",
    limit: Annotated[int, Parameter(help="At most this many, oldest first.")] = SHOWN,
    json: AsJson = False,
    data_dir: DataDir = None,
    config: Config = None,
) -> int:
    """List statements that a target refuses for good, with its reason.

    For example:

    ```sh
    carrythrough forward deadletters --data-dir data
    ```
    """
    with _file(data_folder(data_dir, config)) as file:
        found = [] if file is None else [_letter(one) for one in file.dead_letters(target, limit=limit)]
    if json:
        say_json({"statements": found})
        return 0
    if not found:
        say("No statement was refused.")
        return 0
    columns: list[Column] = [
        ("entry", "right"),
        ("refused (UTC)", "ids", 2),
        ("target", "left"),
        ("statement", "ids", 1),
        ("state", "left"),
        ("reason", "left"),
    ]
    rows = (
        [
            one["entry"],
            words.when(one["refused"]),
            one["target"],
            one["statement"],
            one["state"],
            one["reason"],
        ]
        for one in found
    )
    table(columns, rows)
    say()
    say(
        "One with its text: carrythrough forward show ENTRY. Again: carrythrough forward replay ENTRY…", "dim"
    )
    return 0


def show_refused(
    entry: Annotated[int, Parameter(help="Entry as `forward deadletters` numbers it.")],
    /,
    *,
    data_dir: DataDir = None,
    config: Config = None,
) -> int:
    """Print one refused statement as JSON, with the reason and the text that was sent to us.

    For example:

    ```sh
    carrythrough forward show 3 --data-dir data
    ```
    """
    folder = data_folder(data_dir, config)
    with _file(folder) as file:
        letter = None if file is None else file.dead_letter(entry)
    if letter is None:
        raise PermanentError(_unknown(entry))
    text = letter.refused.text or _text_in_log(folder, letter.refused.key)
    say_json({**_letter(letter), "text": json_text.loads(text) if text else None})
    return 0


def replay_refused(
    *entries: Annotated[int, Parameter(help="Entries as `forward deadletters` numbers them.")],
    all: Annotated[bool, Parameter(help="All that were refused, of one target with --target.")] = False,  # noqa: A002 - the flag
    target: Annotated[str, Parameter(help="With --all: only of this target.")] = "",
    json: AsJson = False,
    data_dir: DataDir = None,
    config: Config = None,
) -> int:
    """Have refused statements sent again, once their target was mended: by the server on the data folder.

    For example:

    ```sh
    carrythrough forward replay 3 4 --data-dir data
    carrythrough forward replay --all --target warehouse --data-dir data
    ```
    """
    if bool(entries) == all:
        raise wrong_usage(
            "name entries, or give --all", "carrythrough forward deadletters shows them", where="ENTRY"
        )
    with _file(data_folder(data_dir, config), readonly=False) as file:
        wanted = list(entries)
        if all and file is not None:
            wanted = [one.entry for one in file.dead_letters(target, state="dead", limit=ALL)]
        count = 0 if file is None else file.request_replay(wanted)
    if json:
        say_json({"replayed": count})
    else:
        say(f"{plural(count, 'statement')} put back; a server on this folder sends within a second.")
    return 0 if count == len(wanted) else 1


@contextmanager
def _file(folder: Path, *, readonly: bool = True) -> Iterator[Any]:
    """Open the file of a data folder, None when nothing was ever forwarded from it."""
    from carrythrough.embedded.forward_file import FILE, ForwardFile

    if not (folder / FILE).exists():
        yield None
        return
    file = ForwardFile(folder, readonly=readonly)
    try:
        yield file
    finally:
        file.close()


def _standings(folder: Path, file: Any) -> list[dict[str, Any]]:
    from carrythrough.forward.items import time_text

    ends = _ends(folder)
    return [
        {
            "target": target,
            "feed": feed,
            "position": standing.position,
            "ahead": max(0, ends[feed] - standing.position) if feed in ends else 0,
            "sent": standing.sent,
            "dead_letters": file.dead_count(target, feed),
            "failures": standing.failures,
            "failing_since": time_text(standing.failing_since_ms) if standing.failures else "",
            "next_try": time_text(standing.due_ms) if standing.failures else "",
            "error": standing.error,
        }
        for (target, feed), standing in file.standings().items()
    ]


def _ends(folder: Path) -> dict[str, int]:
    from carrythrough.embedded.database import connect

    ends = {}
    for feed, name, query in (
        ("log", "log.sqlite", "SELECT coalesce(max(position), 0) FROM log"),
        ("own", "state.sqlite", "SELECT coalesce(max(seq), 0) FROM effect"),
    ):
        if (folder / name).exists():
            connection = connect(folder / name, readonly=True)
            ends[feed] = int(connection.execute(query).get)
            connection.close()
    return ends


def _text_in_log(folder: Path, position: int) -> bytes:
    from carrythrough.embedded.database import connect

    connection = connect(folder / "log.sqlite", readonly=True)
    try:
        row = connection.execute("SELECT raw FROM log WHERE position=?", (position,)).fetchone()
    finally:
        connection.close()
    return b"" if row is None else bytes(row[0])


def _letter(letter: Any) -> dict[str, Any]:
    from carrythrough.forward.items import time_text

    one = letter.refused
    return {
        "entry": letter.entry,
        "target": letter.target,
        "feed": letter.feed,
        "statement": one.id,
        "position": one.key,
        "status": one.status,
        "reason": one.reason,
        "refused": time_text(letter.at_ms),
        "state": letter.state,
    }


def _unknown(entry: int) -> Problem:
    return Problem(
        code="forward-entry-unknown",
        status=404,
        title="There is no refused statement of this number",
        detail=str(entry),
        where="ENTRY",
        rule="entries are numbered as `carrythrough forward deadletters` shows them",
        fix="look at the list",
    )
