"""State is a function of the set of evidence: over workers, merges, splits, contests, and ten years of it.

`test_pipeline_order` shows the same for order, repeats, batches and voids within one fold. Here the
people are spread over workers, two pseudonyms become one person and one becomes two, and pieces are set
aside and restored: each time the bytes are those of the fold that had it right from the start.
"""

from __future__ import annotations

import random
from hashlib import blake2b

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carrythrough.evidence.types import FLAG_ASSISTED, W_ONE, Y_ONE, Channel, Evidence
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.pipeline.contest import Contest, decode_contest, encode_contest, evidence_id, piece_of
from carrythrough.pipeline.fold import Fold
from carrythrough.pipeline.merge import merged_learners, split
from carrythrough.pipeline.plan import Add, Contested, InForce, Operation, Void
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.pipeline.step import State, merged
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.codec import (
    decode_header,
    decode_pair,
    encode_header,
    encode_learner_evidence,
    encode_pair,
)
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.state import LearnerState

NOW = 20_000 * DAY_MS
PEOPLE = 6
MAP = """
map: algebra
version: 1
name: Algebra
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k], job_aid_minutes: 60}, {id: fix, name: Fix, kpis: [k], volatile: true}]
"""
IN_FORCE = InForce(Program(load_program(MAP, "map.yaml")), RosterIndex(Roster(people=()), b"k" * 32), SHIPPED)
COMMON = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Minutes (job aids), days, and decades (blocks that drop out).
AGES = st.one_of(
    st.integers(0, 7_200_000),
    st.integers(0, 90 * DAY_MS),
    st.sampled_from([33 * DAY_MS, 64 * DAY_MS, 3000 * DAY_MS, 19_000 * DAY_MS]),
)


