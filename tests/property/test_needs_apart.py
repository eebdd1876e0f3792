"""Needs surveys stay apart from outcomes, and what they come to does not depend on the order of arrival.

A log is folded with and without surveys in it, as events and as statements, by people and their managers, voided,
corrected and retracted: no state of evidence, no score and no stage may differ by them. The needs read from the
surveys are a function of the set of them alone.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.events.performance import admit_events
from carrythrough.evidence.needs import EXTENSION
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Person, Roster
from carrythrough.pipeline.effects import ScoreChanged, StageChanged
from carrythrough.pipeline.needs import by_skill, latest, need_of
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import VOIDED_VERB, Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.model import SHIPPED
from carrythrough.xapi.admission import Limits, admit

HOUR = 3_600_000
NOW = 1_790_000_000_000
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 1}]}]
skills: [{id: calm, name: Calm, kpis: [k]}, {id: fix, name: Fix, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
events: [{id: any, match: {source: crm}, evidence: [{skill: fix, channel: job}]}]
reinforcement: [{id: r, when: {stage: not-yet-learnt}, action: nudge, title: T, body: B, link: "https://x.example/", adapters: [console]}]
policy: {holdout: 0.0, minimum_outcomes: 1, minimum_effective: 0.0, per_day: 10, per_week: 50, cooldown_h: 0, quiet: {from: "00:00", to: "00:00"}, days_off: []}
"""  # noqa: E501
PROGRAM = Program(load_program(MAP, "map.yaml"))
PEOPLE = (Person(id="e-1", email="ann@x.example"), Person(id="e-2", email="bo@x.example", manager="e-1"))
IN_FORCE = InForce(PROGRAM, RosterIndex(Roster(people=PEOPLE), b"k" * 32), SHIPPED)

answers = st.one_of(st.none(), st.sampled_from((1.0, 2.0, 3.5, 5.0)))
skills = st.builds(
    lambda skill, i, c, e: {
        "skill": skill,
        **{k: v for k, v in (("importance", i), ("confidence", c), ("expectation", e)) if v is not None},
    },
    st.sampled_from(("calm", "fix", "unheard-of")),
    st.sampled_from((1.0, 4.0)),
    answers,
    answers,
)
surveys = st.builds(
    lambda respondent, asked: {"respondent": respondent, "scale": "1-5", "skills": asked},
    st.sampled_from(("learner", "manager")),
    st.lists(skills, min_size=1, max_size=2, unique_by=lambda need: need["skill"]),
)
entries = st.one_of(
    st.tuples(st.just("answer"), st.sampled_from(("ann", "bo")), st.sampled_from((0.0, 0.4, 1.0))),
    st.tuples(st.just("job"), st.sampled_from(("e-1", "e-2")), st.booleans()),
    st.tuples(st.just("event"), st.sampled_from(("e-1", "e-2")), surveys),
    st.tuples(st.just("said"), st.sampled_from(("ann", "bo")), surveys),
    st.tuples(st.just("about"), st.sampled_from(("ann", "bo")), surveys),
    st.tuples(st.just("void"), st.integers(0, 30), st.none()),
    st.tuples(st.just("retract"), st.integers(0, 30), st.none()),
    st.tuples(st.just("tick"), st.none(), st.none()),
)
SURVEYS = ("event", "said", "about", "retract")


def statement(number: int, **members: Any) -> tuple[bytes, int, Any]:
    """Return (id, time, value) of a statement as admission gives it."""
    made = {
        "id": str(uuid.UUID(int=number + 1)),
        "verb": {"id": "http://x.example/answered"},
        "object": {"id": f"https://x.example/{number}"},
        "timestamp": "2026-09-20T10:00:00Z",
        **members,
    }
    [one] = admit(json.dumps(made).encode(), Limits(), "1.0.3")
    return one.id, one.t_ms, one.statement


def event(number: int, **members: Any) -> tuple[bytes, int, Any]:
    """Return (id, time, value) of a performance event as admission gives it."""
    made = {"id": str(number), "source": "crm", "time": "2026-09-20T10:00:00Z", **members}
    [one] = admit_events(json.dumps(made).encode(), "application/json")
    return one.id, one.t_ms, one.event


