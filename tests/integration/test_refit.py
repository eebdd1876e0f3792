"""`refit` on a real data folder: it prints both likelihoods, activates only when told, and the log remembers."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path

from carrythrough.embedded.runtime import Embedded
from carrythrough.events.performance import admit_events
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
events: [{id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}]
"""


def command(*arguments: str) -> dict[str, object]:
    line = [sys.executable, "-m", "carrythrough.cli.main", "refit", "--json", *arguments]
    found: dict[str, object] = json.loads(subprocess.run(line, capture_output=True, check=True).stdout)
    return found


def test_a_refit_is_shown_and_activated_only_when_told(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    runtime = Embedded(Settings(data_dir=str(tmp_path / "data"), program=str(tmp_path / "map.yaml")))
    runtime.start(deliver=False)
    rng = random.Random(2)
    # People differ far more than their learning says, so m must fall.
    events = [
        {
            "id": f"{person}/{n}",
            "source": "qa",
            "kind": "qa-result",
            "actor": {"mbox": f"mailto:p{person}@x.example"},
            "time": f"2026-03-{n + 1:02}T10:00:00Z",
            "outcome": {"met": rng.random() < (0.95 if person % 2 else 0.05)},
        }
        for person in range(40)
        for n in range(10)
    ]
    asyncio.run(runtime.submit_events(admit_events(json.dumps(events).encode(), "application/json"), "qa"))
    assert runtime.caught_up()
    runtime.stop()
    data = str(tmp_path / "data")
    shown = command("--data-dir", data)
    assert shown["outcomes"] == 400
    assert not shown["activated"]
    assert shown["fitted"] < shown["m"]  # type: ignore[operator]
    assert shown["log_likelihood_fitted"] > shown["log_likelihood"]  # type: ignore[operator]
    assert command("--data-dir", data)["m"] == shown["m"]
    activated = command("--activate", "--data-dir", data)
    assert activated["activated"]
    after = command("--data-dir", data)
    assert after["m"] == shown["fitted"]
    assert after["model"] == activated["model"]
    assert compare(offline_fold(tmp_path / "data"), stored_state(tmp_path / "data")) == []
