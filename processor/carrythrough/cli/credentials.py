"""`carrythrough credentials`: keys of a data folder, made, listed and taken away."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from carrythrough.cli.table import table
from carrythrough.cli.target import data_folder
from carrythrough.cli.terminal import note, say, say_json
from carrythrough.cli.usage import wrong_usage
from carrythrough.errors import PermanentError, Problem

DataDir = Annotated[
    str | None, Parameter(help="The data folder (default: that of the settings, else ./data).")
]
Config = Annotated[Path | None, Parameter(help="Settings file that names the data folder.")]
NAME_PATTERN = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NAME_LENGTH_MAX = 40


def add(
    name: Annotated[
        str, Parameter(help="Who it is for, such as moodle or crm: lower case, digits, hyphens.")
    ],
    /,
    *,
    scope: Annotated[
        tuple[str, ...],
        Parameter(
            help="What it may do; repeat it for several. Of xAPI: statements/write, statements/read/mine, "
            "statements/read, state, define, profile, all/read, all. Our own: events/write, scores/read, people/read "
            "(names beside scores), roster/read, roster/write, scim (an identity provider). Without any: what an LMS "
            "needs (statements/write, statements/read/mine, state, "
            "define, profile).",
            consume_multiple=False,
        ),
    ] = (),
    lenient: Annotated[
        bool, Parameter(help="Repair and set aside what breaks the specification instead of refusing it.")
    ] = False,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    data_dir: DataDir = None,
    config: Config = None,
) -> int:
    """Make a key and a secret. The secret is shown this once; only its hash is stored.

    A running server knows it within seconds.

    For example:

    ```sh
    carrythrough credentials add moodle --data-dir data
    carrythrough credentials add dashboard --scope scores/read --scope people/read --data-dir data
    ```
    """
    from carrythrough.gateway.auth import new_credential
    from carrythrough.gateway.scopes import LMS_SCOPES, SCIM, SCOPES

    if not NAME_PATTERN.fullmatch(name) or len(name) > NAME_LENGTH_MAX:
        raise wrong_usage(
            f"{name!r} is no name for a credential", "write lower case, digits and hyphens", where="NAME"
        )
    for one in scope:
        if one not in SCOPES:
            near = get_close_matches(one, SCOPES, n=1)
            fix = f"did you mean {near[0]!r}?" if near else "name one of them"
            rule = f"scopes are: {', '.join(SCOPES)}"
            raise wrong_usage(f"{one!r} is not a scope", fix, where="--scope", rule=rule)
    folder = data_folder(data_dir, config)
    entries = _read(folder, missing_ok=True)
    first = not entries
    if any(entry["name"] == name for entry in entries):
        raise _taken(name)
    made, secret = new_credential(name, scope or LMS_SCOPES, mode="lenient" if lenient else "strict")
    _write(folder, [*entries, msgspec.to_builtins(made)])
    if json:
        say_json({"name": name, "key": made.key, "secret": secret, "scopes": list(made.scopes)})
    else:
        say(f"  key     {made.key}")
        say(f"  secret  {secret}")
        if SCIM in made.scopes:
            say(f"  bearer  {made.key}.{secret}")
        say(f"  may     {', '.join(made.scopes)}")
        if lenient:
            say("  mode    lenient: what can be repaired is, and what cannot is set aside with its reason")
        say()
        say("The secret is shown this once: give it to the sender now. Here only its hash is stored.")
    if first:
        note("It is the only credential here: a server makes its first ones only in a folder that has none.")
    _tell_server(folder)
    return 0


def list_credentials(
    *,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    data_dir: DataDir = None,
    config: Config = None,
) -> int:
    """List names, keys and scopes; secrets are not stored.

    For example:

    ```sh
    carrythrough credentials list --data-dir data
    ```
    """
    entries = _read(data_folder(data_dir, config))
    if json:
        say_json({"credentials": [{k: entry[k] for k in ("name", "key", "scopes")} for entry in entries]})
        return 0
    rows = (
        [entry["name"], entry["key"], ", ".join(entry["scopes"]), entry.get("mode", "strict")]
        for entry in entries
    )
    table([("name", "left"), ("key", "ids"), ("may", "left"), ("mode", "left")], rows)
    return 0


def remove(
    name: Annotated[str, Parameter(help="Name or key, as `credentials list` shows it.")],
    /,
    *,
    data_dir: DataDir = None,
    config: Config = None,
) -> int:
    """Take a credential away: its key, and tokens given out for it, stop working within seconds.

    For example:

    ```sh
    carrythrough credentials remove moodle --data-dir data
    ```
    """
    folder = data_folder(data_dir, config)
    entries = _read(folder)
    kept = [entry for entry in entries if name not in (entry["name"], entry["key"])]
    if len(kept) == len(entries):
        near = get_close_matches(name, [entry["name"] for entry in entries], n=1)
        raise PermanentError(
            Problem(
                code="credential-unknown",
                status=404,
                title="There is no such credential",
                detail=repr(name),
                where="NAME",
                rule="credentials are named as `carrythrough credentials list` shows them",
                fix=f"did you mean {near[0]!r}?" if near else "look at the list",
            )
        )
    _write(folder, kept)
    say(f"{name} is removed.")
    _tell_server(folder)
    return 0


def _read(folder: Path, *, missing_ok: bool = False) -> list[dict[str, Any]]:
    """Return the entries of credentials.json after the gateway's own reader has found them good."""
    from carrythrough.gateway.auth import Credentials

    path = folder / "credentials.json"
    if missing_ok and folder.is_dir() and not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PermanentError(
            Problem(
                code="credentials-missing",
                status=404,
                title="There are no credentials here",
                detail=f"{path}: {error.strerror}",
                where="data_dir",
                rule="the first start of a server makes a data folder and its credentials",
                fix="name the data folder with --data-dir, or start `carrythrough serve` once",
            )
        ) from error
    Credentials.from_file(text, str(path))
    entries: list[dict[str, Any]] = msgspec.json.decode(text)["credentials"]
    return entries


def _write(folder: Path, entries: list[dict[str, Any]]) -> None:
    from carrythrough.embedded.data_folder import write_private
    from carrythrough.gateway.auth import Credential, Credentials

    text = Credentials(msgspec.convert(entries, list[Credential])).to_file()
    try:
        write_private(folder / "credentials.json", text)
    except OSError as error:
        raise PermanentError(
            Problem(
                code="credentials-unwritable",
                status=500,
                title="The credentials cannot be written",
                detail=f"{folder / 'credentials.json'}: {error.strerror}",
                where="data_dir",
                rule="only the user that the server runs as may change them",
                fix="run the command as that user",
            )
        ) from error


def _tell_server(folder: Path) -> None:
    from carrythrough.cli.folder_reader import lock_holder

    if lock_holder(folder) is not None:
        note("The server that runs on this data folder takes the change up within seconds.")


def _taken(name: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="credential-exists",
            status=409,
            title="This name is taken",
            detail=f"there is a credential named {name!r}",
            where="NAME",
            rule="each sender has a credential of its own, under its own name",
            fix=f"choose another name, or `carrythrough credentials remove {name}` first",
        )
    )
