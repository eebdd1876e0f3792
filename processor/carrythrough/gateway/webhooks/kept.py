"""Bodies of webhooks that could not be mapped, kept on disk with the reason until the mapping is mended.

The sender has been told that its body is taken, so the body is durable here before that. The file is a
quarantine file like that of `ingest` (`carrythrough quarantine list --file`), in the data folder.
"""

from __future__ import annotations

import threading
from pathlib import Path

from carrythrough.errors import PermanentError, Problem, TransientError
from carrythrough.quarantine_file import QuarantineFile

FILE_NAME = "hooks.quarantine.jsonl"
KIND = "hook"
KEPT_BYTES_MAX = 256 << 20
"""Beyond this size of the file new failures are refused with 503, so that a broken mapping fills no disk."""


class KeptBodies:
    """The quarantine file of all webhooks of a data folder; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._file = QuarantineFile(self.path)
        self._lock = threading.Lock()

    def keep(self, hook: str, body: bytes, problem: Problem) -> None:
        """Keep a body with its reason, durably; the same body for the same reason stands there once.

        Raises TransientError (503) when the file has grown beyond KEPT_BYTES_MAX or cannot be written.
        """
        with self._lock:
            if self.path.exists() and self.path.stat().st_size > KEPT_BYTES_MAX:
                raise TransientError(_full(self.path), retry_after_s=60.0)
            try:
                self._file.add(f"hook:{hook}", 1, KIND, body, problem)
                self._file.sync()
            except PermanentError as error:
                raise TransientError(error.problem, retry_after_s=30.0) from error

    def close(self) -> None:
        """Close the file; safe to call twice."""
        with self._lock:
            self._file.close()


def _full(path: Path) -> Problem:
    return Problem(
        code="hook-quarantine-full",
        status=503,
        title="Too many bodies of webhooks wait for a mapping",
        detail=f"{path} has more than {KEPT_BYTES_MAX} bytes",
        where=str(path),
        rule=f"Limit KEPT_BYTES_MAX = {KEPT_BYTES_MAX}",
        fix="mend the mapping, replay the file with `carrythrough hooks replay`, and move it away",
    )
