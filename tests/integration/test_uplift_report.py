"""Proves the report on what pushes do over an installation's own files: counts, effects, what is hidden or refused."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carrythrough.cli.folder_reader import FolderReader
from carrythrough.cli.main import main
from carrythrough.embedded.database import connect
from carrythrough.embedded.decisions import read_decisions
from carrythrough.embedded.hub import Published
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError
from carrythrough.events.performance import admit_events
from carrythrough.gateway.uplift_api import read_worth
from carrythrough.impact.points import read_point
from carrythrough.impact.sequence import PEOPLE_LEAST
from carrythrough.pipeline.effects import Decision
from carrythrough.settings import Settings
from carrythrough.testing.decided import DAY_MS, Records, decided, keep
from carrythrough.xapi.admission import Limits, admit

NOW = 1_790_000_000_000
PEOPLE = 240
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 1}]}]
skills: [{id: alpha, name: Alpha, kpis: [k]}]
activities:
  - {id: q, name: Q, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: alpha, channel: practice, outcome: success}]}
events:
  - {id: e, match: {kind: qa-result}, evidence: [{skill: alpha, channel: job}]}
policy: {holdout: 0.25, minimum_group: 8}
"""  # noqa: E501
ROSTER = "people:\n" + "".join(
    f"  - {{id: e-{n}, email: p{n}@x.example, team: {'tiny' if n < 7 else f'team-{n % 4}'}, role: agent}}\n"
    for n in range(PEOPLE)
)


class StandingClock:
    """A clock that stands."""

    def now_ms(self) -> int:
        return NOW


class Here:
    """An installation with records in it."""

    def __init__(self, folder: Path, records: Records) -> None:
        (folder / "map.yaml").write_text(MAP)
        (folder / "roster.yaml").write_text(ROSTER)
        self.data = folder / "data"
        self.runtime = Embedded(
            Settings(
                data_dir=str(self.data), program=str(folder / "map.yaml"), roster=str(folder / "roster.yaml")
            ),
            StandingClock(),
        )
        self.runtime.start(deliver=False)
        self._send(records)
        keep(self.data / "state.sqlite", records.decisions, self.subject)

    def subject(self, person: int) -> str:
        found = self.runtime.queries.subject(f"e-{person}")
        assert found is not None
        return found

    def report(self, worth: float = 0.05) -> dict[str, Any]:
        return self.runtime.queries.uplift.report(NOW, worth)

    def _send(self, records: Records) -> None:
        statements = [
            {
                "id": str(uuid.UUID(int=number + 1)),
                "actor": {"mbox": f"mailto:p{person}@x.example"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                "object": {"id": f"https://x.example/q/{number % 9}"},
                "result": {"success": True},
                "timestamp": text(t_ms),
            }
            for number, (person, t_ms) in enumerate(records.practice)
        ]
        for at in range(0, len(statements), 500):
            admitted = admit(json.dumps(statements[at : at + 500]).encode(), Limits(), "1.0.3")
            asyncio.run(self.runtime.submit_statements(admitted, "lms"))
        events = [
            {
                "id": f"j-{number}",
                "source": "qa",
                "kind": "qa-result",
                "employee": f"e-{person}",
                "time": text(t_ms),
                "outcome": {"met": met},
            }
            for number, (person, t_ms, met) in enumerate(records.job)
        ]
        for at in range(0, len(events), 400):
            body = json.dumps(events[at : at + 400]).encode()
            asyncio.run(self.runtime.submit_events(list(admit_events(body, "application/json")), "qa"))
        assert self.runtime.caught_up()


def text(t_ms: int) -> str:
    return dt.datetime.fromtimestamp(t_ms / 1000, tz=dt.UTC).isoformat()


@pytest.fixture(scope="module")
def records() -> Records:
    return decided(PEOPLE, "alpha", NOW, effect=0.3)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, records: Records) -> Iterator[Here]:
    installation = Here(tmp_path_factory.mktemp("uplift"), records)
    yield installation
    installation.runtime.stop()


def test_the_nudge_helps_and_the_review_does_not(here: Here, records: Records) -> None:
    found = here.report()
    random = [decision for decision in records.decisions if decision["randomised"]]
    assert found["rung"].startswith("A: chance decided")
    assert (found["decisions"], found["randomised"]) == (len(records.decisions), len(random))
    for outcome in found["outcomes"]:
        actions = {part["name"]: part for part in outcome["by_action"]}
        assert actions["nudge"]["verdict"] == "effect", outcome["outcome"]
        assert actions["nudge"]["low"] < 0.3 < actions["nudge"]["high"]
        assert actions["spaced-review"]["verdict"] == "no-detectable-effect"
        assert "no detectable effect yet" in actions["spaced-review"]["words"]
        assert outcome["open"] == 0
        kept = sum(decision["chosen"] in ("nothing", "nudge") for decision in random)
        assert actions["nudge"]["decisions"] == kept
        assert {part["name"] for part in outcome["by_stage"]} == {"fading", "unapplied", "unpractised"}


def test_the_near_outcome_is_what_the_ledger_says(here: Here, records: Records) -> None:
    """The mean outcome without a push, counted by hand from the records, is that of the report."""
    practised: dict[int, list[int]] = {}
    for person, t_ms in records.practice:
        practised.setdefault(person, []).append(t_ms)
    total = good = 0.0
    for decision in records.decisions:
        if not decision["randomised"] or decision["chosen"] != "nothing":
            continue
        weight = 1 / decision["choices"][0]["probability"]  # all choices together have a probability of 1
        after = [t - decision["as_of_ms"] for t in practised.get(decision["person"], [])]
        total += weight
        good += weight * any(0 < wait <= 2 * DAY_MS for wait in after)
    assert here.report()["outcomes"][0]["whole"]["without"] == pytest.approx(good / total, abs=1e-3)


