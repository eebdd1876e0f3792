"""The choice: probabilities that add up and are drawn from, a floor, recovery, and what decisions say of it."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.errors import PermanentError
from carrythrough.events.performance import PerformanceEvent
from carrythrough.events.types import EventOutcome
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.roster import load_roster
from carrythrough.impact.points import read_point
from carrythrough.pipeline.effects import ActionReferred, ActionRequested, Decision, Effect
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.reinforcement.choice import (
    DAY_MS,
    WHOLE,
    drawn,
    gain_of,
    probabilities,
    recovered,
)
from carrythrough.reinforcement.decide import REST_MS
from carrythrough.reinforcement.posteriors import (
    PRIOR,
    SHIPPED_PRIOR,
    Cell,
    PolicyVersion,
    Posteriors,
    decode_policy,
    encode_policy,
)
from carrythrough.scoring.model import SHIPPED

GAINS = st.lists(
    st.tuples(st.floats(-0.5, 0.5).map(lambda x: round(x, 6)), st.floats(0.001, 0.3).map(lambda x: round(x, 6))),
    min_size=1,
    max_size=8,
)  # fmt: skip


@given(GAINS, st.floats(0.0, 0.9))
def test_probabilities_add_up_keep_the_floor_and_leave_every_action_a_chance(gains, nothing: float) -> None:
    found = probabilities(gains, nothing)
    assert sum(found) == WHOLE
    assert found[0] >= round(nothing * WHOLE)
    assert min(found[1:]) > 0
    only = probabilities(gains, -1.0)
    assert (only[0], sum(only)) == (0, WHOLE)


def test_what_helps_more_is_chosen_more_often_and_harm_hardly_ever() -> None:
    nothing, weak, strong = probabilities([(0.02, 0.05), (0.2, 0.05)], 0.1)
    assert strong > 0.7 * WHOLE
    assert nothing < 0.15 * WHOLE
    assert weak < 0.1 * WHOLE
    nothing, harmful = probabilities([(-0.2, 0.05)], 0.1)
    assert nothing > 0.85 * WHOLE
    assert harmful > 0


def test_the_share_of_a_single_action_is_the_probability_that_it_helps() -> None:
    _, push = probabilities([(0.05, 0.1)], 0.0)
    assert push / WHOLE == pytest.approx(
        0.9 * 0.6915 + 0.1, abs=0.01
    )  # P(N(0.05, 0.1) > 0), and the exploration


def test_draws_follow_the_probabilities_and_only_the_id() -> None:
    chances = (200_000, 700_000, 100_000)
    counts = Counter(drawn(chances, f"decision-{n}") for n in range(20_000))
    for number, chance in enumerate(chances):
        assert counts[number] / 20_000 == pytest.approx(chance / WHOLE, abs=0.012)
    assert {drawn(chances, "one") for _ in range(5)} == {drawn(chances, "one")}


def test_an_action_recovers_after_it_was_sent() -> None:
    assert recovered(None, 7.0) == 1.0
    assert recovered(0, 7.0) == 0.0
    assert recovered(7 * DAY_MS, 7.0) == 0.5
    assert recovered(70 * DAY_MS, 7.0) == 0.999
    fresh, tired = gain_of(PRIOR, 1.0), gain_of(PRIOR, recovered(DAY_MS, 7.0))
    assert probabilities([tired], 0.1)[0] > probabilities([fresh], 0.1)[0]


def test_posteriors_go_from_the_finest_cell_to_the_prior() -> None:
    cells = {
        "fading/nudge/": Cell(0.1, 0.01),
        "/nudge/": Cell(0.2, 0.01),
        "fading/nudge/chat": Cell(0.3, 0.01),
    }
    found = Posteriors(name="p", cells=cells)
    assert [found.cell(*key).mean for key in (("fading", "nudge", "chat"), ("fading", "nudge", "mail"))] == [
        0.3,
        0.1,
    ]
    assert found.cell("unapplied", "nudge", "chat").mean == 0.2
    assert found.cell("unapplied", "coaching", "") == PRIOR
    version = PolicyVersion(posteriors=found, by="ann", comparison={"decisions": 3.0})
    assert decode_policy(encode_policy(version)) == version
    with pytest.raises(msgspec.ValidationError):
        decode_policy(encode_policy(PolicyVersion(posteriors=Posteriors(name="p", prior=Cell(0.0, 0.0)))))
    with pytest.raises((PermanentError, msgspec.DecodeError)):
        decode_policy(b'{"posteriors": {"name": "p", "prior": {"mean": 0.1, "sd": null}}}')


MAP = """
map: m
version: 3
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k], safety_critical: SAFETY}]
events:
  - {id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}
reinforcement:
  - {id: a, when: {score_from: 0.01}, action: nudge, title: T, body: B}
  - {id: b, when: {score_from: 0.01}, action: spaced-review, title: T, body: B, link: "https://x.example/", fixed: FIXED}
  - {id: c, when: {score_from: 0.01}, action: coaching, to: manager, title: T, body: B}
