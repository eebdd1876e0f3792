"""The same set of evidence gives the same bytes: in any order, with any duplication, batching and void."""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carrythrough.events.performance import PerformanceEvent
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import VOIDED_VERB, Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.model import SHIPPED
from carrythrough.xapi.admission import decode_statement

DAY = 86_400_000
NOW = 20_000 * DAY
MAP = """
map: order
version: 1
name: Order
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 10, noise_sd: 2, reliability: 0.4}]}]
skills:
  - {id: calm, name: Staying calm, kpis: [k], job_aid_minutes: 60}
  - {id: fix, name: Fixing, kpis: [k], volatile: true}
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/quiz/"}, evidence: [{skill: calm, channel: learn, outcome: score, item: activity}, {skill: fix, channel: learn, outcome: score, weight: 0.5}]}
  - {id: sim, name: Sim, match: {activity_prefix: "https://x.example/sim/"}, evidence: [{skill: calm, channel: practice, outcome: success}]}
  - {id: film, name: Film, match: {activity_prefix: "https://x.example/film/"}, evidence: [{skill: calm, channel: exposure}]}
events:
  - {id: qa, match: {kind: [qa-result, task-outcome, kpi-reading, opportunity]}, evidence: [{skill: calm, channel: job}]}
  - {id: aid, match: {kind: job-aid-use}, evidence: [{skill: calm, channel: support}]}
  - {id: watch, match: {kind: observation}, evidence: [{skill: calm, channel: observed}]}
reinforcement:
  - {id: review, when: {stage: fading}, action: spaced-review, title: t, body: b, link: "https://x.example/r"}
  - {id: use-it, when: {stage: unapplied}, action: nudge, title: t, body: b, link: "https://x.example/n"}
  - {id: let-go, when: {stage: applied-with-support}, action: fade-job-aid, title: t, body: b, link: "https://x.example/f"}
policy: {holdout: 0.0}
"""  # noqa: E501
IN_FORCE = InForce(Program(load_program(MAP, "map.yaml")), RosterIndex(Roster(people=()), b"k" * 32), SHIPPED)


def _id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _uuid(key: bytes) -> str:
    h = key.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def _statement(number: int, who: int, kind: str, share: int, t_ms: int) -> Record:
    body = {
        "actor": {"mbox": f"mailto:p{who}@x.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": f"https://x.example/{kind}/{number % 3}"},
        "result": {"score": {"scaled": share / 4}, "success": share >= 2},
    }
    if kind == "film":
        del body["result"]
    content = decode_statement(msgspec.json.encode(body))
    return Record(0, Kind.STATEMENT, 0, _id(number), t_ms, content)


def _event(number: int, who: int, kind: str, share: int, t_ms: int) -> Record:
    members: dict[str, object] = {
        "id": str(number),
        "source": "s",
        "kind": kind,
        "time": "2024-01-01T00:00:00Z",
    }
    members["actor"] = {"mbox": f"mailto:p{who}@x.example"}
    if kind in ("qa-result", "task-outcome", "observation"):
        members["outcome"] = {"score": share / 4}
    elif kind == "kpi-reading":
        members |= {"outcome": {"value": 5.0 + share * 3}, "kpi": "k"}
    if kind == "observation":
        members["observer"] = {"role": "manager"}
    return Record(0, Kind.EVENT, 0, _id(number), t_ms, msgspec.convert(members, PerformanceEvent))


def _void(number: int, target: int) -> Record:
    body = {
        "actor": {"mbox": "mailto:admin@x.example"},
        "verb": {"id": VOIDED_VERB},
        "object": {"objectType": "StatementRef", "id": _uuid(_id(target))},
    }
    return Record(0, Kind.STATEMENT, 0, _id(number), NOW, decode_statement(msgspec.json.encode(body)))


# Ages cluster around minutes (job-aid windows), days, and decades (blocks that must drop out exactly).
AGES = st.one_of(
    st.integers(0, 7_200_000),
    st.integers(0, 90 * DAY),
    st.sampled_from([33 * DAY, 64 * DAY, 3000 * DAY, 19_000 * DAY]),
)
SHAPES = st.tuples(
    st.integers(0, 1),
    st.sampled_from(["quiz", "sim", "film", "qa-result", "task-outcome", "kpi-reading", "observation",
                     "job-aid-use", "job-aid-use", "opportunity", "qa-result"]),
    st.integers(0, 4),
    AGES,
)  # fmt: skip
STATEMENT_KINDS = {"quiz", "sim", "film"}


