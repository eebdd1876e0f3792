"""A timer of absence is on disk: it outlives restarts, fires once at its time, and a replay fires it alike."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path
from typing import Any

from carrythrough.embedded.runtime import Embedded
from carrythrough.scoring.decay import DAY_MS
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

START = 20_500 * DAY_MS
MAP = """
map: m
version: 1
name: M
skills: [{id: calm, name: Calm}]
activities:
  - {id: sim, name: Sim, match: {activity_prefix: "https://x.example/s/"}, evidence: [{skill: calm, channel: practice, outcome: score}]}
reinforcement:
  - {id: again, when: {unseen: [{channel: practice, days: 14}]}, action: nudge, title: t, body: b, adapters: [console]}
policy: {holdout: 0.0, quiet: {from: "00:00", to: "00:00"}, days_off: []}
"""  # noqa: E501


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = START

    def now_ms(self) -> int:
        return self.ms


def opened(folder: Path, clock: HandClock) -> Embedded:
    settings = Settings(
        data_dir=str(folder / "data"),
        program=str(folder / "map.yaml"),
        adapters={"console": {"adapter": "file", "path": str(folder / "sent.jsonl")}},
    )
    runtime = Embedded(settings, clock)
    runtime.start(deliver=False)
    return runtime


def practise(runtime: Embedded, count: int) -> None:
    statements = [
        {
            "id": str(uuid.UUID(int=n + 1)),
            "actor": {"mbox": "mailto:ann@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/s/{n}"},
            "result": {"score": {"scaled": 0.9}},
        }
        for n in range(count)
    ]
    admitted = admit(json.dumps(statements).encode(), Limits(), "1.0.3")
    asyncio.run(runtime.submit_statements(admitted, "lms"))


def pushes(folder: Path) -> list[dict[str, Any]]:
    effects = [json.loads(effect) for effect in offline_fold(folder / "data").effects]
    return [effect for effect in effects if effect["type"] == "action"]


def test_absence_outlives_restarts_and_replays_alike(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    clock = HandClock()
    runtime = opened(tmp_path, clock)
    practise(runtime, 6)
    assert runtime.caught_up()
    due = START + 14 * DAY_MS
    for at_ms in (START + 5 * DAY_MS, due - 60_000, due, due + 60_000):
        runtime.stop()
        clock.ms = at_ms
        runtime = opened(tmp_path, clock)
        runtime.tick()
        assert runtime.caught_up()
        assert compare(offline_fold(tmp_path / "data"), stored_state(tmp_path / "data")) == []
        assert [push["as_of_ms"] for push in pushes(tmp_path)] == ([due] if at_ms >= due else [])
    runtime.stop()
    (push,) = pushes(tmp_path)
    assert push["why"] == "There has been no practice for 14 days."