@st.composite
def pieces(draw: st.DrawFn, number: int) -> Evidence:
    channel = draw(st.sampled_from([*Channel, Channel.JOB, Channel.JOB, Channel.SUPPORT]))
    outcome = channel <= Channel.OBSERVED
    return Evidence(
        number.to_bytes(16, "big"),
        draw(st.sampled_from(["calm", "fix"])),
        int(channel),
        NOW - draw(AGES),
        draw(st.integers(0, Y_ONE)) if outcome else 0,
        draw(st.sampled_from([0, 205, W_ONE // 2, W_ONE, 8 * W_ONE])) if outcome else 0,
        draw(st.integers(0, Y_ONE)) if outcome else 0,
        draw(st.sampled_from([0, 0, FLAG_ASSISTED])) if channel == Channel.JOB else 0,
        window_s=3600 if channel == Channel.SUPPORT else 0,
    )


@st.composite
def evidence(draw: st.DrawFn, most: int = 24) -> list[Evidence]:
    return [draw(pieces(number + 1)) for number in range(draw(st.integers(1, most)))]


@st.composite
def operations(draw: st.DrawFn) -> list[Operation]:
    """Evidence of several people, with some of it voided and some of it contested, each once."""
    found: list[Operation] = []
    rows = draw(evidence())
    for e in rows:
        found.append(Add(f"p{draw(st.integers(0, PEOPLE - 1))}", (e,), len(found) + 1, NOW))
    for e in draw(st.lists(st.sampled_from(rows), max_size=3, unique=True)):
        found.append(Void(e.source, len(found) + 1, NOW))
    for e in draw(st.lists(st.sampled_from(rows), max_size=3, unique=True)):
        piece = (e.source, e.skill, e.channel)
        found.append(Contested((piece,), False, "t", "r", "", len(found) + 1, NOW))
    return found


def folded(log: list[Operation], cuts: int = 1) -> State:
    state = State()
    size = max(1, -(-len(log) // cuts))
    for start in range(0, len(log), size):
        state = merged(state, Fold(state, IN_FORCE).run(log[start : start + size]))
    return state


def worker_of(subject: str, workers: int) -> int:
    return int.from_bytes(blake2b(subject.encode(), digest_size=4).digest(), "big") % workers


def spread(log: list[Operation], workers: int) -> State:
    """Fold as `workers` independent folds would, each with the records of its people; then gather.

    Voids and contests go to every worker: only the one that has the evidence finds it.
    """
    learners: dict[str, LearnerState] = {}
    for worker in range(workers):
        mine = [op for op in log if type(op) is not Add or worker_of(op.subject, workers) == worker]
        learners |= folded(mine, 3).learners
    return State(learners)


@given(operations(), st.randoms(use_true_random=False))
@COMMON
def test_any_number_of_workers_gives_identical_bytes(log: list[Operation], rng: random.Random) -> None:
    whole = folded(log)
    for workers in (1, 2, 8):
        shuffled = list(log)
        rng.shuffle(shuffled)
        shuffled += rng.sample(log, len(log) // 2)  # and half of it a second time
        assert spread(shuffled, workers).evidence_bytes() == whole.evidence_bytes()


@given(evidence(), st.data())
@COMMON
def test_a_merge_is_what_one_pseudonym_would_have_had(rows: list[Evidence], data: st.DataObject) -> None:
    sides = data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
    a = [e for e, side in zip(rows, sides, strict=True) if side != 1]
    b = [e for e, side in zip(rows, sides, strict=True) if side != 0]  # 2: known to both sides
    one, other = rebuild(a), rebuild(b)
    images = encode_learner_evidence(one), encode_learner_evidence(other)
    total = merged_learners(one, a, other, b)
    assert encode_learner_evidence(total) == encode_learner_evidence(rebuild(rows))
    swapped = merged_learners(other, b, one, a)
    assert encode_learner_evidence(swapped) == encode_learner_evidence(total)
    assert (encode_learner_evidence(one), encode_learner_evidence(other)) == images


@given(evidence(), st.data())
@COMMON
def test_a_split_undoes_a_merge(rows: list[Evidence], data: st.DataObject) -> None:
    theirs = set(data.draw(st.lists(st.sampled_from([e.source for e in rows]), unique=True)))
    a, b = [e for e in rows if e.source not in theirs], [e for e in rows if e.source in theirs]
    total = merged_learners(rebuild(a), a, rebuild(b), b)
    assert encode_learner_evidence(total) == encode_learner_evidence(rebuild(rows))
    stays, leaves, kept, gone = split([*a, *b], lambda e: e.source in theirs)
    assert encode_learner_evidence(stays) == encode_learner_evidence(rebuild(a))
    assert encode_learner_evidence(leaves) == encode_learner_evidence(rebuild(b))
    assert (kept, gone) == (a, b)


@given(operations(), st.data())
@COMMON
def test_a_contest_and_its_restore_leave_no_trace(log: list[Operation], data: st.DataObject) -> None:
    before = folded(log)
    rows = [op for op in log if type(op) is Add]
    chosen = data.draw(st.lists(st.sampled_from(rows), min_size=1, max_size=4, unique=True))
    already = {piece for op in log if type(op) is Contested for piece in op.pieces}
    named = [(e.source, e.skill, e.channel) for op in chosen for e in op.evidence]
    aside = tuple(piece for piece in named if piece not in already)
    out = Contested(aside, False, "t", "r", "", 10_001, NOW)
    back = Contested(aside, True, "t", "r", "", 10_002, NOW)
    without = folded([*log, out], 2)
    gone = {*already, *aside}
    left = [
        op
        for op in log
        if type(op) is not Add or not {(e.source, e.skill, e.channel) for e in op.evidence} & gone
    ]
    assert without.evidence_bytes() == folded(left).evidence_bytes()
    # Whether both come in one batch, in two, or long before the evidence: the bytes are the same.
    assert folded([*log, out, back]).evidence_bytes() == before.evidence_bytes()
    assert folded([*log, out, back], len(log) + 2).evidence_bytes() == before.evidence_bytes()
    assert folded([out, *log]).evidence_bytes() == without.evidence_bytes()
    assert folded([out, *log, back], 3).evidence_bytes() == before.evidence_bytes()


@given(evidence())
@COMMON
def test_the_codec_loses_nothing(rows: list[Evidence]) -> None:
    learner = rebuild(rows)
    twin = decode_header(encode_header(learner))
    twin.pairs = {skill: decode_pair(encode_pair(pair)) for skill, pair in learner.pairs.items()}
    assert encode_learner_evidence(twin) == encode_learner_evidence(learner)


@given(pieces(7), st.booleans())
def test_a_contest_survives_its_record(e: Evidence, restore: bool) -> None:
    piece = (e.source, e.skill, e.channel)
    assert piece_of(evidence_id(piece)) == piece
    contest = Contest(evidence=(evidence_id(piece),), by="t", reason="r", restore=restore)
    assert decode_contest(encode_contest(contest)) == contest


def test_ten_years_of_daily_evidence_stay_small() -> None:
    """Size is bounded by the layout, not by how much came: the tenth year adds nothing to the second."""
    rng = random.Random(5)
    start = NOW - 3_650 * DAY_MS
    sizes: list[int] = []
    largest = 0
    rows: list[Evidence] = []
    learner = LearnerState()
    for day in range(3_650):
        for channel in Channel:
            outcome = channel <= Channel.OBSERVED
            rows.append(
                Evidence(
                    rng.randbytes(16),
                    "calm",
                    int(channel),
                    start + day * DAY_MS + rng.randrange(DAY_MS),
                    rng.randint(0, Y_ONE) if outcome else 0,
                    8 * W_ONE if outcome else 0,
                    rng.randint(0, Y_ONE) if outcome else 0,
                )
            )
        if day % 365 == 364:
            learner = rebuild(rows, learner)
            rows = []
            sizes.append(len(encode_pair(learner.pairs["calm"])) + len(encode_header(learner)))
            for channel_state in learner.pairs["calm"].channels:
                assert channel_state is not None
                largest = max(largest, *(abs(n) for sums in channel_state.sums.values() for n in sums))
    # Seven channels every day at the largest weight is the worst that can be; usual pairs take half of it.
    assert max(sizes) <= 3_072
    assert sizes[-1] <= max(sizes[4:-1]) + 64
    assert largest.bit_length() <= 100
