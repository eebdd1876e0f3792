"""The file `attachments.sqlite`: the data of attachments by their hash, durable before the statements that name them.

An attachment whose statement was then refused stays behind and harms nobody; one that
is missing would. The same data sent again costs a look.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import apsw

from carrythrough.embedded.commit_problems import DISK_FULL, disk_error
from carrythrough.embedded.database import chunks, connect, marks, select
from carrythrough.errors import PermanentError, Problem, TransientError
from carrythrough.xapi.query import AttachmentData

ATTACHMENT_BYTES_MAX = 256 << 20
"""Bytes of one attachment: SQLite takes a value of up to 10**9 bytes, and it passes through memory whole."""
CACHE_KIB = 4_096
"""Data is read once and sent: keeping pages of it helps nobody."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS attachment(
  number INTEGER PRIMARY KEY, sha2 TEXT NOT NULL UNIQUE, content_type TEXT NOT NULL, data BLOB NOT NULL)
"""


class AttachmentFile:
    """Stored attachments; safe to call from any thread."""

    def __init__(self, path: Path, *, vfs: str | None = None, exclusive: bool = False) -> None:
        """Open the file; raises apsw.Error. vfs, exclusive: as in `database.connect`."""
        self._connection = connect(path, vfs=vfs, exclusive=exclusive)
        self._connection.execute(_SCHEMA)
        self._lock = threading.Lock()
        # Large answers are read beside the writer, where the file allows it.
        self._reader = self._connection if exclusive else connect(path, readonly=True)
        self._reading = self._lock if exclusive else threading.Lock()
        for connection in (self._connection, self._reader):
            connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")

    def store(self, attachments: Sequence[AttachmentData]) -> None:
        """Keep attachments durably, all or none; raises PermanentError (413) or TransientError (503).

        The first one with a hash stays: the hash says that another would have the same data.
        """
        for attachment in attachments:
            if len(attachment.data) > ATTACHMENT_BYTES_MAX:
                raise PermanentError(_too_large(attachment))
        with self._lock:
            try:
                self._write(attachments)
            except apsw.FullError as error:
                self._undo()
                raise TransientError(DISK_FULL, retry_after_s=30.0) from error
            except apsw.Error as error:
                self._undo()
                raise TransientError(disk_error(error), retry_after_s=10.0) from error

    def read(self, sha2s: Iterable[str]) -> dict[str, AttachmentData]:
        """Return the stored attachments among these hashes; raises TransientError (503)."""
        found: dict[str, AttachmentData] = {}
        with self._reading:
            try:
                for part in chunks(list(dict.fromkeys(sha2s))):
                    rows = select(
                        self._reader,
                        f"SELECT sha2, content_type, data FROM attachment WHERE sha2 IN ({marks(len(part))})",
                        part,
                    )
                    for sha2, content_type, data in rows:
                        found[sha2] = AttachmentData(sha2=sha2, content_type=content_type, data=data)
            except apsw.Error as error:
                raise TransientError(disk_error(error), retry_after_s=10.0) from error
        return found

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._reader.close()
        self._connection.close()

    def _write(self, attachments: Sequence[AttachmentData]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for one in attachments:
            self._connection.execute(
                "INSERT OR IGNORE INTO attachment(sha2, content_type, data) VALUES (?,?,?)",
                (one.sha2, one.content_type, one.data),
            )
        self._connection.execute("COMMIT")

    def _undo(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error:
            return  # the next transaction says so again, if it is still so


def _too_large(attachment: AttachmentData) -> Problem:
    return Problem(
        code="attachment-too-large",
        status=413,
        title="The attachment is too large",
        detail=f"{attachment.sha2} has {len(attachment.data)} bytes",
        rule=f"Limit ATTACHMENT_BYTES_MAX = {ATTACHMENT_BYTES_MAX}",
        fix="store it elsewhere and give its fileUrl",
    )
