"""The data folder: one process at a time, and the keys that are made on the first start."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import IO

from carrythrough.errors import PermanentError, Problem

TENANT_KEY_BYTES = 32


class DataFolder:
    """A locked data folder; release it with `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock: IO[str] | None = (path / "lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise PermanentError(
                Problem(
                    code="data-folder-unusable",
                    status=500,
                    title="The data folder cannot be used",
                    detail=f"{path}: {error.strerror}",
                    where="data_dir",
                    rule="the server keeps its log and state in a folder that it may write",
                    fix="create the folder and give this user write permission, or set another data_dir",
                )
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.seek(0)
            owner = self._lock.read().strip() or "unknown"
            self._lock.close()
            self._lock = None
            raise PermanentError(
                Problem(
                    code="data-folder-in-use",
                    status=500,
                    title="Another process uses this data folder",
                    detail=f"{path} is locked by process {owner}",
                    where="data_dir",
                    rule="one process at a time owns a data folder",
                    fix=f"stop process {owner}, or give this one a data folder of its own with --data-dir",
                )
            ) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def tenant_key(self) -> bytes:
        """Return the key that pseudonyms are made with, creating it on the first start (mode 600)."""
        path = self.path / "tenant.key"
        if not path.exists():
            write_private(path, secrets.token_hex(TENANT_KEY_BYTES) + "\n")
        return bytes.fromhex(path.read_text(encoding="ascii").strip())

    def close(self) -> None:
        """Give the folder up; safe to call twice."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def write_private(path: Path, text: str) -> None:
    """Write a file of text durably that only its owner may read."""
    write_durably(path, text.encode())


def write_durably(path: Path, content: bytes) -> None:
    """Write a file in place of the last one, whole or not at all, on the disk when it returns; raises OSError."""
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name, too, must outlive a power cut
    finally:
        os.close(folder)
