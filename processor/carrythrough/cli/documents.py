"""`carrythrough documents`: what content has kept about an agent, listed and erased."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from carrythrough.cli.table import Column, table
from carrythrough.cli.target import data_folder
from carrythrough.cli.terminal import plural, say, say_json
from carrythrough.cli.usage import wrong_usage
from carrythrough.errors import PermanentError, Problem

AgentText = Annotated[
    str,
    Parameter(
        help='An e-mail address, or an Agent as JSON: {"account":{"homePage":"https://…","name":"4711"}}.'
    ),
]
Json = Annotated[bool, Parameter(help="Print JSON.")]
DataDir = Annotated[
    str | None, Parameter(help="The data folder (default: that of the settings, else ./data).")
]
Config = Annotated[Path | None, Parameter(help="Settings file that names the data folder.")]


def list_documents(
    agent: AgentText,
    /,
    *,
    json: Json = False,
    data_dir: DataDir = None,
    config: Config = None,
) -> int:
    """List the states and profiles that are kept about an agent, without their contents.

    An e-mail address stands for its SHA-1 hashes as well. Other identifiers of the same person are listed one by one.

    For example:

    ```sh
    carrythrough documents list ana@example.org --data-dir data
    ```
    """
    from carrythrough.embedded.documents_about import kept_about

    found = kept_about(_folder(data_dir, config), _keys(agent))
    if json:
        say_json({"documents": found})
    elif not found:
        say("Nothing is kept about this agent.")
    else:
        columns: list[Column] = [
            ("kind", "left"),
            ("activity", "left"),
            ("registration", "ids", 3),
            ("id", "left"),
            ("type", "left", 2),
            ("bytes", "right", 1),
            ("written (UTC)", "ids", 4),
        ]
        table(
            columns,
            ([d.kind, d.activity, d.registration, d.id, d.media_type, d.size, _when(d)] for d in found),
        )
    return 0


def forget(
    agent: AgentText,
    /,
    *,
    json: Json = False,
    data_dir: DataDir = None,
    config: Config = None,
) -> int:
    """Erase every state and profile that is kept about an agent; a server may be running on the data folder.

    The contents are overwritten in the file. Statements are not touched, nor are profiles of activities: these are
    about nobody, unless content has put names into them.

    For example:

    ```sh
    carrythrough documents forget ana@example.org --data-dir data
    carrythrough documents forget '{"account":{"homePage":"https://lms.example.org","name":"4711"}}' --data-dir data
    ```
    """
    from carrythrough.embedded.documents_about import erase_about

    erased = erase_about(_folder(data_dir, config), _keys(agent))
    if json:
        say_json({"erased": erased})
    else:
        say(f"{plural(erased, 'document')} erased.")
    return 0


def _folder(data_dir: str | None, config: Path | None) -> Path:
    """Return the data folder; a wrong path must not look like a folder in which nothing is kept."""
    folder = data_folder(data_dir, config)
    if not (folder / "log.sqlite").exists():
        raise PermanentError(
            Problem(
                code="data-folder-empty",
                status=404,
                title="This is not a data folder of Carrythrough",
                detail=f"{folder}: there is nothing in it that a server wrote",
                where="data_dir",
                rule="documents are in the data folder of a server",
                fix="name the folder with --data-dir",
            )
        )
    return folder


def _keys(text: str) -> list[str]:
    """Return the keys that an agent may stand under: an address, and its hashes."""
    from carrythrough.identity.actor import actor_key, mbox_hashes
    from carrythrough.xapi.rules import actor
    from carrythrough.xapi.statement import Agent

    value: Any = {"mbox": text if text.startswith("mailto:") else f"mailto:{text}"}
    if text.lstrip().startswith("{"):
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise wrong_usage(
                f"the agent is not JSON: {error}", "quote it for the shell", where="AGENT"
            ) from None
    try:
        actor.agent(value, "AGENT")
    except PermanentError as error:
        problem = error.problem
        raise wrong_usage(problem.detail, problem.fix, where=problem.where, rule=problem.rule) from None
    found = msgspec.convert(value, Agent)
    hashes = mbox_hashes(found.mbox) if found.mbox is not None else ()
    return [actor_key(found), *(f"mbox_sha1sum:{digest}" for digest in hashes)]


def _when(document: Any) -> str:
    return datetime.fromtimestamp(document.updated_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
