"""The documents of learners and activities: read, check and write as one step, durable when answered.

Commit order of one group, in prose: take the changes that are waiting; begin; for each, read what is
stored (what an earlier change of the group wrote included), let the change decide, write; commit (fsync).
Only then is anybody told, also the one who was refused: what it was refused for has to be durable.

They have a file of their own because they are no input to any score (docs/decisions/0006-documents.md).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import msgspec

from carrythrough.embedded.commit_problems import bug
from carrythrough.embedded.database import connect, select
from carrythrough.errors import BugError, CarrythroughError, Problem, TransientError
from carrythrough.ports import Clock
from carrythrough.telemetry.metrics import Telemetry
from carrythrough.xapi.documents import Content, Context, Decide, Document, DocumentIds, etag_of

GROUP_CHANGES_MAX = 200
"""Changes in one commit: bounds how long the first of them waits for the last."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document(
  kind INTEGER NOT NULL, activity TEXT NOT NULL, agent TEXT NOT NULL, registration TEXT NOT NULL,
  id TEXT NOT NULL, updated_ms INTEGER NOT NULL, etag TEXT NOT NULL, media_type TEXT NOT NULL,
  content BLOB NOT NULL, PRIMARY KEY(kind, activity, agent, registration, id));
CREATE INDEX IF NOT EXISTS of_agent ON document(agent);
"""
KINDS = {"state": 1, "agent-profile": 2, "activity-profile": 3}
_ADDRESS = "kind=? AND activity=? AND agent=? AND registration=? AND id=?"
_READ = f"SELECT media_type, content, updated_ms, etag FROM document WHERE {_ADDRESS}"
_WRITE = "INSERT OR REPLACE INTO document VALUES (?,?,?,?,?,?,?,?,?)"
_DELETE = f"DELETE FROM document WHERE {_ADDRESS}"
_IN_CONTEXT = "kind=? AND activity=? AND agent=?"

Address = tuple[int, str, str, str, str]
"""Number of the kind, activity, agent, registration, id."""


class _Change(msgspec.Struct):
    """One piece of work for the writing connection, and where its outcome goes."""

    work: Callable[[], int]
    outcome: queue.SimpleQueue[int | CarrythroughError]


class DocumentFile:
    """The file `documents.sqlite`, written by one thread; implements `ports.Documents`."""

    def __init__(self, path: Path, clock: Clock, telemetry: Telemetry, *, vfs: str | None = None) -> None:
        """Open or create the file. vfs: as in `connect`; such a file has one connection for everything."""
        self._clock = clock
        self._telemetry = telemetry
        self._writer = connect(path, vfs=vfs, exclusive=vfs is not None)
        # What is deleted here is often deleted for a person's sake: its bytes go, not only its row.
        self._writer.execute("PRAGMA secure_delete=ON")
        for statement in _SCHEMA.split(";"):
            self._writer.execute(statement)
        self._reader = self._writer if vfs is not None else connect(path, readonly=True)
        self._reading = threading.Lock()
        self._waiting: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._accepting = threading.Lock()
        self._open = False
        self._updated_ms = 0
        self._thread = threading.Thread(target=self._run, name="documents", daemon=True)

    def start(self) -> None:
        """Start taking changes."""
        self._open = True
        self._thread.start()

    def stop(self) -> None:
        """Commit what is waiting, take nothing more, close the file; safe to call without a start."""
        with self._accepting:
            self._open = False
            self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._reader.close()
        self._writer.close()

    def document(self, context: Context, id_: str) -> Document | None:
        """Return a document, None when there is none; see `ports.Documents`."""
        with self._reading:
            return _document(self._reader, _address(context, id_))

    def ids(self, context: Context, since_ms: int = -1) -> DocumentIds:
        """Return the ids of a context's documents; see `ports.Documents`."""
        where, values = _within(context)
        with self._reading:
            found = select(
                self._reader,
                f"SELECT id, max(updated_ms) FROM document WHERE {where} AND updated_ms>=? GROUP BY id ORDER BY id",
                (*values, since_ms),
            )
        return DocumentIds([row[0] for row in found], max((row[1] for row in found), default=0))

    def change(self, context: Context, id_: str, decide: Decide) -> None:
        """Store what `decide` makes of the stored document; see `ports.Documents`."""
        self._submit(lambda: self._change(_address(context, id_), decide))

    def delete_all(self, context: Context) -> int:
        """Delete every document of a context; see `ports.Documents`."""
        return self._submit(lambda: self._delete(*_within(context)))

    def _submit(self, work: Callable[[], int]) -> int:
        outcome: queue.SimpleQueue[int | CarrythroughError] = queue.SimpleQueue()
        with self._accepting:
            if not self._open:
                raise TransientError(_STOPPING, retry_after_s=5.0)
            self._waiting.put(_Change(work, outcome))
        result = outcome.get()
        if isinstance(result, CarrythroughError):
            raise result
        return result

    def _run(self) -> None:
        ending = False
        while not ending:
            first = self._waiting.get()
            if first is None:
                return
            group = [first]
            while len(group) < GROUP_CHANGES_MAX and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    ending = True
                    break
                group.append(following)
            self._commit(group)

    def _commit(self, group: list[_Change]) -> None:
        """Carry a group out and answer it; never raises."""
        self._updated_ms = max(self._updated_ms, self._clock.now_ms())
        outcomes: list[int | CarrythroughError]
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            outcomes = [_outcome(change.work) for change in group]
            self._writer.execute("COMMIT")
            self._telemetry.documents.inc(sum(outcome for outcome in outcomes if isinstance(outcome, int)))
        except apsw.FullError:
            outcomes = [self._undo(TransientError(_DISK_FULL, retry_after_s=30.0))] * len(group)
        except (apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.BusyError) as error:
            outcomes = [self._undo(TransientError(_disk_error(error), retry_after_s=10.0))] * len(group)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next group needs a working writer
            outcomes = [self._undo(BugError(bug(error)))] * len(group)
        for change, outcome in zip(group, outcomes, strict=True):
            change.outcome.put(outcome)

    def _undo(self, error: CarrythroughError) -> CarrythroughError:
        self._telemetry.commit_failed(error.problem)
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except apsw.Error as undo:
            self._telemetry.commit_failed(_disk_error(undo))
        return error

    def _change(self, address: Address, decide: Decide) -> int:
        stored = _document(self._writer, address)
        content = decide(stored)
        if content is not None:
            row = (*address, self._updated_ms, etag_of(content.data), content.media_type, content.data)
            self._writer.execute(_WRITE, row)
        elif stored is not None:
            self._writer.execute(_DELETE, address)
        return 1

    def _delete(self, where: str, values: tuple[Any, ...]) -> int:
        self._writer.execute(f"DELETE FROM document WHERE {where}", values)
        return self._writer.changes()


