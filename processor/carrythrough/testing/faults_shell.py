"""Log, committer, state and fold over one disk, without HTTP and dispatcher: what the disk tests run."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

from carrythrough.embedded.activation import Activator
from carrythrough.embedded.committer import Committer
from carrythrough.embedded.folder import Folder
from carrythrough.embedded.hub import Hub
from carrythrough.embedded.log import LogFile
from carrythrough.embedded.store import StateFile
from carrythrough.pipeline.records import Kind, Record
from carrythrough.ports import Receipt
from carrythrough.telemetry.metrics import Telemetry
from carrythrough.testing.faults import LossyDisk

START_MS = 1_795_000_000_000
"""Where the clock of a shell starts, ms since the epoch."""
TENANT_KEY = b"k" * 32
CATCH_UP_S = 20.0

Submission = tuple[Kind, list[Any]]
"""The kind of some records, and the admitted statements, events or control records."""


class Shell:
    """The inside of the server over a `LossyDisk`, or over real files in a folder.

    disk: None for real files in the folder `where`. Raises apsw.Error when they do not open. On a
    lossy disk a file has one connection, so committing and folding take turns here: call `fold`
    while nobody submits.
    """

    def __init__(self, disk: LossyDisk | None, where: Path = Path()) -> None:
        self._disk = disk
        name = None if disk is None else disk.name
        self.telemetry = Telemetry()
        self.log = LogFile(where / "log.sqlite", vfs=name, exclusive=True)
        try:
            self.state = StateFile(where / "state.sqlite", self.log.reader(), vfs=name, exclusive=True)
        except apsw.Error:
            with contextlib.suppress(apsw.Error):
                self.log.close()
            raise
        self._activator = Activator("default", TENANT_KEY)
        try:
            self._in_force = self._activator.at(self.log.reader(), self.state.position)
        except apsw.Error:
            for file in (self.log, self.state):
                with contextlib.suppress(apsw.Error):
                    file.close()
            raise
        self._records: queue.SimpleQueue[list[Record]] = queue.SimpleQueue()
        self._now_ms = START_MS
        self.committer = Committer(self.log, self, self.telemetry, self._records.put)
        self.committer.start()

    def now_ms(self) -> int:
        """Return a time that moves by a second at every question."""
        self._now_ms += 1000
        return self._now_ms

    def submit(self, submission: Submission) -> Receipt:
        """Commit one request; raises as `Committer.submit`."""
        return self.committer.submit_now(*submission, credential="lms")

    def fold(self, until: Callable[[], bool]) -> bool:
        """Let the fold's own thread run until `until` is true; say whether that came about in time."""
        fold = Folder(
            self.log.reader(),
            self.state,
            self._in_force,
            self._activator.activate,
            Hub(),
            self.telemetry,
            lambda _, __: ("console",),
            lambda: None,
        )
        while not self._records.empty():
            fold.hand_over(self._records.get())
        fold.start()
        deadline = time.monotonic() + CATCH_UP_S
        while not (done := until()) and time.monotonic() < deadline:
            time.sleep(0.0005)
        fold.stop()
        self._in_force = fold.in_force
        return done

    def caught_up(self) -> bool:
        """Say whether everything in the log is folded."""
        return bool(self.state.position >= self.log.end)

    def close(self) -> None:
        """Close everything, also without power."""
        self.committer.stop()
        if self._disk is not None:
            self._disk.fault = None
            self._disk.silent = True
        self.log.close()
        self.state.close()
