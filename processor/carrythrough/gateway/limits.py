"""Bounds on what senders may make the gateway hold: each has a name, and its refusal gives it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from carrythrough.errors import Problem, TransientError
from carrythrough.events.admission import EventLimits
from carrythrough.xapi.admitted import Limits
from carrythrough.xapi.attachments import AttachmentLimits
from carrythrough.xapi.documents import DocumentLimits


class GatewayLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the intake over HTTP.

    connections_max: open connections (below the usual 1,024 files of a process). head_bytes_max,
    head_seconds_max: address and headers of a request. statements, attachments, events, documents:
    what one request may hold. statements_per_page_max: statements in one answer. body_seconds_max:
    from its headers to the last byte of a body. body_bytes_in_flight_max: bytes of bodies held at
    once, over all connections. records_in_flight_max and records_in_flight_per_credential_max:
    statements and events admitted and not yet durable. retry_after_s: when to try again after one of
    these. thread_bytes_min: bodies from this size on are admitted in a thread, so that others are
    answered meanwhile.
    """

    connections_max: int = 900
    head_bytes_max: int = 64 << 10
    head_seconds_max: float = 10.0
    statements: Limits = Limits()
    attachments: AttachmentLimits = AttachmentLimits()
    statements_per_page_max: int = 500
    events: EventLimits = EventLimits()
    documents: DocumentLimits = DocumentLimits()
    body_seconds_max: float = 30.0
    body_bytes_in_flight_max: int = 256 << 20
    records_in_flight_max: int = 50_000
    records_in_flight_per_credential_max: int = 25_000
    retry_after_s: float = 1.0
    thread_bytes_min: int = 512 << 10


class InFlight:
    """Counts what is held for requests that are not answered yet; one for all intake endpoints."""

    def __init__(self, limits: GatewayLimits) -> None:
        self._limits = limits
        self.body_bytes = 0
        self.records = 0
        self._by_credential: Counter[str] = Counter()

    def hold_bytes(self, size: int) -> None:
        """Add bytes of a body; raises TransientError (503) when too many are held already."""
        bytes_max = self._limits.body_bytes_in_flight_max
        if self.body_bytes + size > bytes_max:
            raise TransientError(
                _overload(
                    "bodies-in-flight",
                    503,
                    f"requests being read hold {self.body_bytes} bytes",
                    f"Limit body_bytes_in_flight_max = {bytes_max}",
                ),
                self._limits.retry_after_s,
            )
        self.body_bytes += size

    def release_bytes(self, size: int) -> None:
        """Take off bytes that were held."""
        self.body_bytes -= size

    @contextmanager
    def records_of(self, credential: str, count: int) -> Iterator[None]:
        """Hold `count` records of a sender; raises TransientError: 503 for all, 429 for one sender.

        A single request always fits when nothing else of that kind is under way.
        """
        self._check(credential, count)
        self.records += count
        self._by_credential[credential] += count
        try:
            yield
        finally:
            self.records -= count
            self._by_credential[credential] -= count
            if not self._by_credential[credential]:
                del self._by_credential[credential]

    def _check(self, credential: str, count: int) -> None:
        limits = self._limits
        if self.records and self.records + count > limits.records_in_flight_max:
            problem = _overload(
                "records-in-flight",
                503,
                f"{self.records} records wait to become durable",
                f"Limit records_in_flight_max = {limits.records_in_flight_max}",
            )
            raise TransientError(problem, limits.retry_after_s)
        mine = self._by_credential[credential]
        if mine and mine + count > limits.records_in_flight_per_credential_max:
            problem = _overload(
                "sender-too-fast",
                429,
                f"{mine} records of this credential wait to become durable",
                f"Limit records_in_flight_per_credential_max = {limits.records_in_flight_per_credential_max}",
            )
            raise TransientError(problem, limits.retry_after_s)


def _overload(code: str, status: int, detail: str, rule: str) -> Problem:
    return Problem(
        code=code,
        status=status,
        title="Too much at once",
        detail=detail,
        rule=rule,
        fix="send the request again after Retry-After seconds; nothing of it was stored",
    )