policy: {choice: CHOICE, nothing: 0.3, cooldown_h: 24, per_day: 10, per_week: 50, quiet: {from: "00:00", to: "00:00"}, days_off: [], holdout: 0.0}
"""  # noqa: E501
ROSTER = "people:\n  - {id: boss}\n" + "".join(f"  - {{id: e-{n}, manager: boss}}\n" for n in range(60))
NOON = 20_000 * DAY_MS


def effects(
    choice: str = "learnt", safety: str = "false", fixed: str = "false", posteriors=SHIPPED_PRIOR
) -> list[Effect]:
    text = MAP.replace("CHOICE", choice).replace("SAFETY", safety).replace("FIXED", fixed)
    in_force = InForce(
        Program(load_program(text, "m.yaml")),
        RosterIndex(load_roster(ROSTER, "r.yaml"), b"k" * 32),
        SHIPPED,
        posteriors=posteriors,
    )
    records = []
    for n in range(60 * 8):
        event = PerformanceEvent(
            id=str(n), source="qa", kind="qa-result", time="", employee=f"e-{n % 60}",
            outcome=EventOutcome(met=True),
        )  # fmt: skip
        records.append(Record(n + 1, Kind.EVENT, NOON + n, n.to_bytes(16, "big"), NOON + n, event))
    hours = range(1, 30)
    records += [Record(1000 + hour, Kind.TICK, NOON + hour * 3_600_000, b"", -1, None) for hour in hours]
    return step(State(), records, in_force)[1]


def decisions(found: list[Effect]) -> list[Decision]:
    return [effect for effect in found if isinstance(effect, Decision) and not effect.suppressed_by]


def test_every_choice_is_logged_with_its_probabilities_and_chance_chooses_by_them() -> None:
    found = effects()
    first = {}
    for decision in decisions(found):
        first.setdefault(decision.subject, decision)
    assert len(first) == 60
    for decision in first.values():
        assert decision.randomised
        assert [choice.action for choice in decision.choices] == [
            "nothing",
            "nudge",
            "spaced-review",
            "coaching",
        ]
        assert sum(choice.probability for choice in decision.choices) == pytest.approx(1.0, abs=1e-9)
        assert decision.choices[0].probability >= 0.3
        chosen = [c.probability for c in decision.choices if c.action == decision.chosen]
        assert chosen == [decision.propensity]
        assert decision.policy == "m@3 prior-1"
        assert decision.stage
        point = read_point(msgspec.json.encode(decision))
        assert (point.randomised, len(point.choices)) == (True, 4)
    assert {decision.chosen for decision in first.values()} == {
        "nothing",
        "nudge",
        "spaced-review",
        "coaching",
    }
    referred = [effect for effect in found if isinstance(effect, ActionReferred)]
    assert {one.recipient for one in referred} == {d.recipient for d in decisions(found) if d.recipient}
    assert not any(isinstance(e, ActionRequested) and e.to == "manager" for e in found), (
        "that is decided elsewhere"
    )


def test_after_chance_chose_nothing_the_pair_is_left_alone() -> None:
    seen: dict[str, int] = {}
    for decision in decisions(effects()):
        assert decision.as_of_ms - seen.get(decision.subject, -REST_MS) >= REST_MS
        if decision.chosen == "nothing":
            seen[decision.subject] = decision.as_of_ms
    assert seen


def test_what_was_learnt_changes_what_is_chosen() -> None:
    sure = Posteriors(name="p-2", cells={"/nudge/": Cell(0.4, 0.01), "/spaced-review/": Cell(-0.4, 0.01)})
    chosen = Counter(d.chosen for d in decisions(effects(posteriors=sure)))
    assert chosen["nudge"] > 5 * chosen["spaced-review"]


def test_the_first_rule_of_the_map_is_the_default() -> None:
    found = decisions(effects(choice="first"))
    assert {(d.chosen, d.propensity, d.randomised, d.policy) for d in found} == {("nudge", 1.0, False, "m@3")}


def test_a_fixed_rule_is_taken_without_chance() -> None:
    assert {(d.chosen, d.propensity, d.randomised) for d in decisions(effects(fixed="true"))} == {
        ("spaced-review", 1.0, False)
    }


def test_a_skill_on_which_lives_depend_is_never_left_to_nothing() -> None:
    found = decisions(effects(safety="true"))
    assert found
    assert all(d.chosen != "nothing" and "nothing" not in {c.action for c in d.choices} for d in found)


def test_a_decision_of_an_older_version_still_reads() -> None:
    old = (
        b'{"type":"decision","id":"x","subject":"s","skill":"calm","rule":"r","as_of_ms":1,"eligible":["nudge"],'
        b'"chosen":"nothing","propensity":1.0,"suppressed_by":["holdout"],"why":"w"}'
    )
    decision = msgspec.json.decode(old, type=Decision)
    assert (decision.choices, decision.randomised, decision.stage) == ((), False, "")
    assert read_point(old).holdout
