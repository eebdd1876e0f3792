"""Adapter `spool`: one JSON file an action in a folder, from which another program takes it.

The file is named by the idempotency key, so an action that is delivered twice replaces its own file, and
it appears under that name only when it is complete.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import msgspec
from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    PermanentError,
    Problem,
    Recipient,
    SettingError,
    TransientError,
    action_members,
    delivery_problem,
)
from msgspec import Meta

_KEY = re.compile(r"[0-9A-Za-z_-]{1,100}")


class SpoolConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `spool`."""

    folder: Annotated[str, Meta(min_length=1, description="the folder to write into; it must exist")]
    suffix: Annotated[str, Meta(description="ending of the file names, with its dot")] = ".json"

    def __post_init__(self) -> None:
        """Check what types cannot say; raises SettingError."""
        if not self.suffix.startswith(".") or "/" in self.suffix:
            raise SettingError("suffix", "must be a dot and letters", 'write ".json"')


class SpoolAdapter:
    """Writes files; holds nothing open."""

    def __init__(self, config: SpoolConfig) -> None:
        self._folder = Path(config.folder)
        self._suffix = config.suffix

    def check(self) -> str:
        """Say whether the folder can be written to."""
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise TransientError(self._problem("no folder that can be written to"))
        return f"writes files into {self._folder}"

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Write the file; PermanentError for a key that is no file name, TransientError for a full disk."""
        if not _KEY.fullmatch(idempotency_key):
            raise PermanentError(delivery_problem("delivery-refused", "the key is not fit for a file name"))
        path = self._folder / f"{idempotency_key}{self._suffix}"
        # Several threads may write one key: each has a draft of its own, and renaming is atomic.
        draft = self._folder / f".{idempotency_key}.{os.urandom(6).hex()}"
        try:
            draft.write_bytes(msgspec.json.encode(action_members(action)))
            draft.replace(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise TransientError(self._problem(error.strerror or str(error))) from error
        return f"wrote {path.name}"

    def close(self) -> None:
        """Hold nothing, release nothing."""

    def _problem(self, why: str) -> Problem:
        return delivery_problem("delivery-failed", f"{self._folder}: {why}", fix="create the folder")


SPEC = AdapterSpec(
    name="spool",
    kind="file",
    summary="Writes each action as a JSON file into a folder.",
    stability="beta",
    config=SpoolConfig,
    example={"folder": "spool"},
    factory=SpoolAdapter,
)
