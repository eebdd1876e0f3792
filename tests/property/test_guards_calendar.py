"""No message breaks a guard: simulated decisions over changes of the clocks, judged by an oracle of its own.

A share of the trial; `make guards` runs the whole of it (1,000,000 decisions).
"""

from __future__ import annotations

import datetime as dt

import pytest

from carrythrough.identity.person import Leave, Person, Week
from carrythrough.program.types import Policy
from carrythrough.reinforcement.orders import NONE, Orders, stopped
from carrythrough.testing import calendar_oracle as oracle
from carrythrough.testing import guard_trial
from carrythrough.testing.guard_trial import SITE, changes, run

RULE = SITE.reinforcement[0]


def test_no_guard_is_broken_over_changes_of_the_clocks() -> None:
    verdict = run(12_000, seed=1)
    assert verdict.violations == {}
    assert verdict.sent > 300, "a trial in which hardly anything goes out proves nothing"
    assert verdict.requests > 300
    assert {
        "daily-cap", "weekly-cap", "cooldown", "quiet-hours", "day-off", "outside-hours", "on-leave", "left",
        "not-yet-hired", "suspended", "opted-out", "holdout", "back-off", "kill-switch", "manager-load",
        "held-for-approval",
    } <= set(verdict.held)  # fmt: skip


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        ("local_hold", "quiet hours"),
        ("_capped", "daily cap"),
        ("_cooling", "cooldown"),
        ("is_killed", "kill switch"),
    ],
)
def test_the_oracle_sees_a_guard_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, broken: str, found: str
) -> None:
    without = {
        "local_hold": lambda *_: "",
        "_capped": lambda _caps, _held, again_ms, _now: again_ms,
        "_cooling": lambda _limits, _action, now_ms: ([], now_ms),
        "is_killed": lambda *_: False,
    }
    monkeypatch.setattr(f"carrythrough.reinforcement.guards.{broken}", without[broken])
    assert found in run(3_000, seed=2).violations


def judged(person: Person, at: str, orders: Orders = NONE, **policy: object) -> list[str]:
    moment = dt.datetime.fromisoformat(at).astimezone(dt.UTC)
    return oracle.faults(Policy(**policy), RULE, orders, person, "s", moment)  # type: ignore[arg-type]


def test_the_oracle_by_hand() -> None:
    berlin = Person(id="a", time_zone="Europe/Berlin")
    assert judged(berlin, "2026-11-17T07:00+01:00") == []
    assert judged(berlin, "2026-11-17T06:59+01:00") == ["quiet hours"]
    assert judged(berlin, "2026-11-21T12:00+01:00") == ["day off"]
    night = Person(id="a", time_zone="Europe/Berlin", week=Week(sat="22:00-06:00"))
    assert judged(night, "2026-03-29T05:59+02:00") == []
    assert judged(night, "2026-03-29T06:00+02:00") == ["outside working hours"]
    away = Person(id="a", time_zone="Pacific/Auckland", leave=(Leave(start="2026-11-18"),))
    assert judged(away, "2026-11-17T12:00+00:00") == ["not at work"]
    assert judged(berlin, "2026-11-17T12:00+01:00", stopped(NONE, "person", ["a"], by="", reason="")) == [
        "kill switch"
    ]


def test_there_are_changes_of_the_clocks_to_go_over() -> None:
    assert len(changes("Europe/Berlin")) == 8
    assert changes("UTC") == ()
    assert sum(bool(changes(zone)) for zone in guard_trial.ZONES) >= 10
