"""Proves that the indexer gives way to the intake while the log grows fast, and always goes on."""

from __future__ import annotations

import pytest

from carrythrough.embedded.statements import pace
from carrythrough.embedded.statements.pace import PAUSE_S, SHARE, SHARE_SATURATED, Pace


class Machine:
    """Clocks and a log that move as told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.cpu = 5.0
        self.end = 0

    def monotonic(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.cpu

    def run(self, seconds: float, cores: float, records: int) -> None:
        """Let time pass with so much CPU used and so many records stored."""
        self.now += seconds
        self.cpu += seconds * cores
        self.end += records


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Give the machine that the pace looks at."""
    found = Machine()
    monkeypatch.setattr(pace, "time", found)
    return found


def test_a_quiet_log_is_indexed_without_pauses(machine: Machine):
    watch = Pace(lambda: machine.end)
    machine.run(1.0, 1.0, 400)
    assert not watch.look()


def test_a_growing_log_leaves_the_indexer_a_share_of_the_time(machine: Machine):
    watch = Pace(lambda: machine.end)
    machine.run(1.0, 0.4, 8_000)
    assert watch.look()
    assert 0.1 / (0.1 + watch.pause_s(0.1)) == pytest.approx(SHARE)
    machine.run(1.0, 1.1, 8_000)
    assert watch.look()
    assert 0.02 / (0.02 + watch.pause_s(0.02)) == pytest.approx(SHARE_SATURATED)


def test_pauses_are_neither_too_short_for_a_slice_nor_endless(machine: Machine):
    watch = Pace(lambda: machine.end)
    machine.run(1.0, 1.1, 8_000)
    watch.look()
    assert watch.pause_s(0.0) == PAUSE_S[0]
    assert watch.pause_s(3.0) == PAUSE_S[1]


def test_looks_in_quick_succession_do_not_take_one_group_for_a_load(machine: Machine):
    watch = Pace(lambda: machine.end)
    machine.run(0.001, 0.5, 50)
    assert not watch.look()
    machine.run(1.0, 0.5, 50)
    assert not watch.look()
    machine.run(0.2, 0.5, 2_000)
    assert watch.look()
    machine.run(0.01, 0.5, 0)
    assert watch.look(), "the answer holds for a while"
