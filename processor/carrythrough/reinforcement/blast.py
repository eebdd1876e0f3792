"""Rules that reach many people at once: counted for each rule, and held for approval beyond the size in the policy.

A mistake in a map or a feed can make one rule true for everybody. The first people it may reach within an hour get
their message, the rest wait for somebody to look. What waits is no message but the situation: each person is asked
about again once the rule is approved, as they stand then.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from carrythrough.reinforcement.orders import Orders

HELD = "held-for-approval"
"""The name under which a decision logs that its rule waits for approval."""
DENIED = "denied"
"""The name under which a decision logs that what waited was dropped."""
WINDOW_MS = 3_600_000
BUCKET_MS = WINDOW_MS // 12
"""Counts are kept in parts of an hour; the oldest part counts whole, so no hour ever has more than the limit."""
ASKED_AGAIN_MS = WINDOW_MS
"""What waits is looked at this often for an approval or a denial."""


class RuleLoad(msgspec.Struct, frozen=True):
    """What one rule did lately.

    counts: (number of the part of an hour, actions in it), oldest first. held_ms: since when it waits for approval,
    0 when it does not. waiting: decisions held since then.
    """

    counts: tuple[tuple[int, int], ...] = ()
    held_ms: int = 0
    waiting: int = 0


IDLE = RuleLoad()


def settled(load: RuleLoad, rule: str, now_ms: int, orders: Orders) -> RuleLoad:
    """Return the load with what was said about the rule: an approval or a denial ends its waiting."""
    if not load.held_ms:
        return load
    if orders.approved.get(rule, 0) > now_ms or orders.denied.get(rule, 0) >= load.held_ms:
        return IDLE
    return load


def held(load: RuleLoad, rule: str, now_ms: int, limit: int, orders: Orders) -> bool:
    """Say whether one more action of a rule has to wait. limit: actions within an hour, at least 1."""
    if orders.approved.get(rule, 0) > now_ms:
        return False
    load = settled(load, rule, now_ms, orders)
    return load.held_ms > 0 or sum(count for _, count in _recent(load, now_ms)) >= limit


def noted_held(load: RuleLoad, rule: str, now_ms: int, orders: Orders) -> RuleLoad:
    """Return the load after one more decision was held."""
    load = settled(load, rule, now_ms, orders)
    return RuleLoad(_recent(load, now_ms), load.held_ms or now_ms, load.waiting + 1)


def noted_sent(load: RuleLoad, rule: str, now_ms: int, orders: Orders) -> RuleLoad:
    """Return the load after one more action."""
    if orders.approved.get(rule, 0) > now_ms:
        return IDLE  # what an approval covers is not counted against the time after it
    counts = dict(_recent(settled(load, rule, now_ms, orders), now_ms))
    counts[now_ms // BUCKET_MS] = counts.get(now_ms // BUCKET_MS, 0) + 1
    return RuleLoad(tuple(sorted(counts.items())))


def _recent(load: RuleLoad, now_ms: int) -> tuple[tuple[int, int], ...]:
    first = (now_ms - WINDOW_MS) // BUCKET_MS
    return tuple((number, count) for number, count in load.counts if number >= first)


class RuleLoads:
    """The loads of a state and of the batch that is being folded over it."""

    def __init__(self, stored: Callable[[str], RuleLoad], changed: dict[str, RuleLoad]) -> None:
        """stored: what the state knows of a rule. changed: those of this batch; grows while it is folded."""
        self._stored = stored
        self._changed = changed

    def of(self, rule: str) -> RuleLoad:
        """Return the load of a rule."""
        found = self._changed.get(rule)
        return self._stored(rule) if found is None else found

    def put(self, rule: str, load: RuleLoad) -> None:
        """Take over the load of a rule."""
        self._changed[rule] = load


def no_load(_rule: str) -> RuleLoad:
    """Return the load of a rule that never acted."""
    return IDLE
