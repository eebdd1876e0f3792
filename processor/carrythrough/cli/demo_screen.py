"""The terminal of the demo: words stay, one status line is kept up to date below them."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from typing import Any

from carrythrough.cli.terminal import printable

CLEAR_LINE = "\r\x1b[2K"


class Screen:
    """Speaks on standard output, or on standard error where that belongs to a script; threads may share it.

    quiet: no words at all. as_json: the run ends with one line of JSON on standard output.
    """

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet = quiet
        self._as_json = as_json
        self._stream = sys.stderr if as_json else sys.stdout
        self._live = not quiet and self._stream.isatty()
        self._status = ""
        self._lock = threading.Lock()

    def say(self, words: str) -> None:
        """Print words that stay; the status line moves below them."""
        if self._quiet:
            return
        with self._lock:
            self._write((CLEAR_LINE if self._status else "") + words + "\n" + self._status)

    def status(self, words: str) -> None:
        """Replace the status line; where no terminal is there, it is left out."""
        if not self._live:
            return
        width = shutil.get_terminal_size().columns - 1
        with self._lock:
            self._status = printable(words)[:width]
            self._write(CLEAR_LINE + self._status)

    def close(self, figures: dict[str, Any], words: str, failure: str) -> None:
        """End the run: the closing words or the failure, and the figures for a script."""
        with self._lock:
            if self._status:
                self._status = ""
                self._write(CLEAR_LINE)
        if failure:
            print(f"The demo failed: {printable(failure)}", file=sys.stderr, flush=True)
        else:
            self.say(words)
        if self._as_json:
            print(json.dumps(figures), flush=True)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
