"""Proves that every outbox keeps one contract: what is due, in which order, and that closed stays closed.

A new implementation adds a harness and its name to `HARNESSES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest

from carrythrough.embedded.database import connect
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.outbox import SqliteOutbox
from carrythrough.embedded.schema import OUTBOX
from carrythrough.embedded.store import StateFile
from carrythrough.ports import Outbox
from carrythrough.testing.adapters import sample_action
from carrythrough.testing.outbox import MemoryOutbox

NOW = 1_700_000_000_000


class Harness(Protocol):
    """How the suite fills and looks into an implementation."""

    outbox: Outbox

    def put(self, number: int, adapter: str, due_ms: int) -> int:
        """Add action number `number` for an adapter and return its entry."""
        ...

    def state(self, entry: int) -> tuple[str, int, str]:
        """Return (status, attempts, receipt or error)."""
        ...


class InMemory:
    def __init__(self, _folder: Path) -> None:
        self.outbox = MemoryOutbox()

    def put(self, number: int, adapter: str, due_ms: int) -> int:
        return self.outbox.put(sample_action(f"action-{number}"), adapter, due_ms)

    def state(self, entry: int) -> tuple[str, int, str]:
        row = self.outbox.row(entry)
        return row.status, row.attempts, row.words

    def close(self) -> None:
        pass


class Sqlite:
    def __init__(self, folder: Path) -> None:
        self.log = LogReader(connect(folder / "log.sqlite"))
        self.file = StateFile(folder / "state.sqlite", self.log)
        self.outbox = SqliteOutbox(self.file)

    def put(self, number: int, adapter: str, due_ms: int) -> int:
        action = sample_action(f"action-{number}")
        body = msgspec.json.encode(action)
        row: list[Any] = [adapter, action.id, action.subject, body, "pending", 0, due_ms, "", "", NOW, 0]
        OUTBOX.run(self.file.connection, row)
        [(entry,)] = self.file.connection.execute(
            "SELECT entry FROM outbox WHERE action=? AND adapter=?", (action.id, adapter)
        )
        assert isinstance(entry, int)
        return entry

    def state(self, entry: int) -> tuple[str, int, str]:
        [(status, attempts, receipt, error)] = self.file.connection.execute(
            "SELECT status, attempts, receipt, error FROM outbox WHERE entry=?", (entry,)
        )
        return status, attempts, receipt or error

    def close(self) -> None:
        self.outbox.close()
        self.file.close()
        self.log.close()


HARNESSES: dict[str, Callable[[Path], Any]] = {"memory": InMemory, "sqlite": Sqlite}


@pytest.fixture(params=HARNESSES)
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    made = HARNESSES[request.param](tmp_path)
    yield made
    made.close()


def entries(harness: Harness, now_ms: int = NOW, limit: int = 100, adapter: str = "") -> list[int]:
    return [entry.entry for entry in harness.outbox.due(now_ms, limit, adapter)]


def test_due_gives_what_is_due_oldest_first_and_no_more_than_asked(harness: Harness) -> None:
    late = harness.put(1, "crm", NOW)
    early = harness.put(2, "crm", NOW - 5)
    harness.put(3, "crm", NOW + 1)
    also_early = harness.put(4, "mail", NOW - 5)
    assert entries(harness) == [early, also_early, late]
    assert entries(harness, limit=2) == [early, also_early]
    assert entries(harness, limit=0) == []
    assert entries(harness, now_ms=NOW - 6) == []


def test_due_of_one_adapter_is_not_hidden_by_the_backlog_of_another(harness: Harness) -> None:
    for number in range(50):
        harness.put(number, "stuck", NOW - 1000)
    mail = harness.put(99, "mail", NOW)
    assert entries(harness, limit=1, adapter="mail") == [mail]
    assert entries(harness, adapter="nobody") == []


def test_an_entry_carries_the_action_as_it_was_put(harness: Harness) -> None:
    harness.put(7, "crm", NOW)
    [entry] = harness.outbox.due(NOW, 10)
    assert (entry.adapter, entry.attempts, entry.due_ms) == ("crm", 0, NOW)
    assert entry.action == sample_action("action-7")


def test_the_same_action_is_put_once_for_each_adapter(harness: Harness) -> None:
    assert harness.put(1, "crm", NOW) == harness.put(1, "crm", NOW + 5)
    assert harness.put(1, "mail", NOW) != harness.put(1, "crm", NOW)
    assert len(entries(harness)) == 2


def test_reading_changes_nothing(harness: Harness) -> None:
    harness.put(1, "crm", NOW)
    assert entries(harness) == entries(harness) != []


def test_a_retry_counts_a_try_and_waits_until_it_is_due(harness: Harness) -> None:
    entry = harness.put(1, "crm", NOW)
    harness.outbox.retry(entry, "HTTP 503", NOW + 10)
    assert entries(harness, NOW + 9) == []
    [again] = harness.outbox.due(NOW + 10, 10)
    assert (again.entry, again.attempts, again.due_ms) == (entry, 1, NOW + 10)
    assert harness.state(entry) == ("pending", 1, "HTTP 503")


def close(outbox: Outbox, how: str, entry: int) -> None:
    """End an entry in one of the three ways, saying "first"."""
    if how == "delivered":
        outbox.delivered([(entry, "first")], NOW)
    else:
        getattr(outbox, how)(entry, "first", NOW)


@pytest.mark.parametrize(
    ("how", "status"), [("delivered", "delivered"), ("give_up", "dead"), ("skip", "skipped")]
)
def test_a_closed_entry_is_never_due_and_its_first_end_stands(
    harness: Harness, how: str, status: str
) -> None:
    entry = harness.put(1, "crm", NOW)
    close(harness.outbox, how, entry)
    closed = harness.state(entry)
    assert (closed[0], closed[2]) == (status, "first")
    # A send that was thought lost may come back after another one has ended the entry.
    harness.outbox.delivered([(entry, "second")], NOW + 1)
    harness.outbox.give_up(entry, "second", NOW + 1)
    harness.outbox.skip(entry, "second", NOW + 1)
    harness.outbox.retry(entry, "second", NOW - 1)
    assert harness.state(entry) == closed
    assert entries(harness, NOW + 1000) == []


def test_many_are_delivered_at_once(harness: Harness) -> None:
    numbers = [harness.put(number, "crm", NOW) for number in range(5)]
    harness.outbox.skip(numbers[4], "switched off", NOW)
    harness.outbox.delivered([(entry, f"receipt {entry}") for entry in numbers], NOW + 1)
    assert [harness.state(entry) for entry in numbers[:4]] == [
        ("delivered", 1, f"receipt {entry}") for entry in numbers[:4]
    ]
    assert harness.state(numbers[4])[0] == "skipped"


def test_an_unknown_entry_is_ignored(harness: Harness) -> None:
    entry = harness.put(1, "crm", NOW)
    for how in ("delivered", "give_up", "skip"):
        close(harness.outbox, how, entry + 1000)
    harness.outbox.retry(entry + 1000, "nothing", NOW)
    assert entries(harness) == [entry]
