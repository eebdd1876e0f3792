"""Proves when an adapter pauses, for how long, and what ends a pause."""

from __future__ import annotations

import math

import pytest

from carrythrough.dispatch.circuit import AdapterState, Circuit
from carrythrough.dispatch.outcome import Blocked, Deferred, Failed, Outcome, Sent
from carrythrough.dispatch.schedule import Failure, FailureKind

SENT = Sent(receipt="taken", seconds=0.1)


def failed(kind: FailureKind = FailureKind.TRANSIENT, wait_s: float = 0.0, *, ours: bool = False) -> Failed:
    return Failed(failure=Failure(kind=kind, text="down", retry_after_s=wait_s), ours=ours)


def learnt(*outcomes: Outcome, circuit: Circuit | None = None, now_ms: int = 0) -> Circuit:
    circuit = circuit or Circuit(3, 30.0, 100.0)
    for outcome in outcomes:
        circuit.learn(outcome, now_ms)
    return circuit


def test_only_failures_in_a_row_pause() -> None:
    assert learnt(failed(), failed(), SENT, failed(), failed()).state is AdapterState.READY
    circuit = learnt(failed(), failed(FailureKind.FAULT), failed())
    assert (circuit.state, circuit.until_ms, circuit.reason) == (AdapterState.PAUSED, 30_000, "down")
    assert not circuit.lets_pass()
    assert circuit.under_way_max(29_999, 68) == 0


@pytest.mark.parametrize("answer", [SENT, failed(FailureKind.PERMANENT)])
def test_any_answer_ends_the_row(answer: Outcome) -> None:
    assert learnt(failed(), failed(), answer, failed(), failed()).state is AdapterState.READY


@pytest.mark.parametrize("nothing", [Blocked(reason="off"), Deferred(), failed(ours=True)])
def test_what_is_not_the_receivers_doing_says_nothing(nothing: Outcome) -> None:
    assert learnt(*[nothing] * 10).state is AdapterState.READY
    assert learnt(failed(), failed(), nothing, failed()).state is AdapterState.PAUSED


def test_pauses_double_up_to_their_limit_and_start_anew_after_an_answer() -> None:
    circuit, now_ms, lengths = learnt(failed(), failed(), failed()), 0, [30_000]
    for _ in range(3):
        now_ms = circuit.until_ms
        assert circuit.under_way_max(now_ms, 68) == 1
        assert circuit.state is AdapterState.PROBING
        assert circuit.lets_pass()
        learnt(failed(), circuit=circuit, now_ms=now_ms)
        lengths.append(circuit.until_ms - now_ms)
    assert lengths == [30_000, 60_000, 100_000, 100_000]
    circuit.under_way_max(circuit.until_ms, 68)
    learnt(SENT, circuit=circuit)
    assert circuit.under_way_max(0, 68) == 68
    assert learnt(failed(), failed(), failed(), circuit=circuit).until_ms == 30_000


def test_an_answer_that_was_under_way_does_not_end_a_pause() -> None:
    circuit = learnt(failed(), failed(), failed(), SENT, failed(FailureKind.PERMANENT), failed())
    assert (circuit.state, circuit.until_ms) == (AdapterState.PAUSED, 30_000)


@pytest.mark.parametrize(
    ("asked_s", "until_ms"), [(0.0, 0), (7.5, 7_500), (1e9, 100_000), (math.inf, 100_000)]
)
def test_the_receivers_own_pause_is_kept_and_bounded(asked_s: float, until_ms: int) -> None:
    circuit = learnt(failed(FailureKind.THROTTLED, asked_s))
    assert (circuit.state, circuit.until_ms) == (AdapterState.PAUSED, until_ms)


def test_of_two_pauses_the_longer_holds() -> None:
    circuit = learnt(failed(FailureKind.THROTTLED, 50), failed(FailureKind.THROTTLED, 10))
    assert circuit.until_ms == 50_000
    assert learnt(failed(FailureKind.THROTTLED, 60), circuit=circuit).until_ms == 60_000


def test_gone_is_for_good() -> None:
    circuit = learnt(failed(FailureKind.GONE), SENT, failed(FailureKind.THROTTLED, 1))
    assert (circuit.state, circuit.reason) == (AdapterState.DISABLED, "down")
    assert circuit.under_way_max(1 << 60, 68) == 0
    assert not circuit.lets_pass()
