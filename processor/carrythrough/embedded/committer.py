"""Group commit: many requests, one fsync, and only then the answers.

Commit order of one group, in prose: take what is waiting (up to a limit); begin;
refuse or recognise what the log knows already; append the rest; commit; answer
every request; hand the records to the fold. A group that meets a known id is
rolled back and gone through request by request, since re-sends are rare and the
common case should not pay for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import apsw
import msgspec

from carrythrough.embedded import lenient as setting_aside
from carrythrough.embedded.commit_problems import (
    DISK_FULL,
    OVERLOADED,
    QUEUE_BYTES_MAX,
    bug,
    conflict,
    disk_error,
)
from carrythrough.embedded.log import LogFile
from carrythrough.errors import BugError, CarrythroughError, PermanentError, Problem, TransientError
from carrythrough.events.performance import AdmittedEvent
from carrythrough.pipeline.records import VOIDED_VERB, Kind, Record
from carrythrough.ports import Clock, Receipt
from carrythrough.telemetry.metrics import Telemetry
from carrythrough.xapi.admission import Admitted, content_key, same_statement
from carrythrough.xapi.lenient import Refused, Sender
from carrythrough.xapi.statement import StatementRef

GROUP_STATEMENTS_MAX = 2_000
"""Statements in one group: bounds the time of a commit and with it the wait of the next group."""
CONTENT_WINDOW_MS = 3_600_000
"""A statement with neither id nor timestamp that repeats another within this span is a re-send.

Unless that one was voided meanwhile: what is said after a voiding is said anew, and must be found (Data 2.3.2).
"""


class Submission(msgspec.Struct):
    """One request's records and the future that its answer goes to. lenient: items are `xapi.lenient.Lenient`."""

    kind: Kind
    items: list[Any]
    credential: str
    size: int
    answer: Callable[[Receipt | CarrythroughError], None]
    version: int = 103
    lenient: Sender | None = None


