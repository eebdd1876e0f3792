"""Checks of the stores that are read from: settings, the store's answer, and what stops the reading."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from carrythrough.cli.checks.result import Result, failed
from carrythrough.cli.terminal import count
from carrythrough.errors import CarrythroughError
from carrythrough.pull.source import PullSource
from carrythrough.settings import Settings

ANSWER_S_MAX = 5.0
"""A store that takes longer to give one statement is said to be slow, whatever its own setting allows."""


def check_pulling(settings: Settings, folder: Path) -> Iterator[Result]:
    """Yield what holds for each source of the settings; nothing where there is none."""
    for name, source in settings.pull.items():
        try:
            yield _check(name, source, folder)
        except CarrythroughError as error:
            yield failed(f"pull {name}", error.problem)


def _check(name: str, source: PullSource, folder: Path) -> Result:
    from carrythrough.embedded.presenting import rfc3339
    from carrythrough.embedded.pulling import positions
    from carrythrough.pull.remote import RemoteStore
    from carrythrough.pull.source import checked, secret_of

    checked(name, source)
    cursor = positions(folder).get(name)
    since = rfc3339(cursor.stored_ms) if cursor is not None and cursor.stored_ms else source.since
    brief = msgspec.structs.replace(source, page=1, timeout_s=min(source.timeout_s, ANSWER_S_MAX))
    RemoteStore(brief, secret_of(name, source)).first(since)
    title = f"pull {name}"
    if cursor is None:
        return Result(title, "ok", "the store answers; nothing was read yet")
    if cursor.refused:
        fix = f"carrythrough quarantine list --file {folder}/pull/{name}.quarantine.jsonl"
        return Result(title, "warning", f"{count(cursor.refused)} statements were refused", fix)
    return Result(title, "ok", f"the store answers; {count(cursor.read)} read, up to {since}")
