"""Whose evidence is whose depends on the roster in force alone.

After any changes of the roster the state is the one that the roster of the end would have given from the
start, whatever came between and however it was cut.
"""

from __future__ import annotations

from hashlib import sha1
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carrythrough.errors import PermanentError
from carrythrough.events.performance import PerformanceEvent, source_id
from carrythrough.evidence.cmi5 import CATEGORY
from carrythrough.identity.changes import PutPerson, RemovePerson, after_changes
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Identifier, Person, Roster, RosterAccount
from carrythrough.pipeline.contest import Contest, encode_contest, evidence_id
from carrythrough.pipeline.effects import Effect, ScoreChanged, ScoreRetracted, SetAside
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import ROSTERS, VOIDED_VERB, Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.model import SHIPPED
from carrythrough.xapi.admission import decode_statement

DAY = 86_400_000
NOW = 20_000 * DAY
MAP = """
map: merging
version: 1
name: Merging
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 10, noise_sd: 2, reliability: 0.4}]}]
skills:
  - {id: calm, name: Staying calm, kpis: [k], job_aid_minutes: 60}
  - {id: fix, name: Fixing, kpis: [k], volatile: true}
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/quiz/"}, evidence: [{skill: calm, channel: learn, outcome: score}, {skill: fix, channel: learn, outcome: score, weight: 0.5}]}
  - {id: unit, name: Unit, match: {activity_prefix: "https://x.example/unit/"}, evidence: [{skill: fix, channel: practice, outcome: success}]}
  - {id: film, name: Film, match: {activity_prefix: "https://x.example/film/"}, evidence: [{skill: calm, channel: exposure}]}
events:
  - {id: qa, match: {kind: [qa-result]}, evidence: [{skill: calm, channel: job}]}
  - {id: aid, match: {kind: job-aid-use}, evidence: [{skill: calm, channel: support}]}
reinforcement:
  - {id: review, when: {stage: fading}, action: spaced-review, title: t, body: b, link: "https://x.example/r"}
  - {id: use-it, when: {stage: unapplied}, action: nudge, title: t, body: b, link: "https://x.example/n"}
policy: {holdout: 0.0, minimum_outcomes: 2, minimum_effective: 1}
"""  # noqa: E501
PROGRAM = Program(load_program(MAP, "map.yaml"))
KEY = b"k" * 32
EMPTY = RosterIndex(Roster(people=()), KEY)

ANN, BO = "mailto:ann@x.example", "mailto:bo@x.example"
HOME = "https://lms.x.example"


def hashed(text: str) -> str:
    return sha1(text.encode()).hexdigest()


ACTORS: list[dict[str, Any]] = [
    {"mbox": ANN},
    {"mbox": "mailto:Ann@X.example"},
    {"mbox_sha1sum": hashed(ANN)},
    {"mbox_sha1sum": hashed("ann@x.example")},
    {"mbox": BO},
    {"mbox_sha1sum": hashed(BO)},
    {"openid": "https://id.x.example/ann"},
    {"account": {"homePage": HOME, "name": "ann"}},
    {"account": {"homePage": HOME + "/", "name": "Ann"}},
    {"account": {"homePage": HOME, "name": "ANN"}},
]
EMPLOYEES = ["e-0", "e-1", "e-2", "old-1"]
IDENTIFIERS = [
    Identifier(mbox=ANN),
    Identifier(mbox=BO),
    Identifier(mbox_sha1sum=hashed(ANN)),
    Identifier(mbox_sha1sum=hashed("bo@x.example")),
    Identifier(openid="https://id.x.example/ann"),
    Identifier(account=RosterAccount(home_page=HOME, name="ann")),
    Identifier(account=RosterAccount(home_page=HOME, name="ANN")),
    Identifier(account=RosterAccount(home_page=HOME + "/", name="ann")),
]


def id_of(number: int) -> bytes:
    return number.to_bytes(16, "big")


def uuid_of(key: bytes) -> str:
    h = key.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def statement(number: int, actor: dict[str, Any], kind: str, share: int, age: int) -> Record:
    body: dict[str, Any] = {
        "actor": actor,
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": f"https://x.example/{kind}/{number % 2}"},
    }
    if kind != "film":
        body["result"] = {"score": {"scaled": share / 4}, "success": share >= 2}
    if kind == "unit":
        verb = ("passed" if share >= 2 else "failed") if share else "completed"
        body["verb"] = {"id": f"http://adlnet.gov/expapi/verbs/{verb}"}
        body["object"] = {"id": "https://x.example/unit/1"}
        body["context"] = {
            "registration": uuid_of(id_of(7)),
            "contextActivities": {"category": [{"id": CATEGORY}]},
        }
        if verb == "completed":
            body["result"] = {"completion": True}
    return Record(0, Kind.STATEMENT, 0, id_of(number), NOW - age, decode_statement(msgspec.json.encode(body)))


