"""Every score can be recomputed by hand from its explanation: all people of the demo organisation, within 0.1 point.

One test reads the JSON (outcomes, weights, features), another reads nothing but the printed lines. The
others show that what an explanation claims (what a piece moved, what would raise a score) comes true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import exp
from typing import Any

import msgspec
import pytest

from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.identity.roster import load_roster
from carrythrough.pipeline.contest import evidence_id
from carrythrough.pipeline.explain import explain
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.reading import read_pair
from carrythrough.pipeline.reasons import missing_text
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.pipeline.whatif import weights_of
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.beta import interval
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.score import Weight
from carrythrough.testing.simulator_people import load_organisation
from carrythrough.testing.simulator_training import training_rows

NOW = 20_000 * DAY_MS
DAYS = 60
HAND = 0.1
"""Points of 100 by which a score computed by hand may differ."""


class Demo:
    """The demo organisation after some weeks: evidence of each person, and every explanation."""

    def __init__(self) -> None:
        organisation = load_organisation(40)
        self.in_force = InForce(
            Program(load_program(organisation.program_text, "program.yaml")),
            RosterIndex(load_roster(organisation.roster_json(), "roster.json"), bytes(32)),
            SHIPPED,
        )
        self.rows: dict[str, list[Evidence]] = {person.id: [] for person in organisation.people}
        for row in training_rows(organisation, 1, NOW - DAYS * DAY_MS, NOW):
            self.rows[row.employee].append(row.evidence)
        self.all = dict(self._explained())

    def _explained(self) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
        for employee, rows in self.rows.items():
            for skill in sorted({e.skill for e in rows}):
                found = explain(rows, self.in_force.program.skills[skill], NOW, self.in_force)
                yield (employee, skill), msgspec.to_builtins(found)

    def scored(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {key: found for key, found in self.all.items() if found["score"] is not None}

    def read(self, rows: list[Evidence], skill: str) -> float:
        learner = rebuild(rows)
        known = self.in_force.program
        reading = read_pair(learner, learner.pairs[skill], NOW, known.skills[skill], SHIPPED, known.policy)
        assert reading.score is not None
        return 100 * reading.score.value


@pytest.fixture(scope="module")
def demo() -> Demo:
    return Demo()


def test_every_person_and_skill_is_there(demo: Demo) -> None:
    assert len({employee for employee, _ in demo.all}) == 40
    assert len(demo.scored()) > 80
    assert any(found["score"] is None for found in demo.all.values())


def test_each_score_follows_from_the_features_and_outcomes_listed(demo: Demo) -> None:
    for key, found in demo.scored().items():
        prior, job = found["prior"], found["job"]
        logit = sum(part["value"] * part["weight"] for part in prior["contributions"])
        pi = 1 / (1 + exp(-logit))
        weights = [entry["weight_now"] for entry in job["evidence"]]
        outcomes = [entry["outcome"] for entry in job["evidence"]]
        n = sum(weights) + job["older"]["weight_now"]
        a = sum(w * y for w, y in zip(weights, outcomes, strict=True)) + job["older"]["successes_now"]
        alpha = job["m"] * pi + a
        beta = job["m"] * (1 - pi) + n - a
        assert abs(100 * alpha / (alpha + beta) - 100 * found["score"]) < HAND, key


def test_each_weight_follows_from_age_and_half_life(demo: Demo) -> None:
    for found in demo.all.values():
        for entry in found["job"]["evidence"]:
            age_days = (NOW - entry["time_ms"]) / DAY_MS
            by_hand = entry["weight"] * 2 ** (-age_days / entry["half_life_days"])
            assert abs(by_hand - entry["weight_now"]) < 1e-4


_NUMBER = r"([-+]?\d+(?:\.\d+)?)"


def test_each_score_follows_from_the_printed_lines_alone(demo: Demo) -> None:
    for key, found in demo.scored().items():
        text = "\n".join(found["calculation"])
        terms = re.findall(rf": {_NUMBER} × {_NUMBER} = {_NUMBER}", text)
        assert terms, key
        pi = 1 / (1 + exp(-sum(float(value) * float(weight) for value, weight, _ in terms)))
        n, a = (float(re.search(rf"{name} = {_NUMBER}", text)[1]) for name in ("N", "A"))  # type: ignore[index]
        m = float(re.search(rf"α = m × π \+ A = {_NUMBER} ×", text)[1])  # type: ignore[index]
        by_hand = 100 * (m * pi + a) / (m + n)
        shown = float(re.search(rf"score = 100 × α / \(α \+ β\) = {_NUMBER}", text)[1])  # type: ignore[index]
        assert abs(by_hand - shown) < HAND, key
        assert abs(shown - 100 * found["score"]) < 0.006, key


def test_the_interval_follows_from_the_printed_line(demo: Demo) -> None:
    pattern = rf"interval {_NUMBER} to {_NUMBER}: .* × α = {_NUMBER} and .* × β = {_NUMBER}"
    for key, found in demo.scored().items():
        low, high, a, b = map(float, re.search(pattern, found["calculation"][-1]).groups())  # type: ignore[union-attr]
        by_hand = interval(0.1, a, b)
        assert abs(100 * by_hand[0] - low) < HAND, key
        assert abs(100 * by_hand[1] - high) < HAND, key
        assert abs(100 * found["low"] - low) < HAND, key


def test_the_sentences_carry_the_same_sum(demo: Demo) -> None:
    pattern = rf"\({_NUMBER} × {_NUMBER} \+ {_NUMBER}\) / \({_NUMBER} \+ {_NUMBER}\) = {_NUMBER}"
    told = 0
    for found in demo.scored().values():
        match = re.search(pattern, " ".join(found["sentences"]))
        if match is None:
            assert found["job"]["trials"] <= 0.05
            continue
        told += 1
        m, pi, a, again, n, shown = map(float, match.groups())
        assert m == again
        assert abs((m * pi + a) / (m + n) - shown) < 0.002
    assert told > 40


def test_the_parts_add_up_to_the_score(demo: Demo) -> None:
    for key, found in demo.scored().items():
        score, base = 100 * found["score"], 100 * found["prior"]["base"]
        assert abs(sum(part["points"] for part in found["split"]) - score) < HAND, key
        ours = [entry["points"] for entry in found["job"]["evidence"]]
        features = [part["points"] for part in found["prior"]["contributions"]]
        bias = found["prior"]["base_logit"]
        total = found["prior"]["logit"] - bias
        prior_points = sum(
            part["points"] for part in found["split"] if part["part"] in ("learning", "retention")
        )
        if abs(total) > 0.05:
            # What the features give, less the base rate in the same currency, is the prior's part.
            worth = prior_points / total
            assert abs(sum(features) - worth * bias - prior_points) < 0.2, key
        assert abs(base + prior_points + sum(ours) - score) < 0.01 * len(ours) + HAND, key


def test_every_entry_names_its_evidence(demo: Demo) -> None:
    for (employee, skill), found in demo.all.items():
        known = {evidence_id((e.source, e.skill, e.channel)) for e in demo.rows[employee] if e.skill == skill}
        listed = [entry["evidence"] for entry in found["evidence"]]
        assert len(set(listed)) == len(listed)
        assert set(listed) <= known
        assert len(listed) == min(200, len(known))


def test_what_a_piece_moved_is_what_leaving_it_out_changes(demo: Demo) -> None:
    checked = 0
    for (employee, skill), found in list(demo.scored().items())[::7]:
        for entry in found["evidence"][:20:5]:
            left = [
                e
                for e in demo.rows[employee]
                if evidence_id((e.source, e.skill, e.channel)) != entry["evidence"]
            ]
            if entry["moved"] is None or len(left) < 8:
                continue
            assert abs(100 * found["score"] - demo.read(left, skill) - entry["moved"]) < 0.02
            checked += 1
    assert checked > 20


def test_what_would_raise_a_score_does_raise_it_that_far(demo: Demo) -> None:
    channels = {"review": Channel.LEARN, "practice": Channel.PRACTICE, "job-success": Channel.JOB}
    kinds = set()
    for (employee, skill), found in list(demo.scored().items())[::9]:
        points = [entry["points"] for entry in found["raises"]]
        assert points == sorted(points, reverse=True)
        for entry in found["raises"]:
            if entry["code"] not in channels:
                continue
            kinds.add(entry["code"])
            channel = channels[entry["code"]]
            w = round(weights_of(demo.in_force.program, skill)[channel] * W_ONE)
            more = Evidence(b"\x01" * 16, skill, channel, NOW, Y_ONE, w, 42_598)
            assert abs(demo.read([*demo.rows[employee], more], skill) - 100 * entry["score"]) < 0.01
    assert kinds == set(channels)


def test_what_would_raise_a_score_counts_as_the_map_weighs_it() -> None:
    text = """
