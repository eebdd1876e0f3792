"""Checks of what goes on to other stores: settings, tries that fail, statements that were refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from carrythrough.cli.checks.result import Result, failed
from carrythrough.cli.terminal import plural
from carrythrough.errors import CarrythroughError
from carrythrough.settings import Settings


def check_forwarding(settings: Settings, folder: Path) -> Iterator[Result]:
    """Yield what holds for each target of the settings; nothing where there is none."""
    from carrythrough.embedded.forward_file import FILE, ForwardFile
    from carrythrough.forward.items import time_text
    from carrythrough.forward.target import secrets_of

    try:
        secrets_of(settings.forward)
    except CarrythroughError as error:
        yield failed("forwarding", error.problem)
        return
    if not settings.forward or not (folder / FILE).exists():
        return
    file = ForwardFile(folder, readonly=True)
    try:
        standings = file.standings()
        dead = {name: file.dead_count(name) for name in settings.forward}
    finally:
        file.close()
    for name in settings.forward:
        title = f"forward {name}"
        failing = [one for (target, _), one in standings.items() if target == name and one.failures]
        if failing:
            since = time_text(min(one.failing_since_ms for one in failing))
            fix = "mend the address or the credential, or wait: nothing is lost meanwhile"
            yield Result(title, "warning", f"every try since {since} failed: {failing[0].error}", fix)
        elif dead[name]:
            fix = "carrythrough forward deadletters; mend the cause, then carrythrough forward replay --all"
            yield Result(title, "warning", f"{plural(dead[name], 'statement')} refused for good", fix)
        else:
            sent = sum(one.sent for (target, _), one in standings.items() if target == name)
            yield Result(title, "ok", f"{plural(sent, 'statement')} sent")
