"""What operators ordered at run time: what is stopped, and what became of rules that wait for approval.

A record of the log holds the whole of it, so the last one is what is in force, and a replay obeys the same orders at
the same places. The kill switches of the program map hold besides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

APPROVED_MS = 86_400_000
"""How long an approval lets a rule act on as many people as it finds; a day covers every time zone's working hours."""
NAMES_MAX = 10_000
"""Names in one list of orders: more belong into the map or the roster."""

OrderKind = Literal["person", "team", "adapter", "action", "rule", "everything"]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Names = Annotated[tuple[Name, ...], Meta(max_length=NAMES_MAX)]


class Orders(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything ordered so far.

    people: roster ids or pseudonyms that are stopped, and teams, adapters, actions, rules by name. everything: all is
    stopped. approved: rule → until when (ms) it may act on any number of people. denied: rule → when (ms) its
    waiting actions were dropped. by, reason: of the last order, for the audit.
    """

    people: Names = ()
    teams: Names = ()
    adapters: Names = ()
    actions: Names = ()
    rules: Names = ()
    everything: bool = False
    approved: dict[Name, int] = {}
    denied: dict[Name, int] = {}
    by: Annotated[str, Meta(max_length=200)] = ""
    reason: Annotated[str, Meta(max_length=1000)] = ""


NONE = Orders()
_LISTS = {"person": "people", "team": "teams", "adapter": "adapters", "action": "actions", "rule": "rules"}
_decoder = msgspec.json.Decoder(Orders)


def encode_orders(orders: Orders) -> bytes:
    """Return the bytes of orders for the log."""
    return msgspec.json.encode(orders, order="deterministic")


def decode_orders(content: str | bytes) -> Orders:
    """Return the orders of a log record; raises msgspec.ValidationError or DecodeError."""
    return _decoder.decode(content)


def stopped(orders: Orders, kind: OrderKind, names: Iterable[str], *, by: str, reason: str) -> Orders:
    """Return the orders with some names of a kind stopped as well; those stopped before stay."""
    return _with(orders, kind, by, reason, set(names), set())


def resumed(orders: Orders, kind: OrderKind, names: Iterable[str], *, by: str, reason: str) -> Orders:
    """Return the orders with some names of a kind no longer stopped; others are as they were."""
    return _with(orders, kind, by, reason, set(), set(names))


def answered(orders: Orders, rule: str, now_ms: int, *, approve: bool, by: str, reason: str) -> Orders:
    """Return the orders with what was said about a rule that waits: approved for APPROVED_MS, or denied."""
    approved = {name: until for name, until in orders.approved.items() if until > now_ms and name != rule}
    denied = {name: at for name, at in orders.denied.items() if name != rule}
    if approve:
        approved[rule] = now_ms + APPROVED_MS
    else:
        denied[rule] = now_ms
    return msgspec.structs.replace(orders, approved=approved, denied=denied, by=by, reason=reason)


def _with(orders: Orders, kind: OrderKind, by: str, reason: str, add: set[str], drop: set[str]) -> Orders:
    if kind == "everything":
        return msgspec.structs.replace(orders, everything=not drop, by=by, reason=reason)
    field = _LISTS[kind]
    names = tuple(sorted({*getattr(orders, field), *add} - drop))
    return msgspec.structs.replace(orders, by=by, reason=reason, **{field: names})
