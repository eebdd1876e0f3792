"""SMTP connections whose replies end: `smtplib` alone reads a reply of endless lines until the memory is full."""

from __future__ import annotations

import smtplib
import time
from typing import Any, BinaryIO

REPLY_LINES_MAX = 200
"""Lines of one reply; the longest that servers send, to EHLO, have some twenty."""


class _Lines:
    """The lines of one reply: so many, within so much time, and then an error."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.begin(0.0)

    def begin(self, seconds: float) -> None:
        """Begin with the next reply, which may take `seconds`."""
        self._left = REPLY_LINES_MAX
        self._deadline_s = time.monotonic() + seconds

    def readline(self, size: int) -> bytes:
        """Return the next line; raises OSError beyond the limits."""
        self._left -= 1
        if self._left < 0:
            raise OSError(f"a reply of more than {REPLY_LINES_MAX} lines")
        if time.monotonic() > self._deadline_s:
            raise TimeoutError("a reply that does not end")
        return self._file.readline(size)

    def close(self) -> None:
        self._file.close()


class _Bounded(smtplib.SMTP):
    file: Any

    def getreply(self) -> tuple[int, bytes]:
        """Return the next reply as `smtplib` does; raises SMTPServerDisconnected for one that does not end."""
        if self.file is None and self.sock is not None:
            self.file = _Lines(self.sock.makefile("rb"))
        if self.file is not None:
            self.file.begin(self.timeout)
        return super().getreply()


class Session(_Bounded):
    """A connection that begins in the clear."""


class EncryptedSession(_Bounded, smtplib.SMTP_SSL):
    """A connection that is encrypted from the first byte."""
