"""Proves that expiry, opt-out and kill switches are checked again before every try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from carrythrough.dispatch import (
    DispatchFault,
    Schedule,
    Skipped,
)
from carrythrough.plugin import ActionRequested
from carrythrough.testing.adapters import sample_action, sample_recipient

QUICK = Schedule(first_delay_s=60.0, factor=1.0, jitter=0.0)


def test_an_expired_action_is_never_sent(house: Any, doer: Any, wait_until: Callable[..., None]) -> None:
    place = doer()
    entry = house.outbox.put(sample_action(expires_ms=house.clock.t_ms), "a")
    house.open(adapters={"a": place})
    wait_until(lambda: house.outbox.row(entry).status == "skipped", what="the skip")
    assert place.keys == []
    assert "expired at 2023-11-14T22:13:20.000Z" in house.outbox.row(entry).words
    assert [event.reason for event in house.of(Skipped)] == [house.outbox.row(entry).words]


def test_an_action_that_expires_between_two_tries_is_not_sent_again(
    house: Any, failing: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    place = doer(failing(5))
    entry = house.outbox.put(sample_action(expires_ms=house.clock.t_ms + 61_000), "a")
    house.open(adapters={"a": place}, schedule=QUICK)
    wait_until(lambda: house.outbox.row(entry).attempts == 1, what="the first try")
    house.clock.forward(62)
    wait_until(lambda: house.outbox.row(entry).status == "skipped", what="the skip")
    assert len(place.keys) == 1


def test_a_try_that_would_come_after_the_expiry_is_not_waited_for(
    house: Any, failing: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    entry = house.outbox.put(sample_action(expires_ms=house.clock.t_ms + 59_000), "a")
    house.open(adapters={"a": doer(failing(5))}, schedule=QUICK)
    wait_until(lambda: house.outbox.row(entry).status == "dead", what="the dead letter")
    assert "expires before the next try" in house.outbox.row(entry).words


@pytest.mark.parametrize(
    ("opted_out", "word"), [(("all",), "all"), (("spaced-review", "nudge"), "nudge"), (("a",), "a"), ((), "")]
)
def test_an_opt_out_counts_at_the_next_try(
    house: Any,
    failing: Any,
    doer: Any,
    wait_until: Callable[..., None],
    opted_out: tuple[str, ...],
    word: str,
) -> None:
    place = doer(failing(1))
    entry = house.outbox.put(sample_action(), "a")
    house.open(adapters={"a": place}, schedule=QUICK)
    wait_until(lambda: house.outbox.row(entry).attempts == 1, what="the first try")
    house.people.known["a" * 26] = sample_recipient(opted_out=opted_out)
    house.clock.forward(61)
    expected = "skipped" if word else "delivered"
    wait_until(lambda: house.outbox.row(entry).status == expected, what=expected)
    assert len(place.keys) == (1 if word else 2)
    if word:
        assert house.outbox.row(entry).words == f"the recipient opted out of {word}"


def test_who_opted_out_of_all_is_not_reported_to_the_manager(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    house.people.known["b" * 26] = sample_recipient(opted_out=("all",))
    entry = house.outbox.put(sample_action(subject="b" * 26, to="manager"), "a")
    place = doer()
    house.open(adapters={"a": place})
    wait_until(lambda: house.outbox.row(entry).status == "skipped", what="the skip")
    assert place.keys == []


def test_a_kill_switch_counts_at_the_next_try(
    house: Any, failing: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    off: set[str] = set()

    def guard(action: ActionRequested, adapter: str) -> str | None:
        return f"{adapter} is switched off" if adapter in off else None

    places = {"a": doer(failing(1)), "b": doer(failing(1))}
    entries = {name: house.outbox.put(sample_action(), name) for name in places}
    house.open(adapters=places, schedule=QUICK, guards=guard)
    for entry in entries.values():
        wait_until(lambda entry=entry: house.outbox.row(entry).attempts == 1, what="the first try")
    off.add("a")
    house.clock.forward(61)
    wait_until(lambda: house.outbox.row(entries["b"]).status == "delivered", what="b")
    wait_until(lambda: house.outbox.row(entries["a"]).status == "skipped", what="a")
    assert (len(places["a"].keys), len(places["b"].keys)) == (1, 2)
    assert house.outbox.row(entries["a"]).words == "a is switched off"


def test_a_broken_guard_holds_back_and_lets_nothing_pass(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    broken = [True]

    def guard(action: ActionRequested, adapter: str) -> str | None:
        if broken[0]:
            raise OSError("the switches cannot be read")
        return None

    place = doer()
    entry = house.outbox.put(sample_action(), "a")
    dispatcher = house.open(adapters={"a": place}, schedule=QUICK, guards=guard)
    wait_until(lambda: house.outbox.row(entry).attempts == 1, what="the failed check")
    assert place.keys == []
    assert "nothing was sent" in house.outbox.row(entry).words
    assert [event.where for event in house.of(DispatchFault)] == ["guard"]
    assert dispatcher.status()[0].state == "ready", "our own fault must not pause the adapter"
    broken[0] = False
    house.clock.forward(61)
    wait_until(lambda: house.outbox.row(entry).status == "delivered", what="the delivery")


def test_the_recipient_is_who_the_roster_knows_now(
    house: Any, doer: Any, wait_until: Callable[..., None]
) -> None:
    place = doer()
    house.outbox.put(sample_action("known"), "a")
    house.outbox.put(sample_action("unknown", recipient="z" * 26), "a")
    house.open(adapters={"a": place})
    wait_until(lambda: len(house.outbox.rows("delivered")) == 2, what="both")
    assert dict(zip(place.keys, place.recipients, strict=True)) == {
        "known": sample_recipient(),
        "unknown": None,
    }
