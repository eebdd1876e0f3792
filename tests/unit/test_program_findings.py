"""Proves that each finding about a program map is provoked by its fault, at its place, and by nothing else.

One map is sound and has every section. Each case changes one thing in it; together the cases provoke every code
that the linter knows, so none can be documented without being found, nor found without being documented.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from carrythrough.authoring.source import Lint
from carrythrough.program.findings import FINDINGS
from carrythrough.program.load import Surroundings, check_program
from carrythrough.program.part import day_number

ANSWERED = "http://adlnet.gov/expapi/verbs/answered"
PASSED = "http://adlnet.gov/expapi/verbs/passed"
AROUND = Surroundings(
    adapters=frozenset({"console", "slack"}),
    roles=frozenset({"agent", "lead"}),
    teams=frozenset({"blue", "green"}),
    sites=frozenset({"north"}),
    people=frozenset({"e-1", "e-2"}),
    today=day_number("2026-06-01"),
)


def sound() -> dict[str, Any]:
    """Return a map about which there is nothing to say."""
    return {
        "map": "m",
        "version": 1,
        "name": "M",
        "goals": [
            {
                "id": "g",
                "name": "G",
                "kpis": [
                    {"id": "k", "name": "K", "target": 1.0, "baseline": {"days": 90}},
                    {"id": "team", "name": "T", "target": 1.0, "grain": "team"},
                ],
            }
        ],
        "skills": [
            {"id": "calm", "name": "Calm", "kpis": ["k", "team"], "roles": {"agent": 1.0}},
            {"id": "ask", "name": "Ask", "kpis": ["k"], "roles": {"agent": 0.5}, "requires": ["calm"]},
        ],
        "objectives": [
            {
                "id": "o",
                "skill": "calm",
                "statement": "Does it.",
                "activities": ["quiz"],
                "shown_by": ["calls"],
            },
            {"id": "o2", "skill": "ask", "statement": "Asks.", "activities": ["quiz"]},
        ],
        "activities": [
            {
                "id": "quiz",
                "name": "Quiz",
                "match": {"activity_prefix": "https://x/q/", "verb": ANSWERED},
                "evidence": [
                    {"skill": "calm", "channel": "learn", "outcome": "success"},
                    {"skill": "ask", "channel": "learn", "outcome": "success"},
                ],
            },
            {
                "id": "aid",
                "name": "Aid",
                "modality": "support",
                "match": {"activity": "https://aids/1"},
                "evidence": {"skill": "calm", "channel": "support"},
            },
        ],
        "events": [
            {
                "id": "calls",
                "match": {"kind": "qa-result"},
                "evidence": [{"skill": "calm", "channel": "job"}, {"skill": "ask", "channel": "job"}],
            }
        ],
        "reinforcement": [
            {
                "id": "nudge",
                "when": {"stage": "unapplied", "unseen": {"channel": "job", "days": 21}},
                "action": "nudge",
                "title": "T",
                "body": "B",
                "link": "https://l.example/1",
                "adapters": "console",
            }
        ],
        "programs": [
            {
                "id": "p",
                "name": "P",
                "start": "2026-03-01",
                "end": "2026-12-31",
                "rollout": "staggered",
                "cohorts": [
                    {"id": "one", "teams": "blue"},
                    {"id": "two", "teams": "green", "start": "2026-05-01"},
                ],
            }
        ],
        "tests": [
            {
                "id": "t",
                "name": "An answer is learning",
                "role": "agent",
                "given": [{"statement": {"verb": ANSWERED, "object": "https://x/q/1"}}],
                "expect": {
                    "evidence": [{"skill": "calm", "channel": "learn", "by": "quiz"}],
                    "actions": "nudge",
                },
            }
        ],
    }


def lints_of(document: dict[str, Any], around: Surroundings = AROUND) -> list[Lint]:
    return check_program(msgspec.json.encode(document).decode(), "m.json", around)[1]


def at(document: Any, *path: str | int) -> Any:
    for step in path:
        document = document[step]
    return document


Change = Callable[[dict[str, Any]], object]


def put(*path: str | int, **values: Any) -> Change:
    """Return a change that sets keys of the table at `path`."""
    return lambda document: at(document, *path).update(copy.deepcopy(values))


def drop(*path: str | int) -> Change:
    return lambda document: at(document, *path[:-1]).pop(path[-1])


def also(*path: str | int, entry: dict[str, Any]) -> Change:
    """Return a change that adds an entry to the list at `path`."""
    return lambda document: at(document, *path).append(copy.deepcopy(entry))


def activity(name: str = "new", **more: Any) -> dict[str, Any]:
    evidence = [{"skill": "calm", "channel": "learn", "outcome": "score"}]
    return {"id": name, "name": "N", "match": {"activity": "https://n/1"}, "evidence": evidence} | more


def rule(name: str = "new", action: str = "spaced-review", **when: Any) -> dict[str, Any]:
    texts = {"title": "T", "body": "B", "adapters": "console"}
    return {"id": name, "when": when or {"stage": "fading"}, "action": action} | texts


def event(name: str = "new", **match: Any) -> dict[str, Any]:
    return {"id": name, "match": match, "evidence": {"skill": "calm", "channel": "job"}}


QUIZ = ("activities", 0)
EVIDENCE = ("activities", 0, "evidence", 0)
KPI = ("goals", 0, "kpis", 0)
SKILL = ("skills", 0)
RULE = ("reinforcement", 0)
PROGRAM = ("programs", 0)
IRI = "https://ext.example/share"

CASES: list[tuple[str, str, Change]] = [
    # Names.
    ("duplicate-id", "/skills/1/id", put("skills", 1, id="calm")),
    ("duplicate-id", "/programs/0/cohorts/1/id", put("programs", 0, "cohorts", 1, id="one")),
    ("duplicate-id", "/tests/1/id", lambda d: d["tests"].append(d["tests"][0])),
    ("ambiguous-id", "/events/1/id", also("events", entry=event("quiz", kind="task-outcome"))),
    ("unknown-skill", "/skills/1/requires/0", put("skills", 1, requires=["clam"])),
    ("unknown-skill", "/reinforcement/0/skills/0", put(*RULE, skills=["clam"])),
    ("unknown-skill", "/programs/0/skills/0", put(*PROGRAM, skills="clam")),
    ("unknown-skill", "/tests/0/expect/stages/clam", put("tests", 0, "expect", stages={"clam": "fading"})),
    ("unknown-kpi", "/skills/0/kpis/1", put(*SKILL, kpis=["k", "taem"])),
    ("unknown-activity", "/objectives/0/activities/0", put("objectives", 0, activities=["quizz"])),
    ("unknown-source", "/objectives/0/shown_by/0", put("objectives", 0, shown_by="call")),
    ("unknown-source", "/tests/0/expect/evidence/0/by", put("tests", 0, "expect", "evidence", 0, by="quizz")),
    ("unknown-rule", "/tests/0/expect/actions/0", put("tests", 0, "expect", actions="nudges")),
    ("requires-cycle", "/skills/1/requires/0", put(*SKILL, requires="ask")),
    ("requires-cycle", "/skills/0/requires/0", put(*SKILL, requires="calm")),
    ("bad-iri", "/skills/0/frameworks/0", put(*SKILL, frameworks="esco 12")),
    ("unknown-adapter", "/reinforcement/0/adapters/0", put(*RULE, adapters="consol")),
    ("unknown-adapter", "/policy/kill/adapters/0", lambda d: d.update(policy={"kill": {"adapters": "slak"}})),
    ("unknown-role", "/skills/0/roles/agnt", put(*SKILL, roles={"agnt": 1.0})),
    ("unknown-role", "/goals/0/kpis/0/targets/0/role", put(*KPI, targets={"role": "agnt", "target": 2.0})),
    ("unknown-role", "/tests/0/role", put("tests", 0, role="agnt")),
    ("unknown-site", "/goals/0/kpis/0/targets/0/site", put(*KPI, targets={"site": "nort", "target": 2.0})),
    ("unknown-team", "/programs/0/cohorts/0/teams/0", put("programs", 0, "cohorts", 0, teams="bleu")),
    ("unknown-person", "/programs/0/cohorts/0/people/0", put("programs", 0, "cohorts", 0, people="e-9")),
    # Business.
    ("goal-without-kpi", "/goals/1", also("goals", entry={"id": "h", "name": "H", "kpis": []})),
    ("kpi-without-skill", "/goals/0/kpis/1/id", put(*SKILL, kpis=["k"])),
    ("kpi-without-target", "/goals/0/kpis/0", drop(*KPI, "target")),
    ("skill-without-kpi", "/skills/1", put("skills", 1, kpis=[])),
    ("skill-without-role", "/skills/1", put("skills", 1, roles={})),
    (
        "skill-without-evidence",
        "/skills/2",
        also("skills", entry={"id": "x", "name": "X", "kpis": "k", "roles": {"agent": 1}}),
    ),
    ("target-unreachable", "/skills/0/target", put(*SKILL, target=1.0)),
    ("target-unreachable", "/skills/0/target", put(*SKILL, target=0)),
    ("target-for-nobody", "/goals/0/kpis/0/targets/0", put(*KPI, targets={"target": 2.0})),
    (
        "duplicate-target",
        "/goals/0/kpis/0/targets/1",
        put(*KPI, targets=[{"role": "agent", "target": 2}] * 2),
    ),
    (
        "source-conflict",
        "/events/1/match/source/0",
        lambda d: (
            d["goals"][0]["kpis"][0].update(source="survey"),
            d["events"].append(event(kind="kpi-reading", kpi="k", source="crm")),
        ),
    ),
    ("team-kpi", "/events/1/match/kpi/0", also("events", entry=event(kind="kpi-reading", kpi="team"))),
    ("dip-impossible", "/skills/0/dips/0", put(*SKILL, dips={"from": "2026-03-02", "to": "2026-03-01"})),
    (
        "baseline-impossible",
        "/goals/0/kpis/0/baseline",
        put(*KPI, baseline={"from": "2026-02-02", "to": "2026-02-01"}),
    ),
    (
        "baseline-impossible",
        "/goals/0/kpis/0/baseline",
        put(*KPI, baseline={"from": "2026-02-01", "days": 9}),
    ),
    ("baseline-impossible", "/goals/0/kpis/0/baseline", put(*KPI, baseline={"to": "2026-02-30"})),
    ("baseline-impossible", "/goals/0/kpis/0/baseline", put(*KPI, baseline={"from": "2026-03-05"})),
    ("baseline-in-program", "/goals/0/kpis/0/baseline/to", put(*KPI, baseline={"to": "2026-03-01"})),
    ("baseline-open", "/goals/0/kpis/0/baseline", lambda d: d["programs"].clear()),
    ("half-life-conflict", "/skills/0/half_life_days", put(*SKILL, volatile=True, half_life_days=90)),
    ("half-life-out-of-sense", "/skills/0/half_life_days", put(*SKILL, half_life_days=365)),
    ("half-life-out-of-sense", "/skills/0/half_life_days", put(*SKILL, half_life_days=7)),
    ("half-life-out-of-sense", "/skills/0/opportunity_days", put(*SKILL, opportunity_days=91)),
    ("half-life-out-of-sense", "/skills/0/opportunity_days", put(*SKILL, opportunity_days=31, volatile=True)),
    # Objectives.
    ("no-job-evidence", "/objectives/0/shown_by/0", put("objectives", 0, shown_by="quiz")),
    ("no-job-evidence", "/objectives/1", put("events", 0, evidence={"skill": "calm"})),
    ("objective-without-activity", "/objectives/0", put("objectives", 0, activities=[])),
    ("unrelated-activity", "/objectives/1/activities/0", put("objectives", 1, activities="aid")),
    # Activities and events.
    ("match-all", "/activities/0/match", put(*QUIZ, match={})),
    ("match-all", "/activities/0/match", put(*QUIZ, match={"except": {"verb": ANSWERED}})),
    ("match-all", "/events/0/match", put("events", 0, match={})),
    ("never-matches", "/activities/0/match/verb/0", put(*QUIZ, match={"verb": "answered"})),
    ("never-matches", "/activities/0/match/profile/0", put(*QUIZ, match={"profile": "cmi5"})),
    (
        "never-matches",
        "/activities/0/match/extension/0/iri",
        put(*QUIZ, match={"extension": {"iri": "level"}}),
    ),
    (
        "never-matches",
        "/activities/0/match/except/verb/0",
        put(*QUIZ, "match", **{"except": {"verb": "answered"}}),
    ),
    ("never-matches", "/activities/0/match/except", put(*QUIZ, "match", **{"except": {"verb": ANSWERED}})),
    (
        "never-matches",
        "/activities/0/match/except",
        put(*QUIZ, "match", **{"except": {"activity_prefix": "https://x/"}}),
    ),
    ("never-matches", "/activities/0/match", put(*QUIZ, "match", activity="https://y/1")),
    ("no-evidence", "/activities/2", also("activities", entry=activity(evidence=[]))),
    ("no-evidence", "/events/1", also("events", entry=event(kind="task-outcome") | {"evidence": []})),
    (
        "duplicate-evidence",
        "/activities/0/evidence/1/skill",
        put("activities", 0, "evidence", 1, skill="calm"),
    ),
    ("channel-conflict", "/activities/0/evidence/0/outcome", put(*EVIDENCE, channel="voice")),
    (
        "channel-conflict",
        "/events/1/evidence/0/channel",
        also("events", entry=event(kind="job-aid-use")),
    ),
    ("extension-missing", "/activities/0/evidence/0/outcome", put(*EVIDENCE, outcome="extension")),
    ("extension-missing", "/activities/0/evidence/0/item", put(*EVIDENCE, item="extension")),
    (
        "bad-iri",
        "/activities/0/evidence/0/extension/iri",
        put(*EVIDENCE, outcome="extension", extension={"iri": "x"}),
    ),
    (
        "scale-impossible",
        "/activities/0/evidence/0/extension",
        put(*EVIDENCE, outcome="extension", extension={"iri": IRI, "worst": 1}),
    ),
    ("setting-unused", "/activities/0/evidence/0/extension", put(*EVIDENCE, extension={"iri": IRI})),
    (
        "setting-unused",
        "/activities/0/evidence/0/item_extension",
        put(*EVIDENCE, item_extension={"iri": IRI}),
    ),
    ("setting-unused", "/activities/0/evidence/0/difficulty", put(*EVIDENCE, outcome="none", difficulty=0.3)),
    ("setting-unused", "/activities/0/evidence/0/item", put(*EVIDENCE, outcome="none", item="activity")),
    ("setting-unused", "/events/0/evidence/1/skill", put("events", 0, "evidence", 1, skill="calm")),
    ("weight-zero", "/activities/0/evidence/0/weight", put(*EVIDENCE, weight=0)),
    ("weight-zero", "/events/0/evidence/0/weight", put("events", 0, "evidence", 0, weight=0)),
    ("modality-conflict", "/activities/0/evidence/0/channel", put(*QUIZ, modality="support")),
    ("modality-conflict", "/activities/0/evidence/0/channel", put(*EVIDENCE, channel="job")),
    (
        "shadowed",
        "/activities/2/match",
        also("activities", entry=activity(match=dict(sound()["activities"][0]["match"]))),
    ),
    ("shadowed", "/events/1/match", also("events", entry=event(kind="qa-result", source="crm"))),
    (
        "shadowed",
        "/reinforcement/1",
        also(
            "reinforcement",
            entry=rule("r", "nudge", stage="unapplied", unseen={"channel": "job", "days": 30}),
        ),
    ),
    (
        "overlapping-evidence",
        "/activities/2/match",
        also("activities", entry=activity(match={"activity_prefix": "https://x/q/deep/"})),
    ),
    ("overlapping-evidence", "/events/1/match", also("events", entry=event(source="crm"))),
    # Actions.
    ("no-content", "/reinforcement/0", put(*RULE, title="")),
    ("no-adapter", "/reinforcement/0", put(*RULE, adapters=[])),
    ("bad-link", "/reinforcement/0/link", put(*RULE, link="intranet/help")),
    (
        "rule-switched-off",
        "/reinforcement/0/action",
        lambda d: d.update(policy={"kill": {"actions": "nudge"}}),
    ),
    ("expires-in-quiet", "/reinforcement/0/expires_h", put(*RULE, expires_h=11)),
    ("nothing-sent", "/policy/per_day", lambda d: d.update(policy={"per_day": 0})),
    (
        "nothing-sent",
        "/policy/days_off",
        lambda d: d.update(policy={"days_off": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}),
    ),
    ("needs-order", "/needs", lambda d: d.update(needs={"high_from": 0.2, "medium_from": 0.2})),
    ("acts-always", "/reinforcement/0/when", put(*RULE, when={"certainty": 0.9})),
    ("acts-on-nothing", "/reinforcement/0/when/stage/0", put(*RULE, when={"stage": "not-enough-evidence"})),
    ("acts-in-dip", "/reinforcement/0/when/stage/1", put(*RULE, when={"stage": ["fading", "settling-in"]})),
    ("never-true", "/reinforcement/0/when/score_below", put(*RULE, when={"score_below": 0})),
    ("never-true", "/reinforcement/0/when/score_from", put(*RULE, when={"score_from": 1})),
    ("never-true", "/reinforcement/0/when", put(*RULE, when={"score_from": 0.6, "score_below": 0.6})),
    (
        "never-true",
        "/reinforcement/0/when/score_below",
        put(*RULE, when={"falls_within_days": 9, "score_below": 0.7}),
    ),
    (
        "never-true",
        "/reinforcement/0/when/score_from",
        put(*RULE, when={"stage": "underperforming", "score_from": 0.8}),
    ),
    (
        "never-true",
        "/reinforcement/0/when/score_below",
        put(*RULE, when={"stage": "carried-through", "score_below": 0.7}),
    ),
    (
        "never-true",
        "/reinforcement/0/when/seen/0",
        put(*RULE, when={"seen": {"channel": "learn", "days": 9, "at_most": 0}}),
    ),
    (
        "never-true",
        "/reinforcement/0/when/seen/0/result",
        put(*RULE, when={"seen": {"channel": "voice", "days": 9, "result": "failure"}}),
    ),
    (
        "never-true",
        "/reinforcement/0/when/seen/0",
        put(*RULE, when={"seen": {"channel": "exposure", "days": 9, "at_least": 2}}),
    ),
    (
        "never-true",
        "/reinforcement/0/when/unseen/0",
        put(*RULE, when={"seen": {"channel": "job", "days": 14}, "unseen": {"channel": "job", "days": 14}}),
    ),
    (
        "rule-for-nobody",
        "/reinforcement/0/when/falls_within_days",
        put(*RULE, when={"stage": "underperforming", "falls_within_days": 7}),
    ),
    (
        "rule-for-nobody",
        "/reinforcement/0/when/seen/0",
        put(*RULE, when={"seen": {"channel": "job", "days": 9, "at_least": 0}}),
    ),
    (
        "window-too-short",
        "/reinforcement/0/when/seen/0/days",
        put(*RULE, when={"seen": {"channel": "job", "days": 7, "at_least": 3}}),
    ),
    (
        "absence-too-short",
        "/reinforcement/0/when/unseen/0/days",
        put(*RULE, when={"unseen": {"channel": "job", "days": 13}}),
    ),
    # Programs.
    ("program-dates", "/programs/0/end", put(*PROGRAM, end="2026-02-01")),
    ("program-dates", "/programs/0/start", put(*PROGRAM, start="2026-02-30")),
    ("program-dates", "/programs/0/cohorts/1/start", put("programs", 0, "cohorts", 1, start="2026-02-01")),
    ("program-dates", "/programs/0/cohorts/1/start", put("programs", 0, "cohorts", 1, start="2027-02-01")),
    ("program-ended", "/programs/0/end", put(*PROGRAM, end="2026-05-31")),
    ("program-without-start", "/programs/0", drop(*PROGRAM, "start")),
    ("cohort-empty", "/programs/0/cohorts/0", put("programs", 0, "cohorts", 0, teams=[])),
    ("cohort-overlap", "/programs/0/cohorts/1", put("programs", 0, "cohorts", 1, teams="blue")),
    (
        "cohort-overlap",
        "/programs/0/cohorts/1/people/0",
        lambda d: [cohort.update(people=["e-1"]) for cohort in d["programs"][0]["cohorts"]],
    ),
    ("rollout-without-comparison", "/programs/0/rollout", put(*PROGRAM, rollout="randomised", cohorts=[])),
    ("rollout-without-comparison", "/programs/0/rollout", drop("programs", 0, "cohorts", 1)),
    (
        "rollout-without-comparison",
        "/programs/0/rollout",
        lambda d: (
            d["programs"][0].update(rollout="none"),
            d["programs"][0]["cohorts"][1].update(comparison=True),
        ),
    ),
    # Tests.
    ("test-given", "/tests/0/given/0", put("tests", 0, given=[{"days_ago": 3}])),
    ("test-given", "/tests/0/given/0", put("tests", 0, "given", 0, event={"kind": "qa-result"})),
    ("test-expects-nothing", "/tests/0/expect", put("tests", 0, expect={})),
]


def test_there_is_nothing_to_say_about_the_sound_map() -> None:
    assert [lint.sentence() for lint in lints_of(sound())] == []


def test_the_cases_provoke_every_finding_that_is_documented() -> None:
    assert {code for code, _, _ in CASES} == set(FINDINGS)


@pytest.mark.parametrize(("code", "pointer", "change"), CASES)
def test_a_fault_is_found_where_it_stands(code: str, pointer: str, change: Change) -> None:
    document = sound()
    change(document)
    lints = lints_of(document)
    found = [lint for lint in lints if lint.code == code]
    assert pointer in [lint.pointer for lint in found], [lint.sentence() for lint in lints]
    for lint in lints:
        assert lint.severity == FINDINGS[lint.code].severity
        assert lint.message
        assert lint.rule
        assert lint.why
        assert lint.fix
        assert lint.line >= 1
        assert not lint.message.endswith(".")


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        (put(*SKILL, kpis=["k", "taem"]), 'did you mean "team"?'),
        (put("objectives", 0, shown_by="call"), 'did you mean "calls"?'),
        (put(*RULE, adapters="consol"), 'did you mean "console"?'),
        (put("programs", 0, "cohorts", 0, teams="bleu"), 'did you mean "blue"?'),
        (put(*SKILL, roles={"agnt": 1.0}), 'did you mean "agent"?'),
        (put("tests", 0, "expect", actions="nudges"), 'did you mean "nudge"?'),
    ],
)
def test_a_name_that_is_nearly_right_is_suggested(change: Change, fix: str) -> None:
    document = sound()
    change(document)
    assert fix in [lint.fix for lint in lints_of(document)]


def test_what_is_around_the_map_is_looked_at_only_where_it_is_known() -> None:
    document = sound()
    put(*RULE, adapters="consol")(document)
    put("programs", 0, "cohorts", 0, teams="bleu", people="e-9")(document)
    put(*PROGRAM, end="2026-05-31")(document)
    assert lints_of(document, Surroundings()) == []
    assert {lint.code for lint in lints_of(document)} == {
        "unknown-adapter", "unknown-team", "unknown-person", "program-ended",
    }  # fmt: skip


def test_one_entry_written_without_its_list_has_its_place() -> None:
    text = """\
