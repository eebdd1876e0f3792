"""Proves that an acknowledged document is durable and that a refused one is not there, whatever the disk does.

A power loss at many points of the work, every I/O call made to fail in its turn, a full disk, and a real server
killed with SIGKILL again and again: what is found afterwards is what the answered requests made of it, with at
most the one request in it that was never answered. The proof that this can fail: with less than
synchronous=FULL the same power loss loses something.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest

from carrythrough.embedded import database
from carrythrough.embedded.documents import DocumentFile
from carrythrough.errors import TransientError
from carrythrough.gateway.auth import Credentials, new_credential
from carrythrough.telemetry.metrics import Telemetry
from carrythrough.testing.faults import LossyDisk, cut_at, fail_between, fail_once
from carrythrough.xapi import documents
from carrythrough.xapi.documents import Content, Context, Preconditions

IGNORE_CLOSING = "ignore::pytest.PytestUnraisableExceptionWarning"
"""A connection whose opening failed may fail again while it is collected: the fault, not a fault of ours."""
CONTEXT = Context(kind="state", activity="https://x.example/a", agent="openid:https://x.example/ana")
NAME = "documents.sqlite"
Model = dict[str, bytes]
Step = tuple[str, bytes | None]
"""An id and what to store under it, None to delete it."""


class StillClock:
    def now_ms(self) -> int:
        return 1_000


def steps(seed: int, count: int) -> list[Step]:
    """Return changes of five documents, small and large, some of them deletions."""
    chance = random.Random(seed)
    found: list[Step] = []
    for number in range(count):
        size = chance.choice((1, 40, 3_000, 30_000))
        data = None if chance.random() < 0.2 else b"%d:" % number + chance.randbytes(size)
        found.append((f"d{chance.randrange(5)}", data))
    return found


def carry_out(file: DocumentFile, step: Step) -> None:
    id_, data = step
    if data is None:
        file.change(CONTEXT, id_, partial(documents.delete, given=Preconditions()))
    else:
        file.change(CONTEXT, id_, lambda _: Content("a/b", data))


def after(model: Model, step: Step) -> Model:
    id_, data = step
    rest = {other: kept for other, kept in model.items() if other != id_}
    return rest if data is None else {**rest, id_: data}


def contents(file: DocumentFile) -> Model:
    found = {id_: file.document(CONTEXT, id_) for id_ in file.ids(CONTEXT).ids}
    assert all(
        entry is not None and entry.etag == documents.etag_of(entry.content.data) for entry in found.values()
    )
    return {id_: entry.content.data for id_, entry in found.items() if entry is not None}


@contextlib.contextmanager
def opened(path: Path, vfs: str | None = None) -> Iterator[DocumentFile]:
    file = DocumentFile(path, StillClock(), Telemetry(), vfs=vfs)
    file.start()
    try:
        yield file
    finally:
        file.stop()


@pytest.fixture
def new_disk() -> Iterator[Callable[[], LossyDisk]]:
    """Give a function that makes an empty disk; all are unregistered at the end."""
    disks: list[LossyDisk] = []

    def make() -> LossyDisk:
        disks.append(LossyDisk(f"documents-{len(disks)}"))
        return disks[-1]

    yield make
    for disk in disks:
        disk.unregister()


def run_until_the_power_goes(disk: LossyDisk, work: list[Step], pragma: str = "FULL") -> list[Model]:
    """Carry work out until the power goes; return what may be there then: all that was answered, or one more."""
    model: Model = {}
    possible = [model]
    try:
        with opened(Path(NAME), disk.name) as file:
            file._writer.execute(f"PRAGMA synchronous={pragma}")
            try:
                for step in work:
                    possible = [model, after(model, step)]
                    carry_out(file, step)
                    model = possible[1]
                    possible = [model]
            finally:
                disk.cut_power()
                disk.silent = True
    except (TransientError, apsw.Error):
        assert not disk.powered, "no call failed but for the lost power"
    return possible


def is_one_of(disk: LossyDisk, possible: list[Model], where: Path) -> bool:
    """Say whether the durable files hold what may be there."""
    where.mkdir()
    disk.write_out(where)
    with opened(where / NAME) as file:
        assert file._writer.execute("PRAGMA integrity_check").get == "ok"
        return contents(file) in possible


@pytest.mark.filterwarnings(IGNORE_CLOSING)
def test_a_power_loss_at_any_point_loses_no_acknowledged_document(
    new_disk: Callable[[], LossyDisk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAL_CHECKPOINT_PAGES", 30)
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    whole = new_disk()
    run_until_the_power_goes(whole, steps(seed, 60))
    for number in range(60):
        disk = new_disk()
        at = chance.randrange(1, whole.calls + 1)
        disk.fault = cut_at(disk, at, chance if number % 2 else None)
        possible = run_until_the_power_goes(disk, steps(seed, 60))
        words = f"seed {seed}, power lost at call {at} of {whole.calls}"
        assert is_one_of(disk, possible, tmp_path / str(number)), words


@pytest.mark.parametrize("pragma", ["NORMAL", "OFF"])
def test_the_same_loss_is_noticed_without_synchronous_full(
    new_disk: Callable[[], LossyDisk], tmp_path: Path, pragma: str
) -> None:
    disk = new_disk()
    possible = run_until_the_power_goes(disk, steps(1, 12), pragma)
    assert possible[0]
    assert not is_one_of(disk, possible, tmp_path / "after")


def full() -> Exception:
    return apsw.FullError("no space is left")


def broken() -> Exception:
    return apsw.IOError("the disk does not answer")


def calls_of_opening(disk: LossyDisk) -> int:
    with opened(Path(NAME), disk.name):
        return disk.calls


@pytest.mark.filterwarnings(IGNORE_CLOSING)
@pytest.mark.parametrize(
    ("error", "length"), [(broken, 1), (full, 1), (broken, 5)], ids=["broken", "full", "five"]
)
def test_any_call_may_fail_and_the_next_change_goes_on(
    new_disk: Callable[[], LossyDisk], tmp_path: Path, error: Callable[[], Exception], length: int
) -> None:
    work = steps(3, 8)
    whole = new_disk()
    run_until_the_power_goes(whole, work)
    refused = 0
    for at in range(calls_of_opening(new_disk()) + 1, whole.calls, length):
        disk = new_disk()
        disk.fault = fail_once(at, error) if length == 1 else fail_between(at, at + length - 1, error)
        possible: list[Model] = [{}]
        with opened(Path(NAME), disk.name) as file:
            for step in work:
                try:
                    carry_out(file, step)
                    possible = [after(model, step) for model in possible]
                except TransientError as problem:
                    refused += problem.problem.status == 503
                    # A commit may have failed towards us and yet be on disk.
                    possible = [*possible, *(after(model, step) for model in possible)]
            disk.fault = None
            assert contents(file) in possible, f"call {at}"
            disk.cut_power()
            disk.silent = True
        assert is_one_of(disk, possible, tmp_path / str(at)), f"call {at}"
    assert refused, "no failing call was ever noticed: the faults did not reach the code under test"


def test_a_full_disk_refuses_and_recovers(new_disk: Callable[[], LossyDisk], tmp_path: Path) -> None:
    disk, work = new_disk(), steps(5, 30)
    model: Model = {}
    with opened(Path(NAME), disk.name) as file:
        for step in work[:20]:
            carry_out(file, step)
            model = after(model, step)
        disk.fault = fail_between(1, 10**9, full, only=("write", "truncate"))
        for step in work[20:]:
            if step[1] is None and step[0] not in model:
                continue  # deletes nothing, writes nothing
            with pytest.raises(TransientError) as refused:
                carry_out(file, step)
            assert refused.value.problem.code == "disk-full"
            assert refused.value.retry_after_s > 0
        assert contents(file) == model
        disk.fault = None
        for step in work[20:]:
            carry_out(file, step)
            model = after(model, step)
        assert contents(file) == model
        disk.cut_power()
        disk.silent = True
    assert is_one_of(disk, [model], tmp_path / "after")


# ---- a real server, killed ---------------------------------------------------------------------------------

ROUNDS = int(os.environ.get("CARRYTHROUGH_DOCUMENT_KILL_ROUNDS", "8"))
LIFE_S_MAX = 0.4
SERVER = """
import json, sys
from carrythrough.embedded.serve import serve
from carrythrough.settings import Settings
folder = sys.argv[1]
settings = Settings(
    data_dir=folder + "/data", program=folder + "/map.yaml", port=0, metrics_port=0, log_level="error",
)
serve(settings, on_ready=lambda info: print(json.dumps(info), flush=True))
"""


class Counter:
    """A client that counts its own document up with If-Match and merges a field into a shared one."""

    def __init__(self, number: int, login: tuple[str, str]) -> None:
        self.number = number
        self._login = login
        self.counted = 0
        self.unanswered = 0
        self.merged: set[str] = set()
        self.faults: list[str] = []

    def run(self, url: str, ended: threading.Event) -> None:
        """Count until the server is gone or `ended` is set."""
        headers = {"X-Experience-API-Version": "2.0.0"}
        with httpx.Client(base_url=url, auth=self._login, headers=headers, timeout=10) as client:
            while not ended.is_set():
                try:
                    self._count(client)
                except httpx.TransportError:
                    self.unanswered += 1
                    return

    def _count(self, client: httpx.Client) -> None:
        own = {"activityId": "https://x.example/count", "profileId": str(self.number)}
        found = client.get("/xapi/activities/profile", params=own)
        value = found.json()["n"] if found.status_code == 200 else 0
        # A request that was not answered may have been carried out, and nothing else may.
        if not self.counted <= value <= self.counted + self.unanswered:
            self.faults.append(f"counted {self.counted} and {self.unanswered} unanswered, found {value}")
        self.counted, self.unanswered = value, 0
        guard = {"If-Match": found.headers["etag"]} if value else {"If-None-Match": "*"}
        answer = client.put("/xapi/activities/profile", params=own, json={"n": value + 1}, headers=guard)
        if answer.status_code != 204:
            self.faults.append(answer.text)
        self.counted = value + 1
        field = f"{self.number}-{self.counted}"
        shared = {"activityId": "https://x.example/count", "profileId": "all"}
        if client.post("/xapi/activities/profile", params=shared, json={field: True}).status_code == 204:
            self.merged.add(field)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path, program_map: str) -> None:
    chance = random.Random(time.time_ns())
    (tmp_path / "map.yaml").write_text(program_map)
    (tmp_path / "data").mkdir()
    credential, secret = new_credential("lms", ("profile",))
    (tmp_path / "data" / "credentials.json").write_text(Credentials([credential]).to_file())
    counters = [Counter(number, (credential.key, secret)) for number in range(4)]
    for _ in range(ROUNDS):
        with _server(tmp_path) as (url, process):
            ended = threading.Event()
            threads = [threading.Thread(target=c.run, args=(url, ended), daemon=True) for c in counters]
            for thread in threads:
                thread.start()
            time.sleep(0.05 + chance.random() ** 2 * LIFE_S_MAX)
            process.kill()
            ended.set()
            for thread in threads:
                thread.join(20)
                assert not thread.is_alive()
    assert [counter.faults for counter in counters] == [[], [], [], []]
    assert sum(counter.counted for counter in counters) > 10 * ROUNDS, "the load was too thin"
    with opened(tmp_path / "data" / NAME) as file:
        context = Context(kind="activity-profile", activity="https://x.example/count")
        shared = file.document(context, "all")
        assert shared is not None
        missing = set().union(*(c.merged for c in counters)) - set(json.loads(shared.content.data))
        assert not missing


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[tuple[str, Any]]:
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(folder)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"], process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]
