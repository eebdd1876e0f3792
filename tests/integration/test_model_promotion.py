"""The shadow head on a real data folder: it learns the same however it is cut, and is promoted only through the log."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
import uuid
from pathlib import Path

import apsw
import msgspec
import pytest

from carrythrough.embedded.runtime import Embedded
from carrythrough.embedded.shadowing import SNAPSHOT_NAME, ShadowFeed, load_shadow, save_shadow
from carrythrough.events.performance import admit_events
from carrythrough.evidence.types import Y_ONE
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.shadow import Shadow
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k]}, {id: clear, name: Clear, kpis: [k]}]
events:
  - {id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}
  - {id: seen, match: {kind: observation}, evidence: [{skill: clear, channel: observed}]}
"""
PEOPLE, OUTCOMES = 40, 10


def events(seed: int) -> bytes:
    rng = random.Random(seed)
    made = [
        {
            "id": f"{person}/{n}",
            "source": "qa",
            "kind": "qa-result",
            "actor": {"mbox": f"mailto:p{person}@x.example"},
            "time": f"2026-03-{n + 1:02}T10:00:00Z",
            "outcome": {"met": rng.random() < 0.8},
        }
        for person in range(PEOPLE)
        for n in range(OUTCOMES)
    ]
    return json.dumps(made).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("promotion")
    (where / "map.yaml").write_text(MAP)
    runtime = Embedded(Settings(data_dir=str(where / "data"), program=str(where / "map.yaml")))
    runtime.start(deliver=False)
    asyncio.run(runtime.submit_events(admit_events(events(3), "application/json"), "qa"))
    assert runtime.caught_up()
    runtime.stop()
    return where / "data"


def learnt(folder: Path, chunk_rows: int) -> Shadow:
    shadow = Shadow(SHIPPED)
    feed = ShadowFeed(folder / "state.sqlite")
    while feed.advance(shadow, chunk_rows):
        pass
    feed.close()
    return shadow


