"""What was shown then: the log replayed up to a time gives again, to the last digit, what was on the screen.

A real installation on a clock that the test moves. While it runs, each score is written down as REST showed it;
later come late events, a void, a contest, a new map; `known_ms` must still give back what was written down, and
`at_ms` what today's knowledge says of the same time.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from carrythrough.cli.folder_reader import FolderReader
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError
from carrythrough.events.performance import admit_events
from carrythrough.pipeline.model_version import ModelVersion
from carrythrough.pipeline.reading import read_pair
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.model import SHIPPED
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

DAY = 86_400_000
START = 1_760_000_000_000
MAP = """
map: m
version: {version}
name: M
goals: [{{id: g, name: G, kpis: [{{id: k, name: K}}]}}]
skills: [{{id: calm, name: Calm, kpis: [k], target: {target}}}, {{id: fix, name: Fix, kpis: [k]}}]
activities:
  - {{id: quiz, name: Quiz, match: {{activity_prefix: "https://x.example/q/"}}, evidence: [{{skill: calm, channel: learn, outcome: score}}]}}
  - {{id: sim, name: Sim, match: {{activity_prefix: "https://x.example/s/"}}, evidence: [{{skill: calm, channel: practice, outcome: score}}, {{skill: fix, channel: practice, outcome: score}}]}}
