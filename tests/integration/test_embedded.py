"""The embedded shell on a real disk: what it acknowledges it keeps, folds once, and resumes exactly."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError
from carrythrough.events.performance import admit_events
from carrythrough.ports import Receipt
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k], job_aid_minutes: 30}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
  - {id: sim, name: Sim, match: {activity_prefix: "https://x.example/s/"}, evidence: [{skill: calm, channel: practice, outcome: score}]}
events: [{id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}]
reinforcement:
  - {id: use-it, when: {stage: unapplied}, action: nudge, title: Use it, body: Try it today, link: "https://x.example/n"}
policy: {holdout: 0.0, quiet: {from: "00:00", to: "00:00"}, days_off: []}
"""  # noqa: E501


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "program.yaml").write_text(MAP)
    sent = str(tmp_path / "sent.jsonl")
    return Settings(
        data_dir=str(tmp_path / "data"),
        program=str(tmp_path / "program.yaml"),
        adapters={"file": {"adapter": "file", "path": sent}},
    )


@pytest.fixture
def running(settings: Settings) -> Iterator[Embedded]:
    embedded = Embedded(settings)
    embedded.start()
    yield embedded
    embedded.stop()


def answer(who: str, number: int, scaled: float = 1.0, kind: str = "q", **more: object) -> dict[str, object]:
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{who}/{kind}/{number}")),
        "actor": {"mbox": f"mailto:{who}@x.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": f"https://x.example/{kind}/{number}"},
        "result": {"score": {"scaled": scaled}},
    } | more


def post(embedded: Embedded, *statements: dict[str, object], credential: str = "lms") -> Receipt:
    admitted = admit(json.dumps(statements).encode(), Limits(), "1.0.3")
    return asyncio.run(embedded.submit_statements(admitted, credential))


def first_score(embedded: Embedded) -> dict[str, Any]:
    assert embedded.caught_up()
    page: dict[str, Any] = embedded.queries.list_scores(embedded.clock.now_ms())
    score: dict[str, Any] = page["scores"][0]
    return score


def test_statements_become_a_score_with_reasons(running: Embedded) -> None:
    post(running, *(answer("ann", n) for n in range(6)), *(answer("ann", n, kind="s") for n in range(6)))
    score = first_score(running)
    assert score["outcomes"] == 12
    assert 0.6 < score["score"] < 1.0
    assert score["low"] < score["score"] < score["high"]
    assert {reason["code"] for reason in score["reasons"]} >= {"learning", "no-job-evidence"}


def test_an_identical_resend_is_known_and_counts_once(running: Embedded) -> None:
    batch = [answer("ann", n) for n in range(6)]
    first = post(running, *batch)
    again = post(running, *batch)
    assert again.ids == first.ids
    assert first.known == [False] * 6
    assert again.known == [True] * 6
    assert first_score(running)["outcomes"] == 6
    assert running.log.end == 1 + 6  # the program map, then each statement once


def test_a_mixed_batch_stores_only_what_is_new(running: Embedded) -> None:
    post(running, answer("ann", 1), answer("ann", 2))
    receipt = post(running, answer("ann", 2), answer("ann", 3))
    assert receipt.known == [True, False]
    assert first_score(running)["outcomes"] == 3


def test_other_content_under_a_known_id_is_refused_and_nothing_of_its_batch_stored(running: Embedded) -> None:
    post(running, answer("ann", 1, 1.0))
    end = running.log.end
    with pytest.raises(PermanentError) as caught:
        post(running, answer("ann", 2), answer("ann", 1, 0.0))
    problem = caught.value.problem
    assert (problem.status, problem.where) == (409, "/1")
    assert "score" in problem.detail
    assert running.log.end == end


def test_statements_without_an_id_are_known_by_their_content(running: Embedded) -> None:
    bare = answer("ann", 1)
    del bare["id"]
    first = post(running, bare, bare)  # the same twice in one request: two occurrences
    again = post(running, bare, bare)
    assert len(set(first.ids)) == 2
    assert again.ids == first.ids
    assert again.known == [True, True]
    other = post(running, bare, credential="another-lms")
    assert other.known == [False]
    assert first_score(running)["outcomes"] == 3


