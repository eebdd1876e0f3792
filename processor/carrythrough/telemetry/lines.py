"""Where log lines go: to standard error as it is now, and never back as an error.

Whoever logs is doing something else. A pipe that nobody reads any more, or a stream that was closed, must
not end the thread that commits statements.
"""

from __future__ import annotations

import contextlib
import sys
import threading

_lock = threading.Lock()


class StandardError:
    """A logger for structlog that writes one line to standard error, or loses it."""

    def msg(self, message: str) -> None:
        """Write a line; an error of the stream is swallowed."""
        with _lock, contextlib.suppress(OSError, ValueError):
            sys.stderr.write(message + "\n")
            sys.stderr.flush()

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def to_standard_error(*_: object) -> StandardError:
    """Return the logger; a `logger_factory` of structlog."""
    return StandardError()
