"""The quarantine file: every record that was refused, as it was, with where it came from and why.

JSON lines, appended and readable by its owner only. A record that stands in it for the same reason is
not written again, so a run may be repeated.
"""

from __future__ import annotations

import base64
import datetime as dt
import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from carrythrough.errors import PermanentError, Problem


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a quarantine file.

    number: its line, from 1 (not stored). record: the text as it stood in the file;
    record_base64 in its place when that is not UTF-8.
    """

    refused: str
    file: str
    line: int
    kind: str
    problem: Problem
    record: str = ""
    record_base64: str = ""
    number: int = 0

    def raw(self) -> bytes:
        """Return the bytes of the record."""
        return base64.b64decode(self.record_base64) if self.record_base64 else self.record.encode()


_decode = msgspec.json.Decoder(Entry).decode


class QuarantineFile:
    """A quarantine file to add to; it is created with the first entry."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.added = 0
        self._file: Any = None
        self._seen: set[bytes] = set()

    def add(self, file: str, line: int, kind: str, raw: bytes, problem: Problem) -> None:
        """Append a refused record, unless it is there for the same reason; raises PermanentError."""
        try:
            if self._file is None:
                self._open()
            key = _key(raw, problem.code)
            if key in self._seen:
                return
            self._seen.add(key)
            self._file.write(_line(file, line, kind, raw, problem))
            self._file.flush()
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self.added += 1

    def sync(self) -> None:
        """Make what was added durable."""
        if self._file is not None:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Make what was added durable and close; safe to call twice."""
        if self._file is not None:
            self.sync()
            self._file.close()
            self._file = None

    def _open(self) -> None:
        if self.path.exists():
            self._seen = {_key(entry.raw(), entry.problem.code) for entry in read_quarantine(self.path)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "ab")


def read_quarantine(path: Path) -> Iterator[Entry]:
    """Yield the entries of a quarantine file in order; raises PermanentError with file:line."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield msgspec.structs.replace(_decode(line), number=number)
    except msgspec.DecodeError as error:
        raise PermanentError(
            Problem(
                code="quarantine-file-invalid",
                status=400,
                title="This is not a quarantine file",
                detail=f"{path}: {error}",
                where=str(path),
                rule="`ingest` and `pull` write quarantine files: a JSON object a line, with problem and record",
                fix="name the file that `carrythrough ingest` printed at its end",
            )
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from error


def default_path(data_dir: str | None) -> Path:
    """Return where refused records go: beside the data folder, or here when a server is sent to."""
    if data_dir is None:
        return Path("carrythrough.quarantine.jsonl")
    folder = Path(data_dir)
    if folder.name in ("", ".."):
        folder = folder.resolve()
    name = f"{folder.name or 'carrythrough'}.quarantine.jsonl"
    return folder.parent / name


def _key(raw: bytes, code: str) -> bytes:
    return blake2b(code.encode() + b"\x1f" + raw, digest_size=16).digest()


def _line(file: str, line: int, kind: str, raw: bytes, problem: Problem) -> bytes:
    try:
        record, encoded = raw.decode(), ""
    except UnicodeDecodeError:
        record, encoded = "", base64.b64encode(raw).decode()
    now = dt.datetime.now(tz=dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    entry = Entry(
        refused=now, file=file, line=line, kind=kind, problem=problem, record=record, record_base64=encoded
    )
    return msgspec.json.encode(entry) + b"\n"


def _unwritable(path: Path, error: OSError) -> PermanentError:
    return PermanentError(
        Problem(
            code="quarantine-file-unusable",
            status=500,
            title="The quarantine file cannot be used",
            detail=f"{path}: {error.strerror or error}",
            where="--quarantine",
            rule="refused records are kept, so the run stops when they cannot be",
            fix="give a path that may be written with --quarantine FILE",
        )
    )