class Committer:
    """The thread that owns the log's writing connection."""

    def __init__(
        self,
        log: LogFile,
        clock: Clock,
        telemetry: Telemetry,
        handoff: Callable[[list[Record]], None],
        ease: Callable[[], None] = lambda: None,
    ) -> None:
        """handoff: takes committed records. ease: may hold a group back while the fold is behind."""
        self._log = log
        self._clock = clock
        self._telemetry = telemetry
        self._handoff = handoff
        self._ease = ease
        self._queue: queue.SimpleQueue[Submission | None] = queue.SimpleQueue()
        self._queued_bytes = 0
        self._counting = threading.Lock()
        self._stored_ms = log.stored_ms
        self._writing = False
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)

    def start(self) -> None:
        """Start taking submissions."""
        self._thread.start()

    def stop(self) -> None:
        """Commit what is waiting and end."""
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()

    async def submit(
        self,
        kind: Kind,
        items: list[Any],
        credential: str,
        version: int = 103,
        *,
        lenient: Sender | None = None,
    ) -> Receipt:
        """Return after the durable append; raises PermanentError (409) or TransientError (503)."""
        size = sum(len(item.raw) for item in items)
        if self._queued_bytes + size > QUEUE_BYTES_MAX and self._queued_bytes:
            self._telemetry.intake_overloaded.inc()
            raise TransientError(OVERLOADED, retry_after_s=1.0)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt] = loop.create_future()

        def answer(result: Receipt | CarrythroughError) -> None:
            loop.call_soon_threadsafe(_settle, future, result)

        self._count_bytes(size)
        started = time.perf_counter()
        self._queue.put(Submission(kind, items, credential, size, answer, version, lenient))
        receipt = await future
        self._telemetry.acknowledged(len(items), time.perf_counter() - started)
        return receipt

    def submit_now(self, kind: Kind, items: list[Any], credential: str, version: int = 103) -> Receipt:
        """Submit from a thread without an event loop and wait; raises as `submit`."""
        done: queue.SimpleQueue[Receipt | CarrythroughError] = queue.SimpleQueue()
        size = sum(len(item.raw) for item in items)
        self._count_bytes(size)
        self._queue.put(Submission(kind, items, credential, size, done.put, version))
        result = done.get()
        if isinstance(result, CarrythroughError):
            raise result
        return result

    def settled_ms(self) -> int:
        """Return a time up to which everything that will ever be stored at it is in the log."""
        stored_ms, now_ms = self._stored_ms, self._clock.now_ms()
        # Read in this order: a group that begins after the clock was asked is stored no earlier.
        return stored_ms if self._writing else max(now_ms, stored_ms)

    def _count_bytes(self, change: int) -> None:
        with self._counting:
            self._queued_bytes += change

    def _run(self) -> None:
        ending = False
        while not ending:
            first = self._queue.get()
            if first is None:
                return
            self._ease()
            group, statements = [first], len(first.items)
            while statements < GROUP_STATEMENTS_MAX and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    ending = True
                    break
                group.append(following)
                statements += len(following.items)
            self._commit(group)

    def _commit(self, group: list[Submission]) -> None:
        """Commit a group and answer it; never raises."""
        self._count_bytes(-sum(s.size for s in group))
        self._writing = True
        try:
            answers, records = self._write(group)
        except apsw.FullError:
            self._fail(group, TransientError(DISK_FULL, retry_after_s=30.0))
        except (apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.BusyError) as error:
            self._fail(group, TransientError(disk_error(error), retry_after_s=10.0))
        except Exception as error:  # noqa: BLE001 - whatever it is, the next group needs a working committer
            self._fail(group, BugError(bug(error)))
        else:
            for submission, result in zip(group, answers, strict=True):
                submission.answer(result)
            if records:
                self._handoff(records)
        finally:
            self._writing = False

    def _fail(self, group: list[Submission], error: CarrythroughError) -> None:
        """Take a group back and answer it, whatever becomes of telling telemetry."""
        try:
            self._log.rollback()
        except apsw.Error as undo:
            self._tell(disk_error(undo))
        self._tell(error.problem)
        for submission in group:
            submission.answer(error)

    def _tell(self, problem: Problem) -> None:
        # Senders wait for their answer, and the next group for this thread: what cannot be told is not told.
        with contextlib.suppress(Exception):
            self._telemetry.commit_failed(problem)

    def _write(self, group: list[Submission]) -> tuple[list[Receipt | CarrythroughError], list[Record]]:
        self._stored_ms = max(self._stored_ms, self._clock.now_ms())
        if all(item.id for s in group for item in s.items) and not any(s.lenient for s in group):
            self._log.begin()
            batch = _Batch(self._log.end, self._stored_ms)
            answers: list[Receipt | CarrythroughError] = [batch.add_all(s) for s in group]
            try:
                batch.append_to(self._log)
            except apsw.ConstraintError:
                self._log.rollback()
            else:
                self._log.commit()
                return answers, batch.records
        return self._write_carefully(group)

    def _write_carefully(
        self, group: list[Submission]
    ) -> tuple[list[Receipt | CarrythroughError], list[Record]]:
        """Go request by request, looking every id and content key up first."""
        self._log.begin()
        records: list[Record] = []
        answers: list[Receipt | CarrythroughError] = []
        end = self._log.end
        for submission in group:
            batch = _Batch(end, self._stored_ms)
            try:
                answers.append(self._add_carefully(batch, submission))
            except PermanentError as refused:
                answers.append(refused)
                continue
            batch.append_to(self._log)
            end = batch.end
            records += batch.records
        self._log.commit()
        return answers, records

    def _add_carefully(self, batch: _Batch, submission: Submission) -> Receipt:
        if submission.lenient is not None:
            submission = msgspec.structs.replace(
                submission, items=self._conflicts_apart(submission.items, submission.lenient)
            )
        keyed = [*_ids(submission)] if submission.kind is Kind.STATEMENT else []
        ids = [item.id or self._content_id(batch, key, item) for item, key in keyed] or [
            item.id for item in submission.items
        ]
        known = self._log.known(ids)
        for index, (item, key) in enumerate(zip(submission.items, ids, strict=True)):
            if key in known and item.id:
                self._refuse_other_content(submission, index, item, known[key])
        fresh: set[bytes] = set()
        flags, problems = [], {}
        minted = {entry[1] for entry in batch.content}
        for index, (item, key) in enumerate(zip(submission.items, ids, strict=True)):
            repeat = key in known or key in fresh
            if type(item) is Refused:  # no statement, so the log knows it by its content only
                repeat = key not in minted
                problems[index] = item.problem
                ids[index] = item.said or key
            flags.append(repeat)
            if not repeat:
                fresh.add(key)
                batch.add(submission, item, key)
        self._log.remember_content(batch.content)
        return Receipt(ids=[text_of(key) for key in ids], known=flags, problems=problems)

    def _conflicts_apart(self, items: list[Any], sender: Sender) -> list[Any]:
        def stored(ids: list[bytes]) -> dict[bytes, bytes]:
            return {id_: self._log.raw(position) for id_, position in self._log.known(ids).items()}

        def other_content(index: int, id_: bytes, difference: str) -> Problem:
            problem = conflict(index, text_of(id_), difference, Kind.STATEMENT)
            return msgspec.structs.replace(problem, where="/id")

        return list(setting_aside.apart(items, sender, stored, other_content))

    def _content_id(self, batch: _Batch, key: bytes, item: Admitted | AdmittedEvent) -> bytes:
        found = self._log.content_id(key)
        if found is not None and (item.t_ms >= 0 or self._is_re_sent(*found)):
            return found[0]
        digest = bytearray(blake2b(key + self._stored_ms.to_bytes(8, "big"), digest_size=16).digest())
        digest[6] = (
            digest[6] & 0x0F | 0x50
        )  # made from content, as version 5 is; some clients know no later one
        digest[8] = digest[8] & 0x3F | 0x80
        minted = bytes(digest)
        batch.content.append((key, minted, self._stored_ms))
        return minted

    def _is_re_sent(self, id_: bytes, stored_ms: int) -> bool:
        return self._stored_ms - stored_ms < CONTENT_WINDOW_MS and not self._log.is_voided(id_)

    def _refuse_other_content(self, submission: Submission, index: int, item: Any, position: int) -> None:
        stored = self._log.raw(position)
        if submission.kind is Kind.STATEMENT:
            difference = same_statement(stored, item.raw)
        else:
            difference = "" if stored == item.raw else "the stored event has other content"
        if difference:
            raise PermanentError(conflict(index, text_of(item.id), difference, submission.kind))


