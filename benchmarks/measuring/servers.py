"""Server processes: start on a fresh folder of a real disk, read what they cost, ask how far they are, stop."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import apsw

HERE = Path(__file__).resolve().parent.parent
NOT_DISKS = frozenset({"tmpfs", "ramfs", "devtmpfs"})
START_S = 60.0
STOP_S = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


def fresh_folder(parent: Path) -> Path:
    """Return a new folder under `parent`; raises RuntimeError when that is memory and no disk."""
    parent.mkdir(parents=True, exist_ok=True)
    kind = filesystem_of(parent)
    if kind in NOT_DISKS:
        raise RuntimeError(f"{parent} is on {kind}: durable commits need a disk, name one with --data-dir")
    return Path(tempfile.mkdtemp(prefix="bench-", dir=parent))


def stop_servers_when_told() -> None:
    """Let SIGTERM unwind like Ctrl-C does, so that no server outlives a benchmark that is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def filesystem_of(path: Path) -> str:
    """Return the type of the file system that holds `path`, or "unknown" where /proc does not say."""
    best, kind = "", "unknown"
    mounts = Path("/proc/self/mounts")
    lines = mounts.read_text("utf-8").splitlines() if mounts.exists() else []
    for line in lines:
        _, point, found, *_ = line.split()
        inside = str(path.resolve()).startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind


class Server:
    """One child process that prints a JSON line when it listens; use as a context manager."""

    def __init__(self, module: str, parent: Path, *arguments: str, folder: Path | None = None) -> None:
        """Start `measuring.<module>` on a fresh folder under `parent`, or on `folder`, which is kept."""
        self.folder = folder or fresh_folder(parent)
        self._kept = folder is not None
        command = [sys.executable, "-m", f"measuring.{module}", str(self.folder), *arguments]
        self._process = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError(f"{module} did not start")
        self.info: dict[str, Any] = json.loads(line)
        self.pid = self._process.pid
        parts = urlsplit(self.info["url"])
        self.host, self.port = str(parts.hostname), int(parts.port or 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def credential(self, name: str) -> dict[str, str]:
        """Return the key and secret of a credential that this start made."""
        found: dict[str, str] = next(c for c in self.info["credentials"] if c["name"] == name)
        return found

    def authorization(self, name: str) -> str:
        """Return the value of the Authorization header of a credential."""
        c = self.credential(name)
        return "Basic " + base64.b64encode(f"{c['key']}:{c['secret']}".encode()).decode()

    def summary(self) -> dict[str, Any]:
        """Return what /v1/summary says."""
        return self.ask("/v1/summary")

    def ask(self, path: str) -> dict[str, Any]:
        """Return the JSON object that a GET answers to the reader's credential."""
        request = urllib.request.Request(self.info["url"] + path)  # noqa: S310 - our own server
        request.add_header("Authorization", self.authorization("reader"))
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
            found: dict[str, Any] = json.load(answer)
        return found

    def lag_records(self) -> int:
        """Return how many records are in the log and not yet folded.

        From /metrics and not from /v1/summary, which counts all pairs each time: that costs the server
        more than the wait is worth, and a reader that is always there keeps SQLite from checkpointing.
        """
        return int(self.metric("carrythrough_fold_lag_records"))

    def wait_indexed(self, timeout_s: float) -> None:
        """Return when queries find everything in the log; raises RuntimeError after the timeout."""
        deadline = time.monotonic() + timeout_s
        while left := self.metric("carrythrough_index_lag_records"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{left:.0f} records not indexed after {timeout_s:.0f} s")
            time.sleep(0.05)

    def metric(self, name: str) -> float:
        """Return the value of a metric without labels."""
        with urllib.request.urlopen(self.info["metrics_url"], timeout=30) as answer:  # noqa: S310 - our own server
            for line in answer.read().decode().splitlines():
                if line.startswith(f"{name} "):
                    return float(line.split()[1])
        raise RuntimeError(f"the server has no metric {name}")

    def wait_folded(self, timeout_s: float, every_s: float = 0.02) -> None:
        """Return as soon as everything in the log is folded; raises RuntimeError after the timeout."""
        deadline = time.monotonic() + timeout_s
        while left := self.lag_records():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{left} records not folded after {timeout_s:.0f} s")
            time.sleep(every_s)

    def number(self, file: str, text: str) -> int:
        """Return the one number that a query finds in one of the server's SQLite files."""
        connection = apsw.Connection(str(self.folder / file), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return int(connection.execute(text).get)
        finally:
            connection.close()

    def cpu_s(self) -> float:
        """Return the CPU seconds that the process has used, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mb(self) -> tuple[float, float]:
        """Return (resident now, resident at most so far) in MB of 10^6 bytes."""
        lines = Path(f"/proc/{self.pid}/status").read_text("ascii").splitlines()
        found = {line.split(":")[0]: line.split() for line in lines}
        return tuple(int(found[name][1]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]

    def disk_bytes(self) -> dict[str, int]:
        """Return the bytes of each file in the data folder."""
        return {path.name: path.stat().st_size for path in self.folder.iterdir() if path.is_file()}

    def stop(self) -> None:
        """End the process and remove its folder; safe to call twice."""
        self.terminate()
        if not self._kept:
            remove(self.folder)

    def terminate(self) -> None:
        """End the process and leave its folder; safe to call twice."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def remove(folder: Path) -> None:
    """Remove a folder and what is in it."""
    shutil.rmtree(folder, ignore_errors=True)