def _outcome(work: Callable[[], int]) -> int | CarrythroughError:
    """Return what one change gives or why it may not be made: its neighbours in the group are not touched."""
    try:
        return work()
    except CarrythroughError as refused:
        return refused


def _address(context: Context, id_: str) -> Address:
    return (KINDS[context.kind], context.activity, context.agent, context.registration, id_)


def _within(context: Context) -> tuple[str, tuple[Any, ...]]:
    """Return a condition and its values; without a registration the documents of every one are meant."""
    values = (KINDS[context.kind], context.activity, context.agent)
    if not context.registration:
        return _IN_CONTEXT, values
    return f"{_IN_CONTEXT} AND registration=?", (*values, context.registration)


def _document(connection: apsw.Connection, address: Address) -> Document | None:
    row = connection.execute(_READ, address).fetchone()
    return None if row is None else Document(Content(row[0], bytes(row[1])), row[2], row[3])


_STOPPING = Problem(
    code="documents-closed",
    status=503,
    title="Documents are not taken now",
    detail="the server is starting or stopping",
    rule="a document is acknowledged only when it is on disk",
    fix="send again after Retry-After seconds; nothing of this request was stored",
)
_DISK_FULL = Problem(
    code="disk-full",
    status=503,
    title="The disk is full",
    detail="the documents could not grow, so nothing of this request was stored",
    where="data_dir",
    rule="a document is acknowledged only when it is on disk",
    fix="free space on the volume of the data folder, and send the request again",
)


def _disk_error(error: BaseException) -> Problem:
    return Problem(
        code="disk-error",
        status=503,
        title="The documents could not be written",
        detail=f"{type(error).__name__}: {error}",
        where="data_dir",
        rule="a document is acknowledged only when it is on disk",
        fix="look at the volume of the data folder; nothing of this request was stored",
    )