def model(*arguments: str, code: int = 0) -> str:
    line = [sys.executable, "-m", "carrythrough.cli.main", "model", *arguments]
    done = subprocess.run(line, capture_output=True, check=False, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_what_is_learnt_does_not_depend_on_the_chunks(folder: Path) -> None:
    images = [msgspec.json.encode(learnt(folder, rows).snapshot()) for rows in (1, 7, 1_000)]
    assert images[0] == images[1] == images[2]


def test_a_snapshot_goes_on_where_it_stopped(folder: Path, tmp_path: Path) -> None:
    half = Shadow(SHIPPED)
    feed = ShadowFeed(folder / "state.sqlite")
    assert feed.advance(half, 150)
    save_shadow(tmp_path / "shadow.json", half)
    resumed = load_shadow(tmp_path / "shadow.json", SHIPPED)
    assert resumed.position == half.position
    assert resumed.learnt == half.learnt > 0
    while feed.advance(resumed, 50):
        pass
    feed.close()
    assert msgspec.json.encode(resumed.snapshot()) == msgspec.json.encode(learnt(folder, 1_000).snapshot())


def test_a_snapshot_of_another_version_starts_anew(folder: Path, tmp_path: Path) -> None:
    save_shadow(tmp_path / "shadow.json", learnt(folder, 1_000))
    other = msgspec.structs.replace(SHIPPED, name="other")
    fresh = load_shadow(tmp_path / "shadow.json", other, 7)
    assert fresh.position == 7
    assert fresh.learnt == 0
    assert fresh.rival == other
    (tmp_path / "shadow.json").write_text("{broken")
    assert load_shadow(tmp_path / "shadow.json", SHIPPED).position == 0


def test_nobody_is_promoted_who_has_seen_too_little(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    runtime = Embedded(Settings(data_dir=str(tmp_path / "data"), program=str(tmp_path / "map.yaml")))
    runtime.start(deliver=False)
    runtime.stop()
    said = model("promote", "--data-dir", str(tmp_path / "data"), code=1)
    assert "model-not-better" in said
    assert "model-unknown" in model("promote", "nobody", "--data-dir", str(tmp_path / "data"), code=1)
    assert (
        json.loads(model("list", "--json", "--data-dir", str(tmp_path / "data")))["in_force"] == SHIPPED.name
    )


def test_a_promotion_shows_both_then_goes_through_the_log_and_back(folder: Path) -> None:
    data = str(folder)
    before = model("compare", "--json", "--data-dir", data)
    shown = json.loads(before)
    assert shown["old"] == SHIPPED.name
    assert shown["outcomes"] == PEOPLE * (OUTCOMES - 3)
    assert shown["new_verdict"]["log_loss"] < shown["old_verdict"]["log_loss"]
    assert model("compare", "--json", "--data-dir", data) == before
    said = model("promote", "--data-dir", data)
    assert SHIPPED.name in said
    assert f"In force from now on: {shown['new']}" in said
    listed = json.loads(model("list", "--json", "--data-dir", data))
    assert listed["in_force"] == shown["new"]
    assert [row["name"] for row in listed["versions"]] == [shown["new"], SHIPPED.name]
    assert listed["shadow"]["outcomes"] == 0
    model("promote", SHIPPED.name, "--data-dir", data)
    assert json.loads(model("list", "--json", "--data-dir", data))["in_force"] == SHIPPED.name
    assert compare(offline_fold(folder), stored_state(folder)) == []


def test_the_item_table_is_frozen_with_the_version_and_stamps_what_comes_after(tmp_path: Path) -> None:
    more = 'activities: [{id: q, name: Q, match: {activity_prefix: "https://x.example/"}, evidence: '
    more += "[{skill: calm, channel: learn, outcome: score, item: activity, difficulty: 0.5}]}]\n"
    (tmp_path / "map.yaml").write_text(MAP + more)
    settings = Settings(data_dir=str(tmp_path / "data"), program=str(tmp_path / "map.yaml"))

    def answers(run: str, people: range) -> None:
        statements = [
            {
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{run}/{person}/{item}")),
                "actor": {"mbox": f"mailto:p{person}@x.example"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                "object": {"id": f"https://x.example/{item}"},
                "result": {"score": {"scaled": float(item == "easy")}},
            }
            for person in people
            for item in ("easy", "hard")
        ]
        statements += [statements[0] | {"id": str(uuid.uuid4()), "object": {"id": "https://x.example/rare"}}]
        runtime = Embedded(settings)
        runtime.start(deliver=False)
        admitted = admit(json.dumps(statements).encode(), Limits(), "1.0.3")
        asyncio.run(runtime.submit_statements(admitted, "lms"))
        assert runtime.caught_up()
        runtime.stop()

    answers("before", range(40))
    items = {
        row["item"].rsplit("/", 1)[1]: row
        for row in json.loads(model("items", "--json", "--data-dir", str(tmp_path / "data")))
    }
    assert [(items[name]["answers"], items[name]["enough"]) for name in ("easy", "hard", "rare")] == [
        (40.0, True),
        (40.0, True),
        (1.0, False),
    ]
    assert items["hard"]["right"] == 0.0 < items["hard"]["expected"] < items["easy"]["expected"] < 1.0
    compared = json.loads(model("compare", "--json", "--data-dir", str(tmp_path / "data")))
    assert compared["answers"] == 81
    assert compared["answers_learner"]["log_loss"] < compared["answers_head"]["log_loss"]
    assert "each predicted before it was learnt" in model("compare", "--data-dir", str(tmp_path / "data"))
    assert "hard" in model("items", "--data-dir", str(tmp_path / "data"))
    assert "model-not-better" in model("promote", "--data-dir", str(tmp_path / "data"), code=1)
    model("promote", "--anyway", "--data-dir", str(tmp_path / "data"))
    listed = json.loads(model("list", "--json", "--data-dir", str(tmp_path / "data")))
    assert [row["items"] for row in listed["versions"]] == [2, 0]
    answers("after", range(40, 42))
    assert compare(offline_fold(tmp_path / "data"), stored_state(tmp_path / "data")) == []
    state = apsw.Connection(str(tmp_path / "data" / "state.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    rows = state.execute(
        "SELECT t.text, l.p_item, count(*) FROM ledger l JOIN term t ON t.id = l.item GROUP BY 1, 2 ORDER BY 3 DESC"
    ).fetchall()
    state.close()
    half = Y_ONE // 2
    # 81 answers, 41 of them right: an item leans on its skill with 3 of them, the skill on all with 5, all on 0.6.
    base = (41 + 6) / (81 + 10)
    skill = (41 + base * 5) / (81 + 5)
    easy, hard = ((40 * met + skill * 3) / 43 for met in (1, 0))
    found = {(item.rsplit("/", 1)[1], p): n for item, p, n in rows}
    assert found == {
        ("easy", half): 40,
        ("hard", half): 40,
        ("rare", half): 2,  # too few outcomes for the table: the program map goes on speaking
        ("easy", round(round(easy, 5) * Y_ONE)): 2,
        ("hard", round(round(hard, 5) * Y_ONE)): 2,
    }


def test_the_server_learns_by_itself_and_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    settings = Settings(data_dir=str(tmp_path / "data"), program=str(tmp_path / "map.yaml"))
    runtime = Embedded(settings)
    runtime.start()
    asyncio.run(runtime.submit_events(admit_events(events(4), "application/json"), "qa"))
    snapshot = tmp_path / "data" / SNAPSHOT_NAME
    deadline = time.monotonic() + 30
    while not snapshot.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    runtime.stop()
    shadow = load_shadow(snapshot, SHIPPED)
    assert shadow.learnt > 0
    other = learnt(tmp_path / "data", 1_000)
    if shadow.position == other.position:
        assert msgspec.json.encode(shadow.snapshot()) == msgspec.json.encode(other.snapshot())
