"""Proves that what the policy leaves to chance is kept as such: logged probabilities are those of the choices made."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator

import pytest

from carrythrough.embedded.database import connect
from carrythrough.embedded.decisions import read_decisions
from carrythrough.embedded.runtime import Embedded
from carrythrough.impact.points import DecisionPoint
from carrythrough.settings import Settings
from carrythrough.xapi.admission import Limits, admit

START = 1_790_000_000_000
PEOPLE = 240
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 1}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: q, name: Q, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: success}]}
reinforcement:
  - {id: learn, when: {stage: not-yet-learnt}, action: nudge, title: T, body: B, adapters: [console]}
  - {id: again, when: {stage: not-yet-learnt}, action: spaced-review, title: T, body: B, adapters: [console]}
policy: {holdout: 0.2, choice: learnt, nothing: 0.3, minimum_outcomes: 2, minimum_effective: 1.0, per_day: 5,
  quiet: {from: "00:00", to: "00:00"}, days_off: [], blast: 100000}
"""  # noqa: E501
ROSTER = "people:\n" + "".join(f"  - {{id: e-{n}, email: p{n}@x.example}}\n" for n in range(PEOPLE))


class StandingClock:
    """A clock that stands."""

    def now_ms(self) -> int:
        return START


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """Give an installation after everybody has failed four questions."""
    folder = tmp_path_factory.mktemp("chance")
    (folder / "map.yaml").write_text(MAP)
    (folder / "roster.yaml").write_text(ROSTER)
    running = Embedded(
        Settings(
            data_dir=str(folder / "data"),
            program=str(folder / "map.yaml"),
            roster=str(folder / "roster.yaml"),
        ),
        StandingClock(),
    )
    running.start(deliver=False)
    statements = [
        {
            "id": str(uuid.UUID(int=n + 1)),
            "actor": {"mbox": f"mailto:p{n % PEOPLE}@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/q/{n}"},
            "result": {"success": False},
        }
        for n in range(4 * PEOPLE)
    ]
    for at in range(0, len(statements), 240):
        admitted = admit(json.dumps(statements[at : at + 240]).encode(), Limits(), "1.0.3")
        asyncio.run(running.submit_statements(admitted, "lms"))
    assert running.caught_up()
    yield running
    running.stop()


def points_of(runtime: Embedded) -> list[DecisionPoint]:
    connection = connect(runtime.state.path, readonly=True)
    try:
        return read_decisions(connection)[0]
    finally:
        connection.close()


def test_choices_are_kept_with_their_probabilities(runtime: Embedded) -> None:
    points = points_of(runtime)
    random = [point for point in points if point.randomised]
    assert len(random) > PEOPLE // 2
    for point in random:
        assert sum(option.probability for option in point.choices) == pytest.approx(1.0)
        assert {option.action for option in point.choices} == {"nothing", "nudge", "spaced-review"}
        assert point.stage == "not-yet-learnt"
        assert point.policy
        assert not point.holdout
    held = {point.subject for point in points if point.holdout}
    assert 0.08 * PEOPLE < len(held) < 0.35 * PEOPLE
    assert not held & {point.subject for point in random}


def test_what_was_chosen_is_as_frequent_as_its_probability_says(runtime: Embedded) -> None:
    random = [point for point in points_of(runtime) if point.randomised]
    for action in ("nothing", "nudge", "spaced-review"):
        chances = [
            option.probability for point in random for option in point.choices if option.action == action
        ]
        made = sum(point.chosen == action for point in random)
        error = sum(chance * (1 - chance) for chance in chances) ** 0.5
        assert abs(made - sum(chances)) < 5 * error, action


def test_the_report_counts_them(runtime: Embedded) -> None:
    found = runtime.queries.uplift.report(START + 60 * 86_400_000)
    assert found["rung"].startswith("A:")
    assert found["randomised"] == sum(point.randomised for point in points_of(runtime))
    near = found["outcomes"][0]
    assert {part["name"] for part in near["by_action"]} == {"nudge", "spaced-review"}
    assert [part["name"] for part in near["by_adapter"]] == ["console"]
    assert near["whole"]["verdict"] == "no-detectable-effect"  # nobody ever practised again
    assert near["whole"]["without"] == 0.0