def event(
    number: int, who: dict[str, Any] | str, kind: str, share: int, age: int, corrects: int = 0
) -> Record:
    members: dict[str, Any] = {"id": str(number), "source": "s", "kind": kind, "time": "2024-01-01T00:00:00Z"}
    members |= {"employee": who} if isinstance(who, str) else {"actor": who}
    if kind == "qa-result":
        members["outcome"] = {"score": share / 4}
    if corrects:
        members["corrects"] = str(corrects)
    content = msgspec.convert(members, PerformanceEvent)
    return Record(0, Kind.EVENT, 0, source_id("s", str(number)), NOW - age, content)


def void(number: int, target: bytes) -> Record:
    body = {
        "actor": {"mbox": "mailto:admin@x.example"},
        "verb": {"id": VOIDED_VERB},
        "object": {"objectType": "StatementRef", "id": uuid_of(target)},
    }
    return Record(0, Kind.STATEMENT, 0, id_of(number), NOW, decode_statement(msgspec.json.encode(body)))


def contest(target: bytes, skill: str, channel: int, *, restore: bool) -> Record:
    text = encode_contest(
        Contest(evidence=(evidence_id((target, skill, channel)),), by="b", reason="r", restore=restore)
    )
    return Record(0, Kind.CONTEST, 0, b"", -1, text.decode())


AGES = st.one_of(st.integers(0, 7_200_000), st.integers(0, 60 * DAY), st.just(3_000 * DAY))
PEOPLE = st.builds(
    Person,
    id=st.sampled_from(["e-0", "e-1", "e-2"]),
    identifiers=st.lists(st.sampled_from(IDENTIFIERS), max_size=3, unique=True).map(tuple),
    email=st.sampled_from(["", "", "ann@x.example", "Bo@x.example"]),
    former_emails=st.sampled_from([(), (), ("bo@x.example",)]),
    aliases=st.sampled_from([(), (), ("old-1",), ("e-2",)]),
    team=st.sampled_from(["", "red"]),
)
CHANGES = st.lists(
    st.one_of(
        PEOPLE.map(PutPerson), PEOPLE.map(PutPerson), st.sampled_from(["e-0", "e-1"]).map(RemovePerson)
    ),
    min_size=1,
    max_size=3,
)
ROSTERS_GIVEN = st.lists(PEOPLE, max_size=3, unique_by=lambda person: person.id).map(
    lambda people: Roster(people=tuple(people))
)


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """Statements, events, voids, contests, corrections, re-sends, ticks and roster records, in any order."""
    records: list[Record] = []
    for _ in range(draw(st.integers(3, 26))):
        number = len(records) + 1
        ids = [r.id for r in records if r.kind in (Kind.STATEMENT, Kind.EVENT)] or [id_of(1)]
        what = draw(st.sampled_from("sssseeeerrrrvctud"))
        share, age = draw(st.integers(0, 4)), draw(AGES)
        actor = draw(st.sampled_from(ACTORS))
        if what in "su":
            kind = "unit" if what == "u" else draw(st.sampled_from(["quiz", "film", "unit"]))
            records.append(statement(number, actor, kind, share, age))
        elif what == "e":
            who = draw(st.one_of(st.just(actor), st.sampled_from(EMPLOYEES)))
            corrects = draw(st.sampled_from([0, 0, 0, draw(st.integers(1, number))]))
            kind = draw(st.sampled_from(["qa-result", "qa-result", "job-aid-use"]))
            records.append(event(number, who, kind, share, age, corrects))
        elif what == "r":
            change = draw(st.one_of(CHANGES, CHANGES, ROSTERS_GIVEN))
            kind_of = Kind.ROSTER if isinstance(change, Roster) else Kind.ROSTER_CHANGE
            records.append(Record(0, kind_of, 0, b"", -1, change))
        elif what == "v":
            target = draw(st.one_of(st.sampled_from(ids), st.integers(1, 30).map(id_of)))
            records.append(void(1_000 + number, target))
        elif what == "c":
            skill, channel = draw(st.sampled_from([("calm", 0), ("fix", 0), ("fix", 1), ("calm", 2)]))
            target = draw(st.sampled_from(ids))
            records.append(contest(target, skill, channel, restore=draw(st.booleans())))
        elif what == "d":
            again = [r for r in records if r.kind in (Kind.STATEMENT, Kind.EVENT)]
            records += [draw(st.sampled_from(again))] if again else []
        else:
            records.append(Record(0, Kind.TICK, 0, b"", -1, None))
    return [
        msgspec.structs.replace(r, position=n + 1, stored_ms=NOW + n * 3_600_000)
        for n, r in enumerate(records)
    ]


def run(log: list[Record], cuts: set[int]) -> tuple[State, list[Effect], RosterIndex]:
    """Fold a log with the roster that is in force at each place; what conflicts is passed over."""
    state, effects, in_force = State(), [], InForce(PROGRAM, EMPTY, SHIPPED)
    batch: list[Record] = []
    for at, record in enumerate(log):
        if record.kind in ROSTERS or at in cuts:
            state, more = step(state, batch, in_force)
            effects, batch = effects + more, []
        if record.kind not in ROSTERS:
            batch.append(record)
            continue
        try:
            in_force = changed(in_force, record)
        except PermanentError:
            continue
        state, more = step(state, [record], in_force)
        effects += more
    state, more = step(state, batch, in_force)
    return state, effects + more, in_force.directory