def test_a_void_takes_its_target_out_exactly_whichever_comes_first(running: Embedded) -> None:
    early, late = answer("ann", 1, 0.0), answer("ann", 2, 0.0)
    void = {
        "actor": {"mbox": "mailto:admin@x.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
    }
    post(running, *(answer("ann", n) for n in range(10, 16)))
    before = first_score(running)
    post(running, early)
    post(running, void | {"object": {"objectType": "StatementRef", "id": early["id"]}})
    post(running, void | {"object": {"objectType": "StatementRef", "id": late["id"]}})
    post(running, late)
    after = first_score(running)
    assert after["outcomes"] == before["outcomes"] == 6
    assert after["score"] == pytest.approx(before["score"], abs=1e-3)


def test_a_restart_resumes_exactly(settings: Settings) -> None:
    first = Embedded(settings)
    first.start()
    post(first, *(answer("ann", n, 0.5) for n in range(8)))
    score = first_score(first)
    first.stop()
    second = Embedded(settings)
    second.start()
    assert first_score(second)["sequence"] == score["sequence"]
    assert second.log.end == second.state.position
    second.stop()
    assert compare(stored_state(Path(settings.data_dir)), offline_fold(Path(settings.data_dir))) == []


def test_a_second_process_on_the_folder_is_refused_with_its_owner(
    running: Embedded, settings: Settings
) -> None:
    with pytest.raises(PermanentError) as caught:
        Embedded(settings)
    assert caught.value.problem.code == "data-folder-in-use"
    assert caught.value.problem.where == "data_dir"
    assert running.healthy()


def test_a_bad_map_is_refused_before_anything_is_opened(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "program.yaml").write_text(MAP.replace("skill: calm", "skill: clam", 1))
    with pytest.raises(PermanentError) as caught:
        Embedded(settings)
    problem = caught.value.problem
    assert problem.where.startswith("program.yaml:")
    assert "calm" in problem.sentence()
    assert not (tmp_path / "data").exists()


def test_without_a_map_the_start_says_what_to_do(tmp_path: Path) -> None:
    embedded = Embedded(Settings(data_dir=str(tmp_path / "data")))
    with pytest.raises(PermanentError) as caught:
        embedded.start()
    assert "--program" in caught.value.problem.fix
    embedded.stop()


def test_an_unapplied_skill_brings_a_nudge_that_reaches_the_file(settings: Settings, tmp_path: Path) -> None:
    embedded = Embedded(settings)
    embedded.start()
    post(embedded, *(answer("ann", n) for n in range(8)), *(answer("ann", n, kind="s") for n in range(8)))
    assert embedded.caught_up()
    deadline = 100
    while not embedded.queries.actions(status="delivered")["actions"] and deadline:
        deadline -= 1
        asyncio.run(asyncio.sleep(0.05))
    (action,) = embedded.queries.actions()["actions"]
    assert (action["action"], action["status"], action["rule"]) == ("nudge", "delivered", "use-it")
    embedded.stop()
    (line,) = (tmp_path / "sent.jsonl").read_text().splitlines()
    assert action["id"] in line


def test_history_is_not_news(running: Embedded) -> None:
    old = {"timestamp": "2026-01-05T10:00:00Z"}
    post(
        running,
        *(answer("ann", n, **old) for n in range(8)),
        *(answer("ann", n, kind="s", **old) for n in range(8)),
    )
    assert first_score(running)["outcomes"] == 16
    running.tick()
    assert running.caught_up()
    assert running.queries.actions()["actions"] == []


def test_events_join_statements_of_the_same_person(running: Embedded) -> None:
    post(running, *(answer("ann", n) for n in range(6)))
    before = first_score(running)
    events = [
        {"id": f"q{n}", "source": "qa", "kind": "qa-result", "actor": {"mbox": "mailto:ann@x.example"},
         "time": "2026-11-20T10:00:00Z", "outcome": {"met": True}}
        for n in range(5)
    ]  # fmt: skip
    receipt = asyncio.run(
        running.submit_events(admit_events(json.dumps(events).encode(), "application/json"), "qa")
    )
    assert receipt.known == [False] * 5
    after = first_score(running)
    assert after["outcomes"] == before["outcomes"] + 5
    assert after["score"] > before["score"]


def test_a_row_that_nobody_can_read_is_set_aside_and_passed(settings: Settings) -> None:
    first = Embedded(settings)
    first.start()
    post(first, answer("ann", 1))
    assert first.caught_up()
    end = first.log.end
    first.stop()
    connection = apsw.Connection(str(Path(settings.data_dir) / "log.sqlite"))
    connection.execute(
        "INSERT INTO log VALUES (?,?,?,?,?,?,?,103)",
        (end + 1, 1, 0, -1, "lms", b"z" * 16, b'{"not": "a statement'),
    )
    connection.close()
    second = Embedded(settings)
    second.start()
    post(second, answer("ann", 2))
    assert second.caught_up()
    assert second.queries.quarantine()["quarantine"][0]["position"] == end + 1
    assert first_score(second)["outcomes"] == 2
    assert second.telemetry.registry.get_sample_value("carrythrough_records_quarantined_total") == 1.0
    second.stop()
