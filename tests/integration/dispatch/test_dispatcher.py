"""Proves what the dispatcher promises between outbox and adapters: one key, no repeat, a clean end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from carrythrough.dispatch import (
    AttemptStarted,
    Dispatcher,
    DispatchFault,
    Schedule,
    let_pass,
)
from carrythrough.ports import OutboxEntry
from carrythrough.testing.adapters import sample_action
from carrythrough.testing.outbox import MemoryOutbox

QUICK = Schedule(first_delay_s=60.0, factor=1.0, jitter=0.0)


def test_an_entry_under_way_is_not_handed_out_again(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    gate = threading.Event()
    place = doer(lambda _key: gate.wait(10))
    for number in range(20):
        house.outbox.put(sample_action(f"n-{number}"), "a")
    dispatcher = house.open(adapters={"a": place}, poll_s=0.005)
    wait_until(lambda: len(place.keys) == 4, what="four sends")
    for _ in range(50):
        dispatcher.notify()
        time.sleep(0.002)
    assert len(place.keys) == 4, "the default concurrency is four"
    gate.set()
    wait_until(lambda: len(house.outbox.rows("delivered")) == 20, what="all")
    assert sorted(place.keys) == sorted(f"n-{number}" for number in range(20))


def test_work_that_is_announced_leaves_at_once(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    place = doer()
    dispatcher = house.open(adapters={"a": place}, poll_s=60.0)
    time.sleep(0.1)
    begun = time.monotonic()
    house.outbox.put(sample_action(), "a")
    dispatcher.notify()
    wait_until(lambda: place.keys, timeout_s=5, what="the send")
    print(f"notify to send: {1000 * (time.monotonic() - begun):.1f} ms")


def test_results_call_for_more_work_without_waiting_for_the_poll(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    place = doer()
    for number in range(10):
        house.outbox.put(sample_action(f"n-{number}"), "a")
    house.open(adapters=place.under("a", concurrency=1, queue_max=0), poll_s=60.0)
    wait_until(lambda: len(house.outbox.rows("delivered")) == 10, timeout_s=5, what="ten turns of one worker")


class FlakyOutbox(MemoryOutbox):
    """An outbox that cannot be written for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = 0

    def delivered(self, receipts: Sequence[tuple[int, str]], now_ms: int) -> None:
        if self.broken > 0:
            self.broken -= 1
            raise OSError("disk full")
        super().delivered(receipts, now_ms)

    def retry(self, entry: int, error: str, due_ms: int) -> None:
        if self.broken > 0:
            self.broken -= 1
            raise OSError("disk full")
        super().retry(entry, error, due_ms)


