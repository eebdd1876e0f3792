"""Proves that no secret reaches the outbox, an event, a log or a terminal, even when a receiver echoes it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from carrythrough.dispatch import build_adapters
from carrythrough.testing.adapters import sample_action, sample_recipient

SIGNING = "whsec_bmV3IHNlY3JldCBvZiB0aGUgcmVjZWl2ZXIsIDMyIGI="
TOKEN = "Bearer of-a-very-secret-token"
PASSWORD = "pass-of-the-robot"


@pytest.fixture
def every_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Give what is logged at any level by anybody: httpx and smtplib included."""
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.mark.parametrize("status", [400, 410, 429, 500, 301])
def test_a_webhook_receiver_that_echoes_our_secrets(
    house: Any,
    receiver: Any,
    wait_until: Callable[..., None],
    every_log: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    status: int,
) -> None:
    said = f"you sent {TOKEN} and I know {SIGNING} and {SIGNING.removeprefix('whsec_')}"
    receiver.answer("status", status=status, said=said, headers={"location": f"https://x.example/?t={TOKEN}"})
    entry = house.outbox.put(sample_action(), "crm")
    dispatcher = house.open({"crm": receiver.table(headers={"authorization": TOKEN})})
    row = house.outbox.row
    wait_until(lambda: row(entry).attempts == 1, what="the first try")
    dispatcher.stop()
    assert receiver.seen()[0]["headers"]["authorization"] == TOKEN, "the secret must have been used at all"
    assert "you sent ********" in row(entry).words
    output = capfd.readouterr()
    shown = [
        row(entry).words,
        repr(house.events),
        repr(dispatcher.status()),
        every_log.text,
        output.out + output.err,
    ]
    for text in shown:
        assert TOKEN not in text
        assert "of-a-very-secret-token" not in text
        assert SIGNING.removeprefix("whsec_") not in text


def test_a_mail_login(
    house: Any,
    open_postbox: Callable[..., Any],
    wait_until: Callable[..., None],
    every_log: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    postbox = open_postbox("--login", "robot", PASSWORD)
    wrong = PASSWORD + "-2"
    tables = {
        "right": postbox.table(username="robot", password=PASSWORD),
        "wrong": postbox.table(username="robot", password=wrong),
    }
    entries = {name: house.outbox.put(sample_action(), name) for name in tables}
    dispatcher = house.open(tables)
    wait_until(lambda: house.outbox.row(entries["right"]).status == "delivered", what="the delivery")
    wait_until(lambda: house.outbox.row(entries["wrong"]).attempts == 1, what="the refused login")
    dispatcher.stop()
    output = capfd.readouterr()
    rows = [house.outbox.row(entry).words for entry in entries.values()]
    for text in (*rows, repr(house.events), every_log.text, output.out + output.err):
        assert PASSWORD not in text


def test_an_adapter_of_a_careless_author() -> None:
    """The adapter itself puts its secret into everything that it returns or raises."""
    built = build_adapters(
        {"crm": {"adapter": "webhook", "url": "http://127.0.0.1:9/", "secrets": [SIGNING]}}
    )["crm"]

    class Careless:
        def check(self) -> str:
            return f"will use {SIGNING}"

        def send(self, *_: object) -> str:
            if careful:
                return f"sent with {SIGNING}"
            raise RuntimeError(f"could not use {SIGNING}")

        def close(self) -> None:
            raise RuntimeError(f"could not forget {SIGNING}")

    built._adapter = Careless()
    careful = True
    assert built.check() == "will use ********"
    assert built.send(sample_action(), sample_recipient(), "key") == "sent with ********"
    careful = False
    for call in (lambda: built.send(sample_action(), None, "key"), built.close):
        with pytest.raises(Exception, match="RuntimeError: could not") as caught:
            call()
        assert SIGNING not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
