"""Proves that what is done after a delivered action is written back once, and refers to the action's statement."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carrythrough.embedded.forward_file import ForwardFile
from carrythrough.embedded.forwarding import EffectFeed, OwnWriter
from carrythrough.embedded.runtime import Embedded
from carrythrough.forward import profile
from carrythrough.forward.items import Batch
from carrythrough.forward.target import ForwardTarget
from carrythrough.settings import Settings
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
  - {id: sim, name: Sim, match: {activity_prefix: "https://x.example/s/"}, evidence: [{skill: calm, channel: practice, outcome: score}]}
events: [{id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}]
reinforcement:
  - {id: use-it, when: {stage: unapplied}, action: nudge, title: Use it, body: Try it today, link: "https://x.example/n"}
policy: {holdout: 0.0, quiet: {from: "00:00", to: "00:00"}, days_off: []}
"""  # noqa: E501


@pytest.fixture
def embedded(tmp_path: Path) -> Any:
    (tmp_path / "program.yaml").write_text(MAP)
    adapters = {"file": {"adapter": "file", "path": str(tmp_path / "sent.jsonl")}}
    data = str(tmp_path / "data")
    running = Embedded(Settings(data_dir=data, program=str(tmp_path / "program.yaml"), adapters=adapters))
    running.start()
    yield running
    running.stop()


def practise(embedded: Embedded, kind: str, count: int) -> None:
    statements = [
        {
            "id": str(uuid.uuid4()),
            "actor": {"mbox": "mailto:ann@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/{kind}/{number}"},
            "result": {"score": {"scaled": 1.0}},
        }
        for number in range(count)
    ]
    admitted = admit(json.dumps(statements).encode(), Limits(), "1.0.3")
    asyncio.run(embedded.submit_statements(admitted, "lms"))
    assert embedded.caught_up()


def wait(for_it: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not for_it():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_answer_is_told_of_once_its_action_was_delivered(embedded: Embedded, tmp_path: Path) -> None:
    practise(embedded, "q", 8)
    practise(embedded, "s", 8)
    wait(lambda: (tmp_path / "sent.jsonl").exists() and bool((tmp_path / "sent.jsonl").read_text()))
    time.sleep(0.005)  # what answers has a later time than the push
    practise(embedded, "q", 1)
    practise(embedded, "s", 3)

    state, folder = tmp_path / "data" / "state.sqlite", tmp_path / "data"
    target = ForwardTarget(endpoint="https://lrs.example/xapi", key="k", secret_env="S", write_back=True)
    writer = OwnWriter(target, "t", "https://home.example", lambda: embedded.fold.in_force)
    feed, file = EffectFeed(state, writer.facts_of, writer.write), ForwardFile(folder, state)
    batch = feed.next(0, 500)
    file.advance("b", "own", Batch(items=[], last=batch.last, awaited=batch.awaited), [], 1)
    wait(lambda: len(file.awaited("b", 10)) == 2)
    told = [writer.tell(one) for one in file.awaited("b", 10)]
    feed.close()
    file.close()

    statements = {s["verb"]["id"]: s for s in (json.loads(item.text) for item in told if item is not None)}
    assert set(statements) == {profile.WAS_SENT, profile.ANSWERED}
    sent, answered = statements[profile.WAS_SENT], statements[profile.ANSWERED]
    assert answered["context"]["statement"]["id"] == sent["id"]
    assert answered["actor"] == sent["actor"]
    assert answered["timestamp"] > sent["timestamp"]
