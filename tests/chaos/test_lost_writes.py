"""Proves that what was acknowledged survives a power loss, and that a failing disk loses nothing.

The log, the state file, the committer and the fold run on a disk that forgets what was not synced.
The power goes at many points of the work; the disk's durable files are then opened with SQLite's
own VFS. The proof that this can fail: with less than synchronous=FULL the same test loses something.
Then every I/O call is made to fail, one after the other, as SQLite does to itself.
"""

from __future__ import annotations

import contextlib
import gc
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from carrythrough.embedded import database, folder
from carrythrough.embedded.activation import envelope
from carrythrough.embedded.committer import Control
from carrythrough.errors import PermanentError, TransientError
from carrythrough.events.performance import admit_events
from carrythrough.pipeline.records import Kind
from carrythrough.testing.faults import LossyDisk, cut_at, fail_between, fail_once
from carrythrough.testing.faults_shell import START_MS, TENANT_KEY, Shell, Submission
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Admitted, Limits, admit

CHECKPOINT_PAGES = 30
"""Small, so that a short run also copies the WAL back into the file several times."""
SUBMISSIONS = 40
FEW = (6, (1, 2))
"""Submissions and their sizes where the whole work is done once for each of its I/O calls."""
pytestmark = pytest.mark.timeout(600)
"""Each of these opens and fills a folder hundreds of times."""

IGNORE_CLOSING = "ignore::pytest.PytestUnraisableExceptionWarning"
"""A connection whose opening failed may fail again while it is collected: the fault, not a fault of ours."""


@pytest.fixture
def quick_disk_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the fold ask a failing disk again at once, and a connection that was left behind be seen soon."""
    monkeypatch.setattr(folder, "DISK_WAIT_S", 0.001)
    monkeypatch.setattr(database, "BUSY_MS", 100)


@pytest.fixture
def frequent_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make SQLite copy the WAL back every few commits.

    Not for faults: SQLite ignores an error of a checkpoint that follows a commit, but apsw raises
    what a VFS written in Python raised in it, as if the commit had failed.
    """
    monkeypatch.setattr(database, "WAL_CHECKPOINT_PAGES", CHECKPOINT_PAGES)


@pytest.fixture
def work(program_map: str, traffic_type: Any) -> Callable[..., list[Submission]]:
    """Give `work(seed, count, sizes)`: submissions of statements, voids and events, the program map first."""

    def submissions(seed: int, count: int, sizes: tuple[int, ...] = (1, 1, 5, 50)) -> list[Submission]:
        traffic = traffic_type(seed, START_MS, people=6)
        found: list[Submission] = [
            (
                Kind.PROGRAM,
                [Control(envelope(program_map, "map.yaml"), envelope(program_map, "map.yaml").decode())],
            )
        ]
        sent: list[str] = []
        for _ in range(count):
            kind = traffic.chance.randrange(10)
            if kind == 0 and sent:
                batch = [traffic.void(traffic.chance.choice(sent))]
            else:
                batch = [traffic.statement() for _ in range(traffic.chance.choice(sizes))]
            if kind < 8:
                sent += [statement["id"] for statement in batch]
                found.append((Kind.STATEMENT, list(admit(json.dumps(batch).encode(), Limits(), "1.0.3"))))
            elif kind == 8:
                events = json.dumps([traffic.event() for _ in range(3)]).encode()
                found.append((Kind.EVENT, list(admit_events(events, "application/json"))))
            else:
                found.append((Kind.TICK, [Control(b"")]))
        return found

    return submissions


@pytest.fixture
def new_disk() -> Iterator[Callable[[], LossyDisk]]:
    """Give a function that makes an empty disk; all are unregistered at the end."""
    disks: list[LossyDisk] = []

    def make() -> LossyDisk:
        disks.append(LossyDisk(f"lossy-{len(disks)}"))
        return disks[-1]

    yield make
    for disk in disks:
        disk.unregister()


def run_until_the_power_goes(
    disk: LossyDisk, submissions: list[Submission], pragma: str = "FULL"
) -> list[bytes]:
    """Commit and fold until the disk loses power; return the ids that were acknowledged before."""
    acknowledged: list[bytes] = []
    shell = None
    try:
        shell = Shell(disk)
        shell.log._writer.execute(f"PRAGMA synchronous={pragma}")
        shell.state.connection.execute(f"PRAGMA synchronous={pragma}")
        for submission in submissions:
            shell.submit(submission)
            acknowledged += [item.id for item in submission[1] if submission[0] <= Kind.EVENT]
            assert shell.fold(lambda: shell.caught_up() or not disk.powered)
            if not disk.powered:
                break
    except (TransientError, apsw.Error):
        assert not disk.powered, "no call failed but for the lost power"
    disk.cut_power()
    if shell is not None:
        shell.close()
    return acknowledged


