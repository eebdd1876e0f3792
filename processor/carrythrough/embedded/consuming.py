"""The topics that an installation reads performance events from: settings, admission and log put together."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from carrythrough.consume.intake import Submit, TopicIntake
from carrythrough.consume.reader import TopicReader, Watcher
from carrythrough.consume.source import TopicSource, checked, client_options
from carrythrough.errors import PermanentError, Problem
from carrythrough.quarantine_file import QuarantineFile

REFUSED = "consume"
"""Folder of what was refused, in the data folder: one quarantine file a source."""


def refused_path(data_dir: str | Path, name: str) -> Path:
    """Return the quarantine file of a source."""
    return Path(data_dir) / REFUSED / f"{name}.quarantine.jsonl"


def build_readers(
    sources: Mapping[str, TopicSource], data_dir: str, submit: Submit, watcher: Watcher
) -> list[TopicReader]:
    """Return a reader for each source; raises PermanentError for one that cannot work as it is set."""
    if sources and find_spec("kafka") is None:
        raise _without_client()
    readers = []
    for name, source in sources.items():
        checked(name, source)
        refused = QuarantineFile(refused_path(data_dir, name))
        intake = TopicIntake(name, submit, refused)
        readers.append(TopicReader(name, source, client_options(name, source), intake, watcher))
    return readers


def _without_client() -> PermanentError:
    return PermanentError(
        Problem(
            code="kafka-client-missing",
            status=400,
            title="The Kafka client is not installed",
            detail="the settings name topics to read, and the package kafka-python is not there",
            where="consume",
            rule="reading topics needs the extra `kafka`",
            fix="pip install 'carrythrough[kafka]'",
        )
    )
