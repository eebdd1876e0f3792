"""Proves what a real webhook receiver in another process sees: signatures, keys, retries and their end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from carrythrough.dispatch import (
    AdapterStateChanged,
    DeadLettered,
    Delivered,
    RetryScheduled,
    Schedule,
    build_adapters,
)
from carrythrough.errors import PermanentError, TransientError
from carrythrough.plugin import ThrottledError
from carrythrough.testing.adapters import sample_action, sample_recipient

SECRETS = (
    "whsec_bmV3IHNlY3JldCBvZiB0aGUgcmVjZWl2ZXIsIDMyIGI=",
    "whsec_b2xkIHNlY3JldCBvZiB0aGUgcmVjZWl2ZXIsIDMyIGI=",
)
"""The secrets of the receiver, as in the fixtures: newest first."""


def send(receiver: Any, **more: Any) -> str:
    """Send one action directly, without a dispatcher."""
    adapter = build_adapters({"crm": receiver.table(**more)})["crm"]
    try:
        return adapter.send(sample_action(), sample_recipient(), sample_action().id)
    finally:
        adapter.close()


def test_a_signed_action_arrives_once_and_names_nobody(
    house: Any, receiver: Any, wait_until: Callable[..., None]
) -> None:
    entry = house.outbox.put(sample_action(), "crm")
    house.open({"crm": receiver.table()})
    wait_until(lambda: house.outbox.row(entry).status == "delivered", what="the delivery")
    [post] = receiver.seen()
    assert post["verified_by"] == [0]
    assert post["id"] == sample_action().id
    payload = json.loads(post["body"])
    assert payload["type"] == "action.requested"
    assert payload["timestamp"] == "2023-11-14T22:13:20.000Z"
    assert payload["data"]["skill"] == "de-escalation"
    assert payload["data"]["score"] == 0.42
    assert payload["data"]["expires"] == "2100-01-01T00:00:00.000Z"
    assert sample_recipient().name not in post["body"]
    assert sample_recipient().email not in post["body"]
    assert house.outbox.row(entry).words == f"HTTP 200 from {receiver.origin}"
    [event] = house.of(Delivered)
    assert (event.adapter, event.attempt) == ("crm", 1)


def test_contact_data_leaves_only_when_configured(receiver: Any) -> None:
    send(receiver, include_contact=True)
    assert json.loads(receiver.seen()[0]["body"])["data"]["contact"] == {
        "name": "Dana Ösper",
        "email": "dana@example.org",
        "time_zone": "UTC",
        "locale": "en",
    }


@pytest.mark.parametrize(
    ("mine", "verified"),
    [(SECRETS, [0, 1]), (SECRETS[:1], [0]), (SECRETS[1:], [1])],
    ids=["both", "new", "old"],
)
def test_every_secret_in_force_signs(receiver: Any, mine: tuple[str, ...], verified: list[int]) -> None:
    send(receiver, secrets=list(mine))
    [post] = receiver.seen()
    assert post["signatures"] == len(mine)
    assert post["verified_by"] == verified


def test_a_wrong_secret_would_be_noticed(receiver: Any) -> None:
    send(receiver, secrets=["whsec_YW5vdGhlciBzZWNyZXQsIG5vdCB0aGUgcmlnaHQgb25l"])
    assert receiver.seen()[0]["verified_by"] == []


def test_own_headers_are_sent(receiver: Any) -> None:
    send(receiver, headers={"authorization": "Bearer abcdef", "x-team": "learning"})
    headers = receiver.seen()[0]["headers"]
    assert (headers["authorization"], headers["x-team"]) == ("Bearer abcdef", "learning")
    assert headers["content-type"] == "application/json"


def test_failures_are_tried_again_with_the_same_key_and_body(
    house: Any, receiver: Any, wait_until: Callable[..., None]
) -> None:
    receiver.answer("status", status=500, times=3)
    entry = house.outbox.put(sample_action(), "crm")
    house.open({"crm": receiver.table()})
    for tries in (1, 2, 3):
        wait_until(lambda tries=tries: house.outbox.row(entry).attempts == tries, what=f"try {tries}")
        house.clock.t_ms = house.outbox.row(entry).due_ms
    wait_until(lambda: house.outbox.row(entry).status == "delivered", what="the delivery")
    posts = receiver.seen()
    assert [post["mode"] for post in posts] == ["status", "status", "status", "ok"]
    assert {post["id"] for post in posts} == {sample_action().id}
    assert len({post["body"] for post in posts}) == 1
    assert all(post["verified_by"] == [0] for post in posts)
    assert [event.attempt for event in house.of(RetryScheduled)] == [1, 2, 3]


def test_ten_tries_over_three_days_then_the_dead_letters(
    house: Any, receiver: Any, wait_until: Callable[..., None]
) -> None:
    receiver.answer("status", status=503, said="down for repair")
    entry = house.outbox.put(sample_action(), "crm")
    start_ms, moments = house.clock.t_ms, [house.clock.t_ms]
    house.open({"crm": {**receiver.table(), "limits": {"failures_before_pause": 100}}})
    for tries in range(1, 10):
        wait_until(lambda tries=tries: house.outbox.row(entry).attempts == tries, what=f"try {tries}")
        house.clock.t_ms = house.outbox.row(entry).due_ms
        moments.append(house.clock.t_ms)
    wait_until(lambda: house.outbox.row(entry).status == "dead", what="the end")
    assert receiver.ids() == [sample_action().id] * 10
    assert 3.0 <= (moments[-1] - start_ms) / 86_400_000 <= 3.5
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert gaps == sorted(gaps)
    row = house.outbox.row(entry)
    assert "gave up after 10 tries" in row.words
    assert "down for repair" in row.words
    assert [event.attempt for event in house.of(DeadLettered)] == [10]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retry_after_is_honoured_by_the_whole_adapter(
    house: Any, receiver: Any, wait_until: Callable[..., None], status: int
) -> None:
    receiver.answer("status", status=status, headers={"retry-after": "120"}, times=1)
    first = house.outbox.put(sample_action("first"), "crm", house.clock.t_ms)
    start_ms = house.clock.t_ms
    dispatcher = house.open({"crm": receiver.table()}, schedule=Schedule(jitter=0.2))
    wait_until(lambda: house.outbox.row(first).attempts == 1, what="the refusal")
    second = house.outbox.put(sample_action("second"), "crm", house.clock.t_ms)
    due_ms = house.outbox.row(first).due_ms
    assert start_ms + 120_000 <= due_ms <= start_ms + 150_000
    wait_until(lambda: dispatcher.status()[0].state == "paused", what="the pause")
    house.clock.t_ms = start_ms + 119_999
    time.sleep(0.2)
    assert receiver.ids() == ["first"], "sent although the receiver asked for a pause"
    house.clock.t_ms = due_ms
    wait_until(lambda: house.outbox.row(first).status == "delivered", what="the second try")
    wait_until(lambda: house.outbox.row(second).status == "delivered", what="the other action")
    assert [event.state for event in house.of(AdapterStateChanged)][-1] == "ready"


def test_an_absurd_retry_after_is_bounded(house: Any, receiver: Any, wait_until: Callable[..., None]) -> None:
    receiver.answer("status", status=429, headers={"retry-after": "9" * 400})
    entry = house.outbox.put(sample_action(), "crm")
    start_ms = house.clock.t_ms
    dispatcher = house.open({"crm": receiver.table()})
    wait_until(lambda: house.outbox.row(entry).attempts == 1, what="the refusal")
    assert house.outbox.row(entry).due_ms - start_ms == 86_400_000
    wait_until(lambda: dispatcher.status()[0].until_ms == start_ms + 900_000, what="a bounded pause")


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [("30", 30.0), ("0", 0.0), ("-5", 5.0), ("soon", 5.0), ("", 5.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_retry_after_in_all_its_forms(receiver: Any, value: str, wait_s: float) -> None:
    receiver.answer("status", status=429, headers={"retry-after": value})
    with pytest.raises(ThrottledError) as caught:
        send(receiver)
    assert caught.value.retry_after_s == wait_s


def test_a_gone_receiver_disables_its_adapter_only(
    house: Any, receiver: Any, open_receiver: Callable[..., Any], wait_until: Callable[..., None]
) -> None:
    other = open_receiver()
    receiver.answer("status", status=410)
    first = house.outbox.put(sample_action("first"), "crm")
    dispatcher = house.open({"crm": receiver.table(), "other": other.table()})
    wait_until(lambda: house.outbox.row(first).status == "dead", what="the dead letter")
    second = house.outbox.put(sample_action("second"), "crm")
    elsewhere = house.outbox.put(sample_action("second"), "other")
    wait_until(lambda: house.outbox.row(second).status == "dead", what="the second dead letter")
    wait_until(lambda: house.outbox.row(elsewhere).status == "delivered", what="the other adapter")
    assert receiver.ids() == ["first"], "a gone receiver was called again"
    assert "disabled" in house.outbox.row(second).words
    assert [(s.adapter, s.state) for s in dispatcher.status()] == [("crm", "disabled"), ("other", "ready")]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_is_final(house: Any, receiver: Any, wait_until: Callable[..., None], status: int) -> None:
    receiver.answer("status", status=status, said="unknown person")
    entry = house.outbox.put(sample_action(), "crm")
    house.open({"crm": receiver.table()})
    wait_until(lambda: house.outbox.row(entry).status == "dead", what="the dead letter")
    assert len(receiver.ids()) == 1
    assert f"HTTP {status}: unknown person" in house.outbox.row(entry).words


@pytest.mark.parametrize("status", [408, 425, 500, 501, 599])
def test_other_failures_are_transient(receiver: Any, status: int) -> None:
    receiver.answer("status", status=status)
    with pytest.raises(TransientError, match=f"HTTP {status}"):
        send(receiver)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, PermanentError),
        (308, PermanentError),
        (302, TransientError),
        (303, TransientError),
        (307, TransientError),
    ],
)
def test_a_redirect_is_a_failure_and_is_never_followed(
    receiver: Any, open_receiver: Callable[..., Any], status: int, error: type[Exception]
) -> None:
    elsewhere = open_receiver()
    location = {"location": f"{elsewhere.origin}/hook?token=of-the-receiver"}
    receiver.answer("status", status=status, headers=location)
    with pytest.raises(error) as caught:
        send(receiver)
    assert len(receiver.seen()) == 1
    assert elsewhere.seen() == []
    if error is PermanentError:
        assert elsewhere.origin in str(caught.value)
        assert "of-the-receiver" not in str(caught.value)


@pytest.mark.parametrize("mode", ["garbage", "reset"])
def test_an_answer_that_is_none_is_transient(receiver: Any, mode: str) -> None:
    receiver.answer(mode)
    with pytest.raises(TransientError):
        send(receiver)


def test_a_hanging_receiver_is_left_after_the_timeout(receiver: Any) -> None:
    receiver.answer("hang")
    begun = time.monotonic()
    with pytest.raises(TransientError, match=r"did not answer within 0\.5 s"):
        send(receiver, timeout_s=0.5)
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("status", [200, 500])
def test_a_dripping_answer_ends_with_the_timeout(receiver: Any, status: int) -> None:
    receiver.answer("drip", status=status)
    begun = time.monotonic()
    if status == 200:
        send(receiver, timeout_s=0.5)
    else:
        with pytest.raises(TransientError):
            send(receiver, timeout_s=0.5)
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("status", [200, 500])
def test_a_huge_answer_is_not_read(receiver: Any, wait_until: Callable[..., None], status: int) -> None:
    receiver.answer("huge", status=status)
    if status == 200:
        send(receiver)
    else:
        with pytest.raises(TransientError) as caught:
            send(receiver)
        assert len(str(caught.value)) < 1000
    wait_until(lambda: "sent_bytes" in receiver.seen()[0], what="the receiver noticing")
    assert receiver.seen()[0]["sent_bytes"] < 20_000_000


def test_a_dead_receiver_and_a_hanging_one_delay_nobody_else(
    house: Any, receiver: Any, open_receiver: Callable[..., Any], wait_until: Callable[..., None]
) -> None:
    hanging = open_receiver()
    hanging.answer("hang")
    for number in range(300):
        house.outbox.put(sample_action(f"stuck-{number}"), "hanging")
    for number in range(40):
        house.outbox.put(sample_action(f"fine-{number}"), "fine")
    begun = time.monotonic()
    house.open({"hanging": hanging.table(timeout_s=60), "fine": receiver.table()})
    wait_until(
        lambda: all(row.status == "delivered" for row in house.outbox.rows() if row.adapter == "fine"),
        what="40 deliveries beside a hanging receiver",
    )
    seconds = time.monotonic() - begun
    print(f"40 deliveries beside 300 actions for a hanging receiver: {seconds:.2f} s")
    assert seconds < 5
    assert len(set(receiver.ids())) == 40


def test_https_with_a_private_authority(open_receiver: Callable[..., Any], authority: dict[str, str]) -> None:
    # The control port of this receiver would need the authority too; the receipt and the error say enough.
    receiver = open_receiver(authority["server"])
    assert send(receiver, ca_file=authority["ca"]) == f"HTTP 200 from {receiver.origin}"
    with pytest.raises(TransientError, match=r"(?i)certificate"):
        send(receiver)
    with pytest.raises(TransientError, match="No such file"):
        send(receiver, ca_file="no-such-file.pem")


def test_check_finds_out_whether_the_host_answers(receiver: Any, free_port: Callable[[], int]) -> None:
    adapters = build_adapters(
        {"up": receiver.table(), "down": {**receiver.table(), "url": f"http://127.0.0.1:{free_port()}/x"}}
    )
    assert adapters["up"].check() == f"{receiver.origin} answers on port {receiver.port}"
    with pytest.raises(TransientError, match="cannot be used"):
        adapters["down"].check()


def test_one_adapter_is_shared_by_many_threads(receiver: Any) -> None:
    adapter = build_adapters({"crm": receiver.table()})["crm"]
    threads = [
        threading.Thread(target=adapter.send, args=(sample_action(f"n-{n}"), None, f"n-{n}"))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    adapter.close()
    assert sorted(receiver.ids()) == sorted(f"n-{n}" for n in range(20))