def lost_after_reopening(disk: LossyDisk, acknowledged: list[bytes], where: Path) -> list[str]:
    """Open the durable files as after a restart, fold the rest, and say in words what is wrong."""
    where.mkdir(parents=True)
    disk.write_out(where)
    try:
        shell = Shell(None, where)
    except apsw.Error as error:
        return [f"the files do not open: {error}"]
    try:
        ids = [row.id for row in shell.log.reader().all() if row.kind <= Kind.EVENT]
        wrong = [f"acknowledged {key.hex()} is not in the log" for key in set(acknowledged) - set(ids)]
        wrong += ["an id stands twice in the log"] if len(set(ids)) != len(ids) else []
        integrity = shell.log._writer.execute("PRAGMA integrity_check").get
        wrong += [] if integrity == "ok" else [f"log: {integrity}"]
        wrong += [] if shell.fold(shell.caught_up) else ["the fold does not catch up"]
    finally:
        shell.close()
    if wrong:
        return wrong
    return compare(offline_fold(where, TENANT_KEY), stored_state(where))


def calls_of_opening(disk: LossyDisk) -> int:
    """Return how many I/O calls it takes to open empty files."""
    shell = Shell(disk)
    calls = disk.calls  # closing checkpoints every page, which the work never does: it ends without power
    disk.cut_power()
    shell.close()
    return calls


def calls_of(disk: LossyDisk, submissions: list[Submission]) -> int:
    """Return how many I/O calls the work makes on an undisturbed disk."""
    run_until_the_power_goes(disk, submissions)
    return disk.calls