@st.composite
def evidence_sets(draw: st.DrawFn) -> list[Record]:
    """Records with distinct ids: statements, events, and voids of some of them (or of nothing known)."""
    shapes = draw(st.lists(SHAPES, min_size=1, max_size=24))
    records = [
        (_statement if kind in STATEMENT_KINDS else _event)(n + 1, who, kind, share, NOW - age)
        for n, (who, kind, share, age) in enumerate(shapes)
    ]
    targets = draw(st.lists(st.integers(1, len(shapes) + 1), max_size=4, unique=True))
    return records + [_void(1000 + target, target) for target in targets]


def _placed(records: list[Record], stored_ms: int = NOW) -> list[Record]:
    return [msgspec.structs.replace(r, position=i + 1, stored_ms=stored_ms) for i, r in enumerate(records)]


COMMON = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(evidence_sets(), st.data())
@COMMON
def test_any_order_gives_identical_evidence_bytes(records: list[Record], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(records))
    one, _ = step(State(), _placed(records), IN_FORCE)
    other, _ = step(State(), _placed(shuffled), IN_FORCE)
    assert one.evidence_bytes() == other.evidence_bytes()


@given(evidence_sets(), st.data())
@COMMON
def test_any_duplication_changes_nothing(records: list[Record], data: st.DataObject) -> None:
    repeats = data.draw(st.lists(st.sampled_from(records), max_size=12))
    once, effects = step(State(), _placed(records), IN_FORCE)
    # Copies come later in the log: whatever they repeat is in the ledger or in the same batch already.
    twice, more = step(State(), _placed(records + repeats), IN_FORCE)
    assert twice.all_bytes() == once.all_bytes()
    assert [e.id for e in more] == [e.id for e in effects]


@given(evidence_sets(), st.data())
@COMMON
def test_any_batching_gives_identical_state_and_effects(records: list[Record], data: st.DataObject) -> None:
    log = _placed(records)
    log = [msgspec.structs.replace(r, stored_ms=NOW + 1000 * i) for i, r in enumerate(log)]
    ticks = [Record(len(log) + 1, Kind.TICK, NOW + 3 * DAY, b"", -1, None)]
    ticks += [Record(len(log) + 2, Kind.TICK, NOW + 9 * DAY, b"", -1, None)]
    log += ticks
    cuts = sorted(data.draw(st.sets(st.integers(0, len(log)), max_size=6)))
    whole, effects = step(State(), log, IN_FORCE)
    state, pieces = State(), []
    for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
        state, more = step(state, log[start:end], IN_FORCE)
        pieces += more
    assert state.all_bytes() == whole.all_bytes()
    assert pieces == effects


@given(evidence_sets())
@COMMON
def test_a_void_leaves_what_was_never_there(records: list[Record]) -> None:
    voids = [
        r for r in records if r.content.__class__.__name__ == "Statement" and r.content.verb.id == VOIDED_VERB
    ]
    gone = {bytes.fromhex(v.content.object.id.replace("-", "")) for v in voids}
    kept = [r for r in records if r not in voids and r.id not in gone]
    with_voids, _ = step(State(), _placed(records), IN_FORCE)
    never, _ = step(State(), _placed(kept), IN_FORCE)
    assert with_voids.evidence_bytes() == never.evidence_bytes()


@given(evidence_sets())
@COMMON
def test_the_input_state_is_not_changed(records: list[Record]) -> None:
    half = len(records) // 2
    log = _placed(records)
    before, _ = step(State(), log[:half], IN_FORCE)
    image, rows = before.all_bytes(), dict(before.rows)
    step(before, log[half:], IN_FORCE)
    assert before.all_bytes() == image
    assert before.rows == rows


@given(evidence_sets())
@COMMON
def test_effect_ids_are_unique_and_sequences_rise(records: list[Record]) -> None:
    _, effects = step(State(), _placed(records), IN_FORCE)
    ids = [effect.id for effect in effects]
    assert len(ids) == len(set(ids))
    last: dict[tuple[str, str], int] = {}
    for effect in effects:
        if hasattr(effect, "sequence") and hasattr(effect, "score"):
            key = (effect.subject, effect.skill)
            assert effect.sequence > last.get(key, 0)
            last[key] = effect.sequence
