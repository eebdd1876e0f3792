"""The sources that an installation reads from: settings, positions, admission and log put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from carrythrough.embedded.data_folder import write_private
from carrythrough.pull.cursor import Cursor, CursorFile
from carrythrough.pull.intake import PulledIntake, Submit
from carrythrough.pull.puller import Puller, Watcher
from carrythrough.pull.remote import RemoteStore
from carrythrough.pull.source import PullSource, checked, secret_of
from carrythrough.quarantine_file import QuarantineFile

CURSORS = "pull"
"""Folder of the positions and of what was refused, in the data folder: a source has one file of each."""


def build_pullers(
    sources: Mapping[str, PullSource],
    data_dir: str,
    submit: Submit,
    now_ms: Callable[[], int],
    watcher: Watcher,
) -> list[Puller]:
    """Return a puller for each source; raises PermanentError for one that cannot work as it is set."""
    pullers = []
    folder = Path(data_dir) / CURSORS
    for name, source in sources.items():
        checked(name, source)
        refused = QuarantineFile(folder / f"{name}.quarantine.jsonl")
        store = RemoteStore(source, secret_of(name, source))
        pullers.append(
            Puller(
                name,
                source,
                store,
                PulledIntake(name, source.version, submit, refused, store.attachments),
                CursorFile(folder, name, write_private),
                now_ms,
                watcher,
            )
        )
    return pullers


def positions(folder: Path) -> dict[str, Cursor]:
    """Return how far each source was read into a data folder, by name; a server may be running on it."""
    found = {}
    for path in sorted((folder / CURSORS).glob("*.json")):
        cursor = CursorFile(path.parent, path.stem, write_private).load()
        if cursor is not None:
            found[path.stem] = cursor
    return found
