"""A disk that fails: a SQLite VFS which loses what was not synced, and whose calls can be made to fail.

`kill -9` cannot show a missing fsync, because the operating system keeps what was written. This disk
lives in memory and keeps two contents of every file: what a reader sees, and what is durable. Only
`xSync` moves one to the other. `cut_power` forgets the rest, or lets any part of it survive, torn
inside a write where a sector ends; `write_out` then gives real files to open as after a restart.

The model of names follows SQLite's unix VFS: the first sync of a journal or WAL syncs its folder,
and so makes the creation and removal of files in it durable. What is not modelled: wrong bytes
coming back from the disk, and shared memory (open connections with `exclusive=True`).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import apsw

SECTOR_BYTES = 512
"""A torn write ends at a multiple of this inside the file."""
OPERATIONS = ("open", "delete", "access", "read", "write", "truncate", "sync", "size")
"""Names of the counted calls, as a fault sees them."""

Fault = Callable[[str, int], Exception | None]
"""Asked before call number n (from 1) of an operation: what to raise instead of doing it, or None."""

_HIGHEST_BESIDE = {
    apsw.SQLITE_LOCK_SHARED: apsw.SQLITE_LOCK_RESERVED,
    apsw.SQLITE_LOCK_RESERVED: apsw.SQLITE_LOCK_SHARED,
    apsw.SQLITE_LOCK_EXCLUSIVE: apsw.SQLITE_LOCK_NONE,
}
"""For a lock that is asked for, the highest that another connection may hold."""

_Change = tuple[int, bytes] | int
"""(offset, data) of a write, or the size of a truncation."""


class Content:
    """The bytes of one file: as read now, as durable, and the changes between the two in order."""

    def __init__(self) -> None:
        self.now = bytearray()
        self.durable = bytearray()
        self.unsynced: list[_Change] = []
        self.locks: dict[int, int] = {}
        """Lock level by open file (its id)."""

    def change(self, change: _Change) -> None:
        """Apply a write or truncation that is not durable yet."""
        _apply(self.now, change)
        self.unsynced.append(change)

    def sync(self) -> None:
        """Make every change durable."""
        for change in self.unsynced:
            _apply(self.durable, change)
        self.unsynced.clear()


class LossyDisk(apsw.VFS):
    """A registered VFS named `name`; give that name to `embedded.database.connect`, then `unregister`.

    calls: counted I/O calls so far. fault: see `Fault`. Once the power is cut every call raises
    apsw.IOError and nothing becomes durable any more; `silent` then makes the calls succeed without
    effect, so that connections can be closed.
    """

    def __init__(self, name: str, fault: Fault | None = None) -> None:
        super().__init__(name, "")
        self.name = name
        self.fault = fault
        self.calls = 0
        self.powered = True
        self.silent = False
        self._lock = threading.RLock()
        self._names: dict[str, Content] = {}
        self._durable_names: dict[str, Content] = {}

    def cut_power(self, surviving: random.Random | None = None) -> None:
        """Lose every change that was not synced; with `surviving`, keep a random part of them, some torn."""
        with self._lock:
            self.powered = False
            for content in self._durable_names.values():
                if surviving is not None:
                    for change in content.unsynced:
                        _survive(content.durable, change, surviving)
                content.unsynced.clear()

    def unsynced_bytes(self) -> int:
        """Return how many written bytes would be lost now."""
        with self._lock:
            changes = [
                c for content in self._names.values() for c in content.unsynced if isinstance(c, tuple)
            ]
            return sum(len(data) for _, data in changes)

    def write_out(self, folder: Path) -> None:
        """Write the durable files into an existing folder, flat, by their last name."""
        with self._lock:
            for name, content in self._durable_names.items():
                (folder / PurePosixPath(name).name).write_bytes(content.durable)

    def count(self, operation: str) -> None:
        """Count one call; raises what the fault says, or apsw.IOError without power."""
        with self._lock:
            if not self.powered:
                if self.silent:
                    return
                raise apsw.IOError("the power is off")
            self.calls += 1
            error = None if self.fault is None else self.fault(operation, self.calls)
            if not self.powered:  # the fault may have cut it
                raise apsw.IOError("the power went off")
            if error is not None:
                raise error

    def xFullPathname(self, name: str) -> str:  # noqa: N802 - SQLite's own names, here and below
        """Return a name as it is: this disk has no folders."""
        return name

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> LossyFile:  # type: ignore[override]  # noqa: N802
        """Open or create a file."""
        self.count("open")
        flags[1] = flags[0]
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None:
            return LossyFile(self, Content(), syncs_folder=False)
        with self._lock:
            content = self._names.get(path)
            if content is None:
                if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                    raise apsw.CantOpenError(path)
                content = self._names[path] = Content()
        journal = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL
        return LossyFile(self, content, syncs_folder=bool(flags[0] & journal))

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802
        """Remove a file; durable at once only with `syncdir`."""
        self.count("delete")
        with self._lock:
            if self._names.pop(filename, None) is None:
                missing = apsw.IOError("no such file")
                missing.extendedresult = apsw.SQLITE_IOERR_DELETE_NOENT  # type: ignore[attr-defined] # apsw reads it
                raise missing
            if syncdir:
                self.sync_folder()

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802
        """Say whether a file exists (all may be read and written)."""
        self.count("access")
        with self._lock:
            return pathname in self._names

    def sync_folder(self) -> None:
        """Make the present names durable; contents stay as durable as they were."""
        with self._lock:
            self._durable_names = dict(self._names)


class LossyFile:
    """One open file of a `LossyDisk`, with the methods that apsw calls (it need not inherit)."""

    def __init__(self, disk: LossyDisk, content: Content, *, syncs_folder: bool) -> None:
        self._disk = disk
        self._content = content
        self._syncs_folder = syncs_folder

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        """Return up to `amount` bytes; fewer at the end of the file."""
        self._disk.count("read")
        return bytes(self._content.now[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        """Write; not durable before the next sync."""
        self._disk.count("write")
        self._content.change((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        """Cut or lengthen the file; not durable before the next sync."""
        self._disk.count("truncate")
        self._content.change(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        """Make the file's content durable, and its folder's names where it is a new journal."""
        self._disk.count("sync")
        if not self._disk.powered:
            return
        self._content.sync()
        if self._syncs_folder:
            self._disk.sync_folder()
            self._syncs_folder = False

    def xFileSize(self) -> int:  # noqa: N802
        """Return the size in bytes."""
        self._disk.count("size")
        return len(self._content.now)

    def xLock(self, level: int) -> None:  # noqa: N802
        """Take a lock level; raises apsw.BusyError where another open file stands in the way."""
        locks = self._content.locks
        highest = max(
            (held for file, held in locks.items() if file != id(self)), default=apsw.SQLITE_LOCK_NONE
        )
        if highest > _HIGHEST_BESIDE[level]:
            raise apsw.BusyError("another connection holds the file")
        locks[id(self)] = max(level, locks.get(id(self), level))

    def xUnlock(self, level: int) -> None:  # noqa: N802
        """Go back to a lock level."""
        self._content.locks[id(self)] = level

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        """Say whether any connection holds a reserved lock."""
        return any(level >= apsw.SQLITE_LOCK_RESERVED for level in self._content.locks.values())

    def xFileControl(self, op: int, pointer: int) -> bool:  # noqa: N802
        """Know no file control."""
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        """Return the size of a sector in bytes."""
        return SECTOR_BYTES

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        """Promise only that a write changes no byte outside of it, as SQLite does on unix."""
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xClose(self) -> None:  # noqa: N802
        """Close; nothing becomes durable by it."""
        self._content.locks.pop(id(self), None)


def fail_once(number: int, error: Callable[[], Exception]) -> Fault:
    """Return a fault that makes call `number` raise `error()` and no other."""
    return lambda _, n: error() if n == number else None


def fail_between(
    first: int, last: int, error: Callable[[], Exception], only: tuple[str, ...] = OPERATIONS
) -> Fault:
    """Return a fault that makes the calls `first`..`last` among the operations `only` raise `error()`."""
    return lambda operation, n: error() if first <= n <= last and operation in only else None


def cut_at(disk: LossyDisk, number: int, surviving: random.Random | None = None) -> Fault:
    """Return a fault that cuts the power of `disk` at call `number`."""

    def fault(_: str, n: int) -> Exception | None:
        if n == number:
            disk.cut_power(surviving)
        return None

    return fault


def _apply(content: bytearray, change: _Change) -> None:
    if isinstance(change, int):
        del content[change:]
        content.extend(bytes(change - len(content)))
        return
    offset, data = change
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _survive(content: bytearray, change: _Change, chance: random.Random) -> None:
    """Apply all, none, or the first or last sectors of a change."""
    fate = chance.randrange(4)
    if fate == 0:
        return
    if isinstance(change, int) or fate == 1:
        _apply(content, change)
        return
    offset, data = change
    # Sectors are those of the file: the cut lies on one of their borders inside the write.
    borders = range(-offset % SECTOR_BYTES, len(data), SECTOR_BYTES)
    cut = chance.choice(borders) if borders else 0
    _apply(content, (offset, data[:cut]) if fate == 2 else (offset + cut, data[cut:]))