map: m
version: 1
name: M
skills: [{id: s, name: S}]
events:
  - id: e
    match: {kind: qa-result}
    evidence: {skill: t, channel: job}
"""
    program, lints = check_program(text, "m.yaml")
    assert program is None
    assert [(lint.code, lint.line, lint.column) for lint in lints if lint.severity == "error"] == [
        ("unknown-skill", 8, 23)
    ]


def test_a_long_circle_is_told_once_and_whole() -> None:
    document = sound()
    names = [f"s{n}" for n in range(30)]
    document["skills"] += [
        {
            "id": name,
            "name": "N",
            "kpis": "k",
            "roles": {"agent": 1},
            "requires": [names[(n + 1) % 30], "calm"],
        }
        for n, name in enumerate(names)
    ]
    circles = [lint for lint in lints_of(document) if lint.code == "requires-cycle"]
    assert len(circles) == 1
    assert circles[0].message.count("→") == 30


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ({"verb": ANSWERED}, {"activity_prefix": "https://x/"}, True),
        ({"verb": ANSWERED}, {"activity_prefix": "https://x/", "verb": PASSED}, False),
        ({"verb": ANSWERED}, {"activity_prefix": "https://x/", "verb": [PASSED, ANSWERED]}, True),
        ({"verb": ANSWERED}, {"activity_prefix": "https://x/", "verb": ANSWERED}, False),  # a special case
        ({"activity": ["https://a", "https://b"]}, {"activity": ["https://b", "https://c"]}, True),
        ({"activity": "https://a"}, {"activity": "https://b"}, False),
        ({"activity_prefix": ["https://a/", "https://b/"]}, {"activity_prefix": "https://a/1"}, False),
        (
            {"activity_prefix": ["https://a/1", "https://b/"]},
            {"activity_prefix": ["https://a/", "https://c/"]},
            True,
        ),
        ({"parent": "https://p"}, {"parent": "https://q"}, False),
        ({"parent": "https://p"}, {"verb": ANSWERED}, True),
        ({"parent": "https://p", "except": {"verb": ANSWERED}}, {"verb": ANSWERED}, False),
        (
            {"verb": ANSWERED, "extension": {"iri": IRI, "equals": "easy"}},
            {"activity_prefix": "https://x/", "extension": {"iri": IRI, "equals": "hard"}},
            False,
        ),
    ],
)
def test_activities_overlap_where_neither_is_a_special_case(
    first: dict[str, Any], second: dict[str, Any], overlap: bool
) -> None:
    for one, other in ((first, second), (second, first)):
        document = sound()
        document["activities"] = [activity("one", match=one), activity("other", match=other)]
        codes = [lint.code for lint in lints_of(document)]
        assert ("overlapping-evidence" in codes) is overlap, (one, other)


def test_activities_that_differ_by_skill_or_channel_may_share_statements() -> None:
    document = sound()
    meeting = [activity("one", match={"verb": ANSWERED}), activity("other", match={"parent": "https://p"})]
    meeting[1]["evidence"] = [{"skill": "ask", "channel": "learn", "outcome": "score"}]
    document["activities"] = meeting
    assert "overlapping-evidence" not in [lint.code for lint in lints_of(document)]
    meeting[1]["evidence"] = [{"skill": "calm", "channel": "practice", "outcome": "score"}]
    assert "overlapping-evidence" not in [lint.code for lint in lints_of(document)]
