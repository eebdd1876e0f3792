"""Proves that nothing reaches who is not at work: in the decision, at its boundaries, and once more before sending.

Dates and hours of the roster go the whole way: roster, fold, decision, outbox, dispatcher, adapter.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from carrythrough.embedded.runtime import Embedded
from carrythrough.identity.changes import PutPerson
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Person
from carrythrough.identity.roster import load_roster
from carrythrough.pipeline.effects import ActionRequested, Decision
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.model import SHIPPED
from carrythrough.settings import Settings
from carrythrough.xapi.admission import Limits, admit, decode_statement

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k], target: 0.75}]
activities:
  - {id: quiz, name: Quiz, match: {activity: "https://x.example/q"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
  - {id: sim, name: Sim, match: {activity: "https://x.example/s"}, evidence: [{skill: calm, channel: practice, outcome: score}]}
reinforcement:
  - {id: use-it, when: {stage: unapplied}, action: nudge, title: t, body: b, link: "https://x.example/n", expires_h: 240}
policy: {holdout: 0.0, quiet: {from: "20:00", to: "07:00"}, days_off: [sat, sun]}
"""  # noqa: E501
TUESDAY_NOON = int(dt.datetime(2026, 11, 17, 11, 0, tzinfo=dt.UTC).timestamp() * 1000)  # 12:00 in Berlin
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


def statements() -> list[dict[str, Any]]:
    return [
        {
            "id": str(uuid.UUID(int=number + 1)),
            "actor": {"mbox": "mailto:ann@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/{'qs'[number % 2]}"},
            "result": {"score": {"scaled": 1.0}},
        }
        for number in range(16)
    ]


def effects(person: dict[str, Any], at_ms: int, ticks: range = range(0)) -> list[Any]:
    """Return what comes of sixteen successes of a person at a time, and of ticks so many minutes later."""
    roster = {"people": [{"id": "e-1", "email": "ann@x.example", "time_zone": "Europe/Berlin"} | person]}
    in_force = InForce(
        Program(load_program(MAP, "map.yaml")),
        RosterIndex(load_roster(json.dumps(roster), "r.json"), b"k" * 32),
        SHIPPED,
    )
    records = [
        Record(
            n,
            Kind.STATEMENT,
            at_ms,
            n.to_bytes(16, "big"),
            at_ms,
            decode_statement(msgspec.json.encode(body)),
        )
        for n, body in enumerate(statements(), 1)
    ]
    records += [
        Record(17 + n, Kind.TICK, at_ms + minute * MINUTE_MS, b"", -1, None) for n, minute in enumerate(ticks)
    ]
    return list(step(State(), records, in_force)[1])


def sent(found: list[Any]) -> list[int]:
    return [effect.as_of_ms for effect in found if isinstance(effect, ActionRequested)]


def held(found: list[Any]) -> tuple[str, ...]:
    return next((effect.suppressed_by for effect in found if isinstance(effect, Decision)), ())


@pytest.mark.parametrize(
    ("person", "guard"),
    [
        ({}, ""),
        ({"hire_date": "2026-11-17", "exit_date": "2026-11-17"}, ""),
        ({"hire_date": "2026-11-18"}, "not-yet-hired"),
        ({"exit_date": "2026-11-16"}, "left"),
        ({"active": False}, "suspended"),
        ({"leave": [{"from": "2026-11-17", "to": "2026-11-17"}]}, "on-leave"),
        ({"leave": [{"from": "2026-11-01", "to": "2026-11-16"}]}, ""),
        ({"work_hours": "12:00-13:00"}, ""),
        ({"work_hours": "12:01-13:00"}, "outside-hours"),
        ({"week": {"wed": "08:00-17:00"}}, "day-off"),
        ({"time_zone": "Pacific/Auckland", "exit_date": "2026-11-17"}, "left"),  # there it is the 18th
    ],
)
def test_a_decision_goes_by_the_persons_own_calendar(person: dict[str, Any], guard: str) -> None:
    found = effects(person, TUESDAY_NOON)
    assert held(found) == ((guard,) if guard else ())
    assert len(sent(found)) == (not guard)


def test_what_fell_into_a_leave_goes_out_in_the_first_hour_after_it() -> None:
    away = {"leave": [{"from": "2026-11-16", "to": "2026-11-18"}], "work_hours": "09:00-17:00"}
    found = effects(away, TUESDAY_NOON, range(0, 3 * 24 * 60, 15))
    thursday_nine = TUESDAY_NOON + 45 * HOUR_MS
    assert sent(found) == [thursday_nine]


def test_a_night_shift_is_reached_at_night() -> None:
    found = effects({"work_hours": "22:00-06:00"}, TUESDAY_NOON, range(0, 24 * 60, 15))
    assert sent(found) == [TUESDAY_NOON + 10 * HOUR_MS]


def test_who_has_left_gets_nothing_however_long_one_waits() -> None:
    gone = {"exit_date": "2026-11-17", "work_hours": "08:00-11:00"}
    assert sent(effects(gone, TUESDAY_NOON, range(0, 20 * 24 * 60, 60))) == []


@pytest.mark.parametrize(
    ("change", "reason"), [({}, ""), ({"active": False}, "suspended"), ({"exit": True}, "left")]
)
def test_what_waits_is_not_sent_to_who_has_left_meanwhile(
    tmp_path: Path, wait_until: Callable[..., None], change: dict[str, Any], reason: str
) -> None:
    always = MAP.replace(
        'quiet: {from: "20:00", to: "07:00"}, days_off: [sat, sun]',
        'quiet: {from: "00:00", to: "00:00"}, days_off: []',
    )
    (tmp_path / "map.yaml").write_text(always)
    out = tmp_path / "sent.jsonl"
    settings = Settings(
        data_dir=str(tmp_path / "data"),
        program=str(tmp_path / "map.yaml"),
        adapters={"file": {"adapter": "file", "path": str(out)}},
    )
    ann = Person(id="e-1", email="ann@x.example")
    first = Embedded(settings)
    first.start(deliver=False)  # the action waits in the outbox
    asyncio.run(first.submit_roster_changes([PutPerson(ann)], "test"))
    asyncio.run(first.submit_statements(admit(json.dumps(statements()).encode(), Limits(), "1.0.3"), "lms"))
    assert first.caught_up()
    if change:
        some_days_ago = (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=2)).isoformat()
        told = {"exit_date": some_days_ago} if "exit" in change else change
        asyncio.run(first.submit_roster_changes([PutPerson(msgspec.structs.replace(ann, **told))], "hr"))
        assert first.caught_up()
    first.stop()
    second = Embedded(settings)
    second.start()
    try:
        state = tmp_path / "data" / "state.sqlite"

        def closed() -> tuple[str, str] | None:
            reader = apsw.Connection(str(state), flags=apsw.SQLITE_OPEN_READONLY)
            rows = list(reader.execute("SELECT status, error FROM outbox WHERE status <> 'pending'"))
            reader.close()
            return rows[0] if rows else None

        wait_until(closed, what="the end of the action")
        found = closed()
        assert found is not None
        status, error = found
    finally:
        second.stop()
    if reason:
        assert (status, error) == ("skipped", f"the person is not at work: {reason}")
        assert not out.exists() or out.read_text() == ""
    else:
        assert "e-1" not in out.read_text()
        assert len(out.read_text().splitlines()) == 1
