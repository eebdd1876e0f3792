"""The fold's thread: records in log order, one transaction a batch, and never a wedge.

A record that makes the fold raise is found by halving the batch, set aside with
its error, and passed: the position advances and an alert metric rises. A disk that
cannot be written is waited for; nothing is skipped for it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import apsw
import msgspec
import structlog

from carrythrough.embedded.counting import counts_of
from carrythrough.embedded.database import chunks
from carrythrough.embedded.decoding import record_of
from carrythrough.embedded.hub import Hub, Published
from carrythrough.embedded.log import LogReader, Row
from carrythrough.embedded.store import Folded, StateFile
from carrythrough.pipeline.delta import Delta
from carrythrough.pipeline.effects import ActionRequested, SetAside, effect_id
from carrythrough.pipeline.fold import DUE_PER_TICK_MAX, Fold
from carrythrough.pipeline.plan import Add, InForce, Reattribute, plan, subject_of_event
from carrythrough.pipeline.records import ACTIVATIONS, ROSTERS, Kind, Record
from carrythrough.pipeline.step import batches
from carrythrough.pipeline.strangers import concerned
from carrythrough.telemetry.metrics import Telemetry

MOVES_AT_ONCE = 500
"""Pseudonyms whose evidence one transaction looks at when the roster changes: bounds memory, not what may change."""
BATCH_RECORDS_MAX = 2_000
"""Records in one fold transaction: bounds the delay between acknowledgement and score."""
HANDOFF_RECORDS_MAX = 20_000
"""Decoded records waiting in memory; beyond this the fold reads them back from the log."""
HANDOFF_RECORDS_EASY = 8_000
"""From here on the committer waits a little: reading records back costs more than waiting for the fold."""
EASE_WAIT_S_MAX = 0.25
DISK_WAIT_S = 1.0
DISK_ERRORS = (apsw.FullError, apsw.IOError, apsw.BusyError, apsw.ReadOnlyError, apsw.CantOpenError)
"""What is waited for: nothing is wrong with a record."""
IDLE_WAIT_S = 0.5

_logger = structlog.get_logger("carrythrough.fold")


class Folder:
    """Folds the log into the state file, from the committed position on."""

    def __init__(
        self,
        log: LogReader,
        state: StateFile,
        in_force: InForce,
        activate: Callable[[Record, InForce], InForce],
        hub: Hub,
        telemetry: Telemetry,
        adapters_of: Callable[[ActionRequested, InForce], Iterable[str]],
        on_actions: Callable[[], None],
    ) -> None:
        self._log = log
        self._state = state
        self.in_force = in_force
        self._activate = activate
        self._hub = hub
        self._telemetry = telemetry
        self._adapters_of = adapters_of
        self._on_actions = on_actions
        self._waiting: deque[list[Record]] = deque()
        self._waiting_records = 0
        self._counting = threading.Lock()
        self.settled = state.position
        """Position up to which `in_force` has everything; never ahead of it."""
        self.due_left = False
        """Whether the last tick left timers for another one to fire."""
        self._wake = threading.Event()
        self._eased = threading.Event()
        self._eased.set()
        self._stopping = False
        self.beat_s = time.monotonic()
        """When the loop last went round; /healthz asks for it."""
        self._thread = threading.Thread(target=self._run, name="fold", daemon=True)
        state.view.owners = self._owners

    def start(self) -> None:
        """Start folding from the committed position."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch under way and end; the rest is folded after the next start."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def hand_over(self, records: list[Record]) -> None:
        """Take committed records; called by the committer. Dropped ones are read from the log again."""
        with self._counting:
            taken = self._waiting_records < HANDOFF_RECORDS_MAX
            self._waiting_records += len(records) if taken else 0
            if self._waiting_records >= HANDOFF_RECORDS_EASY:
                self._eased.clear()
        if taken:
            self._waiting.append(records)
        self._wake.set()

    def wait_until_eased(self) -> None:
        """Hold the committer back a little while much waits here; never long, so a stuck fold stops no intake."""
        self._eased.wait(EASE_WAIT_S_MAX)

    def _run(self) -> None:
        while not self._stopping:
            self.beat_s = time.monotonic()
            try:
                records = self._next()
                if records:
                    self._fold_all(records)
                    continue
            except Exception:  # the loop outlives anything; what broke is logged, counted and tried again
                self._telemetry.fold_loop_errors.inc()
                _logger.exception("fold_loop_error", position=self._state.position)
                self._state.view.forget()
                time.sleep(DISK_WAIT_S)
            self._wake.wait(IDLE_WAIT_S)
            self._wake.clear()

    def _next(self) -> list[Record]:
        """Return the records that follow the position: from the hand-over, else from the log."""
        position = self._state.position
        records: list[Record] = []
        while self._waiting and len(records) < BATCH_RECORDS_MAX:
            head = self._waiting[0]
            if head[0].position > position + 1:
                break
            self._waiting.popleft()
            with self._counting:
                self._waiting_records -= len(head)
                if self._waiting_records < HANDOFF_RECORDS_EASY:
                    self._eased.set()
            records += (
                head if head[0].position == position + 1 else [r for r in head if r.position > position]
            )
            position = records[-1].position if records else position
        return records or self._decode(self._log.rows(self._state.position, BATCH_RECORDS_MAX))

    def _decode(self, rows: Sequence[Row]) -> list[Record]:
        records: list[Record] = []
        for row in rows:
            try:
                records.append(record_of(row))
            except Exception as error:  # noqa: BLE001 - bytes that no decoder of ours reads any more
                if records:
                    return records  # fold what precedes it first
                self._set_aside_row(row, error)
        return records

    def _fold_all(self, records: list[Record]) -> None:
        for start in range(0, len(records), BATCH_RECORDS_MAX):
            for batch in batches(records[start : start + BATCH_RECORDS_MAX]):
                if batch[-1].position > self._state.position:
                    self._fold_surely(batch)

    def _fold_surely(self, batch: list[Record]) -> None:
        """Fold a batch, waiting for the disk and setting aside what cannot be folded."""
        while not self._stopping and batch[-1].position > self._state.position:
            try:
                self._fold_once_or_exactly(batch)
            except DISK_ERRORS as error:
                self._telemetry.fold_disk_waits.inc()
                _logger.warning("fold_waits_for_disk", error=str(error), position=self._state.position)
                time.sleep(DISK_WAIT_S)
                continue
            except Exception as error:  # noqa: BLE001 - one record never stops the stream (promise 9)
                if len(batch) == 1:
                    self._set_aside(batch[0], error)
                else:
                    half = len(batch) // 2
                    self._fold_surely(batch[:half])
                    self._fold_surely(batch[half:])
            return

    def _fold_once_or_exactly(self, batch: list[Record]) -> None:
        """Fold taking evidence as new; when the ledger knows some of it, look every key up."""
        try:
            self._fold(batch)
        except apsw.ConstraintError:
            self._state.view.exact = True
            try:
                self._fold(batch)
            finally:
                self._state.view.exact = False

    def _fold(self, batch: list[Record]) -> None:
        in_force = self.in_force
        if batch[0].kind in ACTIVATIONS:
            in_force = self._activate(batch[0], in_force)
        if batch[0].kind in ROSTERS:
            self._fold_roster(batch[0], in_force)
            return
        operations = plan(batch, in_force)
        view = self._state.view
        view.preload(op.subject for op in operations if type(op) is Add)
        delta = Fold(view, in_force).run(operations)
        folded = Folded(batch[-1].position, counts_of(batch, delta, in_force), [])
        published = self._state.commit(delta, folded, lambda action: self._adapters_of(action, in_force))
        self.in_force = in_force
        self.settled = batch[-1].position
        if batch[0].kind is Kind.TICK:
            self.due_left = len(delta.learners) >= DUE_PER_TICK_MAX
        self._tell(batch, delta, published)

    def _fold_roster(self, record: Record, in_force: InForce) -> None:
        """Bring a change of the roster into force, and give evidence to whom it belongs by it.

        One transaction, or MOVES_AT_ONCE pseudonyms in each where more are concerned: a stop in between leaves
        whole merges and the position before the record, so that it is folded again and goes on with the
        rest, in the same order and with the same effects. A pseudonym whose evidence cannot be moved stays
        as it is and is named in the quarantine; the roster holds all the same.
        """
        before, view = in_force.roster_before, self._state.view
        sources = concerned(before, in_force.directory, view) if before is not None else []
        parts: deque[Sequence[str]] = deque(chunks(sources, MOVES_AT_ONCE) or [()])
        stuck: dict[str, Exception] = {}
        at = self._state.position
        while parts:
            part = parts.popleft()
            at = record.position if not parts and not stuck else at
            try:
                self._move(Reattribute(record.position, record.stored_ms, tuple(part)), in_force, at)
            except DISK_ERRORS:
                raise
            except Exception as error:  # a fault of ours with one person stops nobody else
                at = self._state.position
                if len(part) == 1:
                    stuck[part[0]] = error
                elif part:
                    parts.extendleft((part[len(part) // 2 :], part[: len(part) // 2]))
                else:
                    raise
        if stuck:
            self._move(Reattribute(record.position, record.stored_ms, ()), in_force, record.position, stuck)
        self.in_force = msgspec.structs.replace(in_force, roster_before=None)
        self.settled = record.position
        self._tell([record], Delta({}, {}, [], [], {}, []), [])

    def reattribute(self, operation: Reattribute, in_force: InForce) -> None:
        """Give the evidence of some pseudonyms to whom it belongs, in a transaction that leaves the position."""
        self._move(operation, in_force, self._state.position)

    def _move(
        self,
        operation: Reattribute,
        in_force: InForce,
        position: int,
        stuck: Mapping[str, Exception] = MappingProxyType({}),
    ) -> None:
        view = self._state.view
        view.preload(operation.sources or ())
        delta = Fold(view, in_force).run([operation])
        folded = Folded(position, {}, [])
        if stuck:
            error = next(iter(stuck.values()))
            _logger.error("evidence_not_moved", position=position, subjects=sorted(stuck), exc_info=error)
            detail = f"evidence of {len(stuck)} pseudonyms stays where it was: {', '.join(stuck)}; {error}"
            entry = self._aside(position, "evidence-not-moved", detail)
            folded = Folded(
                position, {"quarantined": 1}, [(int(Kind.ROSTER_CHANGE), operation.stored_ms, "", entry)]
            )
            self._telemetry.quarantined.inc()
        self._tell([], delta, self._state.commit(delta, folded, lambda _: ()))

    def _tell(self, batch: list[Record], delta: Delta, published: list[Published]) -> None:
        """Tell subscribers, metrics and dispatcher; the batch is committed, so nothing here may undo it."""
        try:
            self._hub.publish(published)
            self._telemetry.folded(batch, delta)
            if any(entry.kind in ("action", "referral") for entry in published):
                self._on_actions()
        except Exception:
            self._telemetry.fold_loop_errors.inc()
            _logger.exception("telling_failed", position=self._state.position)

    def _set_aside(self, record: Record, error: BaseException) -> None:
        self._write_aside(record.position, int(record.kind), record.stored_ms, "", error)

    def _set_aside_row(self, row: Row, error: BaseException) -> None:
        self._write_aside(row.position, row.kind, row.stored_ms, row.credential, error)

    def _write_aside(
        self, position: int, kind: int, stored_ms: int, credential: str, error: BaseException
    ) -> None:
        _logger.error(
            "record_set_aside", position=position, error=f"{type(error).__name__}: {error}", exc_info=error
        )
        code = getattr(getattr(error, "problem", None), "code", "fold-error")
        entry = self._aside(position, code, f"{type(error).__name__}: {error}")
        folded = Folded(position, {"quarantined": 1}, [(kind, stored_ms, credential, entry)])
        published = self._state.commit(Delta({}, {}, [], [], {}, []), folded, lambda _: ())
        self.settled = position
        self._telemetry.quarantined.inc()
        self._hub.publish(published)

    def _aside(self, position: int, code: str, detail: str) -> SetAside:
        id_ = effect_id("quarantine", self.in_force.tenant, position)
        return SetAside(id=id_, position=position, code=code, detail=detail[:2000])

    def _owners(self, row: Row) -> Iterable[str]:
        record = record_of(row)
        directory = self.in_force.directory
        if record.kind is Kind.STATEMENT:
            return (directory.subject_of_actor(record.content.actor),)
        if record.kind is Kind.EVENT:
            return filter(None, [subject_of_event(record.content, directory)])
        return ()
