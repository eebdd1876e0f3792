"""What admission gives and what it is bounded by."""

from __future__ import annotations

import msgspec

from carrythrough.xapi.statement import Statement


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may hold; a refusal gives the name of its limit.

    body_bytes_max: bytes of the body after inflating. statement_bytes_max: bytes of one
    statement's text. statements_per_request_max: statements in one array. depth_max: levels of
    objects and arrays in one statement.
    """

    body_bytes_max: int = 10 << 20
    statement_bytes_max: int = 1 << 20
    statements_per_request_max: int = 5_000
    depth_max: int = 64


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """A statement that keeps the rules.

    id: 16 bytes, or b"" when the sender gave none. raw: the exact JSON text as sent, without the
    white space around it. t_ms: its timestamp in ms since the epoch, 0 for times before it, −1
    when the sender gave none.
    """

    id: bytes
    raw: bytes
    statement: Statement
    t_ms: int
