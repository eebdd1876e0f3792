"""The doors between the pure core and the shells, as Protocols of at most six methods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from carrythrough.errors import Problem
from carrythrough.identity.changes import RosterChange
from carrythrough.pipeline.effects import ActionRequested
from carrythrough.xapi.documents import Context, Decide, Document, DocumentIds
from carrythrough.xapi.query import AttachmentData, StatementPage, StatementQuery, StoredStatement


class Clock(Protocol):
    """Where time comes from; a shell reads it once a record and passes it on as a value."""

    def now_ms(self) -> int:
        """Return the time as milliseconds since the Unix epoch."""
        ...


class OutboxEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One action waiting for one adapter.

    attempts: tries made so far. due_ms: not before this time (server clock).
    """

    entry: int
    adapter: str
    action: ActionRequested
    attempts: int
    due_ms: int


class Outbox(Protocol):
    """Actions that still have to leave; each call is one durable transaction."""

    def due(self, now_ms: int, limit: int, adapter: str = "") -> Sequence[OutboxEntry]:
        """Return entries due at `now_ms`, oldest `due_ms` first, at most `limit`.

        With `adapter`, only entries for that adapter: each lane of the dispatcher asks for its
        own, so that the backlog of a dead adapter never hides the others (index adapter, due_ms).
        """
        ...

    def delivered(self, receipts: Sequence[tuple[int, str]], now_ms: int) -> None:
        """Mark entries as delivered, each with the adapter's receipt; all of them or, when it raises, none."""
        ...

    def retry(self, entry: int, error: str, due_ms: int) -> None:
        """Count a failed try and make the entry due again at `due_ms`."""
        ...

    def give_up(self, entry: int, reason: str, now_ms: int) -> None:
        """Move an entry to the dead letters with its reason."""
        ...

    def skip(self, entry: int, reason: str, now_ms: int) -> None:
        """Close an entry that must not be sent any more (expired, opted out, switched off)."""
        ...


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """How a person is reached; lives only in the roster, never in published effects."""

    pseudonym: str
    name: str = ""
    email: str = ""
    time_zone: str = "UTC"
    locale: str = "en"
    opted_out: tuple[str, ...] = ()


class Directory(Protocol):
    """Who is behind a pseudonym, for the dispatcher and the signed-in pages only."""

    def recipient(self, pseudonym: str) -> Recipient | None:
        """Return how to reach the person, or None when the roster does not know them."""
        ...

    def recipients(self, pseudonyms: Iterable[str]) -> dict[str, Recipient]:
        """Return those that the roster knows among `pseudonyms`."""
        ...


class AdapterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter plugin is: the frozen value behind the entry point `carrythrough.adapters`.

    config: a msgspec Struct type whose instance is handed to `factory`; every field documented.
    stability: "stable" | "beta". example: a configuration that works as written.
    factory: callable(config) -> Adapter, without side effects.
    """

    name: str
    kind: str
    summary: str
    stability: str
    config: type
    example: dict[str, Any]
    factory: Any


class Adapter(Protocol):
    """Carries actions to one outside place; raises PermanentError or TransientError."""

    def check(self) -> str:
        """Say in one line whether the configuration can work, without sending; raises as `send`."""
        ...

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Deliver and return a receipt (at most 200 characters); blocking, called in a worker thread."""
        ...

    def close(self) -> None:
        """Release connections; safe to call twice and without a send."""
        ...


class Receipt(msgspec.Struct):
    """What an intake answers. ids: as stored, in the order sent. known: counted before (a re-send).

    problems: place to the reason, of statements that were set aside instead; a lenient credential's only.
    """

    ids: list[str]
    known: list[bool]
    problems: dict[int, Problem] = msgspec.field(default_factory=dict)


class RosterReceipt(msgspec.Struct, frozen=True):
    """What an intake answers to changes of the roster. position: of their record in the log."""

    position: int


class Remark(msgspec.Struct, frozen=True):
    """What a sender is told of a record that was stored. where: JSON pointer into the request."""

    where: str
    detail: str
    fix: str


class Intake(Protocol):
    """Where admitted records go; returns only after the durable append.

    Raises PermanentError (409: the id is stored with other content) or TransientError
    (503: overloaded, disk full; with retry-after). Nothing of a request that raises is stored.
    """

    async def submit_statements(
        self,
        admitted: list[Any],
        credential: str,
        version: str = "1.0.3",
        attachments: Sequence[AttachmentData] = (),
        *,
        lenient: bool = False,
    ) -> Receipt:
        """Store `xapi.admission.Admitted` statements, all or none, and before them what is attached.

        version: "1.0.3" or "2.0.0", under whose rules they were admitted. lenient: they are
        `xapi.lenient.Lenient`, and one that cannot be stored is set aside alone.
        """
        ...

    async def submit_events(self, events: list[Any], credential: str) -> Receipt:
        """Store `events.performance.AdmittedEvent` events, all or none."""
        ...

    async def submit_roster_changes(self, changes: Sequence[RosterChange], credential: str) -> RosterReceipt:
        """Store changes of single people, all or none; they come into force together, in the order of the log.

        Raises PermanentError 409 (roster-conflict, manager-circle) or 400 (roster-changes-too-many), held
        against the roster with everything acknowledged before; TransientError 503 (roster-loading) while a
        whole roster is coming into force.
        """
        ...


class Statements(Protocol):
    """Stored statements, to be read; the calls block, so a shell makes them in a worker thread."""

    def statement(self, id_: bytes, *, voided: bool) -> StoredStatement | None:
        """Return the statement with this id if it is (not) voided; sees whatever was acknowledged."""
        ...

    def page(self, query: StatementQuery) -> StatementPage:
        """Return one page; voided statements are left out, statements that refer to a match are in."""
        ...

    def attachments(self, sha2s: Iterable[str]) -> dict[str, AttachmentData]:
        """Return the stored attachments among these digests."""
        ...

    def activity(self, id_: str) -> dict[str, Any] | None:
        """Return the activity with the definition put together from what was stored, None when unknown."""
        ...

    def consistent_through_ms(self) -> int:
        """Return the stored time up to which queries see everything."""
        ...


class Documents(Protocol):
    """Documents of agents and activities; the calls block, so a shell makes them in a worker thread.

    Each change is one durable transaction; raises TransientError (503: disk full or not to be written)
    with nothing changed.
    """

    def document(self, context: Context, id_: str) -> Document | None:
        """Return a document, None when there is none; sees whatever was acknowledged."""
        ...

    def ids(self, context: Context, since_ms: int = -1) -> DocumentIds:
        """Return the ids of a context's documents that were written at `since_ms` or later.

        A context without a registration stands for all registrations, here and in `delete_all`.
        """
        ...

    def change(self, context: Context, id_: str, decide: Decide) -> None:
        """Store what `decide` makes of the stored document, with no other change in between.

        `decide` is pure and quick, since others wait for it; what it raises is raised here, with nothing changed.
        """
        ...

    def delete_all(self, context: Context) -> int:
        """Delete every document of a context and return how many there were."""
        ...
