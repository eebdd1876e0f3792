"""Proves that the data of attachments is durable before the statements that name it, on disks that fail as well.

On a disk that forgets what was not synced the power goes at every call of the work in turn; then every
call is made to fail once. Whatever the log holds afterwards, the data of its attachments is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from carrythrough.embedded import attachments as limits
from carrythrough.embedded import database
from carrythrough.embedded.attachments import AttachmentFile
from carrythrough.embedded.committer import Committer
from carrythrough.embedded.log import LogFile
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError, TransientError
from carrythrough.pipeline.records import Kind
from carrythrough.settings import Settings
from carrythrough.telemetry.metrics import Telemetry
from carrythrough.testing.faults import LossyDisk, cut_at, fail_between, fail_once
from carrythrough.xapi.admission import Admitted, Limits, admit
from carrythrough.xapi.query import AttachmentData

PROGRAM = "map: m\nversion: 1\nname: M\nskills: [{id: s, name: S}]\n"
LINK = "https://files.example/"


def attachment(data: bytes) -> AttachmentData:
    """Return data as it came in a request."""
    return AttachmentData(sha2=hashlib.sha256(data).hexdigest(), content_type="text/plain", data=data)


def statement(attached: list[AttachmentData]) -> list[Admitted]:
    """Return an admitted statement that names attachments."""
    one = {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:ann@example.org"},
        "verb": {"id": "https://verbs.example/did"},
        "object": {"id": "https://activities.example/a"},
        "attachments": [
            {
                "usageType": "https://usage.example/",
                "display": {"en": "File"},
                "contentType": item.content_type,
                "length": len(item.data),
                "sha2": item.sha2,
                "fileUrl": LINK + item.sha2,
            }
            for item in attached
        ],
    }
    return list(admit(json.dumps(one).encode(), Limits(), "1.0.3"))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[AttachmentFile]:
    """Give an empty file of attachments."""
    opened = AttachmentFile(tmp_path / "attachments.sqlite")
    yield opened
    opened.close()


def test_data_is_found_by_its_hash_and_kept_once(file: AttachmentFile, tmp_path: Path) -> None:
    some = [attachment(b"x" * n) for n in range(700)]
    file.store(some)
    file.store(some[::-1])
    assert file.read([one.sha2 for one in some] + ["0" * 64]) == {one.sha2: one for one in some}
    assert file.read([]) == {}
    other = AttachmentFile(tmp_path / "attachments.sqlite")
    assert other.read([some[5].sha2])[some[5].sha2].data == b"x" * 5
    other.close()


def test_a_too_large_one_is_refused_with_all_that_came_with_it(
    file: AttachmentFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ATTACHMENT_BYTES_MAX", 10)
    small, large = attachment(b"x" * 10), attachment(b"x" * 11)
    with pytest.raises(PermanentError) as refused:
        file.store([small, large])
    assert (refused.value.problem.code, refused.value.problem.status) == ("attachment-too-large", 413)
    assert "ATTACHMENT_BYTES_MAX" in (refused.value.problem.rule or "")
    assert file.read([small.sha2, large.sha2]) == {}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Embedded]:
    """Give the server's inside over an empty data folder."""
    (tmp_path / "map.yaml").write_text(PROGRAM, encoding="utf-8")
    embedded = Embedded(Settings(data_dir=str(tmp_path / "data"), program=str(tmp_path / "map.yaml")))
    embedded.start()
    yield embedded
    embedded.stop()


def test_they_are_stored_with_their_statements(running: Embedded) -> None:
    data = attachment(b"certificate")
    receipt = asyncio.run(running.submit_statements(statement([data]), "lms", "2.0.0", [data]))
    assert running.statements.attachments([data.sha2]) == {data.sha2: data}
    found = running.statements.statement(uuid.UUID(receipt.ids[0]).bytes, voided=False)
    assert found is not None
    assert found.version == "2.0.0"