@pytest.mark.filterwarnings(IGNORE_CLOSING)
@pytest.mark.usefixtures("quick_disk_waits", "frequent_checkpoints")
def test_a_power_loss_at_any_point_loses_nothing_acknowledged(
    work: Any, new_disk: Callable[[], LossyDisk], tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    submissions = work(seed, SUBMISSIONS)
    total = calls_of(new_disk(), submissions)
    kept = 0
    for number in range(40):
        disk = new_disk()
        surviving = chance if number % 2 else None
        at = chance.randrange(1, total + 1)
        disk.fault = cut_at(disk, at, surviving)
        acknowledged = run_until_the_power_goes(disk, submissions)
        wrong = lost_after_reopening(disk, acknowledged, tmp_path / str(number))
        assert not wrong, (
            f"seed {seed}, power lost at call {at} of {total}, surviving={bool(surviving)}: {wrong}"
        )
        kept += len(acknowledged)
    assert kept > 500, "so little was acknowledged that the test proves nothing"


@pytest.mark.usefixtures("quick_disk_waits")
@pytest.mark.parametrize("pragma", ["NORMAL", "OFF"])
def test_the_same_loss_is_noticed_without_synchronous_full(
    work: Any, new_disk: Callable[[], LossyDisk], tmp_path: Path, pragma: str
) -> None:
    """The proof that the test above can fail: skip the sync of a commit, and it finds the loss."""
    losses = 0
    for seed in range(3):
        disk = new_disk()
        acknowledged = run_until_the_power_goes(disk, work(seed, 12), pragma)
        assert acknowledged
        losses += bool(lost_after_reopening(disk, acknowledged, tmp_path / str(seed)))
    assert losses == 3


def test_a_commit_leaves_nothing_unsynced(work: Any, new_disk: Callable[[], LossyDisk]) -> None:
    disk = new_disk()
    shell = Shell(disk)
    try:
        for submission in work(7, 10):
            shell.submit(submission)
            assert disk.unsynced_bytes() == 0
    finally:
        shell.close()


def full() -> Exception:
    return apsw.FullError("no space is left")


def broken() -> Exception:
    return apsw.IOError("the disk does not answer")


@pytest.mark.usefixtures("quick_disk_waits")
@pytest.mark.parametrize(("error", "every"), [(broken, 3), (full, 5)], ids=["broken", "full"])
def test_any_call_may_fail_once(
    work: Any, new_disk: Callable[[], LossyDisk], tmp_path: Path, error: Callable[[], Exception], every: int
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    submissions = work(seed, *FEW)
    opening, total = calls_of_opening(new_disk()), calls_of(new_disk(), submissions)
    assert total > opening + 20
    refused = 0
    for at in range(opening + 1 + seed % every, total + 1, every):
        disk = new_disk()
        disk.fault = fail_once(at, error)
        words = f"seed {seed}, call {at} of {total}"
        refused += failing_run(disk, submissions, tmp_path / str(at), words)
    assert refused, "no failing call was ever noticed: the faults did not reach the code under test"


@pytest.mark.filterwarnings(IGNORE_CLOSING)
@pytest.mark.usefixtures("quick_disk_waits")
@pytest.mark.parametrize("length", [1, 2])
def test_calls_of_the_opening_may_fail(
    work: Any, new_disk: Callable[[], LossyDisk], tmp_path: Path, length: int
) -> None:
    submissions = work(3, *FEW)
    for at in range(1, calls_of_opening(new_disk()) + 1, length + 1):
        disk = new_disk()
        disk.fault = fail_between(at, at + length - 1, broken)
        failing_run(disk, submissions, tmp_path / str(at), f"{length} calls from {at} of the opening")


@pytest.mark.usefixtures("quick_disk_waits")
@pytest.mark.parametrize("length", [2, 3, 7, 20])
def test_calls_that_fail_in_a_row(
    work: Any, new_disk: Callable[[], LossyDisk], tmp_path: Path, length: int
) -> None:
    submissions = work(4, *FEW)
    opening, total = calls_of_opening(new_disk()), calls_of(new_disk(), submissions)
    for at in range(opening + 1 + length % 5, total + 1, 5):
        disk = new_disk()
        disk.fault = fail_between(at, at + length - 1, broken)
        failing_run(disk, submissions, tmp_path / str(at), f"{length} calls from {at} of {total}")


@pytest.mark.usefixtures("quick_disk_waits")
def test_a_full_disk_refuses_and_recovers(
    work: Any, new_disk: Callable[[], LossyDisk], tmp_path: Path
) -> None:
    """While no write succeeds every request gets 503 and the fold waits; when there is space, both go on."""
    submissions = work(5, SUBMISSIONS)
    disk = new_disk()
    shell = Shell(disk)
    acknowledged: list[bytes] = []
    for submission in submissions[:20]:
        shell.submit(submission)
        acknowledged += [item.id for item in submission[1] if submission[0] <= Kind.EVENT]
    disk.fault = fail_between(1, 10**9, full, only=("write", "truncate"))
    for submission in submissions[20:25]:
        with pytest.raises(TransientError) as refused:
            shell.submit(submission)
        assert refused.value.problem.status == 503
        assert refused.value.problem.code == "disk-full"
        assert refused.value.retry_after_s > 0
    waits = "carrythrough_fold_disk_waits_total"
    assert shell.fold(lambda: (shell.telemetry.registry.get_sample_value(waits) or 0) > 3)
    assert shell.state.position == 0
    disk.fault = None
    for submission in submissions[20:]:
        assert not any(shell.submit(submission).known)
        acknowledged += [item.id for item in submission[1] if submission[0] <= Kind.EVENT]
    assert shell.fold(shell.caught_up)
    disk.cut_power()
    shell.close()
    assert not lost_after_reopening(disk, acknowledged, tmp_path / "after")


def test_a_refusal_right_after_a_failed_commit_takes_no_position(
    work: Any, new_disk: Callable[[], LossyDisk]
) -> None:
    """What the failed group would have written must not be left over for the next one to count."""
    disk = new_disk()
    shell = Shell(disk)
    _, (_, first), (_, second), (_, third) = _single_statements(work)
    shell.submit((Kind.STATEMENT, first))
    disk.fault = lambda operation, _: broken() if operation == "sync" else None
    with pytest.raises(TransientError):
        shell.submit((Kind.STATEMENT, second))
    disk.fault = None
    (known,), (other,) = first, third
    changed = Admitted(known.id, other.raw, other.statement, other.t_ms)
    with pytest.raises(PermanentError):
        shell.submit((Kind.STATEMENT, [changed]))
    shell.submit((Kind.STATEMENT, third))
    rows = list(shell.log.reader().all())
    shell.close()
    assert [row.position for row in rows] == [1, 2]
    assert [row.id for row in rows] == [known.id, other.id]


def _single_statements(work: Any) -> list[Submission]:
    found: list[Submission] = work(9, 40, (1,))
    ids: set[bytes] = set()
    kept = found[:1]
    for submission in found[1:]:
        if submission[0] is Kind.STATEMENT and submission[1][0].id not in ids:
            kept.append(submission)
    return kept[:4]


def failing_run(disk: LossyDisk, submissions: list[Submission], where: Path, words: str) -> int:
    """Do the work on a disk with a fault, re-sending what is refused as a sender does; return the refusals."""
    acknowledged: list[bytes] = []
    codes: set[str] = set()
    shell, refusals = _opened(disk)
    for submission in submissions:
        for _ in range(50):
            try:
                shell.submit(submission)
                break
            except TransientError as refused:
                codes.add(refused.problem.code)
                refusals += 1
        else:
            pytest.fail(f"{words}: a request is refused for ever")
        acknowledged += [item.id for item in submission[1] if submission[0] <= Kind.EVENT]
        caught_up = shell.fold(shell.caught_up)
        assert caught_up, f"{words}: the fold does not recover"
    disk.cut_power()
    shell.close()
    wrong = lost_after_reopening(disk, acknowledged, where)
    assert not wrong, f"{words}: {wrong}"
    assert codes <= {"disk-full", "disk-error"}, words
    quarantined = shell.telemetry.registry.get_sample_value("carrythrough_records_quarantined_total")
    assert not quarantined, f"{words}: a good record was set aside for a bad disk"
    return refusals


def _opened(disk: LossyDisk) -> tuple[Shell, int]:
    """Open the files, again and again as a supervisor would, and return how often it took more."""
    for tries in range(50):
        with contextlib.suppress(apsw.Error):
            return Shell(disk), tries
        gc.collect()  # a failed opening leaves a connection behind, which a dead process would not
    pytest.fail("the files never open")