def test_a_result_survives_an_outbox_that_cannot_be_written(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    outbox = FlakyOutbox()
    outbox.broken = 7
    entries = [outbox.put(sample_action(f"n-{number}"), "a") for number in range(3)]
    place = doer()
    house.open(adapters={"a": place}, outbox=outbox)
    wait_until(lambda: all(outbox.row(entry).status == "delivered" for entry in entries), what="all")
    assert sorted(place.keys) == ["n-0", "n-1", "n-2"], "sent again although the result was only unwritten"
    assert {event.where for event in house.of(DispatchFault)} == {"outbox"}


def test_a_send_left_behind_is_counted_once_although_the_outbox_fails(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    gate = threading.Event()
    outbox = FlakyOutbox()
    outbox.broken = 5
    entry = outbox.put(sample_action(), "a")
    place = doer(lambda _key: gate.wait(30))
    dispatcher = house.open(adapters=place.under("a", send_timeout_s=0.1), outbox=outbox)
    wait_until(lambda: outbox.row(entry).attempts == 1, what="the counted try")
    assert dispatcher.status()[0].abandoned == 1
    gate.set()
    wait_until(lambda: outbox.row(entry).status == "delivered", what="the late result")
    wait_until(lambda: dispatcher.status()[0].abandoned == 0, what="the thread back")


def test_after_a_restart_what_was_open_leaves_under_the_same_key(
    house: Any, failing: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    place = doer(failing(1))
    entry = house.outbox.put(sample_action(), "a")
    first = house.open(adapters={"a": place}, schedule=QUICK)
    wait_until(lambda: house.outbox.row(entry).attempts == 1, what="the first try")
    first.stop()
    house.clock.forward(61)
    house.open(adapters={"a": place}, schedule=QUICK)
    wait_until(lambda: house.outbox.row(entry).status == "delivered", what="the delivery")
    assert place.keys == [sample_action().id] * 2
    assert [event.attempt for event in house.of(AttemptStarted)] == [1, 2]


def test_stop_waits_for_what_is_under_way_and_leaves_the_rest(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    gate = threading.Event()
    place = doer(lambda _key: gate.wait(10))
    for number in range(20):
        house.outbox.put(sample_action(f"n-{number}"), "a")
    dispatcher = house.open(adapters={"a": place})
    wait_until(lambda: len(place.keys) == 4, what="four sends")
    threading.Timer(0.3, gate.set).start()
    assert dispatcher.stop(5.0) is True
    assert len(house.outbox.rows("delivered")) == 4
    assert [row.attempts for row in house.outbox.rows("pending")] == [0] * 16
    assert place.closed == 1
    house.outbox.put(sample_action("after"), "a")
    dispatcher.notify()
    time.sleep(0.1)
    assert "after" not in place.keys
    assert dispatcher.stop() is True
    wait_until(
        lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("dispatch")],
        what="every thread to end",
    )


def test_stop_does_not_wait_for_ever(house: Any, doer: Any, wait_until: Callable[..., None]) -> None:
    gate = threading.Event()
    place = doer(lambda _key: gate.wait(30))
    entry = house.outbox.put(sample_action(), "a")
    dispatcher = house.open(adapters={"a": place})
    wait_until(lambda: place.keys, what="the send")
    begun = time.monotonic()
    assert dispatcher.stop(0.3) is False
    assert time.monotonic() - begun < 3
    assert house.outbox.row(entry).status == "pending", "what may not have arrived must be tried again"
    gate.set()


def test_a_dispatcher_that_was_never_started_can_be_stopped(house: Any, doer: Any) -> None:
    place = doer()
    dispatcher = Dispatcher(house.outbox, {"a": place}, house.people, house.clock, let_pass, house)
    assert dispatcher.stop() is True
    assert place.closed == 1


def test_the_loop_is_seen_to_turn(house: Any, doer: Any, wait_until: Callable[..., None]) -> None:
    dispatcher = house.open(adapters={"a": doer()})
    time.sleep(0.3)
    assert dispatcher.seconds_since_turn() < 0.25
    dispatcher.stop()
    stopped = dispatcher.seconds_since_turn()
    time.sleep(0.05)
    assert dispatcher.seconds_since_turn() > stopped


def test_thousands_of_actions_pass_through(house: Any, doer: Any, wait_until: Callable[..., None]) -> None:
    place = doer()
    outbox = MemoryOutbox()
    for number in range(1000):
        outbox.put(sample_action(f"n-{number}"), "a")
    begun = time.monotonic()
    house.open(adapters={"a": place}, outbox=outbox)
    wait_until(lambda: len(outbox.rows("delivered")) == 1000, timeout_s=60, what="a thousand deliveries")
    print(f"1,000 actions through the dispatcher: {time.monotonic() - begun:.2f} s")
    assert len(set(place.keys)) == 1000


class DeafOutbox(MemoryOutbox):
    """An outbox that cannot be read for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = 5

    def due(self, now_ms: int, limit: int, adapter: str = "") -> Sequence[OutboxEntry]:
        if self.broken > 0:
            self.broken -= 1
            raise OSError("database is locked")
        return super().due(now_ms, limit, adapter)


def test_an_outbox_that_cannot_be_read_for_a_while_ends_nothing(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    outbox = DeafOutbox()
    entry = outbox.put(sample_action(), "a")
    house.open(adapters={"a": doer()}, outbox=outbox)
    wait_until(lambda: outbox.row(entry).status == "delivered", what="the delivery")
    assert [event.error for event in house.of(DispatchFault)] == ["OSError: database is locked"] * 5
