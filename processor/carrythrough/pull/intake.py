"""Pulled statements through the same admission as anything; one bad statement holds up no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.ports import Receipt
from carrythrough.xapi.admission import admit
from carrythrough.xapi.admitted import Admitted, Limits
from carrythrough.xapi.query import AttachmentData


class Taken(msgspec.Struct, frozen=True):
    """What became of a page: newly stored, known before, refused and kept with the reason."""

    accepted: int = 0
    known: int = 0
    refused: int = 0


class Refusals(Protocol):
    """Where refused statements are kept."""

    def add(self, file: str, line: int, kind: str, raw: bytes, problem: Problem) -> None:
        """Keep one refused record."""
        ...

    def sync(self) -> None:
        """Make what was kept durable."""
        ...

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        ...


class Submit(Protocol):
    """Stores admitted statements and then answers, all or none; raises PermanentError or TransientError."""

    def __call__(
        self,
        admitted: list[Admitted],
        credential: str,
        version: str,
        attachments: Sequence[AttachmentData],
        /,
    ) -> Receipt:
        """Return after the durable append; attachments are durable before it."""
        ...


class PulledIntake:
    """Takes pages of one source in; returns only when everything in them is durable.

    Pages come without attachments. A statement that has data of its own (a signature, say) cannot be taken
    without it, so the data is fetched for that statement alone.
    """

    def __init__(
        self,
        name: str,
        version: str,
        submit: Submit,
        refusals: Refusals,
        fetch: Callable[[str], Mapping[str, AttachmentData]],
        limits: Limits | None = None,
    ) -> None:
        """submit: stores statements durably. fetch: the attachments of a statement id by SHA-2; may raise."""
        self.credential = f"pull:{name}"
        self._version = version
        self._submit = submit
        self._refusals = refusals
        self._fetch = fetch
        self._limits = limits or Limits()

    def take(self, statements: Sequence[bytes]) -> Taken:
        """Store a page; raises TransientError when nothing can be stored now."""
        admitted: list[Admitted] = []
        data: dict[str, AttachmentData] = {}
        refused = 0
        for raw in statements:
            try:
                admitted += self._admit(raw, data)
            except PermanentError as error:
                self._refuse(raw, error.problem)
                refused += 1
        receipt, conflicts = self._store(admitted, tuple(data.values()))
        if refused or conflicts:
            self._refusals.sync()
        known = sum(receipt.known)
        return Taken(len(receipt.ids) - known, known, refused + conflicts)

    def close(self) -> None:
        """Let go of what it holds; safe to call twice."""
        self._refusals.close()

    def _admit(self, raw: bytes, data: dict[str, AttachmentData]) -> list[Admitted]:
        """Admit one statement, adding the attachments that it needs to `data`."""
        try:
            return admit(raw, self._limits, self._version)
        except PermanentError as error:
            if error.problem.code != "attachment-without-data":
                raise
            received = self._fetch(_id_of(raw))
            admitted = admit(raw, self._limits, self._version, received.keys())
            data.update(received)
            return admitted

    def _store(self, admitted: list[Admitted], data: Sequence[AttachmentData]) -> tuple[Receipt, int]:
        """Store what can be stored, keeping aside whose id stands for other content here."""
        conflicts = 0
        while admitted:
            try:
                return self._submit(admitted, self.credential, self._version, data), conflicts
            except PermanentError as error:
                at = _index(error.problem.where)
                if error.problem.status != 409 or at is None or at >= len(admitted):
                    raise
                self._refuse(admitted[at].raw, error.problem)
                conflicts += 1
                admitted = [*admitted[:at], *admitted[at + 1 :]]
        return Receipt(ids=[], known=[]), conflicts

    def _refuse(self, raw: bytes, problem: Problem) -> None:
        where = problem.where
        if _index(where) is not None:
            where = where[where.find("/", 1) :] if where.find("/", 1) > 0 else ""
        problem = msgspec.structs.replace(problem, where=where)
        self._refusals.add(self.credential, 0, "statements", raw, problem)


class _Id(msgspec.Struct):
    id: str = ""


def _id_of(raw: bytes) -> str:
    return msgspec.json.decode(raw, type=_Id).id


def _index(pointer: str) -> int | None:
    first = pointer.removeprefix("/").partition("/")[0]
    return int(first) if first.isdigit() else None