class _Batch:
    """The rows, ids and records of one group while they are put together."""

    def __init__(self, end: int, stored_ms: int) -> None:
        self.end = end
        self._stored_ms = stored_ms
        self._rows: list[object] = []
        self._ids: list[object] = []
        self._voiding: list[object] = []
        self.records: list[Record] = []
        self.content: list[tuple[bytes, bytes, int]] = []
        self._originals: list[object] = []

    def add_all(self, submission: Submission) -> Receipt:
        ids = [item.id for item in submission.items]
        for item, key in zip(submission.items, ids, strict=True):
            self.add(submission, item, key)
        return Receipt(ids=[text_of(key) for key in ids], known=[False] * len(ids))

    def add(self, submission: Submission, item: Any, key: bytes) -> None:
        self.end = position = self.end + 1
        stored_ms, kind = self._stored_ms, submission.kind
        if submission.lenient is not None:
            kind = Kind.REFUSED if type(item) is Refused else kind
            self._originals += setting_aside.originals(position, item)
        self._rows += (
            position, int(kind), stored_ms, item.t_ms, submission.credential, key, item.raw, submission.version
        )  # fmt: skip
        if kind is Kind.STATEMENT:
            content = item.statement
            if content.verb.id == VOIDED_VERB and type(content.object) is StatementRef:
                self._voiding += (bytes.fromhex(content.object.id.replace("-", "")), position)
        elif kind is Kind.EVENT:
            content = item.event
        else:
            content = item.raw.decode() if kind is Kind.REFUSED else item.content
        if kind <= Kind.EVENT:
            self._ids += (key, position)
        self.records.append(Record(position, kind, stored_ms, key, item.t_ms, content))

    def append_to(self, log: LogFile) -> None:
        log.append(self._rows, self._ids, self.end, self._voiding)
        if self._originals:
            log.keep_originals(self._originals)


class Control(msgspec.Struct):
    """A record of our own: a tick, or the text of a program map or roster to activate."""

    raw: bytes
    content: str | None = None
    id: bytes = b"\x00" * 16
    t_ms: int = -1


def _ids(submission: Submission) -> list[tuple[Admitted | AdmittedEvent, bytes]]:
    """Return each item with its content key (empty for items that have an id)."""
    repeats: Counter[bytes] = Counter()
    keyed = []
    for item in submission.items:
        key = b""
        if not item.id:
            key = content_key(submission.credential, item.raw, 0)
            ordinal = repeats[key]
            repeats[key] += 1
            if ordinal:
                key = content_key(submission.credential, item.raw, ordinal)
        keyed.append((item, key))
    return keyed


def text_of(key: bytes) -> str:
    """Return 16 bytes as the text of a UUID."""
    h = key.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def _settle(future: asyncio.Future[Receipt], result: Receipt | CarrythroughError) -> None:
    if future.cancelled():
        return
    if isinstance(result, CarrythroughError):
        future.set_exception(result)
    else:
        future.set_result(result)
