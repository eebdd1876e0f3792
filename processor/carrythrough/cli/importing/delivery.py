"""How records are delivered, and how one bad record is told from the good ones around it.

A delivery takes all records of a parcel or none. So a refused parcel is taken apart: the record that
the refusal points at goes alone, what stands before it goes as it is, what follows goes in halves. A
record is set aside only after it was refused alone, so a wrong pointer can cost time, never a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from carrythrough.cli.files.records import Kind, Piece
from carrythrough.errors import CarrythroughError, PermanentError, Problem, TransientError

RECORDS_MAX = 500
"""Records in one parcel: a commit and a refusal cost little, and the server stays fair to others."""
BYTES_MAX = 1 << 20
"""Bytes in one parcel, unless one record is larger."""
TRIES_MAX = 10
UNREACHABLE_TRIES_MAX = 4
"""A server that restarts is back within these; one that is not there at all should not be waited for."""
WAIT_S_MAX = 30.0
REFUSED_STATUSES = frozenset({400, 409, 413, 422})
"""Answers that are about the content; others (credentials, a wrong address) stop the run."""
REPEATED = frozenset({"statement-id-repeated", "event-id-repeated"})
"""Refusals of a parcel that are no fault of a record: it comes again later, and is known then."""


class Sent(msgspec.Struct, frozen=True):
    """How many records of a parcel were stored, and how many the log knew already."""

    accepted: int
    known: int


class Delivery(Protocol):
    """Where records go."""

    connections: int
    """Parcels that may be under way at the same time."""

    tells_known: bool
    """Whether `send` says of statements which were known; if not, `folded` says how many were new."""

    def send(self, kind: Kind, version: str, raws: Sequence[bytes]) -> Sent:
        """Deliver all or none; raises PermanentError or TransientError."""
        ...

    def folded(self, waiting: Callable[[int], None]) -> dict[str, Any] | None:
        """Wait until everything sent is scored, telling how many records are left.

        Returns what it came to (`importing.outcome.came_to`), None when that cannot be seen from here.
        """
        ...

    def close(self) -> None:
        """Let go of the connection or the data folder; safe to call twice."""
        ...


class Receiver(Protocol):
    """Who counts."""

    def delivered(self, sent: Sent, pieces: Sequence[Piece]) -> None:
        """Take the result of a parcel that was taken."""
        ...

    def refused(self, piece: Piece, problem: Problem) -> None:
        """Take a record that was refused alone; the pointer in `problem` is one into the record."""
        ...

    def waits(self, problem: Problem, seconds: float) -> bool:
        """Wait before the next try; False when there is to be none."""
        ...


def parcels(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Yield runs of records bounded by RECORDS_MAX and BYTES_MAX; a fault of `pieces` comes after the last run."""
    parcel: list[Piece] = []
    size = 0
    fault: CarrythroughError | None = None
    try:
        for piece in pieces:
            if parcel and (len(parcel) == RECORDS_MAX or size + len(piece.raw) > BYTES_MAX):
                yield parcel
                parcel, size = [], 0
            parcel.append(piece)
            size += len(piece.raw)
    except CarrythroughError as error:
        fault = error
    if parcel:
        yield parcel
    if fault is not None:
        raise fault


def deliver(
    delivery: Delivery, kind: Kind, version: str, pieces: Sequence[Piece], receiver: Receiver
) -> None:
    """Deliver every record that is accepted; raises for what is no fault of a record."""
    try:
        sent = _persist(delivery, kind, version, pieces, receiver)
    except PermanentError as error:
        problem = error.problem
        if problem.status not in REFUSED_STATUSES:
            raise
        if len(pieces) == 1:
            receiver.refused(pieces[0], msgspec.structs.replace(problem, where=_inside(problem.where)))
            return
        for part in _parts(pieces, problem):
            deliver(delivery, kind, version, part, receiver)
    else:
        receiver.delivered(sent, pieces)


def body_of(raws: Sequence[bytes]) -> bytes:
    """Return the request body: one record as it is, so that faults have their true place, else an array."""
    if len(raws) == 1 and raws[0][:1] != b"[":
        return raws[0]
    return b"[" + b",".join(raws) + b"]"


def _parts(pieces: Sequence[Piece], problem: Problem) -> Iterator[Sequence[Piece]]:
    """Yield the parts to deliver in place of a refused whole, none of them empty, each smaller than it."""
    at = _index(problem.where)
    if at is None or at >= len(pieces) or (at == 0 and problem.code in REPEATED):
        at = len(pieces) // 2
        yield pieces[:at]
        yield pieces[at:]
        return
    if at:
        yield pieces[:at]
    if problem.code in REPEATED:
        yield pieces[at:]
        return
    yield pieces[at : at + 1]
    rest = pieces[at + 1 :]
    half = (len(rest) + 1) // 2
    for part in (rest[:half], rest[half:]):
        if part:
            yield part


def _index(pointer: str) -> int | None:
    first = pointer.removeprefix("/").partition("/")[0]
    return int(first) if first.isdigit() else None


def _inside(pointer: str) -> str:
    """Return a pointer into the one record of a request: without the record's number, where it has one."""
    if _index(pointer) is None:
        return pointer
    _, _, rest = pointer.removeprefix("/").partition("/")
    return f"/{rest}" if rest else ""


def _persist(
    delivery: Delivery, kind: Kind, version: str, pieces: Sequence[Piece], receiver: Receiver
) -> Sent:
    """Deliver, trying again after a pause while the fault may pass; nothing is counted twice by that."""
    raws = [piece.raw for piece in pieces]
    tries = 0
    while True:
        try:
            return delivery.send(kind, version, raws)
        except TransientError as error:
            tries += 1
            if tries >= (UNREACHABLE_TRIES_MAX if error.problem.code == "server-unreachable" else TRIES_MAX):
                raise
            pause_s = min(max(error.retry_after_s, 0.2 * 2**tries), WAIT_S_MAX)
            if not receiver.waits(error.problem, pause_s):
                raise
