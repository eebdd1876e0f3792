"""Confidence against outcome: right for the over-, under- and rightly confident, silent where it is too early."""

from __future__ import annotations

import pytest

from carrythrough.evidence.mapping import evidence_of_statement
from carrythrough.evidence.types import FLAG_STATED, W_ONE, Y_ONE, Channel, Evidence
from carrythrough.gateway.learners_own import without_the_learners_own
from carrythrough.pipeline.confidence import FOLLOW_DAYS, confidence_part
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.codec import encode_learner_evidence
from carrythrough.scoring.decay import DAY_MS
from carrythrough.xapi.admission import decode_statement

NOW = 20_000 * DAY_MS


def said(days_ago: float, sure: float) -> Evidence:
    source = f"v{days_ago}".encode().ljust(16)
    return Evidence(
        source, "s", Channel.VOICE, NOW - int(days_ago * DAY_MS), round(sure * Y_ONE), 0, 0, FLAG_STATED
    )


def done(days_ago: float, y: float) -> Evidence:
    source = f"j{days_ago}".encode().ljust(16)
    return Evidence(source, "s", Channel.JOB, NOW - int(days_ago * DAY_MS), round(y * Y_ONE), W_ONE, 0)


def found(*rows: Evidence) -> dict[str, object]:
    part = confidence_part(sorted(rows, key=lambda e: e.t_ms))
    assert part is not None
    return part


@pytest.mark.parametrize(("sure", "verdict"), [(0.9, "over"), (0.5, "about-right"), (0.2, "under")])
def test_what_was_said_is_held_against_what_followed(sure: float, verdict: str) -> None:
    part = found(said(20, sure), *(done(n, float(n % 2)) for n in range(1, 13)))
    assert part["verdict"] == verdict
    assert (part["stated"], part["shown"], part["outcomes"]) == (pytest.approx(sure, abs=1e-4), 0.5, 12)


def test_only_what_came_after_counts_until_the_next_statement_or_for_a_month() -> None:
    before = [done(n, 0.0) for n in range(21, 30)]
    after = [done(n, 1.0) for n in range(11, 19)]
    later = [done(n, 0.0) for n in range(1, 9)]
    part = found(*before, said(20, 1.0), *after, said(10, 0.0), *later)
    assert part["verdict"] == "about-right"
    assert part["stated"] == part["shown"] == 0.5
    assert found(said(FOLLOW_DAYS + 20, 1.0), *later)["verdict"] == "too-early"


def test_too_few_outcomes_give_no_verdict_and_nothing_said_gives_nothing() -> None:
    part = found(said(20, 1.0), done(3, 0.0), done(2, 0.0))
    assert (part["verdict"], part["shown"], part["outcomes"]) == ("too-early", None, 2)
    assert confidence_part([done(1, 1.0)]) is None


def test_what_somebody_says_never_moves_a_score() -> None:
    rows = [done(n, 1.0) for n in range(5)]
    sure, unsure = rebuild([*rows, said(1, 1.0)]), rebuild([*rows, said(1, 0.0)])
    assert encode_learner_evidence(sure) == encode_learner_evidence(unsure)


MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: s, name: S, kpis: [k]}]
activities:
  - {id: survey, name: Survey, match: {activity_prefix: "https://x.example/survey"}, evidence: [{skill: s, channel: voice}]}
"""  # noqa: E501


@pytest.mark.parametrize(
    ("result", "stated"),
    [
        ({"response": "b"}, 0.5),
        ({"response": "c"}, 1.0),
        ({"response": "x"}, None),
        ({"score": {"scaled": 0.25}}, 0.25),
    ],
)
def test_a_survey_answer_states_its_place_on_the_scale(
    result: dict[str, object], stated: float | None
) -> None:
    import json

    body = {
        "actor": {"mbox": "mailto:a@x.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/responded"},
        "object": {
            "id": "https://x.example/survey/1",
            "definition": {
                "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
                "interactionType": "likert",
                "scale": [{"id": step} for step in "abc"],
            },
        },
        "result": result,
    }
    program = Program(load_program(MAP, "map.yaml"))
    [e] = evidence_of_statement(program, decode_statement(json.dumps(body).encode()), b"1" * 16, NOW, NOW)
    assert (e.channel, e.w) == (Channel.VOICE, 0)
    assert (e.y / Y_ONE if e.flags & FLAG_STATED else None) == stated


def test_others_than_the_learner_see_neither_single_practices_nor_confidence() -> None:
    entry = {"channel": "practice", "outcome": 0.0, "moved": -3.0, "evidence": "x"}
    passed = {"channel": "practice", "outcome": 1.0, "moved": 3.0, "evidence": "y"}
    job = {"channel": "job", "outcome": 0.0, "moved": -1.0, "evidence": "z"}
    explanation = {
        "evidence": [entry, passed, job],
        "prior": {
            "pi": 0.5,
            "sums": [{"channel": "practice"}, {"channel": "job"}],
            "contributions": [
                {
                    "feature": "bias",
                    "words": "start",
                    "value": 1.0,
                    "weight": -0.25,
                    "logit": -0.25,
                    "points": -6.0,
                },
                {
                    "feature": "practice_7d",
                    "words": "p",
                    "value": -1.0,
                    "weight": 0.5,
                    "logit": -0.5,
                    "points": -9.0,
                },
                {
                    "feature": "last_outcomes",
                    "words": "l",
                    "value": 0.5,
                    "weight": 0.2,
                    "logit": 0.1,
                    "points": 2.0,
                },
            ],
        },
        "calculation": [
            "start: 1.0 × -0.25 = -0.25",
            "p: -1.0 × 0.5 = -0.5",
            "l: 0.5 × 0.2 = +0.1",
            "sum = -0.65",
        ],
        "reviews": {
            "items": 1,
            "schedules": [{"item": "i", "lapses": 2, "stability_days": 1.0, "difficulty": 5.0}],
        },
        "confidence": {"verdict": "over"},
    }
    shown = without_the_learners_own(explanation)
    assert [e["outcome"] for e in shown["evidence"]] == [
        None,
        None,
        0.0,
    ]  # passed ones too: else the rest is told
    assert [e["moved"] for e in shown["evidence"]] == [None, None, -1.0]
    assert shown["prior"]["sums"] == [{"channel": "job"}]
    assert [(c["feature"], c["logit"], c["points"]) for c in shown["prior"]["contributions"]] == [
        ("bias", -0.25, -6.0),
        ("practice", -0.4, -7.0),  # joined: the features of practice alone say how the last one went
    ]
    assert [line.split(": ")[-1] for line in shown["calculation"]] == [
        "1.0 × -0.25 = -0.25",
        "-0.4000 × 1.0000 = -0.4000",
        "sum = -0.65",
    ]
    assert shown["confidence"] is None
    assert shown["reviews"]["schedules"][0]["lapses"] is None
    assert explanation["evidence"][0]["outcome"] == 0.0