def test_people_held_out_are_compared_and_take_no_part_otherwise(here: Here, records: Records) -> None:
    found = here.report()
    held = {decision["person"] for decision in records.decisions if decision["holdout"]}
    assert found["people"] == PEOPLE - len(held)
    assert found["holdout"]["held"] == len(held)
    assert found["holdout"]["verdict"] in ("difference", "no-detectable-effect")
    assert found["holdout"]["low"] < found["holdout"]["effect"] < found["holdout"]["high"]


def test_small_groups_are_hidden(here: Here) -> None:
    groups = here.report()["exposure"]["groups"]
    by_name = {entry["group"]: entry for entry in groups if entry["by"] == "team"}
    assert by_name["tiny"]["hidden"] == "small"
    assert by_name["tiny"]["pushes"] is None
    assert sum(entry["hidden"] == "sibling" for entry in by_name.values()) == 1
    assert len(by_name) == 5


def test_an_outcome_that_is_not_known_yet_counts_for_nothing(here: Here) -> None:
    now = NOW - 20 * DAY_MS
    found = here.runtime.queries.uplift._read(here.runtime.fold.in_force, now, 0.05)
    near, far = found["outcomes"]
    assert near["open"] < far["open"]
    assert far["whole"]["decisions"] + far["open"] <= found["randomised"]
    for outcome in (near, far):
        total = outcome["whole"]["decisions"] + outcome["open"]
        assert total == found["randomised"]


def test_few_people_are_refused_in_words(tmp_path: Path) -> None:
    few = Here(tmp_path, decided(20, "alpha", NOW, effect=0.3))
    try:
        found = few.report()
        whole = found["outcomes"][0]["whole"]
        assert whole["verdict"] == "too-few"
        assert whole["effect"] is None
        assert whole["decisions"] is None
        assert f"{PEOPLE_LEAST} people" in whole["words"]
        assert found["holdout"]["verdict"] == "too-few"
        assert found["holdout"]["held"] is None
    finally:
        few.runtime.stop()


def test_the_command_reads_the_folder_and_prints_the_same(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    with FolderReader(here.data) as reader:
        reader.now_ms = NOW
        assert reader.uplift(0.05) == here.report()
    assert main(["uplift", "--data-dir", str(here.data), "--worth", "0.1"]) == 0
    shown = capsys.readouterr().out
    assert "What pushes do" in shown
    assert "action nudge" in shown
    assert "Held out against the others" in shown
    assert main(["uplift", "--data-dir", str(here.data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["worth"] == 0.05
    assert main(["uplift", "--data-dir", str(here.data), "--worth", "0.9"]) == 2


def test_decisions_of_before_the_table_are_kept_when_it_is_made(tmp_path: Path) -> None:
    old = Decision(
        id="1", subject="s", skill="alpha", rule="r", as_of_ms=5, eligible=("nudge",), chosen="nudge",
        propensity=1.0, suppressed_by=(), why="",
    )  # fmt: skip
    held = Decision(
        id="2", subject="t", skill="alpha", rule="r", as_of_ms=6, eligible=("nudge",), chosen="nothing",
        propensity=1.0, suppressed_by=("holdout",), why="",
    )  # fmt: skip
    quiet = Decision(
        id="3", subject="t", skill="alpha", rule="r", as_of_ms=6, eligible=("nudge",), chosen="nothing",
        propensity=1.0, suppressed_by=("quiet-hours",), why="",
    )  # fmt: skip
    here = Here(tmp_path, Records([], [], []))
    here.runtime.stop()
    connection = connect(here.data / "state.sqlite")
    connection.execute("DROP TABLE decision")
    for seq, decision in enumerate((old, held, quiet)):
        row = Published(9_000_000 + seq, "decision", decision.subject, "alpha", encoded(decision))
        connection.execute(
            "INSERT INTO effect VALUES (?, ?, ?, ?, ?)", (row.seq, row.kind, row.subject, row.skill, row.body)
        )
    connection.close()
    again = Embedded(here.runtime.settings, StandingClock())
    try:
        reader = connect(here.data / "state.sqlite", readonly=True)
        points, left_out = read_decisions(reader)
        reader.close()
    finally:
        again.stop()
    assert left_out == 0
    assert [
        (p.subject, p.pushed, p.holdout, p.randomised) for p in sorted(points, key=lambda p: p.as_of_ms)
    ] == [
        ("s", True, False, False),
        ("t", False, True, False),
    ]


def encoded(decision: Decision) -> bytes:
    body = json.dumps(
        {"type": "decision", **{name: getattr(decision, name) for name in decision.__struct_fields__}}
    )
    assert read_point(body.encode()).chosen == decision.chosen
    return body.encode()


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "", "1", "0.0001", "0.05 ", "x" * 400, "٠.١"])
def test_a_worth_that_is_none_is_refused(text: str) -> None:
    if text == "0.05 ":
        assert read_worth(text) == 0.05  # as a command line or a form may leave it
        return
    with pytest.raises(PermanentError):
        read_worth(text)
