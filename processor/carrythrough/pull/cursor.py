"""How far a source was read: one small file a source, written only after what was read is durable.

So a crash can make a page be read again, never be missed; and what is read again is known by its id.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from carrythrough.errors import PermanentError, Problem


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """The position in one source and what became of what was read.

    source: digest of store and filters (`PullSource.digest`). stored_ms: everything that the store
    said it stored up to here was taken (ms since the epoch). Counts are since the first start.
    success_ms: last time that the end was reached or a page was taken, 0 for never.
    error: code and sentence of the fault that stops it now, "" when none does.
    """

    source: str
    stored_ms: int
    read: int = 0
    accepted: int = 0
    known: int = 0
    refused: int = 0
    success_ms: int = 0
    error_code: str = ""
    error: str = ""


_decode = msgspec.json.Decoder(Cursor).decode


class CursorFile:
    """The file of one source; `write` replaces a file durably (atomic rename after fsync)."""

    def __init__(self, folder: Path, name: str, write: Callable[[Path, str], None]) -> None:
        self.path = folder / f"{name}.json"
        self._write = write

    def load(self) -> Cursor | None:
        """Return the stored position, None before the first; raises PermanentError when it cannot be read."""
        try:
            return _decode(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise PermanentError(
                Problem(
                    code="pull-position-unreadable",
                    status=500,
                    title="The position of a source cannot be read",
                    detail=f"{self.path}: {error}",
                    where=str(self.path),
                    rule="the position is what reading goes on from",
                    fix="remove the file: reading starts anew, and what is known already counts once",
                )
            ) from None

    def save(self, cursor: Cursor) -> None:
        """Store the position durably; raises OSError."""
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        self._write(self.path, msgspec.json.encode(cursor).decode() + "\n")