def test_what_cannot_be_kept_keeps_its_statements_out(
    running: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise apsw.FullError("no space is left")

    data = attachment(b"certificate")
    monkeypatch.setattr(AttachmentFile, "_write", full)
    end = running.log.end
    with pytest.raises(TransientError) as refused:
        asyncio.run(running.submit_statements(statement([data]), "lms", "1.0.3", [data]))
    assert (refused.value.problem.code, refused.value.problem.status) == ("disk-full", 503)
    assert running.log.end == end


class Pair:
    """A log and its attachments on one disk."""

    def __init__(self, disk: LossyDisk | None, where: Path = Path()) -> None:
        name = None if disk is None else disk.name
        self.log = LogFile(where / "log.sqlite", vfs=name, exclusive=True)
        try:
            self.attachments = AttachmentFile(where / "attachments.sqlite", vfs=name, exclusive=True)
        except apsw.Error:
            with contextlib.suppress(apsw.Error):
                self.log.close()
            raise
        self.committer = Committer(self.log, self, Telemetry(), lambda _: None)
        self.committer.start()

    def now_ms(self) -> int:
        return 1_795_000_000_000

    def submit(self, admitted: list[Admitted], attached: list[AttachmentData]) -> None:
        """Store as `Embedded.submit_statements` does."""
        self.attachments.store(attached)
        self.committer.submit_now(Kind.STATEMENT, admitted, "lms")

    def close(self) -> None:
        self.committer.stop()
        for one in (self.log, self.attachments):
            with contextlib.suppress(apsw.Error):
                one.close()


Work = list[tuple[list[Admitted], list[AttachmentData]]]


def work(count: int) -> Work:
    """Return submissions with one to three attachments of up to 20 kB, some of them sent before."""
    chance = random.Random(3)
    found: Work = []
    for _ in range(count):
        attached = [attachment(chance.randbytes(chance.choice((3, 700, 20_000)))) for _ in range(2)]
        if found and chance.random() < 0.3:
            attached.append(chance.choice(found)[1][0])
        found.append((statement(attached), attached))
    return found


@pytest.fixture
def new_disk() -> Iterator[Callable[[], LossyDisk]]:
    """Give a function that makes an empty disk; all are unregistered at the end."""
    disks: list[LossyDisk] = []

    def make() -> LossyDisk:
        disks.append(LossyDisk(f"lossy-attachments-{len(disks)}"))
        return disks[-1]

    yield make
    for disk in disks:
        disk.unregister()


def missing(disk: LossyDisk, acknowledged: list[list[Admitted]], where: Path) -> list[str]:
    """Open the durable files as after a restart and say in words what is missing."""
    where.mkdir()
    disk.write_out(where)
    pair = Pair(None, where)
    try:
        rows = list(pair.log.reader().all())
        named = {item["sha2"] for row in rows for item in json.loads(row.raw).get("attachments", ())}
        there = pair.attachments.read(named)
        wrong = [f"{sha2} is named in the log and not there" for sha2 in named - set(there)]
        wrong += [
            f"{one.sha2} is not what its hash says"
            for one in there.values()
            if hashlib.sha256(one.data).hexdigest() != one.sha2
        ]
        stored = {row.id for row in rows}
        return wrong + ["acknowledged and lost" for (one,) in acknowledged if one.id not in stored]
    finally:
        pair.close()


def submit_until_the_power_goes(disk: LossyDisk, submissions: Work) -> list[list[Admitted]]:
    acknowledged: list[list[Admitted]] = []
    pair = None
    with contextlib.suppress(TransientError, apsw.Error):
        pair = Pair(disk)
        for admitted, attached in submissions:
            pair.submit(admitted, attached)
            acknowledged.append(admitted)
    disk.cut_power()
    if pair is not None:
        pair.close()
    return acknowledged


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_power_loss_at_any_call_loses_nothing(
    new_disk: Callable[[], LossyDisk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAL_CHECKPOINT_PAGES", 10)
    monkeypatch.setattr(database, "BUSY_MS", 100)
    submissions = work(8)
    whole = new_disk()
    assert len(submit_until_the_power_goes(whole, submissions)) == len(submissions)
    kept = 0
    for at in range(1, whole.calls + 1, 9):
        disk = new_disk()
        disk.fault = cut_at(disk, at, random.Random(at) if at % 2 else None)
        acknowledged = submit_until_the_power_goes(disk, submissions)
        assert not (wrong := missing(disk, acknowledged, tmp_path / str(at))), f"call {at}: {wrong}"
        kept += len(acknowledged)
    assert kept > 20, "so little was acknowledged that the test proves nothing"


def test_the_loss_is_noticed_without_synchronous_full(
    new_disk: Callable[[], LossyDisk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof that the test above can fail."""
    real = database.connect

    def careless(path: Path, **options: Any) -> apsw.Connection:
        connection = real(path, **options)
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    monkeypatch.setattr(limits, "connect", careless)
    disk = new_disk()
    acknowledged = submit_until_the_power_goes(disk, work(8))
    assert any("not there" in words for words in missing(disk, acknowledged, tmp_path / "after"))


@pytest.mark.parametrize("error", [apsw.FullError, apsw.IOError])
@pytest.mark.parametrize("length", [1, 3])
def test_any_call_may_fail_and_sending_again_helps(
    new_disk: Callable[[], LossyDisk],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    length: int,
) -> None:
    monkeypatch.setattr(database, "BUSY_MS", 100)
    submissions = work(3)
    whole = new_disk()
    Pair(whole).close()
    opening = whole.calls
    disk = new_disk()
    submit_until_the_power_goes(disk, submissions)
    codes: set[str] = set()
    for at in range(opening + 1, disk.calls + 1, 2):
        failing = new_disk()
        make = lambda: error("the disk fails")  # noqa: E731 - a fault is made anew for each call
        failing.fault = fail_once(at, make) if length == 1 else fail_between(at, at + length - 1, make)
        pair = Pair(failing)
        for admitted, attached in submissions:
            for _ in range(20):
                try:
                    pair.submit(admitted, attached)
                    break
                except TransientError as refused:
                    codes.add(refused.problem.code)
            else:
                pytest.fail(f"call {at}: refused for ever")
        failing.cut_power()
        pair.close()
        wrong = missing(failing, [admitted for admitted, _ in submissions], tmp_path / str(at))
        assert not wrong, f"call {at}: {wrong}"
    assert codes, "no fault was ever noticed"
    assert codes <= {"disk-full", "disk-error"}


def test_a_failed_commit_is_answered_even_where_nothing_can_be_logged(
    new_disk: Callable[[], LossyDisk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object) -> None:
        raise ValueError("I/O operation on closed file")

    disk = new_disk()
    pair = Pair(disk)
    monkeypatch.setattr(Telemetry, "commit_failed", closed)
    disk.fault = fail_once(disk.calls + 1, lambda: apsw.IOError("the disk fails"))
    [(admitted, attached)] = work(1)
    refusals = 0
    for _ in range(5):
        try:
            pair.submit(admitted, attached)
            break
        except TransientError:
            refusals += 1
    else:
        pytest.fail("refused for ever")
    assert refusals
    pair.close()
