"""Adapter `file`: appends each action as one line of JSON, for pipelines that read files.

A line is written whole and reaches the disk before the action counts as delivered. A line that a
full disk cut short is ended before the next one is written, so that one torn line never spoils two.
A line may appear twice after a crash: readers ignore an `id` that they have seen.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    Problem,
    Recipient,
    TransientError,
    action_members,
    delivery_problem,
    rfc3339,
)

FILE_MODE = 0o600
"""Actions say something about people: a new file is readable by its owner only."""


class FileConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `file`."""

    path: Annotated[str, Meta(min_length=1, description="the file to append to; its folder must exist")]
    include_contact: Annotated[
        bool, Meta(description="add the person's name and e-mail to each line instead of the pseudonym alone")
    ] = False
    fsync: Annotated[
        bool, Meta(description="force each line to the disk before the action counts as delivered")
    ] = True


class FileAdapter:
    """Appends to one file, one line at a time."""

    def __init__(self, config: FileConfig) -> None:
        self._config = config
        self._path = Path(config.path)
        self._lock = threading.Lock()
        self._descriptor = -1
        self._torn = False

    def check(self) -> str:
        """Say whether the folder is there and the file can be appended to; creates nothing."""
        if self._path.exists():
            usable = self._path.is_file() and os.access(self._path, os.W_OK)
        else:
            usable = self._path.parent.is_dir() and os.access(self._path.parent, os.W_OK | os.X_OK)
        if not usable:
            raise TransientError(self._problem("cannot be written"))
        return f"appends JSON lines to {self._path}"

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Append the line; raises TransientError for whatever the file system refuses."""
        members = {
            **action_members(action),
            "id": idempotency_key,
            "delivered": rfc3339(time.time_ns() // 1_000_000),
        }
        if self._config.include_contact and recipient is not None:
            members["contact"] = {"name": recipient.name, "email": recipient.email}
        line = msgspec.json.encode(members) + b"\n"
        with self._lock:
            try:
                self._append(line)
            except OSError as error:
                self._release()
                raise TransientError(self._problem(error.strerror or str(error))) from error
        return f"appended to {self._path.name}"

    def close(self) -> None:
        """Close the file; the next send opens it again."""
        with self._lock:
            self._release()

    def _append(self, line: bytes) -> None:
        if self._descriptor < 0:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            self._descriptor = os.open(self._path, flags, FILE_MODE)
            size = os.fstat(self._descriptor).st_size
            self._torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"
        rest = memoryview(b"\n" + line if self._torn else line)
        self._torn = True
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self._torn = False
        if self._config.fsync:
            os.fsync(self._descriptor)

    def _release(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _problem(self, why: str) -> Problem:
        return delivery_problem(
            "delivery-failed",
            f"{self._path}: {why}",
            where=str(self._path),
            fix="create the folder, free space, or let the process write there",
        )


SPEC = AdapterSpec(
    name="file",
    kind="file",
    summary="Appends each action as one line of JSON to a file.",
    stability="stable",
    config=FileConfig,
    example={"path": "actions.jsonl"},
    factory=FileAdapter,
)