map: weights
version: 1
name: Weights
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k]}, {id: plain, name: Plain, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score, weight: 0.25}]}
  - {id: film, name: Film, match: {activity_prefix: "https://x.example/f/"}, evidence: [{skill: calm, channel: practice}]}
events: [{id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job, weight: 2}]}]
"""  # noqa: E501
    program = Program(load_program(text, "map.yaml"))
    assert weights_of(program, "calm") == {Channel.LEARN: 0.25, Channel.JOB: 2.0, Channel.OBSERVED: 1.0}
    assert weights_of(program, "plain") == {Channel.JOB: 1.0, Channel.OBSERVED: 1.0}
    in_force = InForce(program, RosterIndex(Roster(people=()), bytes(32)), SHIPPED)
    rows = [
        Evidence(bytes([n]) * 16, "calm", Channel.LEARN, NOW - n * DAY_MS, Y_ONE // 2, W_ONE, 42_598)
        for n in range(9)
    ]
    found = explain(rows, program.skills["calm"], NOW, in_force)
    for code, channel, w in (("job-success", Channel.JOB, 2 * W_ONE), ("review", Channel.LEARN, W_ONE // 4)):
        [told] = [entry for entry in found.raises if entry["code"] == code]
        more = Evidence(b"\x7f" * 16, "calm", channel, NOW, Y_ONE, w, 42_598)
        after = explain([*rows, more], program.skills["calm"], NOW, in_force)
        assert after.score == pytest.approx(told["score"], abs=1e-4)


def test_without_enough_evidence_nothing_is_computed_and_what_is_missing_is_said(demo: Demo) -> None:
    for found in demo.all.values():
        if found["score"] is None:
            assert found["calculation"] == found["raises"] == found["split"] == []
            assert found["missing"]
            assert (
                found["outcomes"] < found["minimum"]["outcomes"]
                or found["effective"] < found["minimum"]["effective"]
            )


def test_sentences_say_the_same_points_as_the_number_and_no_codes(demo: Demo) -> None:
    for found in demo.scored().values():
        said = found["sentences"]
        assert f"the score is {100 * found['score']:.0f} of 100" in said[0]
        assert f"between {100 * found['low']:.0f} and {100 * found['high']:.0f} " in said[0]
        stage = next(part for part in said if "The stage is" in part)
        assert found["stage"].replace("-", " ") in stage


def test_what_was_seen_a_single_time_was_seen_once(demo: Demo) -> None:
    weight = Weight(successes=0.0, trials=0.0, assisted=0.0, outcomes=0, effective=0.0, exposures=1)
    assert missing_text(weight, demo.in_force.program.policy).endswith(
        "0 of 5 scored outcomes, once seen or read."
    )
