"""The policy at run time: orders (stop, resume, approve, deny) into the log, requests on their way, what waits.

An order is checked, then appended as a record that holds everything ordered so far; it is in force from its place
in the log on, for decisions and, at once, for what is about to be sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, get_args

import msgspec

from carrythrough.authoring.action_names import ActionName
from carrythrough.embedded.database import connect
from carrythrough.embedded.log import LogFile
from carrythrough.embedded.policy_learning import PolicyLearner
from carrythrough.embedded.presenting import rfc3339
from carrythrough.embedded.referring import Referrer, stored_loads
from carrythrough.embedded.store import StateFile
from carrythrough.errors import PermanentError, Problem
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import Kind
from carrythrough.ports import Clock
from carrythrough.reinforcement import blast, orders
from carrythrough.reinforcement.orders import OrderKind, Orders, decode_orders, encode_orders
from carrythrough.reinforcement.posteriors import PolicyVersion, decode_policy, encode_policy

POSITION_MAX = (1 << 63) - 1
Word = Literal["stop", "resume", "approve", "deny"]


class PolicyShell:
    """What operators may do to the policy while it runs; safe to call from any thread."""

    def __init__(
        self,
        state: StateFile,
        log: LogFile,
        clock: Clock,
        adapters: Iterable[str],
        append: Callable[..., None],
        in_force: Callable[[], InForce],
    ) -> None:
        """append: (kind, bytes of each record) into the log, durable when it returns."""
        self._log = log.reader()
        self._connection = connect(state.path, readonly=True)
        self._in_force = in_force
        self._append = append
        self._adapters = tuple(adapters)
        self._now_ms = clock.now_ms
        self._lock = threading.Lock()
        self.learner = PolicyLearner(state.path, in_force, clock.now_ms, self.activate)
        self.referrer = Referrer(
            state.path, log.reader(), lambda: state.position, lambda raws: append(Kind.REFERRAL, *raws)
        )

    def order(
        self, word: Word, kind: OrderKind, names: Sequence[str], *, by: str, reason: str
    ) -> dict[str, Any]:
        """Append an order and return everything ordered, as `shown`; raises PermanentError for an unknown name."""
        for name in names:
            self._require(kind, name, new=word != "resume")
        if not names and kind != "everything":
            raise PermanentError(_unknown(kind, "", f"at least one {kind}"))
        with self._lock:
            before = self._ordered()
            if word in ("stop", "resume"):
                change = orders.stopped if word == "stop" else orders.resumed
                after = change(before, kind, names or ("all",), by=by, reason=reason)
            else:
                after = before
                for name in names:
                    approve, now_ms = word == "approve", self._now_ms()
                    after = orders.answered(after, name, now_ms, approve=approve, by=by, reason=reason)
            self._append(Kind.ORDERS, encode_orders(after))
        return self._answer(after)

    def shown(self) -> dict[str, Any]:
        """Return what is ordered, which rules wait for approval, and the version of the posteriors."""
        with self._lock:
            ordered = self._ordered()
        return self._answer(ordered)

    def waiting(self) -> list[dict[str, Any]]:
        """Return the rules that wait for approval: since when, and how many decisions."""
        with self._lock:
            return waiting_rules(self._connection, self._in_force().orders, self._now_ms())

    def activate(self, version: PolicyVersion) -> None:
        """Bring a version of the posteriors into force; raises PermanentError (policy-invalid)."""
        raw = encode_policy(version)
        decode_policy(raw)
        self._append(Kind.POSTERIORS, raw)

    def close(self) -> None:
        """Stop the threads and close the connections."""
        self.learner.stop()
        self.referrer.stop()
        self._connection.close()
        self._log.close()

    def _answer(self, ordered: Orders) -> dict[str, Any]:
        in_force = self._in_force()
        return {
            "orders": msgspec.to_builtins(ordered),
            "waiting": self.waiting(),
            "choice": in_force.program.policy.choice,
            "posteriors": in_force.posteriors.name,
            "blast": in_force.program.policy.blast,
        }

    def _ordered(self) -> Orders:
        row = self._log.last(Kind.ORDERS, POSITION_MAX)
        return orders.NONE if row is None else decode_orders(bytes(row.raw))

    def _require(self, kind: OrderKind, name: str, *, new: bool) -> None:
        """Refuse a name that nothing has: a switch with a typing error would stop nobody."""
        if not new or kind == "everything":
            return
        in_force = self._in_force()
        people = in_force.directory.people.values
        known = {
            "person": lambda: in_force.directory.knows(name) or in_force.directory.person(name) is not None,
            "team": lambda: any(person.team == name for person in people()),
            "adapter": lambda: name in self._adapters,
            "action": lambda: name in get_args(ActionName),
            "rule": lambda: any(rule.id == name for rule in in_force.program.reinforcement),
        }
        if not known[kind]():
            raise PermanentError(_unknown(kind, name, _WANTED[kind]))


def waiting_rules(connection: Any, ordered: Orders, now_ms: int) -> list[dict[str, Any]]:
    """Return the rules of a state file that wait for approval, by name."""
    found = []
    for rule, load in sorted(stored_loads(connection).items()):
        now = blast.settled(load, rule, now_ms, ordered)
        if now.held_ms:
            found.append({"rule": rule, "since": rfc3339(now.held_ms), "decisions": now.waiting})
    return found


_WANTED = {
    "person": "roster id or pseudonym of the roster in force",
    "team": "team of the roster in force",
    "adapter": "adapter of the settings",
    "action": "action; docs/reference/program-map.md lists them",
    "rule": "reinforcement rule of the program map in force",
}


def _unknown(kind: str, name: str, wanted: str) -> Problem:
    return Problem(
        code="order-name-unknown",
        status=404,
        title="Nothing has this name",
        detail=f"{name[:200]!r} is no {wanted}" if name else f"the order names no {kind}",
        where="names",
        rule="an order names what exists, so that none is without effect because of a typing error",
        fix="correct the name; `carrythrough policy show` lists what is ordered and what waits",
    )
