"""Proves what the store promises beyond filters: at once, and truthful about time however far the index is."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from carrythrough.embedded.statements import store
from carrythrough.embedded.statements.chains import REFERENCE_DEPTH_MAX
from carrythrough.testing.statement_shell import START_MS, VOIDED, StatementShell, about, key, statement
from carrythrough.xapi.query import StatementQuery


def stall(shell: StatementShell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the index go no further, as a long load does."""
    monkeypatch.setattr(shell.store.indexer, "_advance", lambda: time.sleep(0.001))
    monkeypatch.setattr(store, "FRESH_WAIT_S", 0.01)
    time.sleep(0.05)


def test_a_query_sees_what_was_just_acknowledged(shell: StatementShell) -> None:
    for number in range(100):
        one = statement(number)
        shell.put([one])
        assert shell.ids(activity=one["object"]["id"]) == [one["id"]]


def test_a_page_holds_the_statement_as_it_was_sent(shell: StatementShell) -> None:
    one = statement(timestamp="2020-01-01T00:00:00.5Z")
    shell.time_ms += 7
    shell.put([one], "crm", "2.0.0")
    (found,) = shell.store.page(StatementQuery()).statements
    assert json.loads(found.raw) == one
    assert (found.position, found.stored_ms, found.t_ms) == (1, START_MS + 7, 1_577_836_800_500)
    assert (found.version, found.credential, found.id) == ("2.0.0", "crm", key(one["id"]))
    assert shell.store.statement(found.id, voided=False) == found


def test_a_void_holds_at_once_without_any_index(
    opened: Callable[..., StatementShell], tmp_path: Path
) -> None:
    shell = opened(tmp_path, indexing=False)
    one, other, late = statement(), statement(), statement()
    void = about(one["id"].upper(), VOIDED)
    early = about(late["id"], VOIDED)
    of_void = about(void["id"], VOIDED)
    shell.put([one, other])
    shell.put([void])
    shell.put([early, of_void])
    shell.put([late])
    for target, voided in ((one, True), (late, True), (other, False), (void, False), (early, False)):
        found = shell.store.statement(key(target["id"]), voided=voided)
        assert found is not None
        assert json.loads(found.raw) == target
        assert shell.store.statement(key(target["id"]), voided=not voided) is None
    assert shell.store.statement(uuid.uuid4().bytes, voided=False) is None


def test_a_page_never_holds_a_voided_statement_however_far_the_index_is_behind(
    shell: StatementShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = statement(), statement()
    shell.put([one, other])
    assert len(shell.ids()) == 2
    stall(shell, monkeypatch)
    shell.put([about(one["id"], VOIDED)])
    assert shell.ids() == [other["id"]]


def test_the_time_of_consistency_tells_how_far_the_index_is(
    shell: StatementShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.put([statement()])
    shell.time_ms += 1000
    assert shell.store.page(StatementQuery()).consistent_through_ms == START_MS + 1000
    assert shell.store.consistent_through_ms() == START_MS + 1000
    stall(shell, monkeypatch)
    shell.put([statement()])
    shell.time_ms += 1000
    page = shell.store.page(StatementQuery())
    assert len(page.statements) == 1
    assert page.consistent_through_ms == START_MS
    assert shell.store.consistent_through_ms() == START_MS
    assert shell.telemetry.registry.get_sample_value("carrythrough_index_lag_records") == 1.0


def test_far_behind_under_load_a_query_does_not_wait(
    shell: StatementShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.put([statement()])
    assert len(shell.ids()) == 1
    stall(shell, monkeypatch)
    monkeypatch.setattr(store, "FRESH_WAIT_S", 30.0)
    monkeypatch.setattr(store, "FRESH_RECORDS_MAX", 1)
    shell.put([statement(), statement()])
    shell.store.indexer.pace.busy = True
    monkeypatch.setattr(shell.store.indexer.pace, "look", lambda: True)
    began = time.monotonic()
    assert len(shell.ids()) == 1
    assert time.monotonic() - began < 10


def test_stored_times_never_go_back(opened: Callable[..., StatementShell], tmp_path: Path) -> None:
    """Since and until are found by the place in the log, so a clock that is set back must not show."""
    first = opened(tmp_path)
    first.time_ms = START_MS + 60_000
    first.put([statement()])
    first.close()
    second = opened(tmp_path)  # its clock starts at START_MS again
    second.put([statement()])
    assert [one.stored_ms for one in second.store.page(StatementQuery()).statements] == [
        START_MS + 60_000
    ] * 2
    assert len(second.ids(since_ms=START_MS + 59_999)) == 2
    assert second.ids(since_ms=START_MS + 60_000) == []


def test_chains_are_followed_up_to_the_stated_depth(shell: StatementShell) -> None:
    chain = [statement()]
    for _ in range(REFERENCE_DEPTH_MAX + 3):
        chain.append(about(chain[-1]["id"]))
    shell.put(chain[::2])  # half of the targets come after those that refer to them
    shell.put(chain[1::2])
    found = shell.ids(activity="https://activities.example/0", limit=1000)
    assert set(found) == {one["id"] for one in chain[: REFERENCE_DEPTH_MAX + 1]}


def test_references_in_a_circle_end(shell: StatementShell) -> None:
    a, b = about(str(uuid.uuid4())), statement(actor={"mbox": "mailto:bo@example.org"})
    b["object"] = {"objectType": "StatementRef", "id": a["id"]}
    a["object"]["id"] = b["id"]
    own = about("")
    own["object"]["id"] = own["id"]
    shell.put([a, own])
    shell.put([b])
    assert set(shell.ids(agent="mbox:mailto:bo@example.org")) == {a["id"], b["id"]}
    assert set(shell.ids(agent="mbox:mailto:ann@example.org")) == {a["id"], b["id"], own["id"]}


def test_an_index_that_does_not_move_is_not_waited_for_again_and_again(
    shell: StatementShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of canonical statements asks for hundreds of activities, one by one."""
    stall(shell, monkeypatch)
    monkeypatch.setattr(store, "FRESH_WAIT_S", 0.2)
    shell.put([statement()])
    began = time.monotonic()
    for number in range(300):
        shell.store.activity(f"https://activities.example/{number}")
    assert time.monotonic() - began < 5