def record(position: int, number: int, entry: Any) -> Record:
    """Return the record of an entry; number: of the entry, which voids and retractions name."""
    kind, who, what = entry
    stored = NOW + number * HOUR
    if kind == "tick":
        return Record(position, Kind.TICK, stored, b"", -1, None)
    actor = {"mbox": f"mailto:{who}@x.example"}
    match kind:
        case "answer":
            made = statement(number, actor=actor, result={"score": {"scaled": what}})
        case "said":
            made = statement(
                number,
                actor=actor,
                result={"score": {"scaled": 1.0}, "success": True, "extensions": {EXTENSION: what}},
            )
        case "about":
            lead = {"mbox": "mailto:lead@x.example"}
            about = {"objectType": "Agent", **actor}
            made = statement(number, actor=lead, object=about, result={"extensions": {EXTENSION: what}})
        case "void":
            target = {"objectType": "StatementRef", "id": str(uuid.UUID(int=who + 1))}
            made = statement(
                number, actor={"mbox": "mailto:adm@x.example"}, verb={"id": VOIDED_VERB}, object=target
            )
        case "job":
            made = event(number, kind="qa-result", employee=who, outcome={"met": what})
        case "event":
            made = event(number, kind="needs-survey", employee=who, needs=what, skill="calm")
        case _:
            made = event(
                number, kind="retraction", retracts=str(who if who != number else 999), employee="e-1"
            )
    is_event = kind in ("job", "event", "retract")
    return Record(position, Kind.EVENT if is_event else Kind.STATEMENT, stored, made[0], made[1], made[2])


def folded(entries: list[tuple[int, Any]]) -> tuple[State, list[Any]]:
    return step(
        State(), [record(n + 1, number, entry) for n, (number, entry) in enumerate(entries)], IN_FORCE
    )


@settings(max_examples=60)
@given(st.lists(entries, max_size=25))
def test_no_survey_moves_a_score(history: list[Any]) -> None:
    numbered = list(enumerate(history))
    spoken = {n for n, entry in numbered if entry[0] in ("event", "said", "about")}
    without = [
        (n, e)
        for n, e in numbered
        if e[0] not in SURVEYS
        or (e[0] == "retract" and e[1] not in spoken and history_has_job(history, e[1]))
    ]
    with_all, all_effects = folded(numbered)
    bare, bare_effects = folded(without)
    assert with_all.evidence_bytes() == bare.evidence_bytes()
    assert with_all.all_bytes() == bare.all_bytes()
    assert scores(all_effects) == scores(bare_effects)


def history_has_job(history: list[Any], number: int) -> bool:
    """Say whether an entry is a job result, which a retraction takes back."""
    return number < len(history) and history[number][0] == "job"


def scores(effects: list[Any]) -> list[bytes]:
    """Return what was published, in one order: surveys say which skill of a person is read first, and no more."""
    return sorted(msgspec.json.encode(e) for e in effects if isinstance(e, ScoreChanged | StageChanged))


@settings(max_examples=60)
@given(st.lists(entries.filter(lambda e: e[0] in (*SURVEYS, "void")), max_size=16), st.randoms())
def test_what_surveys_come_to_does_not_depend_on_their_order(history: list[Any], chance: Any) -> None:
    numbered = list(enumerate(history))
    one, _ = folded(numbered)
    chance.shuffle(numbered)
    other, _ = folded(numbered)
    assert needs(one) == needs(other)


def needs(state: State) -> dict[tuple[str, str], Any]:
    """Return the needs of everybody by (person, skill)."""
    settings_ = PROGRAM.map.needs
    found = {}
    for person in PEOPLE:
        subject = IN_FORCE.directory.subject_of_employee(person.id)
        for skill, said in by_skill(state.surveys(subject, IN_FORCE.directory)).items():
            if skill in PROGRAM.skills:
                last = latest(said, NOW + 40 * HOUR, settings_)
                found[person.id, skill] = need_of(last, PROGRAM.skills[skill], None, settings_)
    return found
