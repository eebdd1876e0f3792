"""A file on its way in: opened (gzip is told by its first bytes), its place known for the progress."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from carrythrough.cli.files.recognising import HEAD_BYTES, Recognised, cut, recognise
from carrythrough.cli.files.records import Piece, Refused
from carrythrough.errors import PermanentError, Problem

GZIP = b"\x1f\x8b"
BUFFER_BYTES = 1 << 17


class InputFile:
    """One file (or a pipe) of records; use it as a context manager.

    Raises PermanentError "file-unreadable" when it cannot be opened, "file-damaged" while reading
    a gzip file that is cut short or damaged: what came before has been given.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        try:
            self._file = path.open("rb")
            self.size = os.fstat(self._file.fileno()).st_size
            begin = self._file.read(2)
            raw: Any = _Rejoined(begin, self._file)
            if begin == GZIP:
                raw = gzip.GzipFile(fileobj=raw)
            head = self._head(raw)
        except OSError as error:
            raise _unreadable(self.name, error) from error
        self.stream = io.BufferedReader(_Rejoined(head, raw), BUFFER_BYTES)
        self.head = head
        self.found: Recognised = recognise(self.name, head)

    def _head(self, raw: Any) -> bytes:
        head = b""
        try:
            while len(head) < HEAD_BYTES and (part := _some(raw, HEAD_BYTES - len(head))):
                head += part
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            if not head:
                raise _damaged(self.name, error) from error
        return head

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def position(self) -> int:
        """Return how many bytes of the file as stored are read (0 for a pipe)."""
        return self._file.tell() if self.size else 0

    def records(self) -> Iterator[Piece | Refused]:
        """Yield the records of a JSON file in order."""
        if self.found.layout == "empty":
            return
        self.stream.read(self.found.skip)
        try:
            yield from cut(self.stream, self.found.layout)
        except (EOFError, zlib.error, OSError) as error:
            raise _damaged(self.name, error) from error

    def text(self, encoding: str = "utf-8") -> io.TextIOWrapper:
        """Return the file as text lines; bytes that the encoding does not know come as lone surrogates."""
        name = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
        return io.TextIOWrapper(self.stream, encoding=name, errors="surrogateescape", newline="")


class _Rejoined(io.RawIOBase):
    """A stream with its first bytes, which were read to look at them, put back in front.

    A fault of the stream comes only after everything that could be read before it.
    """

    def __init__(self, head: bytes, rest: Any) -> None:
        super().__init__()
        self._head = head
        self._rest = rest
        self._fault: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        if self._fault is not None:
            raise self._fault
        filled = 0
        try:
            while filled < len(target):
                part = self._head[: len(target) - filled] or _some(self._rest, len(target) - filled)
                if not part:
                    break
                self._head = self._head[len(part) :]
                target[filled : filled + len(part)] = part
                filled += len(part)
        except (EOFError, zlib.error, OSError) as error:
            if not filled:
                raise
            self._fault = error
        return filled


def _some(stream: Any, size: int) -> bytes:
    """Read at most `size` bytes, as few as the stream has at hand: what is at hand survives a later fault."""
    data: bytes = stream.read1(size) if hasattr(stream, "read1") else stream.read(size)
    return data


def _unreadable(name: str, error: OSError) -> PermanentError:
    return PermanentError(
        Problem(
            code="file-unreadable",
            status=404,
            title="The file cannot be read",
            detail=f"{name}: {error.strerror or error}",
            where=name,
            rule="FILE names an existing file that this user may read, or - for standard input",
            fix="correct the path or the permissions",
        )
    )


def _damaged(name: str, error: Exception) -> PermanentError:
    return PermanentError(
        Problem(
            code="file-damaged",
            status=400,
            title="The file is damaged",
            detail=f"{name}: {str(error) or type(error).__name__}",
            where=name,
            rule="a gzip file is complete and its checksum holds (RFC 1952)",
            fix="copy or export it again; records before the damage are taken, and are known when they come again",
        )
    )
