"""Checks of the topics that are read from: settings, the brokers' answer, and what was refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from carrythrough.cli.checks.result import Result, failed
from carrythrough.cli.terminal import plural
from carrythrough.errors import CarrythroughError
from carrythrough.events.types import AdmittedEvent
from carrythrough.ports import Receipt
from carrythrough.settings import Settings


def check_consuming(settings: Settings, folder: Path) -> Iterator[Result]:
    """Yield what holds for each topic of the settings; nothing where there is none."""
    if not settings.consume:
        return
    from carrythrough.embedded.consuming import build_readers, refused_path
    from carrythrough.quarantine_file import read_quarantine
    from carrythrough.telemetry.metrics import Telemetry

    try:
        readers = build_readers(settings.consume, str(folder), _never, Telemetry())
    except CarrythroughError as error:
        yield failed("consume", error.problem)
        return
    for reader in readers:
        title = f"consume {reader.name}"
        try:
            partitions = reader.check()
        except CarrythroughError as error:
            yield failed(title, error.problem)
            continue
        path = refused_path(folder, reader.name)
        refused = sum(1 for _ in read_quarantine(path)) if path.exists() else 0
        if refused:
            fix = f"carrythrough quarantine list --file {path}"
            yield Result(title, "warning", f"{plural(refused, 'record')} refused", fix)
        else:
            yield Result(title, "ok", f"{reader.source.topic} answers, {plural(partitions, 'partition')}")


def _never(events: list[AdmittedEvent], credential: str) -> Receipt:
    raise NotImplementedError("a check takes nothing in")
