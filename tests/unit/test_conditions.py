"""Each condition of a reinforcement rule holds on its side of its boundary only, and says what was true."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from carrythrough.evidence.types import FLAG_OPPORTUNITY_ONLY, W_ONE, Y_ONE, Channel, Evidence
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.program.types import Reinforcement, Skill
from carrythrough.reinforcement.conditions import Facts, beginnings, holds, quiet_since
from carrythrough.reinforcement.rules import SkillRules, eligible, why
from carrythrough.reinforcement.stage import Stage
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.score import Score, below
from carrythrough.scoring.state import PairState

NOW = 20_000 * DAY_MS
UNAPPLIED = "You have learnt and practised this, and we have not seen it used on the job lately."
SKILL = Skill(id="calm", name="Calm", target=0.75)


def rule(**when: Any) -> Reinforcement:
    return msgspec.convert({"id": "r", "when": when, "action": "nudge"}, Reinforcement)


def pair_of(*evidence: tuple[str, float, float]) -> PairState:
    """Return the state of (channel, days ago, outcome), outcome -1 for a chance without one."""
    rows = []
    for n, (name, days, y) in enumerate(evidence):
        channel = Channel[name.upper()]
        bare = y < 0 or channel >= Channel.EXPOSURE
        rows.append(
            Evidence(
                n.to_bytes(16, "big"), "calm", int(channel), NOW - round(days * DAY_MS),
                0 if bare else round(y * Y_ONE), 0 if bare else W_ONE, 0, FLAG_OPPORTUNITY_ONLY if y < 0 else 0,
            )
        )  # fmt: skip
    return rebuild(rows).pairs.get("calm", PairState())


def score_of(value: float = 0.6, strength: float = 20.0) -> Score:
    return Score(
        value=value, low=0.0, high=1.0, pi=value, pi_fresh=value, alpha=value * strength, beta=(1 - value) * strength,
        successes=0.0, trials=0.0, assisted=0.0, outcomes=9, effective=9.0, exposures=0,
    )  # fmt: skip


def facts(pair: PairState | None = None, score: Score | None = None, now_ms: int = NOW, **more: Any) -> Facts:
    return Facts(now_ms, score or score_of(), SKILL, pair or PairState(), **more)


def test_a_score_from_counts_its_bound() -> None:
    wanted = rule(score_from=0.6)
    assert holds(wanted, facts(score=score_of(0.6)))
    assert not holds(wanted, facts(score=score_of(0.5999)))


def test_below_must_be_as_sure_as_asked() -> None:
    score = score_of(0.6)
    sure = below(score, 0.7)
    assert 0.5 < sure < 1.0
    assert holds(rule(score_below=0.7, certainty=sure), facts(score=score))
    assert not holds(rule(score_below=0.7, certainty=sure + 1e-9), facts(score=score))
    assert not holds(rule(score_below=0.7, certainty=sure), facts(score=score_of(0.6, strength=5.0)))


def test_a_forecast_is_asked_only_of_a_score_on_its_target() -> None:
    asked: list[int] = []

    def falls(days: int) -> bool:
        asked.append(days)
        return days >= 14

    assert holds(rule(falls_within_days=14), facts(score=score_of(0.75), falls_within=falls))
    assert not holds(rule(falls_within_days=13), facts(score=score_of(0.75), falls_within=falls))
    assert not holds(rule(falls_within_days=14), facts(score=score_of(0.7499), falls_within=falls))
    assert not holds(
        rule(falls_within_days=14, score_from=0.9), facts(score=score_of(0.75), falls_within=falls)
    )
    assert asked == [14, 13], "a forecast costs a read: it is asked last"


@pytest.mark.parametrize("channel", ["learn", "practice", "job", "observed", "exposure", "support", "voice"])
def test_absence_holds_from_the_very_millisecond(channel) -> None:
    pair = pair_of(("learn", 400, 1.0), (channel, 30, 1.0), (channel, 14, 0.0))
    wanted = rule(unseen=[{"channel": channel, "days": 14}])
    assert holds(wanted, facts(pair))
    assert not holds(wanted, facts(pair, now_ms=NOW - 1))
    assert list(beginnings(wanted, pair)) == [NOW]
    rules = SkillRules((wanted,), "calm")
    assert rules.next_ms(pair, NOW - 1) == NOW
    assert rules.next_ms(pair, NOW) == 0
    assert rules.begun(pair, NOW - 1, NOW)
    assert not rules.begun(pair, NOW, NOW + DAY_MS)


def test_what_never_was_is_absent_from_the_first_evidence_on() -> None:
    pair = pair_of(("exposure", 20, 0.0), *(("learn", n / 10, 1.0) for n in range(12)))
    assert quiet_since(pair, "practice") == NOW - 20 * DAY_MS
    wanted = rule(unseen=[{"channel": "practice", "days": 20}])
    assert holds(wanted, facts(pair))
    assert not holds(wanted, facts(pair, now_ms=NOW - 1))
    assert not holds(wanted, facts(PairState())), "of a skill of which nothing is known nothing is absent"


def test_a_chance_without_an_outcome_ends_no_absence_of_outcomes() -> None:
    pair = pair_of(("job", 20, 1.0), ("job", 1, -1))
    assert holds(rule(unseen=[{"channel": "job", "days": 20}]), facts(pair))
    assert not holds(rule(seen=[{"channel": "job", "days": 2}]), facts(pair))


def test_all_absences_must_hold() -> None:
    pair = pair_of(("practice", 20, 1.0), ("job", 10, 1.0))
    both = rule(unseen=[{"channel": "practice", "days": 20}, {"channel": "job", "days": 11}])
    assert not holds(both, facts(pair))
    assert holds(both, facts(pair, now_ms=NOW + DAY_MS))


def test_evidence_counts_until_its_days_are_over() -> None:
    pair = pair_of(("job", 14, 0.0), ("job", 3, 0.0), ("job", 2, 1.0))
    for result, count in (("any", 3), ("failure", 2), ("success", 1)):
        seen = {"channel": "job", "days": 14, "at_least": count, "result": result}
        assert holds(rule(seen=[seen]), facts(pair, now_ms=NOW - 1))
        assert not holds(rule(seen=[seen | {"at_least": count + 1}]), facts(pair, now_ms=NOW - 1))
        # One millisecond later the failure of 14 days ago is over.
        assert holds(rule(seen=[seen]), facts(pair)) is (result == "success")


def test_half_a_success_is_one() -> None:
    pair = pair_of(("practice", 1, 0.5), ("practice", 1, 0.4999))
    seen = {"channel": "practice", "days": 2, "at_least": 1}
    for result in ("success", "failure"):
        once = rule(seen=[seen | {"result": result, "at_most": 1}])
        assert holds(once, facts(pair))


def test_at_most_begins_when_one_too_many_drops_out() -> None:
    pair = pair_of(("practice", 9, 1.0), ("practice", 5, 0.0), ("practice", 4, 1.0))
    few = rule(seen=[{"channel": "practice", "days": 10, "at_least": 0, "at_most": 1}])
    assert not holds(few, facts(pair))
    (begins,) = beginnings(few, pair)
    assert begins == NOW + 5 * DAY_MS
    assert not holds(few, facts(pair, now_ms=begins - 1))
    assert holds(few, facts(pair, now_ms=begins))
    failures = rule(
        seen=[{"channel": "practice", "days": 10, "at_least": 0, "at_most": 0, "result": "failure"}]
    )
    assert list(beginnings(failures, pair)) == [NOW + 5 * DAY_MS]
    assert list(beginnings(failures, pair_of(("practice", 9, 1.0)))) == []


def test_of_counted_channels_the_newest_is_known() -> None:
    pair = pair_of(("support", 9, 0.0), ("support", 2, 0.0))
    assert holds(rule(seen=[{"channel": "support", "days": 3}]), facts(pair))
    assert not holds(rule(seen=[{"channel": "support", "days": 2}]), facts(pair))
    assert holds(rule(seen=[{"channel": "support", "days": 2, "at_least": 0, "at_most": 0}]), facts(pair))
    assert not holds(rule(seen=[{"channel": "support", "days": 3, "result": "success"}]), facts(pair))


def test_only_the_eight_newest_outcomes_are_known() -> None:
    pair = pair_of(*(("job", n + 1, 0.0) for n in range(12)))
    assert holds(rule(seen=[{"channel": "job", "days": 9, "at_least": 8}]), facts(pair))
    assert not holds(rule(seen=[{"channel": "job", "days": 8, "at_least": 8}]), facts(pair))


def test_every_part_of_a_condition_must_hold() -> None:
    pair = pair_of(("practice", 20, 1.0), ("job", 1, 0.0))
    parts: dict[str, Any] = {
        "score_from": 0.5,
        "score_below": 0.75,
        "unseen": [{"channel": "practice", "days": 14}],
        "seen": [{"channel": "job", "days": 7, "result": "failure"}],
    }
    score = score_of(0.6, strength=60.0)
    assert holds(rule(**parts), facts(pair, score))
    spoilt = {"score_from": 0.61, "score_below": 0.55, "unseen": [{"channel": "practice", "days": 21}],
              "seen": [{"channel": "job", "days": 7, "result": "success"}]}  # fmt: skip
    for name, value in spoilt.items():
        assert not holds(rule(**parts | {name: value}), facts(pair, score)), name


def test_rules_are_for_their_skills_and_stages() -> None:
    everywhere, elsewhere = (
        rule(score_from=0.1),
        msgspec.structs.replace(rule(score_from=0.1), skills=("other",)),
    )
    here = msgspec.structs.replace(rule(stage=["unapplied", "fading"]), skills=("calm",))
    rules = SkillRules((elsewhere, here, everywhere), "calm").rules
    assert rules == (here, everywhere)
    assert eligible(rules, Stage.UNAPPLIED, facts()) == (here, everywhere)
    assert eligible(rules, Stage.CARRIED_THROUGH, facts()) == (everywhere,)
    unsure = facts(score=score_of(0.74, strength=3.0))
    assert eligible(rules, Stage.FADING, unsure) == (everywhere,), (
        "fading wants to be sure of being below the target"
    )
    assert eligible(rules, Stage.FADING, facts(score=score_of(0.5, strength=60.0))) == (here, everywhere)


def test_the_channels_counted_are_watched_and_the_shortest_lead_is_known() -> None:
    rules = SkillRules(
        (
            rule(seen=[{"channel": "support", "days": 7}], falls_within_days=21),
            rule(falls_within_days=10, unseen=[{"channel": "voice", "days": 7}]),
        ),
        "calm",
    )
    assert rules.watched == {int(Channel.SUPPORT)}
    assert rules.lead_ms == 10 * DAY_MS
    assert SkillRules((), "calm").lead_ms == 0


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({"unseen": [{"channel": "practice", "days": 14}]}, "There has been no practice for 14 days."),
        ({"unseen": [{"channel": "job", "days": 1}]}, "There has been no job outcome for 1 day."),
        ({"seen": [{"channel": "job", "days": 7, "result": "failure"}]},
         "There was 1 job outcome that fell short in the last 7 days."),
        ({"seen": [{"channel": "learn", "days": 30, "at_least": 2}]},
         "There were 2 answered questions or tests in the last 30 days."),
        ({"seen": [{"channel": "practice", "days": 7, "at_least": 0, "at_most": 2}]},
         "There has been no practice in the last 7 days."),
        ({"seen": [{"channel": "job", "days": 7, "at_least": 0, "at_most": 2}]},
         "There was only 1 job outcome in the last 7 days."),
        ({"score_below": 0.7, "certainty": 0.75}, "Your score of 60 is below 70, at least 75 % sure."),
        ({"score_from": 0.5}, "Your score of 60 is 50 or more."),
        ({"falls_within_days": 21},
         "Your score of 60 is on the target of 75, and without any use it would be below it within 21 days."),
        ({"stage": ["unapplied"], "unseen": [{"channel": "practice", "days": 14}]},
         "There has been no practice for 14 days. " + UNAPPLIED),
        ({"stage": ["unapplied"]}, UNAPPLIED),
    ],
)  # fmt: skip
def test_the_reason_names_what_was_true(when, said) -> None:
    pair = pair_of(("learn", 20, 1.0), ("learn", 18, 1.0), ("practice", 14, 1.0), ("job", 1, 0.0))
    assert why(Stage.UNAPPLIED, facts(pair), rule(**when)) == said