def unique(roster: Roster) -> Roster:
    """Return what of a roster can stand: people are left out who take what somebody before them has."""
    kept = EMPTY
    for person in roster.people:
        try:
            kept = after_changes(kept, [PutPerson(person)])
        except PermanentError:
            continue
    return Roster(people=tuple(kept.people.values()))


def right_from_the_start(log: list[Record], roster: RosterIndex) -> State:
    in_force = InForce(PROGRAM, roster, SHIPPED)
    return step(State(), [r for r in log if r.kind not in ROSTERS], in_force)[0]


COMMON = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(logs())
@COMMON
def test_the_state_is_that_of_the_right_roster_from_the_start(log: list[Record]) -> None:
    state, _, roster = run(log, set())
    right = right_from_the_start(log, roster)
    assert state.evidence_bytes() == right.evidence_bytes()
    assert state.rows == right.rows
    assert state.units == right.units
    assert (state.voids, state.set_out, state.ends) == (right.voids, right.set_out, right.ends)
    owners = {key[0] for key in right.rows} | {home[0] for home in right.units}
    outside = {subject for subject in owners if roster.person(subject) is None}
    assert state.outside.keys() == outside
    assert {s: (o.kind, o.host, o.kin) for s, o in state.outside.items()} == {
        s: (o.kind, o.host, o.kin) for s, o in right.outside.items()
    }
    assert not state.gone & owners


@given(logs(), st.sets(st.integers(1, 30), max_size=8))
@COMMON
def test_any_batching_gives_the_same_state_and_effects(log: list[Record], cuts: set[int]) -> None:
    one, effects, _ = run(log, set())
    other, more, _ = run(log, cuts)
    assert other.all_bytes() == one.all_bytes()
    assert (other.rows, other.units, other.outside, other.gone) == (
        one.rows,
        one.units,
        one.outside,
        one.gone,
    )
    assert more == effects


@given(logs())
@COMMON
def test_what_is_published_follows(log: list[Record]) -> None:
    state, effects, _ = run(log, set())
    ids = [effect.id for effect in effects]
    assert len(ids) == len(set(ids))
    last: dict[tuple[str, str], ScoreChanged | ScoreRetracted] = {}
    for effect in effects:
        if isinstance(effect, ScoreChanged | ScoreRetracted):
            key = (effect.subject, effect.skill)
            assert key not in last or effect.sequence > last[key].sequence
            assert key not in last or effect.as_of_ms >= last[key].as_of_ms
            last[key] = effect
    for subject, learner in state.learners.items():
        for skill, pair in learner.pairs.items():
            said = last.get((subject, skill))
            score = said.score if isinstance(said, ScoreChanged) else None
            assert pair.published.score == (-1 if score is None else round(score * 10_000))
            if subject in state.gone and said is not None:
                assert isinstance(said, ScoreRetracted), "nothing of a pseudonym without evidence stands"


@given(logs())
@COMMON
def test_nothing_is_published_of_who_is_kept_aside(log: list[Record]) -> None:
    """After each record: nothing stands of actors whom a roster does not know, and scores of all others do."""
    state, in_force = State(), InForce(PROGRAM, EMPTY, SHIPPED)
    for record in log:
        if record.kind in ROSTERS:
            try:
                in_force = changed(in_force, record)
            except PermanentError:
                continue
        state, effects = step(state, [record], in_force)
        aside = in_force.directory.keeps_aside
        assert not [e for e in effects if not isinstance(e, ScoreRetracted | SetAside) and aside(e.subject)]
        for subject, learner in state.learners.items():
            for skill, pair in learner.pairs.items():
                stands = pair.published.stage or pair.published.score >= 0
                if aside(subject):
                    assert not stands
                    assert (pair.published.due_ms, learner.refresh_ms) == (0, 0)
                elif any(channel is not None and channel.count for channel in pair.channels):
                    assert stands, (subject, skill)
            if aside(subject):
                assert subject in state.outside or subject in state.gone


def changed(in_force: InForce, record: Record) -> InForce:
    before = in_force.directory
    if record.kind is Kind.ROSTER:
        after = RosterIndex(unique(record.content), KEY, position=record.position)
    else:
        after = after_changes(before, record.content, record.position)
    return msgspec.structs.replace(in_force, directory=after, roster_before=before)


@given(logs())
@COMMON
def test_pushes_go_on_counting(log: list[Record]) -> None:
    state, effects, _ = run(log, set())
    moved = [effect for effect in effects if isinstance(effect, ScoreRetracted)]
    pushed = [
        e
        for e in effects
        if e.__class__.__name__ == "ActionRequested" and e.as_of_ms > log[-1].stored_ms - 6 * DAY
    ]
    if moved:
        kept = sorted(t for learner in state.learners.values() for t in learner.pushes)
        assert all(effect.as_of_ms in kept for effect in pushed), (
            "caps know of every push, whoever it was sent to"
        )
