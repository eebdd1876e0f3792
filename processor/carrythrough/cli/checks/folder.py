"""Checks of the data folder: writable, enough room, who holds it, its files, its durability, its clock."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from carrythrough.cli.checks.result import Result, failed
from carrythrough.cli.folder_reader import lock_holder
from carrythrough.embedded.database import connect
from carrythrough.errors import CarrythroughError

FREE_BYTES_LOW = 2 << 30
FREE_BYTES_MIN = 200 << 20
"""Below this a busy server is full within minutes."""
CLOCK_LAG_MS_MAX = 60_000
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph"})
"""Where SQLite's locks or shared memory, or an fsync, cannot be relied upon."""
MEMORY_FILE_SYSTEMS = frozenset({"tmpfs", "ramfs"})
PRIVATE = ("credentials.json", "tenant.key", "oauth.key")
SYNCHRONOUS_FULL = 2


def check_folder(path: Path) -> Iterator[Result]:
    """Yield what holds for a data folder; one that does not exist yet is fine where it can be made."""
    yield _writable(path)
    yield _room(path)
    yield _file_system(path)
    if not (path / "log.sqlite").exists():
        yield Result("data", "ok", "nothing is stored yet: the first start makes log, state and keys")
        return
    yield _lock(path)
    yield _permissions(path)
    yield _credentials(path)
    yield _durability(path)
    yield _clock(path)


def _existing(path: Path) -> Path:
    """Return the folder itself, or the nearest one above it that exists."""
    path = path.resolve()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _writable(path: Path) -> Result:
    place = _existing(path)
    if not place.is_dir():
        return Result("data folder", "failed", f"{place} is a file, not a folder", "name another data_dir")
    if not os.access(place, os.W_OK | os.X_OK):
        fix = "give this user write permission, run as the user of the server, or name another data_dir"
        return Result("data folder", "failed", f"{place} cannot be written by this user", fix)
    detail = (
        f"{path} can be written" if path.exists() else f"{path} does not exist yet; it can be made in {place}"
    )
    return Result("data folder", "ok", detail)


def _room(path: Path) -> Result:
    free = shutil.disk_usage(_existing(path)).free
    detail = f"{free / (1 << 30):.1f} GiB free"
    fix = "free space on this volume, or move the data folder to a larger one while the server is stopped"
    if free < FREE_BYTES_MIN:
        return Result("disk space", "failed", f"{detail}: intake stops when the disk is full", fix)
    return Result("disk space", "warning" if free < FREE_BYTES_LOW else "ok", detail, fix)


def _file_system(path: Path) -> Result:
    kind = _mounted_as(_existing(path))
    if kind in NETWORK_FILE_SYSTEMS:
        fix = "move the data folder to a local disk or a block volume; copy backups to the network instead"
        return Result(
            "file system", "failed", f"{kind} is a network file system: an fsync there proves nothing", fix
        )
    if kind in MEMORY_FILE_SYSTEMS:
        fix = "fine for a trial; for real data name a data_dir on a disk"
        return Result(
            "file system", "warning", f"{kind} is in memory: everything is gone after a restart", fix
        )
    return Result("file system", "ok", kind or "not known on this system")


def _mounted_as(path: Path) -> str:
    """Return the type of the file system that a folder is on, "" where the system does not tell."""
    best, kind = "", ""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    for line in lines:
        _, point, this, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        inside = point == "/" or str(path) == point or str(path).startswith(point + "/")
        if inside and len(point) >= len(best):
            best, kind = point, this
    return kind


def _lock(path: Path) -> Result:
    holder = lock_holder(path)
    if holder is None:
        return Result("lock", "ok", "no process holds the data folder")
    return Result("lock", "ok", f"process {holder or 'unknown'} holds the data folder: a server is running")


def _permissions(path: Path) -> Result:
    open_to_others = []
    for name in (".", *PRIVATE):
        try:
            mode = (path / name).stat().st_mode
        except OSError:
            continue
        forbidden = (stat.S_IWGRP | stat.S_IRWXO) if name == "." else (stat.S_IRWXG | stat.S_IRWXO)
        if mode & forbidden:
            open_to_others.append(f"{path / name if name != '.' else path} (mode {stat.S_IMODE(mode):o})")
    if open_to_others:
        fix = f"chmod 700 {path}; chmod 600 {' '.join(str(path / name) for name in PRIVATE if (path / name).exists())}"
        return Result("permissions", "failed", f"others may use {', '.join(open_to_others)}", fix)
    return Result("permissions", "ok", "data, keys and credentials are the owner's alone")


def _credentials(path: Path) -> Result:
    from carrythrough.gateway.auth import Credentials

    file = path / "credentials.json"
    if not file.exists():
        return Result("credentials", "ok", "none yet: the first start of the server makes and prints them")
    try:
        credentials = Credentials.from_file(file.read_text(encoding="utf-8"), str(file))
    except CarrythroughError as error:
        return failed("credentials", error.problem)
    except OSError as error:
        return Result("credentials", "failed", f"{file}: {error.strerror}", "run as the user of the server")
    if not len(credentials):
        fix = "carrythrough credentials add NAME --scope statements/write"
        return Result("credentials", "warning", "there is not one, so nobody can send or read", fix)
    return Result("credentials", "ok", f"{len(credentials)} in {file}")


def _durability(path: Path) -> Result:
    try:
        for name in ("log.sqlite", "state.sqlite", "documents.sqlite", "attachments.sqlite"):
            if not (path / name).exists():
                fix = "start the server once; the state is made again from the log"
                return Result("durability", "warning", f"{name} does not exist", fix)
            connection = connect(path / name, readonly=True)
            try:
                mode = connection.execute("PRAGMA journal_mode").get
                level = connection.execute("PRAGMA synchronous").get
            finally:
                connection.close()
            if mode != "wal" or level != SYNCHRONOUS_FULL:
                fix = f"with the server stopped: sqlite3 {path / name} 'PRAGMA journal_mode=WAL'"
                return Result(
                    "durability", "failed", f"{name}: journal_mode={mode}, synchronous={level}", fix
                )
    except apsw.Error as error:
        fix = (
            "run as the user of the server; when the file is damaged, restore the newest backup of the folder"
        )
        return Result("durability", "failed", f"SQLite: {error}", fix)
    return Result("durability", "ok", f"SQLite {apsw.sqlite_lib_version()}, WAL, synchronous=FULL")


def _clock(path: Path) -> Result:
    now_ms = int(time.time() * 1000)
    try:
        connection = connect(path / "log.sqlite", readonly=True)
        try:
            row = connection.execute("SELECT stored_ms FROM log ORDER BY position DESC LIMIT 1").fetchone()
        finally:
            connection.close()
    except apsw.Error as error:
        return Result("clock", "failed", f"the log cannot be asked: {error}", "see the check of durability")
    ahead_ms = (row[0] if row else 0) - now_ms
    if ahead_ms > CLOCK_LAG_MS_MAX:
        detail = f"the newest record is {ahead_ms / 3_600_000:.1f} h in the future of this machine's clock"
        fix = "set the clock (NTP); a folder that a demo filled has simulated time and is no place for real data"
        return Result("clock", "failed", detail, fix)
    return Result("clock", "ok", "not behind the newest record of the log")
