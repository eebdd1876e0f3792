"""The parent's side of the simulator process: start it, listen to it, let live time begin, stop it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import msgspec

from carrythrough.testing.simulator_feed import Command, FeedOrder, Report

STOP_S = 3.0
"""How long the process may take to end after it was told to; then it is killed."""


class FeedProcess:
    """One running simulator. The order, which holds secrets, goes through a pipe and not the command line."""

    def __init__(self, order: FeedOrder) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "carrythrough.testing.simulator_feed"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._write(msgspec.json.encode(order))

    def reports(self) -> Iterator[Report]:
        """Yield reports until the process ends."""
        for line in self._process.stdout or ():
            yield msgspec.json.decode(line, type=Report)

    def start_live(self, started_ns: int) -> None:
        """Let live time begin: `started_ns` is the monotonic start of the server's own clock."""
        self._write(msgspec.json.encode(Command(do="start", started_ns=started_ns)))

    def ask_to_stop(self) -> None:
        """Tell the process to end; safe to call at any time and more than once."""
        self._write(msgspec.json.encode(Command(do="stop")))

    def wait(self) -> int:
        """Wait for the end, killing the process after STOP_S; return its exit code."""
        try:
            code = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return code

    def _write(self, line: bytes) -> None:
        pipe = self._process.stdin
        # A process that is gone already needs no more commands; its exit code says what happened.
        with contextlib.suppress(BrokenPipeError, ValueError):
            if pipe is not None:
                pipe.write(line + b"\n")
                pipe.flush()
