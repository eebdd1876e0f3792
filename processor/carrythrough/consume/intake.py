"""Records of a topic through the same admission as anything; one bad record holds up no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from carrythrough.consume.record import Headers, admit_record
from carrythrough.errors import PermanentError, Problem
from carrythrough.events.performance import AdmittedEvent
from carrythrough.ports import Receipt
from carrythrough.pull.intake import Refusals, Taken

Submit = Callable[[list[AdmittedEvent], str], Receipt]
"""Stores events durably under a credential and then answers; raises PermanentError or TransientError."""


class TopicRecord(msgspec.Struct, frozen=True):
    """One record with its place."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class TopicIntake:
    """Takes records of one source in; returns only when everything in them is durable."""

    def __init__(
        self,
        name: str,
        submit: Submit,
        refusals: Refusals,
        admit: Callable[[bytes | None, Headers], list[AdmittedEvent]] = admit_record,
    ) -> None:
        """refusals: where records go that are no events, or say other things under an id that is known."""
        self.credential = f"consume:{name}"
        self._submit = submit
        self._refusals = refusals
        self._admit = admit

    def take(self, records: Sequence[TopicRecord]) -> Taken:
        """Store what can be stored; raises TransientError when nothing can be stored now."""
        waiting: list[tuple[AdmittedEvent, TopicRecord]] = []
        refused = 0
        for record in records:
            try:
                waiting += [(event, record) for event in self._admit(record.value, record.headers)]
            except PermanentError as error:
                self._refuse(record, error.problem)
                refused += 1
        accepted = known = 0
        while waiting:
            # An id that comes twice goes in turn: only what is stored shows whether it says the same again.
            first = {event.id: (event, record) for event, record in reversed(waiting)}
            taken = {id(event) for event, _ in first.values()}
            waiting = [pair for pair in waiting if id(pair[0]) not in taken]
            receipt, conflicts = self._store([*first.values()])
            refused += conflicts
            known += sum(receipt.known)
            accepted += len(receipt.ids) - sum(receipt.known)
        if refused:
            self._refusals.sync()
        return Taken(accepted, known, refused)

    def close(self) -> None:
        """Let go of what it holds; safe to call twice."""
        self._refusals.close()

    def _store(self, pairs: list[tuple[AdmittedEvent, TopicRecord]]) -> tuple[Receipt, int]:
        """Store what can be stored, keeping aside whose id stands for other content here."""
        conflicts = 0
        while pairs:
            try:
                return self._submit([event for event, _ in pairs], self.credential), conflicts
            except PermanentError as error:
                at = _index(error.problem.where)
                if error.problem.status != 409 or at is None or at >= len(pairs):
                    raise
                self._refuse(pairs[at][1], msgspec.structs.replace(error.problem, where=""))
                conflicts += 1
                pairs = [*pairs[:at], *pairs[at + 1 :]]
        return Receipt(ids=[], known=[]), conflicts

    def _refuse(self, record: TopicRecord, problem: Problem) -> None:
        """Keep a record with its place: the file names topic and partition, the line is the offset."""
        place = f"{self.credential}/{record.topic}/{record.partition}"
        self._refusals.add(place, record.offset, "events", record.value or b"", problem)


def _index(pointer: str) -> int | None:
    first = pointer[1:].partition("/")[0]
    return int(first) if first.isdecimal() and len(first) < 9 else None
