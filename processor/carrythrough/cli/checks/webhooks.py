"""Checks of the webhooks: settings, secret and mapping of each, and what could not be mapped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from carrythrough.cli.checks.result import Result, failed
from carrythrough.cli.terminal import plural
from carrythrough.errors import CarrythroughError
from carrythrough.settings import Settings


def check_webhooks(settings: Settings, folder: Path) -> Iterator[Result]:
    """Yield what holds for each webhook of the settings; nothing where there is none."""
    if not settings.webhooks:
        return
    from carrythrough.gateway.webhooks.hooks import load_hooks
    from carrythrough.gateway.webhooks.kept import FILE_NAME
    from carrythrough.quarantine_file import read_quarantine

    path = folder / FILE_NAME
    kept: dict[str, int] = {}
    for entry in read_quarantine(path) if path.exists() else ():
        kept[entry.file] = kept.get(entry.file, 0) + 1
    for name, webhook in settings.webhooks.items():
        title = f"webhook {name}"
        try:
            hook = load_hooks({name: webhook})[name]
        except CarrythroughError as error:
            yield failed(title, error.problem)
            continue
        count = kept.get(hook.source, 0)
        if count:
            fix = f"mend {webhook.mapping}, then: carrythrough hooks replay {name}"
            yield Result(
                title, "warning", f"{plural(count, 'body', 'bodies')} did not map and stand in {path}", fix
            )
        else:
            yield Result(title, "ok", f"{webhook.signature}, secret and mapping can be used")
