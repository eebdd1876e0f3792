"""Proves that a slow, dead or broken adapter costs a bounded amount and is nobody else's problem."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from carrythrough.dispatch import (
    DeadLettered,
    DispatchFault,
    Schedule,
    SendOverran,
)
from carrythrough.errors import TransientError
from carrythrough.plugin import PermanentError, delivery_problem
from carrythrough.testing.adapters import sample_action

QUICK = Schedule(first_delay_s=60.0, factor=1.0, jitter=0.0)


def test_an_adapter_that_ignores_its_timeouts_is_left_behind(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    gate = threading.Event()
    hung = doer(lambda _key: gate.wait(30))
    fine = doer()
    for number in range(30):
        house.outbox.put(sample_action(f"n-{number}"), "hung")
        house.outbox.put(sample_action(f"n-{number}"), "fine")
    limits = {"send_timeout_s": 0.2, "concurrency": 2, "queue_max": 4, "abandoned_max": 3}
    before = threading.active_count()
    dispatcher = house.open(adapters={**hung.under("hung", **limits), "fine": fine}, schedule=QUICK)
    wait_until(lambda: dispatcher.status()[1].state == "stuck", what="the stuck adapter")
    wait_until(lambda: len(fine.keys) == 30, what="the other adapter")
    time.sleep(0.5)
    assert len(hung.keys) <= 4, "threads are spent on an adapter that hangs"
    # Left behind: at most abandoned_max + concurrency - 1; then the workers of both, and the loop.
    assert threading.active_count() - before <= (3 + 2 - 1) + 2 + 4 + 1
    assert {event.adapter for event in house.of(SendOverran)} == {"hung"}
    retried = [row for row in house.outbox.rows("pending") if row.attempts == 1]
    assert {row.words for row in retried} == {"no answer within 0.2 s"}
    assert len(retried) == len(hung.keys)
    # What comes back late is a delivery all the same, and is not sent again.
    gate.set()
    wait_until(lambda: len(house.outbox.rows("delivered")) == 60, what="all, late ones included")
    assert dispatcher.status()[1].state == "ready"
    assert len(hung.keys) == len(set(hung.keys)) == 30

    def workers() -> int:
        return sum(thread.name.startswith("dispatch-hung-") for thread in threading.enumerate())

    wait_until(lambda: workers() <= 2, what="the replaced workers to go")


def test_a_slow_action_holds_up_its_own_worker_only(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    gate = threading.Event()
    place = doer(lambda key: gate.wait(30) if key == "slow" else None)
    house.outbox.put(sample_action("slow"), "a", -1)
    for number in range(10):
        house.outbox.put(sample_action(f"n-{number}"), "a")
    house.open(adapters=place.under("a", concurrency=2, queue_max=0))
    wait_until(lambda: len(house.outbox.rows("delivered")) == 10, what="all but the slow one")
    gate.set()


def test_a_worker_left_behind_is_replaced(house: Any, doer: Any, wait_until: Callable[..., None]) -> None:
    gate = threading.Event()
    place = doer(lambda key: gate.wait(30) if key == "hung" else None)
    house.outbox.put(sample_action("hung"), "a", -1)
    limits = {"concurrency": 1, "queue_max": 0, "send_timeout_s": 0.1}
    house.open(adapters=place.under("a", **limits), schedule=QUICK)
    wait_until(lambda: house.of(SendOverran), what="the send that is left behind")
    entry = house.outbox.put(sample_action("next"), "a")
    wait_until(lambda: house.outbox.row(entry).status == "delivered", what="the next action")
    gate.set()


def test_sends_that_hang_pause_their_adapter(house: Any, doer: Any, wait_until: Callable[..., None]) -> None:
    gate = threading.Event()
    place = doer(lambda _key: gate.wait(30))
    for number in range(10):
        house.outbox.put(sample_action(f"n-{number}"), "a")
    limits = {"concurrency": 1, "send_timeout_s": 0.1, "failures_before_pause": 2, "abandoned_max": 9}
    dispatcher = house.open(adapters=place.under("a", **limits), schedule=QUICK)
    wait_until(lambda: dispatcher.status()[0].state == "paused", what="the pause")
    time.sleep(0.3)
    assert len(place.keys) <= 3, "a paused adapter was called"
    gate.set()


def test_an_adapter_that_fails_pauses_and_then_probes(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    working = threading.Event()

    def act(_key: str) -> None:
        if not working.is_set():
            raise TransientError(delivery_problem("delivery-failed", "down"))

    place = doer(act)
    for number in range(40):
        house.outbox.put(sample_action(f"n-{number}"), "a")
    limits = {"concurrency": 1, "failures_before_pause": 5, "pause_s": 30.0, "pause_s_max": 50.0}
    dispatcher = house.open(
        adapters=place.under("a", **limits),
        schedule=Schedule(first_delay_s=1000.0, factor=1.0, jitter=0.0),
    )

    def state() -> str:
        word: str = dispatcher.status()[0].state
        return word

    wait_until(lambda: state() == "paused", what="the pause")
    time.sleep(0.1)
    tried = len(place.keys)
    assert 5 <= tried <= 6, "the waiting actions were tried against a dead receiver"
    house.clock.forward(30.1)
    wait_until(lambda: len(place.keys) == tried + 1 and state() == "paused", what="one probe, another pause")
    time.sleep(0.1)
    assert len(place.keys) == tried + 1
    house.clock.forward(49.0)
    time.sleep(0.1)
    assert len(place.keys) == tried + 1, "the second pause is longer"
    working.set()
    house.clock.forward(1.1)
    wait_until(lambda: state() == "ready", what="the recovery")
    wait_until(lambda: len(house.outbox.rows("delivered")) == 40 - tried - 1, what="those never tried")
    assert all(row.attempts == 1 for row in house.outbox.rows("pending"))


class Exit:
    """Ways in which a plugin can end a thread that is not its own."""

    @staticmethod
    def system_exit(_key: str) -> None:
        raise SystemExit(1)

    @staticmethod
    def bug(_key: str) -> None:
        raise KeyError("of the plugin")

    @staticmethod
    def recursion(key: str) -> None:
        Exit.recursion(key)


@pytest.mark.parametrize("act", [Exit.system_exit, Exit.bug, Exit.recursion])
def test_a_bug_of_a_plugin_is_reported_and_tried_again(
    house: Any, doer: Any, wait_until: Callable[..., None], act: Callable[[str], None]
) -> None:
    broken = doer(act)
    other = doer()
    entry = house.outbox.put(sample_action(), "broken")
    house.open(adapters={"broken": broken, "other": other}, schedule=Schedule(tries_max=3, first_delay_s=1.0))
    for tries in (1, 2):
        wait_until(lambda tries=tries: house.outbox.row(entry).attempts == tries, what=f"try {tries}")
        house.clock.forward(3600)
    wait_until(lambda: house.outbox.row(entry).status == "dead", what="the dead letter")
    elsewhere = house.outbox.put(sample_action(), "other")
    wait_until(lambda: house.outbox.row(elsewhere).status == "delivered", what="the other adapter")
    assert [event.where for event in house.of(DispatchFault)] == ["adapter"] * 3


def test_a_refusal_is_no_reason_to_pause(house: Any, doer: Any, wait_until: Callable[..., None]) -> None:
    def act(_key: str) -> None:
        raise PermanentError(delivery_problem("delivery-refused", "no such person"))

    for number in range(30):
        house.outbox.put(sample_action(f"n-{number}"), "a")
    dispatcher = house.open(adapters={"a": doer(act)})
    wait_until(lambda: len(house.outbox.rows("dead")) == 30, what="all refusals")
    assert dispatcher.status()[0].state == "ready"
    assert len(house.of(DeadLettered)) == 30


def test_an_adapter_that_the_settings_do_not_name(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    entry = house.outbox.put(sample_action(), "gone-from-the-settings")
    house.open(adapters={"a": doer()})
    wait_until(lambda: house.outbox.row(entry).status == "dead", what="the dead letter")
    assert "name no adapter 'gone-from-the-settings'" in house.outbox.row(entry).words


def test_telemetry_that_raises_stops_nothing(house: Any, doer: Any, wait_until: Callable[..., None]) -> None:
    class Broken:
        def emit(self, event: object) -> None:
            raise RuntimeError("no space for the log")

    entry = house.outbox.put(sample_action(), "a")
    house.open(adapters={"a": doer()}, telemetry=Broken())
    wait_until(lambda: house.outbox.row(entry).status == "delivered", what="the delivery")


def test_a_rate_is_kept_and_used(house: Any, doer: Any, wait_until: Callable[..., None]) -> None:
    begun: list[float] = []
    place = doer(lambda _key: begun.append(time.monotonic()))
    for number in range(30):
        house.outbox.put(sample_action(f"n-{number}"), "a")
    house.open(adapters=place.under("a", rate_per_s=20.0), poll_s=5.0)
    wait_until(lambda: len(begun) == 30, timeout_s=10, what="thirty sends")
    # Twenty at once, then one every 50 ms: not faster, and without waiting for the poll.
    assert 0.45 <= begun[-1] - begun[0] < 3.0
    assert begun[19] - begun[0] < 0.45