events: [{{id: qa, match: {{kind: qa-result}}, evidence: [{{skill: calm, channel: job}}]}}]
policy: {{holdout: 0.0}}
"""  # noqa: E501
SHOWN = ("score", "low", "high", "stage", "model")


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = START

    def now_ms(self) -> int:
        return self.ms


class Installation:
    """An embedded server on a clock of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.number = 0
        self.write_map(1, 0.7)
        self.runtime = self.open()

    def write_map(self, version: int, target: float) -> None:
        (self.folder / "map.yaml").write_text(MAP.format(version=version, target=target))

    def open(self) -> Embedded:
        settings = Settings(data_dir=str(self.folder / "data"), program=str(self.folder / "map.yaml"))
        runtime = Embedded(settings, self.clock)
        runtime.start(deliver=False)
        return runtime

    def restart(self) -> None:
        self.runtime.stop()
        self.runtime = self.open()
        assert self.runtime.caught_up()

    def answer(self, kind: str, scaled: float, t_ms: int | None = None) -> str:
        self.number += 1
        statement = {
            "id": str(uuid.UUID(int=self.number)),
            "actor": {"mbox": "mailto:ann@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/{kind}/{self.number}"},
            "result": {"score": {"scaled": scaled}},
            "timestamp": iso(self.clock.ms if t_ms is None else t_ms),
        }
        self.post(statement)
        return str(statement["id"])

    def post(self, statement: dict[str, Any]) -> None:
        admitted = admit(json.dumps(statement).encode(), Limits(), "1.0.3")
        asyncio.run(self.runtime.submit_statements(admitted, "lms"))
        assert self.runtime.caught_up()

    def void(self, target: str) -> None:
        self.post(
            {
                "actor": {"mbox": "mailto:admin@x.example"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
                "object": {"objectType": "StatementRef", "id": target},
            }
        )

    def check(self, t_ms: int, *, met: bool, corrects: str = "", retracts: str = "") -> str:
        self.number += 1
        event: dict[str, Any] = {
            "id": str(self.number),
            "source": "qa",
            "kind": "qa-result",
            "actor": {"mbox": "mailto:ann@x.example"},
            "time": iso(t_ms),
            "outcome": {"met": met},
        }
        if corrects:
            event |= {"corrects": corrects}
        if retracts:
            event = {
                "id": event["id"],
                "source": "qa",
                "kind": "retraction",
                "time": iso(t_ms),
                "retracts": retracts,
            }
        admitted = admit_events(json.dumps([event]).encode(), "application/json")
        asyncio.run(self.runtime.submit_events(admitted, "business"))
        assert self.runtime.caught_up()
        return str(event["id"])

    @property
    def subject(self) -> str:
        page = self.runtime.queries.list_scores(self.clock.ms)
        return str(page["scores"][0]["subject"])

    def shown(self) -> dict[str, Any]:
        """What REST shows of the skill now."""
        scores = self.runtime.queries.employee_scores(self.subject, self.clock.ms)["skills"]
        [calm] = [entry for entry in scores if entry["skill"] == "calm"]
        return {name: calm[name] for name in SHOWN} | {"reasons": calm["reasons"]}

    def explained(self, **when: int) -> dict[str, Any]:
        found = self.runtime.queries.explanation(self.subject, "calm", self.clock.ms, **when)
        assert found is not None
        return found


def iso(t_ms: int) -> str:
    import datetime as dt

    return dt.datetime.fromtimestamp(t_ms / 1000, tz=dt.UTC).isoformat()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    made.runtime.stop()


def same(explained: dict[str, Any], shown: dict[str, Any]) -> None:
    assert {name: explained[name] for name in SHOWN} == {name: shown[name] for name in SHOWN}
    assert [(r["code"], r["text"]) for r in explained["reasons"]] == [
        (r["code"], r["text"]) for r in shown["reasons"]
    ]


def weeks(on: Installation) -> tuple[dict[int, dict[str, Any]], list[str]]:
    """Play two weeks, a day at a time; return what was shown at the end of each day and the answers' ids."""
    shown: dict[int, dict[str, Any]] = {}
    ids: list[str] = []
    for day in range(14):
        on.clock.ms = START + day * DAY
        ids.append(on.answer("q" if day % 2 else "s", (day % 5) / 4))
        if day > 6:
            on.check(on.clock.ms - 3_600_000, met=day % 3 > 0)
        on.clock.ms += 3_600_000
        shown[on.clock.ms] = on.shown()
    return shown, ids


def test_what_was_shown_comes_back_whatever_came_later(installation: Installation) -> None:
    on = installation
    shown, ids = weeks(on)
    assert any(entry["score"] is None for entry in shown.values())
    assert len({entry["score"] for entry in shown.values()}) > 6
    # Later: events of long ago, a void, a contest, a map with another target, and a restart.
    on.clock.ms += DAY
    on.check(START + 5 * DAY, met=False)
    on.check(START + 3 * DAY, met=False)
    on.void(ids[8])
    on.runtime.contests.contest(on.subject, [ids[9]], by="steward", reason="not me", restore=False)
    other = msgspec.structs.replace(SHIPPED, name="another", job_strength=3.0)
    on.runtime.activate_model(ModelVersion(model=other, by="steward"))
    on.write_map(2, 0.9)
    on.restart()
    for time_ms, entry in shown.items():
        then = on.explained(known_ms=time_ms)
        same(then, entry)
        assert then["target"] == 0.7
        assert then["known_at"]
    now = on.explained()
    assert now["target"] == 0.9
    assert now["model"] == "another"
    assert now["job"]["m"] == 3.0
    assert now["known_at"] is None
    same(now, on.shown())
    with FolderReader(on.folder / "data") as reader:
        for time_ms, entry in list(shown.items())[::4]:
            same(reader.explanation(on.subject, "calm", None, time_ms), entry)


def test_the_log_folded_again_up_to_a_time_agrees(installation: Installation) -> None:
    on = installation
    shown, ids = weeks(on)
    on.check(START + 5 * DAY, met=False)
    on.void(ids[8])
    program = Program(load_program((on.folder / "map.yaml").read_text(), "map.yaml"))
    log = apsw.Connection(str(on.folder / "data" / "log.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    for time_ms in list(shown)[::3]:
        position = log.execute("SELECT max(position) FROM log WHERE stored_ms <= ?", (time_ms,)).get
        state = offline_fold(on.folder / "data", up_to=position)
        learner = state.learners[on.subject]
        skill = program.skills["calm"]
        reading = read_pair(learner, learner.pairs["calm"], time_ms, skill, SHIPPED, program.policy)
        score = None if reading.score is None else round(reading.score.value, 4)
        then = on.explained(known_ms=time_ms)
        assert (then["score"], then["stage"]) == (score, reading.stage.text)
    log.close()


def test_an_earlier_event_time_is_seen_with_todays_knowledge(installation: Installation) -> None:
    on = installation
    shown, ids = weeks(on)
    day_10 = START + 10 * DAY + 3_600_000
    same(on.explained(at_ms=day_10), shown[day_10])  # nothing was late or taken back so far
    on.check(START + 9 * DAY, met=False)
    on.void(ids[8])
    then, seen = on.explained(known_ms=day_10), on.explained(at_ms=day_10)
    same(then, shown[day_10])
    assert seen["score"] != then["score"]
    sources = [entry["source"] for entry in seen["evidence"]]
    assert uuid.UUID(ids[8]).hex not in sources
    assert uuid.UUID(ids[8]).hex in [entry["source"] for entry in then["evidence"]]
    assert all(entry["time"] <= seen["as_of"] for entry in seen["evidence"])
    assert [(entry["evidence"], entry["reason"]) for entry in seen["set_aside"]] == [
        (f"{uuid.UUID(ids[8]).hex}/calm/practice", "voided")
    ]
    assert then["set_aside"] == []


def test_corrections_and_retractions_count_from_when_they_came_and_are_named(
    installation: Installation,
) -> None:
    on = installation
    weeks(on)
    at_ms = on.clock.ms - 7_200_000
    shown: dict[int, dict[str, Any]] = {}

    def note() -> dict[str, Any]:
        on.clock.ms += 60_000
        found = shown[on.clock.ms] = on.explained()
        on.clock.ms += 60_000
        return found

    before = note()
    wrong = on.check(at_ms, met=False)
    failed = note()
    right = on.check(at_ms, met=True, corrects=wrong)
    corrected = note()
    on.check(at_ms, met=True, retracts=right)
    retracted = note()
    assert failed["score"] < before["score"] < corrected["score"]
    # A correction that was taken back does not bring back what it corrected.
    assert (before["set_aside"], failed["set_aside"]) == ([], [])
    assert [entry["reason"] for entry in corrected["set_aside"]] == ["voided"]
    assert [entry["reason"] for entry in retracted["set_aside"]] == ["voided", "voided"]
    assert {entry["evidence"] for entry in retracted["set_aside"]}.isdisjoint(
        entry["evidence"] for entry in retracted["evidence"]
    )
    assert len(retracted["evidence"]) == len(before["evidence"])
    for time_ms, entry in shown.items():
        then = on.explained(known_ms=time_ms)
        same(then, entry)
        assert (then["set_aside"], then["job"]) == (entry["set_aside"], entry["job"])
    # With today's knowledge the whole past is as if it had never been sent.
    past = next(iter(shown))
    assert on.explained(at_ms=past)["score"] == before["score"]


def test_a_restored_piece_gives_the_score_back_and_both_stay_in_the_audit(installation: Installation) -> None:
    on = installation
    _, ids = weeks(on)
    before = on.shown()
    on.clock.ms += 60_000
    piece = next(e["evidence"] for e in on.explained()["evidence"] if e["source"] == uuid.UUID(ids[9]).hex)
    on.runtime.contests.contest(on.subject, [piece], by="steward", reason="not me", restore=False)
    assert on.runtime.caught_up()
    aside_ms = on.clock.ms
    aside = on.shown()
    assert aside["score"] != before["score"]
    explained = on.explained()
    assert piece not in [e["evidence"] for e in explained["evidence"]]
    [left_out] = explained["set_aside"]
    assert (left_out["evidence"], left_out["reason"]) == (piece, "contested")
    assert "counts nothing" in left_out["text"]
    on.clock.ms += 60_000
    on.runtime.contests.contest(on.subject, [piece], by="steward", reason="it was", restore=True)
    assert on.runtime.caught_up()
    assert on.explained()["set_aside"] == []
    assert on.explained(known_ms=aside_ms)["set_aside"] == [left_out]
    assert on.explained(known_ms=aside_ms, at_ms=START)["set_aside"] == []
    on.clock.ms -= 120_000
    assert on.explained(at_ms=on.clock.ms)["score"] == before["score"]
    on.clock.ms += 120_000
    same(on.explained(known_ms=aside_ms), aside)
    listed = on.runtime.contests.listed(subject=on.subject)["contests"]
    assert [(entry["restore"], entry["reason"]) for entry in listed] == [(True, "it was"), (False, "not me")]
    assert listed[0]["evidence"] == [piece]
    on.runtime.stop()
    data = on.folder / "data"
    assert compare(offline_fold(data), stored_state(data)) == []
    on.runtime = on.open()


def test_unknown_evidence_and_people_cannot_be_contested(installation: Installation) -> None:
    on = installation
    _, ids = weeks(on)
    for employee, evidence, code in (
        ("nobody", ids[0], "employee-unknown"),
        (on.subject, str(uuid.uuid4()), "evidence-unknown"),
        (on.subject, f"{uuid.UUID(ids[0]).hex}/calm/job", "evidence-unknown"),
        (on.subject, "no id at all", "evidence-unknown"),
    ):
        end = on.runtime.log.end
        with pytest.raises(PermanentError) as caught:
            on.runtime.contests.contest(employee, [evidence], by="t", reason="r", restore=False)
        assert caught.value.problem.code == code
        assert on.runtime.log.end == end


def test_before_the_log_began_nothing_was_shown(installation: Installation) -> None:
    on = installation
    weeks(on)
    assert on.runtime.queries.explanation(on.subject, "calm", on.clock.ms, known_ms=START - 1) is None
